/** Numbers that are the same on every run, and the choices a hostile guest makes with them. */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) >>> 0;
  }

  /** Any unsigned 32-bit number. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 … limit-1. */
  below(limit: number): number {
    return Math.floor((this.u32() / 4294967296) * limit);
  }

  /** True in so many of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** A 32-bit number of the kind that breaks arithmetic, or just any. */
  weird(): number {
    if (this.chance(15)) return this.u32();
    if (this.chance(10)) return (1 << this.below(32)) >>> 0;
    return this.pick(WEIRD);
  }
}

const WEIRD = [
  0, 0, 1, 1, 2, 3, 4, 5, 8, 15, 16, 17, 24, 32, 63, 64, 64, 65, 255, 256, 257, 0x3ff, 0x400, 0xfff, 0x1000,
  0x1001, 0x2000, 0x4000, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x10000, 0x3fffffff, 0x40000000, 0x40000001,
  0x7fffffff, 0x80000000, 0x80000001, 0xfffff000, 0xfffffff0, 0xfffffffc, 0xfffffffe, 0xffffffff,
];
