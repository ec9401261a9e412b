import { type CaseResult, VERDICTS, type Verdict } from "../../conformance/index.ts";
import type { Console } from "../console.ts";
import { Progress, type ProgressStream } from "../progress.ts";

const PATIENCE_MS = 400;
const PAINT_EVERY_MS = 80;
const LINE_EVERY_MS = 10_000;

/** Says how far a run is: on terminals in one line that changes, elsewhere in a line now and then, in CI not at all. */
export class LiveProgress {
  readonly #stream: ProgressStream;
  readonly #console: Console;
  readonly #quiet: boolean;
  readonly #progress: Progress;
  readonly #totals = new Map<Verdict, number>();
  #target = "";
  #painted = 0;
  readonly #lineEveryMs: number;
  #nextLine: number;

  constructor(
    stream: ProgressStream,
    console: Console,
    environment: NodeJS.ProcessEnv = process.env,
    lineEveryMs = LINE_EVERY_MS,
  ) {
    this.#stream = stream;
    this.#console = console;
    this.#quiet = stream.isTTY !== true && isTrue(environment["CI"]);
    this.#lineEveryMs = lineEveryMs;
    this.#nextLine = performance.now() + lineEveryMs;
    this.#progress = new Progress(stream, PATIENCE_MS, environment);
  }

  /** The next target begins. */
  begin(target: string): void {
    this.#target = target;
    this.#totals.clear();
    this.#progress.say(`${target}: starting`);
  }

  /** A case has ended. */
  add({ id, verdict }: CaseResult, done: number, total: number): void {
    this.#totals.set(verdict, (this.#totals.get(verdict) ?? 0) + 1);
    const now = performance.now();
    if (this.#stream.isTTY === true) {
      if (now - this.#painted < PAINT_EVERY_MS && done < total) return;
      this.#painted = now;
      this.#progress.say(clip(`${this.#soFar(done, total)}  ${id}`, (this.#stream.columns ?? 80) - 4));
    } else if (!this.#quiet && now >= this.#nextLine) {
      this.#nextLine = now + this.#lineEveryMs;
      this.#console.error(`${this.#soFar(done, total)}\n`);
    }
  }

  /** Takes the line away. */
  stop(): void {
    this.#progress.stop();
  }

  #soFar(done: number, total: number): string {
    const counts = VERDICTS.filter((verdict) => verdict !== "pass" && this.#totals.has(verdict)).map(
      (verdict) => `${this.#totals.get(verdict)} ${verdict}`,
    );
    const sums = counts.length === 0 ? "" : ` (${counts.join(", ")})`;
    return `${this.#target}: ${done} of ${total} cases${sums}`;
  }
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}

function clip(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
