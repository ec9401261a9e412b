// Going to sleep and being woken costs 10 to 70 µs, looking at a word again and again some nanoseconds. So a thread
// first looks for a while, longer where that has paid off, shorter where it has not.

const MIN_BUDGET_US = 2;
// Looks between two looks at the clock.
const LOOKS = 64;

/** Busy waiting with a budget that adapts. */
export class Spinner {
  readonly #maxUs: number;
  #budgetUs: number;

  /** `maxUs` is the longest a spin lasts, in microseconds; 0 turns spinning off. */
  constructor(maxUs: number) {
    this.#maxUs = maxUs;
    this.#budgetUs = maxUs;
  }

  /** How long the next spin lasts at most, in microseconds. */
  get budgetUs(): number {
    return this.#budgetUs;
  }

  /** Watches a word until it is no longer `seen`: true; or until the budget is spent: false. */
  spin(words: Int32Array, at: number, seen: number): boolean {
    if (this.#maxUs === 0) return Atomics.load(words, at) !== seen;
    const end = performance.now() + this.#budgetUs / 1000;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (Atomics.load(words, at) !== seen) {
          this.#budgetUs = Math.min(this.#maxUs, this.#budgetUs * 2);
          return true;
        }
      }
    } while (performance.now() < end);
    this.#budgetUs = Math.max(MIN_BUDGET_US, this.#budgetUs / 2);
    return false;
  }
}

/** Watches a word, however long it takes, until it is no longer `seen` or `performance.now()` passes `endMs`. */
export function spinUntil(words: Int32Array, at: number, seen: number, endMs: number): boolean {
  do {
    for (let i = 0; i < LOOKS; i++) if (Atomics.load(words, at) !== seen) return true;
  } while (performance.now() < endMs);
  return false;
}
