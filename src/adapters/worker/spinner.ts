// Going to sleep and being woken costs 10 to 70 µs, looking at a word again and again some nanoseconds. So a thread
// first looks for a while: longer where that has paid off, shorter where it has not. Two threads that answer each
// other are either both awake, and quick, or both asleep, and slow, and stay so; hence now and then a long look, which
// takes them back to being awake.

const MIN_BUDGET_US = 2;
// Looks between two looks at the clock.
const LOOKS = 64;
// So many spins in vain, then one as long as allowed.
const FAILURES_BEFORE_LONG_SPIN = 8;

/** Busy waiting with a budget that adapts. */
export class Spinner {
  readonly #maxUs: number;
  #budgetUs: number;
  #failures = 0;

  /** `maxUs` is the longest a spin lasts, in microseconds; 0 turns spinning off. */
  constructor(maxUs: number) {
    this.#maxUs = maxUs;
    this.#budgetUs = maxUs;
  }

  /** How long the next spin lasts at most, in microseconds. */
  get budgetUs(): number {
    return this.#failures >= FAILURES_BEFORE_LONG_SPIN ? this.#maxUs : this.#budgetUs;
  }

  /** Watches a word until it differs from `seen` (returns true) or the budget is spent (false). */
  spin(words: Int32Array, at: number, seen: number): boolean {
    if (this.#maxUs === 0) return Atomics.load(words, at) !== seen;
    const begin = performance.now();
    const end = begin + this.budgetUs / 1000;
    let now = begin;
    do {
      for (let i = 0; i < LOOKS; i++) {
        if (Atomics.load(words, at) !== seen) {
          this.#succeeded((now - begin) * 1000);
          return true;
        }
      }
      now = performance.now();
    } while (now < end);
    this.#failed();
    return false;
  }

  #succeeded(tookUs: number): void {
    this.#budgetUs = Math.min(this.#maxUs, Math.max(this.#budgetUs, 2 * tookUs));
    this.#failures = 0;
  }

  #failed(): void {
    if (this.#failures >= FAILURES_BEFORE_LONG_SPIN) this.#failures = 0;
    else this.#failures++;
    this.#budgetUs = Math.max(Math.min(MIN_BUDGET_US, this.#maxUs), this.#budgetUs / 2);
  }
}

/** Watches a word, however long it takes, until it is no longer `seen` or `performance.now()` passes `endMs`. */
export function spinUntil(words: Int32Array, at: number, seen: number, endMs: number): boolean {
  do {
    for (let i = 0; i < LOOKS; i++) if (Atomics.load(words, at) !== seen) return true;
  } while (performance.now() < endMs);
  return false;
}
