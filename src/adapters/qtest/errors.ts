/**
 * QEMU went away: its process ended (`crash`), or did not answer in time and was killed (`hang`).
 *
 * @example
 * ```ts
 * try {
 *   device.write(0x70, 4, 0xff);
 * } catch (error) {
 *   if (error instanceof QemuGoneError) console.log(error.how); // "crash" or "hang"
 * }
 * ```
 */
export class QemuGoneError extends Error {
  override readonly name: string = "QemuGoneError";
  readonly how: "crash" | "hang";

  constructor(how: "crash" | "hang", message: string) {
    super(message);
    this.how = how;
  }
}

/**
 * There is no such program, it is not QEMU, or it cannot start the machine asked for. The message is one line.
 *
 * @example
 * ```ts
 * try {
 *   await probeQemu("qemu-system-x86_64");
 * } catch (error) {
 *   if (error instanceof QemuUnfitError) console.log(`skipped: ${error.message}`);
 * }
 * ```
 */
export class QemuUnfitError extends Error {
  override readonly name: string = "QemuUnfitError";
}

/**
 * QEMU answered a qtest or QMP command with an error.
 *
 * @example
 * ```ts
 * try {
 *   await machine.qmp.execute("no-such-command");
 * } catch (error) {
 *   if (error instanceof QemuRefusedError) console.log(error.message);
 * }
 * ```
 */
export class QemuRefusedError extends Error {
  override readonly name: string = "QemuRefusedError";
}
