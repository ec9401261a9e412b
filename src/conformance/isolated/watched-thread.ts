import { Journal } from "./journal.ts";
import { type FromTarget, ofKind, type ToTarget } from "./messages.ts";
import { type IsolatedThread, onEnd, onMessage } from "./ports.ts";

declare function setTimeout(task: () => void, milliseconds: number): number;
declare function clearTimeout(timer: number): void;

const KINDS = ["loaded", "begin", "result", "ended", "broken"] as const;
/** In so many of our own turns a limit runs out: a machine that is busy makes nobody late. */
const TURNS = 16;
/** A thread that has not begun after this is none. */
const START_MS = 30_000;
/** So often the thread shows in that time that it is alive. */
const BEATS = 4;

/** How a thread went, instead of another message. */
export interface ThreadGone {
  readonly kind: "gone";
  readonly how: "crash" | "hang";
  readonly message: string;
}

/** How long a thread may show no sign of life, and how long it may stay in one stage. */
export interface ThreadLimits {
  readonly stillMs: number;
  readonly stageMs: number;
}

/** A thread with a target, from outside: what it says, one message after the other, and that it has stopped saying anything. */
export class WatchedThread {
  readonly journal = new Journal();
  readonly #thread: IsolatedThread;
  readonly #limits: ThreadLimits;
  readonly #waiting: (FromTarget | ThreadGone)[] = [];
  #wake: ((message: FromTarget | ThreadGone) => void) | null = null;
  #isGone = false;
  #timer = 0;

  constructor(thread: IsolatedThread, limits: ThreadLimits) {
    this.#thread = thread;
    this.#limits = limits;
    onMessage(thread, (data) => {
      const message = ofKind<FromTarget>(data, KINDS);
      if (message !== null) this.#came(message);
    });
    onEnd(thread, (message) => this.#went("crash", message));
    this.post({ kind: "load", journal: this.journal.memory, beatEveryMs: limits.stillMs / BEATS });
    this.#watch();
  }

  /** Says something to it. */
  post(message: ToTarget): void {
    if (!this.#isGone) this.#thread.postMessage(message);
  }

  /** What it says next, or how it went. */
  next(): Promise<FromTarget | ThreadGone> {
    const message = this.#waiting.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Ends it, whatever it does. */
  end(): void {
    this.#isGone = true;
    clearTimeout(this.#timer);
    this.#thread.terminate();
  }

  /** Ends it because whoever waits for it has waited enough. */
  giveUp(message: string): void {
    this.#went("hang", message);
  }

  #came(message: FromTarget | ThreadGone): void {
    const wake = this.#wake;
    this.#wake = null;
    if (wake === null) this.#waiting.push(message);
    else wake(message);
  }

  #went(how: "crash" | "hang", message: string): void {
    if (this.#isGone) return;
    this.end();
    this.#came({ kind: "gone", how, message });
  }

  #watch(): void {
    const { stillMs, stageMs } = this.#limits;
    const { journal } = this;
    const turnMs = stillMs / TURNS;
    let { beats, stages } = journal;
    let still = 0;
    let inStage = 0;
    const look = (): void => {
      still = journal.beats === beats ? still + 1 : 0;
      inStage = journal.stages === stages ? inStage + 1 : 0;
      ({ beats, stages } = journal);
      const stageLimitMs = beats === 0 ? START_MS : stageMs;
      if (beats > 0 && still >= TURNS) this.#went("hang", `it spins: no sign of life for ${stillMs} ms`);
      else if ((beats === 0 || journal.currentStage !== "idle") && inStage * turnMs >= stageLimitMs) {
        this.#went("hang", `no end after ${stageLimitMs} ms`);
      } else this.#timer = setTimeout(look, turnMs);
    };
    this.#timer = setTimeout(look, turnMs);
  }
}
