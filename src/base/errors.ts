/**
 * The embedder used the library wrongly (a bad option, an operation in the wrong state).
 * Thrown at once, never caught inside the library. The message says what is wrong and what to do.
 *
 * @example
 * ```ts
 * try {
 *   new GuestMemory([{ base: 4, memory: new ArrayBuffer(4096) }]);
 * } catch (error) {
 *   if (error instanceof VirtioUsageError) console.error(error.message); // says that bases are multiples of 8
 * }
 * ```
 */
export class VirtioUsageError extends Error {
  override readonly name: string = "VirtioUsageError";
}

/**
 * An invariant of the library itself is broken. Whatever a guest writes, this must never be thrown:
 * a fuzzer counts it as a crash.
 *
 * @example
 * ```ts
 * try {
 *   registers.write(offset, 4, value);
 * } catch (error) {
 *   if (error instanceof VirtioBugError) report(error.stack); // a mistake of the library
 *   throw error;
 * }
 * ```
 */
export class VirtioBugError extends Error {
  override readonly name: string = "VirtioBugError";
}
