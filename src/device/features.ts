import { VirtioUsageError } from "../base/errors.ts";

/** Number of feature bits the library handles (virtio 1.4, section 2.2, allots 0 to 127). */
export const FEATURE_BITS = 128;

const WORDS = FEATURE_BITS / 32;

/**
 * A set of feature bits, read and written in words of 32 as the transports do.
 *
 * @example
 * ```ts
 * const offered = new FeatureSet([VIRTIO_F_VERSION_1, VIRTIO_F_EVENT_IDX]);
 * offered.word(1); // 1: VIRTIO_F_VERSION_1 is bit 32
 * ```
 */
export class FeatureSet {
  readonly words: Uint32Array = new Uint32Array(WORDS);

  constructor(bits: Iterable<number> = []) {
    if (typeof bits?.[Symbol.iterator] !== "function") {
      throw new VirtioUsageError(`FeatureSet: bits is ${String(bits)}, not a list of feature bits`);
    }
    for (const bit of bits) this.add(bit);
  }

  /** Adds a bit; throws {@link VirtioUsageError} outside 0 … 127. */
  add(bit: number): void {
    if (!Number.isInteger(bit) || bit < 0 || bit >= FEATURE_BITS) {
      throw new VirtioUsageError(`feature bit ${bit} is not in 0 … ${FEATURE_BITS - 1}`);
    }
    this.words[bit >>> 5] = (this.word(bit >>> 5) | (1 << (bit & 31))) >>> 0;
  }

  /** Takes a bit out, whatever its number. */
  delete(bit: number): void {
    if (bit >= 0 && bit < FEATURE_BITS) {
      this.words[bit >>> 5] = (this.word(bit >>> 5) & ~(1 << (bit & 31))) >>> 0;
    }
  }

  /** Whether the bit is in the set. */
  has(bit: number): boolean {
    return ((this.word(bit >>> 5) >>> (bit & 31)) & 1) !== 0;
  }

  /** Bits `index*32` … `index*32+31`; 0 beyond the last word. */
  word(index: number): number {
    return this.words[index] ?? 0;
  }

  /** Empties the set. */
  clear(): void {
    this.words.fill(0);
  }

  /** True when every bit of this set is in `other`. */
  isSubsetOf(other: FeatureSet): boolean {
    for (let i = 0; i < WORDS; i++) if ((this.word(i) & ~other.word(i)) !== 0) return false;
    return true;
  }

  /** Drops every bit that is not in `other`. */
  intersect(other: FeatureSet): void {
    for (let i = 0; i < WORDS; i++) this.words[i] = (this.word(i) & other.word(i)) >>> 0;
  }

  /** The bits in ascending order. */
  bits(): number[] {
    const bits: number[] = [];
    for (let bit = 0; bit < FEATURE_BITS; bit++) if (this.has(bit)) bits.push(bit);
    return bits;
  }
}

/** `feature` may only be offered or accepted together with `requires`. */
export interface FeatureDependency {
  readonly feature: number;
  readonly requires: number;
}
