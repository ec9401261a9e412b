import { VirtioUsageError } from "./errors.ts";

/** A value now, or a promise of it. */
export type MaybeLater<T> = T | Promise<T>;

/** True for promises, those of other realms and libraries included. */
export function isPromise<T>(value: MaybeLater<T>): value is Promise<T> {
  return isObject(value) && typeof value["then"] === "function";
}

/** For a result that nobody waits for any more: a failure of it concerns nobody either. */
export function ofNoInterest(result: MaybeLater<unknown>): void {
  if (isPromise(result)) result.then(undefined, () => {});
}

/** What `next` makes of a result, once it is there; a failure passes by. */
export function onceDone<T, U>(result: MaybeLater<T>, next: (value: T) => U): MaybeLater<U> {
  return isPromise(result) ? Promise.resolve(result).then(next) : next(result);
}

/** Both of them, once both are done; the failure of either is the failure of both. */
export function both(first: MaybeLater<void>, second: MaybeLater<void>): MaybeLater<void> {
  if (!isPromise(first)) return second;
  if (!isPromise(second)) return first;
  return Promise.all([first, second]).then(() => {});
}

/**
 * For what must be there at once. Throws {@link VirtioUsageError} for a promise; `what` is who returned it, as in
 * `renderer.save()`, and `instead` what would be right.
 */
export function atOnce<T>(result: T, what: string, instead: string): T {
  if (!isPromise(result)) return result;
  ofNoInterest(result);
  throw new VirtioUsageError(`${what} returned a promise, and its result is needed at once: ${instead}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
