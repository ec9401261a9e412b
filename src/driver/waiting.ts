import { DriverError } from "./errors.ts";

declare function setTimeout(task: () => void, milliseconds: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** How a driver waits for its device. */
export interface WaitOptions {
  /**
   * Called between two looks of a synchronous wait, with how many looks there were: the place to run the device, or
   * to block until another thread did. Default: nothing, for devices that work inside the notification.
   */
  readonly wait?: (attempt: number) => void;
  /** Looks before a synchronous wait gives up with ETIMEDOUT. Default 10000. */
  readonly maxAttempts?: number;
  /** Milliseconds before an asynchronous wait gives up with ETIMEDOUT. Default 5000. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks of an asynchronous wait that no interrupt ends. Default 1. */
  readonly pollMs?: number;
}

/** Waits in both ways, bounded in both. */
export class Waiter {
  readonly #wait: ((attempt: number) => void) | null;
  readonly #maxAttempts: number;
  readonly #timeoutMs: number;
  readonly #pollMs: number;
  readonly #sleepers = new Set<() => void>();

  constructor(options: WaitOptions) {
    this.#wait = options.wait ?? null;
    this.#maxAttempts = options.maxAttempts ?? 10000;
    this.#timeoutMs = options.timeoutMs ?? 5000;
    this.#pollMs = options.pollMs ?? 1;
  }

  /** Looks until `done` says true. Throws {@link DriverError} ETIMEDOUT after the bounded number of looks. */
  untilSync(done: () => boolean, what: string): void {
    for (let attempt = 0; !done(); attempt++) {
      if (attempt === this.#maxAttempts) throw new DriverError("ETIMEDOUT", what);
      this.#wait?.(attempt);
    }
  }

  /** Looks, and between looks sleeps until {@link wake} or for a moment. Rejects as {@link untilSync} throws. */
  async until(done: () => boolean, what: string): Promise<void> {
    const end = Date.now() + this.#timeoutMs;
    while (!done()) {
      if (Date.now() > end) throw new DriverError("ETIMEDOUT", what);
      await this.#sleep();
    }
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, this.#pollMs);
      this.#sleepers.add(wake);
    });
  }

  /** Something may have happened: an interrupt. */
  wake(): void {
    for (const wake of [...this.#sleepers]) wake();
  }
}
