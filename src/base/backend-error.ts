import { messageOf } from "./brands.ts";

/**
 * A back end (a display, a disk, a renderer …) could not do what its device asked. Thrown by the back end, or rejected
 * with; the device maps `code` to a status of its protocol. Anything else that a back end throws counts as `"lost"`.
 *
 * @example
 * ```ts
 * throw new BackendError("out-of-memory", "a picture of 16384x16384 is larger than this display takes");
 * ```
 */
export class BackendError<Code extends string = string> extends Error {
  override readonly name: string = "BackendError";
  /** One of the codes that the device's back-end interface names; others mean `"lost"` to it. */
  readonly code: Code;

  constructor(code: Code, message: string = code, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a back end threw, as a {@link BackendError}. */
export function toBackendError(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  return new BackendError("lost", messageOf(error), { cause: error });
}
