import { oneLine } from "../../conformance/target/guarded-device.ts";

/**
 * Errors that a target throws when nobody called it, in a timer or in a promise that nobody waits for. Left alone they end
 * the process, and with it all that was found. One object listens at a time, until it is closed.
 */
export class StrayErrors {
  /** Resolves with the first one. */
  readonly first: Promise<unknown>;
  #count = 0;
  #said = "";
  #tell: (error: unknown) => void = () => {};

  constructor() {
    this.first = new Promise((resolve) => {
      this.#tell = resolve;
    });
    process.on("uncaughtException", this.#onError);
  }

  /** What they come to, for the end of a sentence that says when; null when there were none. */
  get summary(): string | null {
    if (this.#count === 0) return null;
    const others = this.#count === 1 ? "" : `, and ${this.#count - 1} more`;
    return `${this.#said}${others}`;
  }

  /** What is on its way already is still caught; then nobody listens any more. */
  async close(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off("uncaughtException", this.#onError);
  }

  // Rejections that nobody handles come here too: Node raises them as exceptions.
  readonly #onError = (error: unknown): void => {
    if (this.#count++ === 0) this.#said = oneLine(error);
    this.#tell(error);
  };
}
