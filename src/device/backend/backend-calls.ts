import { BackendError, toBackendError } from "../../base/backend-error.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";

/** The calls of one life of the device, from reset to reset. */
export interface CallsOfLife {
  pending: number;
}

/**
 * The border to one back end: what it throws or rejects with becomes a {@link BackendError}, so that it is never
 * mistaken for a bug of the device's own; whenever control comes back, `returned` runs; and calls whose promises have not
 * settled are counted.
 *
 * A device reset abandons the calls under way: nothing waits for them any more, a dead back end included. It is not asked
 * again and again all the same: once as many calls as the limit says were abandoned, further ones fail, until some
 * settle. So resets neither stop the device for good nor make a back end hold ever more of what a guest sent.
 */
export class BackendCalls {
  readonly #name: string;
  readonly #maxAbandoned: number;
  readonly #returned: () => void;
  #life: CallsOfLife = { pending: 0 };
  #abandoned = 0;

  /** `returned` is the host's `sync`: a callback may have let the guest's memory grow. */
  constructor(name: string, maxAbandoned: number, returned: () => void) {
    this.#name = name;
    this.#maxAbandoned = maxAbandoned;
    this.#returned = returned;
  }

  /** Calls under way that were begun before the last device reset. */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** One call. Throws nothing but {@link BackendError}, and its promise rejects with nothing else. */
  call<T>(action: () => MaybeLater<T>): MaybeLater<T> {
    const life = this.begin();
    try {
      return this.end(life, action());
    } catch (error) {
      throw toBackendError(error);
    } finally {
      this.#returned();
    }
  }

  /**
   * The two halves of {@link call}, for calls that are too frequent for a closure. Before: throws {@link BackendError}
   * when too many were abandoned; returns what {@link end} wants.
   */
  begin(): CallsOfLife {
    if (this.#abandoned >= this.#maxAbandoned) {
      throw new BackendError(
        "lost",
        `the ${this.#name} still owes ${this.#abandoned} calls of before a reset`,
      );
    }
    // The back end may reset the device from within the call.
    return this.#life;
  }

  /** Called after a call; returns its result. */
  end<T>(life: CallsOfLife, result: MaybeLater<T>): MaybeLater<T> {
    return isPromise(result) ? this.#follow(life, result) : result;
  }

  #follow<T>(life: CallsOfLife, result: Promise<T>): Promise<T> {
    if (life === this.#life) life.pending++;
    else this.#abandoned++;
    const settled = (): void => {
      if (life === this.#life) life.pending--;
      else this.#abandoned--;
    };
    // Whatever it is, it is asked for its result once.
    return Promise.resolve(result).then(
      (value) => {
        settled();
        return value;
      },
      (error: unknown) => {
        settled();
        throw toBackendError(error);
      },
    );
  }

  /** The device was reset. */
  abandon(): void {
    this.#abandoned += this.#life.pending;
    this.#life = { pending: 0 };
  }
}
