import createSpinner, { type Spinner } from "yocto-spinner";

/** A terminal, as far as {@link Progress} looks at it: `process.stderr` is one. */
export type ProgressStream = NodeJS.WriteStream;

/** Whether a line that changes in place can be shown: terminals without a size, as expect and containers make, say 0. */
export function showsProgress(stream: ProgressStream, environment: NodeJS.ProcessEnv): boolean {
  const { TERM, CI } = environment;
  return stream.isTTY === true && stream.columns > 0 && TERM !== "dumb" && CI === undefined;
}

/** One line that says how far something is, on terminals only, and only when it takes a while. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #notBefore: number;
  readonly #isShown: boolean;
  #spinner: Spinner | null = null;

  /** Nothing is shown in the first `patienceMs` milliseconds. */
  constructor(stream: ProgressStream, patienceMs: number, environment: NodeJS.ProcessEnv = process.env) {
    this.#stream = stream;
    this.#notBefore = performance.now() + patienceMs;
    this.#isShown = showsProgress(stream, environment);
  }

  /** Shows a text in the place of the last one. */
  say(text: string): void {
    if (!this.#isShown || performance.now() < this.#notBefore) return;
    if (this.#spinner === null) this.#spinner = createSpinner({ text, stream: this.#stream }).start();
    else this.#spinner.text = text;
  }

  /** Takes the line away. */
  stop(): void {
    this.#spinner?.stop();
    this.#spinner = null;
  }
}
