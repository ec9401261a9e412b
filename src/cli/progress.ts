import ora, { type Ora } from "ora";

/** A terminal, as far as {@link Progress} looks at it: `process.stderr` is one. */
export type ProgressStream = NodeJS.WriteStream;

/** One line that says how far something is, on terminals only, and only when it takes a while. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #notBefore: number;
  #spinner: Ora | null = null;

  /** Nothing is shown in the first `patienceMs` milliseconds. */
  constructor(stream: ProgressStream, patienceMs: number) {
    this.#stream = stream;
    this.#notBefore = performance.now() + patienceMs;
  }

  /** Shows a text in the place of the last one. */
  say(text: string): void {
    // Terminals without a size, as expect and containers make them, have 0 columns: ora divides by their number.
    if (this.#stream.isTTY !== true || !(this.#stream.columns > 0)) return;
    if (performance.now() < this.#notBefore) return;
    this.#spinner ??= ora({ text, stream: this.#stream, discardStdin: false, isEnabled: true }).start();
    this.#spinner.text = text;
  }

  /** Takes the line away. */
  stop(): void {
    this.#spinner?.stop();
    this.#spinner = null;
  }
}
