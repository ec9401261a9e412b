import { DriverError } from "../../errors.ts";
import type { KmsClock } from "./clock.ts";

/** How a wait ended. */
export type WaitOutcome = "ready" | "timeout" | "interrupted";

/** What a task of the kernel waits for. */
export interface Wait {
  readonly done: () => boolean;
  /** When it gives up, in the clock's milliseconds; Infinity: never. */
  readonly deadlineMs: number;
  /** Whether a signal to the process ends it. */
  readonly interruptible: boolean;
  /** For messages. */
  readonly what: string;
}

/** A task of the kernel: it yields what it waits for, and is told how the wait ended. */
export type Task<T> = Generator<Wait, T, WaitOutcome>;

/**
 * A task waits for something that has not come for the option `hangAfterMs`, without a limit of its own.
 * Linux would wait on, holding its locks; so does the task, in the background: when the device answers after all,
 * it goes on.
 *
 * @example
 * ```ts
 * try {
 *   file.dirtyFb(fbId);
 * } catch (error) {
 *   if (error instanceof KmsHangError) error.kill(); // as kill -9 would, where Linux could be killed
 * }
 * ```
 */
export class KmsHangError extends DriverError {
  override readonly name = "KmsHangError";
  /** What is waited for. */
  readonly what: string;
  /** Whether killing the process would end the wait. */
  readonly killable: boolean;
  readonly #kill: () => boolean;

  constructor(what: string, killable: boolean, kill: () => boolean) {
    super("ETIMEDOUT", `Linux waits without limit for ${what}`);
    this.what = what;
    this.killable = killable;
    this.#kill = kill;
  }

  /**
   * Kills the process that hangs: the wait ends, and the kernel finishes the call as it does then. Returns false when
   * it cannot be killed, or hangs no more.
   */
  kill(): boolean {
    return this.#kill();
  }
}

/** What a {@link Scheduler} works with. */
export interface SchedulerOptions {
  readonly clock: KmsClock;
  /** Milliseconds without an end after which a wait without limit is reported as {@link KmsHangError}. */
  readonly hangAfterMs: number;
  /** Milliseconds between two looks while tasks sleep and no interrupt may come; 0: interrupts do come. */
  readonly pollMs: number;
  /** Takes in what the device has answered. */
  readonly poll: () => void;
  /** A task in the background failed. */
  readonly onError: (error: unknown) => void;
}

/** A task that sleeps, or is about to run. */
interface Sleeper {
  readonly task: Task<unknown>;
  readonly finish: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
  /** Null while the task has not begun. */
  wait: Wait | null;
  since: number;
  /** The process was killed. */
  killed: boolean;
  hangReported: boolean;
  cancelTimer: (() => void) | null;
}

/**
 * Runs tasks: the calling one in the foreground, work items in the background. One at a time, and never inside
 * another: work that falls due while a task runs begins when that task waits or ends.
 */
export class Scheduler {
  readonly clock: KmsClock;
  readonly #options: SchedulerOptions;
  readonly #sleepers: Sleeper[] = [];
  #running = 0;
  #scanning = false;

  constructor(options: SchedulerOptions) {
    this.clock = options.clock;
    this.#options = options;
  }

  /** Tasks in the background that are not done. */
  get pending(): number {
    return this.#sleepers.length;
  }

  /** Runs a task in the background. */
  start(task: Task<void>): void {
    this.#add(task, ignore, this.#options.onError);
    this.run();
  }

