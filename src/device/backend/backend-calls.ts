import { BackendError } from "../../base/backend-error.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";

/** The calls of one life of the device, from reset to reset. */
export interface Life {
  pending: number;
}

/**
 * Calls of one back end whose promises have not settled. A device reset abandons those under way: nothing waits for
 * them any more, a dead back end included. It is not asked again and again all the same: once as many calls as the limit
 * says were abandoned, further ones fail, until some settle. So resets neither stop the device for good nor make a back
 * end hold ever more of what a guest sent.
 */
export class BackendCalls {
  readonly #name: string;
  readonly #maxAbandoned: number;
  #life: Life = { pending: 0 };
  #abandoned = 0;

  constructor(name: string, maxAbandoned: number) {
    this.#name = name;
    this.#maxAbandoned = maxAbandoned;
  }

  /** Calls under way that were begun before the last device reset. */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** Before a call. Throws {@link BackendError} when too many were abandoned; returns what {@link end} wants. */
  begin(): Life {
    if (this.#abandoned >= this.#maxAbandoned) {
      throw new BackendError(
        "lost",
        `the ${this.#name} still owes ${this.#abandoned} calls of before a reset`,
      );
    }
    // The back end may reset the device from within the call.
    return this.#life;
  }

  /** Behind a call; returns its result. */
  end<T>(life: Life, result: MaybeLater<T>): MaybeLater<T> {
    return isPromise(result) ? this.#follow(life, result) : result;
  }

  #follow<T>(life: Life, result: Promise<T>): Promise<T> {
    if (life === this.#life) life.pending++;
    else this.#abandoned++;
    const settled = (): void => {
      if (life === this.#life) life.pending--;
      else this.#abandoned--;
    };
    // Whatever it is, it is asked for its result once.
    const promise = Promise.resolve(result);
    promise.then(settled, settled);
    return promise;
  }

  /** The device was reset. */
  abandon(): void {
    this.#abandoned += this.#life.pending;
    this.#life = { pending: 0 };
  }
}
