/** Scattered guest memory; c/copy.c has the same generator, so that both copy from the same places. */

export const PAGE_BYTES = 4096;

/** xorshift32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 up to, not including, `limit`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }
}

/** Numbers of `count` different pages out of `pool`, in no order. */
export function scatteredPages(count: number, pool: number, random: Random): Uint32Array {
  const pages = Uint32Array.from({ length: pool }, (_, page) => page);
  for (let i = 0; i < count; i++) {
    const other = i + random.below(pool - i);
    const page = pages[i] as number;
    pages[i] = pages[other] as number;
    pages[other] = page;
  }
  return pages.subarray(0, count);
}

/** Fills memory with words that differ from place to place. */
export function fillPattern(words: Uint32Array): void {
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
}
