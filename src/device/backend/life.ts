import { BackendError } from "../../base/backend-error.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import { type Step, transact } from "./transaction.ts";

/** What a device does for its lives. */
export interface LifeOwner {
  /** The host's `sync`: control comes back from outside. */
  sync(): void;
  /** A back end failed at something that goes on without it; for traces. */
  failed(error: BackendError): void;
}

/**
 * One life of a device, from reset to reset. What was begun in a life belongs to it: once it is over, nothing of that is
 * finished, answered or taken back any more.
 */
export class Life {
  readonly #owner: LifeOwner;
  #over = false;

  constructor(owner: LifeOwner) {
    this.#owner = owner;
  }

  /** True once the device was reset. */
  get over(): boolean {
    return this.#over;
  }

  /** The device is reset; returns the life that begins. */
  end(): Life {
    this.#over = true;
    return new Life(this.#owner);
  }

  /** A promise has settled: false when it belongs to an earlier life. */
  enter(): boolean {
    if (this.#over) return false;
    this.#owner.sync();
    return true;
  }

  /** Makes a change of several steps, all of it or nothing; see {@link transact}. */
  transact(steps: readonly Step[]): MaybeLater<void> {
    return transact(this, steps);
  }

  /** What follows on a result of a back end, now or later; not at all once the life is over. */
  after<T>(result: MaybeLater<T>, next: (value: T) => MaybeLater<void>): MaybeLater<void> {
    if (!isPromise(result)) return this.#over ? undefined : next(result);
    return result.then((value) => (this.enter() ? next(value) : undefined));
  }

  /**
   * Does something to a back end whose failure is reported and otherwise of no consequence: there is nothing that could
   * be taken back. The promise, if there is one, never rejects.
   */
  attempt(action: () => MaybeLater<unknown>): MaybeLater<void> {
    const failed = (error: unknown): void => {
      if (!(error instanceof BackendError)) throw error;
      this.#owner.failed(error);
    };
    try {
      const result = action();
      if (isPromise(result)) return result.then(() => {}, failed);
    } catch (error) {
      failed(error);
    }
  }
}
