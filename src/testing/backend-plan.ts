import { BackendError } from "../base/backend-error.ts";

/** How a call of a back end may fail: thrown or rejected, with a `BackendError` or anything, or a result that means nothing. */
export const FAILURES = ["throw", "throw-anything", "reject", "useless", "reject-and-useless"] as const;
/** One of {@link FAILURES}. */
export type Failure = (typeof FAILURES)[number];

/**
 * Which calls of back ends fail, and which come late: for devices whose back ends the test writes. A call that fails has
 * done nothing.
 *
 * @example
 * ```ts
 * const plan = new BackendPlan();
 * const device = new RngDevice({ source: (bytes) => plan.call("source", () => void bytes.fill(7)) });
 * plan.failAfter = 1; // the second call throws
 * plan.late = () => true; // and all others wait for plan.settle(0)
 * ```
 */
export class BackendPlan {
  /** Calls until one fails, counted down; below zero none does. */
  failAfter = -1;
  failure: Failure = "throw";
  /** Says of each call whether it comes late. */
  late: () => boolean = () => false;
  /** Calls that failed, by name. */
  readonly failed: string[] = [];
  #owed: (() => void)[] = [];

  /** Calls whose promises have not settled. */
  get owed(): number {
    return this.#owed.length;
  }

  /** Lets a promise settle, by its position among those that are owed. */
  settle(index: number): void {
    const [settle] = this.#owed.splice(index, 1);
    settle?.();
  }

  /** One call: `happen` is what it does to the model, `useless` a result that means nothing. */
  call<T>(name: string, happen: () => T, useless?: unknown): T | Promise<T> {
    const late = this.late();
    if (this.failAfter < 0 || this.failAfter-- > 0) {
      return late ? new Promise<T>((resolve) => void this.#owed.push(() => resolve(happen()))) : happen();
    }
    this.failed.push(`${name}: ${this.failure}`);
    const error = new BackendError("out-of-memory", "as planned");
    switch (this.failure) {
      case "throw-anything":
        throw new TypeError("this back end has a bug");
      case "reject":
        return new Promise<T>((_, reject) => void this.#owed.push(() => reject(error)));
      case "useless":
        if (useless !== undefined) return useless as T;
        throw error;
      case "reject-and-useless":
        if (useless === undefined) return Promise.reject(error);
        return new Promise<T>((resolve) => void this.#owed.push(() => resolve(useless as T)));
      default:
        throw error;
    }
  }
}