  /**
   * Runs a task to its end, blocking. Throws what the task throws, or {@link KmsHangError}; `orphan` gets the result of
   * one that ends after that, since nobody else does.
   */
  runSync<T>(task: Task<T>, orphan: (result: T) => void = ignore): T {
    this.#running++;
    try {
      let step = task.next("ready");
      while (step.done !== true) step = task.next(this.#block(task, step.value, orphan));
      return step.value;
    } finally {
      this.#running--;
      this.run();
    }
  }

  /** Runs a task without blocking; rejects as {@link runSync} throws. */
  runAsync<T>(task: Task<T>, orphan: (result: T) => void = ignore): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const finish = (result: T) => (sleeper.hangReported ? orphan(result) : resolve(result));
      const sleeper = this.#add(task, finish as (value: unknown) => void, reject);
      this.run();
    });
  }

  /** Lets the tasks in the background go on as far as they can. */
  run(): void {
    if (this.#running > 0 || this.#scanning || this.#sleepers.length === 0) return;
    this.#scanning = true;
    try {
      // Whatever goes on may be what an earlier one waits for.
      for (let progress = true; progress; ) {
        progress = false;
        for (let i = 0; i < this.#sleepers.length; i++) {
          const sleeper = this.#sleepers[i] as Sleeper;
          const outcome = this.#outcomeOf(sleeper);
          if (outcome === null) continue;
          this.#sleepers.splice(i--, 1);
          this.#resume(sleeper, outcome);
          progress = true;
        }
      }
    } finally {
      this.#scanning = false;
    }
  }

  /** Gives up everything in the background: the device is gone. */
  stop(): void {
    for (const sleeper of this.#sleepers.splice(0)) {
      sleeper.cancelTimer?.();
      sleeper.task.return(undefined);
      sleeper.fail(new DriverError("ENODEV", "the card was removed"));
    }
  }

  #add(task: Task<unknown>, finish: (value: unknown) => void, fail: (error: unknown) => void): Sleeper {
    const sleeper: Sleeper = {
      task,
      finish,
      fail,
      wait: null,
      since: 0,
      killed: false,
      hangReported: false,
      cancelTimer: null,
    };
    this.#sleepers.push(sleeper);
    return sleeper;
  }

  #outcomeOf(sleeper: Sleeper): WaitOutcome | null {
    const { wait } = sleeper;
    if (wait === null || wait.done()) return "ready";
    if (sleeper.killed && wait.interruptible) return "interrupted";
    const now = this.clock.now();
    if (now >= wait.deadlineMs) return "timeout";
    if (!sleeper.hangReported && now >= this.#hangMs(wait, sleeper.since)) {
      sleeper.hangReported = true;
      sleeper.fail(this.#hangError(sleeper, wait));
    }
    return null;
  }

  /** When a wait is reported as one without end: one that has a limit never is. */
  #hangMs(wait: Wait, since: number): number {
    return wait.deadlineMs === Infinity ? since + this.#options.hangAfterMs : Infinity;
  }

  #hangError(sleeper: Sleeper, wait: Wait): KmsHangError {
    return new KmsHangError(wait.what, wait.interruptible, () => {
      if (!wait.interruptible || !this.#sleepers.includes(sleeper)) return false;
      sleeper.killed = true;
      this.run();
      return true;
    });
  }

  #resume(sleeper: Sleeper, outcome: WaitOutcome): void {
    sleeper.cancelTimer?.();
    sleeper.cancelTimer = null;
    this.#running++;
    try {
      const step = sleeper.task.next(outcome);
      if (step.done === true) sleeper.finish(step.value);
      else this.#sleep(sleeper, step.value);
    } catch (error) {
      sleeper.fail(error);
    } finally {
      this.#running--;
    }
  }

  #sleep(sleeper: Sleeper, wait: Wait): void {
    const now = this.clock.now();
    sleeper.wait = wait;
    sleeper.since = now;
    this.#sleepers.push(sleeper);
    this.#setTimer(sleeper, now, now);
  }

  /** `earliestMs` is later than now for a timer that is set again: tasks must not spin in virtual time. */
  #setTimer(sleeper: Sleeper, now: number, earliestMs: number): void {
    const { pollMs } = this.#options;
    const wait = sleeper.wait as Wait;
    const { deadlineMs } = wait;
    const hangMs = sleeper.hangReported ? Infinity : this.#hangMs(wait, sleeper.since);
    const wakeMs = Math.min(deadlineMs, hangMs, pollMs > 0 ? now + pollMs : Infinity);
    if (wakeMs === Infinity) return;
    sleeper.cancelTimer = this.clock.callAt(Math.max(wakeMs, earliestMs), () => {
      sleeper.cancelTimer = null;
      this.#options.poll();
      this.run();
      if (sleeper.cancelTimer !== null || !this.#sleepers.includes(sleeper)) return;
      const later = this.clock.now();
      this.#setTimer(sleeper, later, later + 1);
    });
  }

  /** Blocks the caller until its wait is over; meanwhile the background goes on. */
  #block<T>(task: Task<T>, wait: Wait, orphan: (result: T) => void): WaitOutcome {
    const { poll } = this.#options;
    const since = this.clock.now();
    const hangMs = this.#hangMs(wait, since);
    // The task does not run while it waits.
    const running = this.#running;
    const scanning = this.#scanning;
    this.#running = 0;
    this.#scanning = false;
    try {
      for (;;) {
        poll();
        this.run();
        if (wait.done()) return "ready";
        const now = this.clock.now();
        if (now >= wait.deadlineMs) return "timeout";
        if (now >= hangMs) {
          const sleeper = this.#add(task, orphan as (value: unknown) => void, ignore);
          sleeper.hangReported = true;
          sleeper.wait = wait;
          sleeper.since = since;
          this.#setTimer(sleeper, now, now);
          throw this.#hangError(sleeper, wait);
        }
        this.clock.block(Math.min(wait.deadlineMs, hangMs));
      }
    } finally {
      this.#running = running;
      this.#scanning = scanning;
    }
  }
}

function ignore(): void {}

/** Waits until `done`, at most for `timeoutMs`. */
export function* waitFor(
  clock: KmsClock,
  done: () => boolean,
  timeoutMs: number,
  what: string,
  interruptible = false,
): Task<WaitOutcome> {
  if (done()) return "ready";
  return yield { done, deadlineMs: clock.now() + timeoutMs, interruptible, what };
}

/** A task whose waits no signal ends: a worker of the kernel does it, or the lock is one that only waits. */
export function* uninterruptible<T>(task: Task<T>): Task<T> {
  try {
    let step = task.next("ready");
    while (step.done !== true) {
      const { done, deadlineMs, what } = step.value;
      step = task.next(yield { done, deadlineMs, what, interruptible: false });
    }
    return step.value;
  } finally {
    task.return(undefined as never);
  }
}

/** A lock that tasks hold across waits. */
export class TaskLock {
  readonly name: string;
  #held = false;
  readonly #free: () => boolean = () => !this.#held;

  constructor(name: string) {
    this.name = name;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Takes the lock if it is free. */
  tryTake(): boolean {
    if (this.#held) return false;
    this.#held = true;
    return true;
  }

  /** Takes the lock, waiting for its holder. Throws {@link DriverError} EINTR when killed meanwhile. */
  *take(): Task<void> {
    while (this.#held) {
      const wait: Wait = {
        done: this.#free,
        deadlineMs: Infinity,
        interruptible: true,
        what: `the lock of ${this.name}`,
      };
      if ((yield wait) === "interrupted")
        throw new DriverError("EINTR", `killed while it waits for ${wait.what}`);
    }
    this.#held = true;
  }

  release(): void {
    this.#held = false;
  }
}
