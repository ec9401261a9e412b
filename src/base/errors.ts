/**
 * The embedder used the library wrongly (a bad option, an operation in the wrong state).
 * Thrown at once, never caught inside the library. The message says what is wrong and what to do.
 */
export class VirtioUsageError extends Error {
  override readonly name: string = "VirtioUsageError";
}

/**
 * An invariant of the library itself is broken. Whatever a guest writes, this must never be thrown:
 * a fuzzer counts it as a crash.
 */
export class VirtioBugError extends Error {
  override readonly name: string = "VirtioBugError";
}
