/** QEMU went away: its process ended (`crash`), or did not answer in time and was killed (`hang`). */
export class QemuGoneError extends Error {
  override readonly name: string = "QemuGoneError";
  readonly how: "crash" | "hang";

  constructor(how: "crash" | "hang", message: string) {
    super(message);
    this.how = how;
  }
}

/** There is no such program, it is not QEMU, or it cannot start the machine asked for. The message is one line. */
export class QemuUnfitError extends Error {
  override readonly name: string = "QemuUnfitError";
}

/** QEMU answered a qtest or QMP command with an error. */
export class QemuRefusedError extends Error {
  override readonly name: string = "QemuRefusedError";
}
