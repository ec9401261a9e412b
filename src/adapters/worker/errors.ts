/** Why a channel between two threads does not work, or not any more. */
export type ChannelErrorCode =
  /** The other thread did not answer in time: it hangs, died, or was never started. */
  | "timeout"
  /** The device's end was closed. */
  | "device-closed"
  /** The device threw; its own thread has the error. */
  | "device-failed"
  /** The driver's end was closed. */
  | "driver-closed"
  /** The thread that made the channel gave it up. */
  | "aborted";

/**
 * Thrown in the driver's thread when the device's thread can't be reached.
 *
 * @example
 * ```ts
 * try {
 *   await bus.connect();
 * } catch (error) {
 *   if (error instanceof ChannelError && error.code === "timeout") worker.terminate();
 * }
 * ```
 */
export class ChannelError extends Error {
  override readonly name: string = "ChannelError";
  readonly code: ChannelErrorCode;

  constructor(code: ChannelErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
