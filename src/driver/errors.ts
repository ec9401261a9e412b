/** What went wrong, named after the errno a kernel driver would return. */
export type DriverErrorCode =
  /** Guest memory is exhausted. */
  | "ENOMEM"
  /** The caller asked for something the driver must not do. */
  | "EINVAL"
  /** The device did something it must not, or needs a reset. */
  | "EIO"
  /** The device did not answer within the bounded number of tries. */
  | "ETIMEDOUT"
  /** There is no such device, or not one this driver can drive. */
  | "ENODEV"
  /** There is no object of this id or handle. */
  | "ENOENT"
  /** What is asked for is under way already, or in use. */
  | "EBUSY"
  /** The caller lacks the right to do it. */
  | "EACCES"
  /** A number is beyond what can be expressed. */
  | "ERANGE"
  /** The process was killed while the kernel waited. */
  | "EINTR"
  /** A file or file descriptor was closed. */
  | "EBADF"
  /** A queue or a pool is full. */
  | "ENOSPC"
  /** The device does not offer what the operation needs. */
  | "EOPNOTSUPP"
  /** The operation was given up because its queue or device was reset. */
  | "ECANCELED";

/**
 * Everything the driver side throws, except for bugs. `code` tells the cases apart.
 *
 * @example
 * ```ts
 * try {
 *   MmioDriverTransport.open(registers);
 * } catch (error) {
 *   if (error instanceof DriverError && error.code === "ENODEV") console.log("no device there");
 * }
 * ```
 */
export class DriverError extends Error {
  override readonly name: string = "DriverError";
  readonly code: DriverErrorCode;

  constructor(code: DriverErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
