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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
