// Wake-ups between threads. One Signal is two words of shared memory: a counter that the waker raises, and a word in
// which sleepers say how they want to be woken, so that a waker nobody waits for pays two atomic operations and no
// system call.
import type { WakePort } from "./wake-port.ts";

const AWAKE = 0;
const SLEEPS_ON_WORD = 1;
const SLEEPS_ON_PORT = 2;

// Nothing wakes a sleeper whose only way to be woken is a message when the thread that holds the other port dies.
const PORT_CHECK_MS = 100;
const POLL_MS = 1;
// The longest time a timer can be set for.
const MAX_TIMER_MS = 0x7fffffff;

/** What this thread may do while it waits. */
export interface WaitAbilities {
  /** Atomics.wait is allowed: true in workers and in Node, false in a browser's main thread. */
  readonly canBlock: boolean;
  /** Atomics.waitAsync exists. */
  readonly canWaitAsync: boolean;
}

/** Finds out what this thread may do. */
export function detectWaitAbilities(): WaitAbilities {
  let canBlock = true;
  try {
    // Returns at once, as the value differs; throws where blocking is forbidden.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
  } catch {
    canBlock = false;
  }
  return { canBlock, canWaitAsync: typeof Atomics.waitAsync === "function" };
}

/** One direction of wake-ups over two words of shared memory. Both threads have an instance. */
export class Signal {
  readonly words: Int32Array;
  /** Index of the counter. */
  readonly at: number;
  readonly #abilities: WaitAbilities;
  readonly #port: WakePort | null;
  readonly #sleepers = new Set<() => void>();

  /**
   * `port` is the way to wake a thread that has neither Atomics.wait nor Atomics.waitAsync; with null such a thread
   * polls.
   */
  constructor(words: Int32Array, at: number, abilities: WaitAbilities, port: WakePort | null) {
    this.words = words;
    this.at = at;
    this.#abilities = abilities;
    this.#port = port;
  }

  /** The counter. Read it, look for work, and if there is none, sleep with the value read. */
  get count(): number {
    return Atomics.load(this.words, this.at);
  }

  /** Wakes all that sleep, or are about to with the count from before. */
  raise(): void {
    const { words, at } = this;
    Atomics.add(words, at, 1);
    // A sleeper announces itself before it looks at the counter a last time, so that one of both sees the other.
    if (Atomics.load(words, at + 1) === AWAKE) return;
    const how = Atomics.exchange(words, at + 1, AWAKE);
    if ((how & SLEEPS_ON_WORD) !== 0) Atomics.notify(words, at);
    if ((how & SLEEPS_ON_PORT) !== 0) this.#port?.postMessage(0);
  }

  /** Blocks until the counter is no longer `seen` or the time is over. Only where blocking is allowed. */
  sleep(seen: number, timeoutMs: number): void {
    Atomics.or(this.words, this.at + 1, SLEEPS_ON_WORD);
    Atomics.wait(this.words, this.at, seen, timeoutMs);
  }

  /**
   * Like {@link sleep}, but does not block the thread. May end early. False when there was no time for
   * others, because the counter was no longer `seen`.
   */
  async sleepAsync(seen: number, timeoutMs: number): Promise<boolean> {
    return this.#abilities.canWaitAsync
      ? await this.#sleepOnWord(seen, timeoutMs)
      : await this.#sleepOnPort(seen, timeoutMs);
  }

  async #sleepOnWord(seen: number, timeoutMs: number): Promise<boolean> {
    const { words, at } = this;
    Atomics.or(words, at + 1, SLEEPS_ON_WORD);
    const result = Atomics.waitAsync(words, at, seen, timeoutMs);
    if (!result.async) return false;
    // In Node a wait does not keep the thread alive; a timer does.
    const keepAlive = setInterval(() => {}, MAX_TIMER_MS);
    try {
      await result.value;
    } finally {
      clearInterval(keepAlive);
    }
    return true;
  }

  async #sleepOnPort(seen: number, timeoutMs: number): Promise<boolean> {
    if (this.#port !== null) Atomics.or(this.words, this.at + 1, SLEEPS_ON_PORT);
    const limit = Math.min(timeoutMs, this.#port === null ? POLL_MS : PORT_CHECK_MS);
    if (this.count !== seen) return false;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, limit);
      this.#sleepers.add(done);
    });
    return true;
  }

  /** A message came on the port. */
  messageArrived(): void {
    for (const wake of this.#sleepers) wake();
  }
}
