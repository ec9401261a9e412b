import { VirtioUsageError } from "../../../base/errors.ts";

declare function setTimeout(task: () => void, milliseconds: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** Time as the guest's kernel sees it: what its timeouts run on. */
export interface KmsClock {
  /** Milliseconds since some moment. Never goes back. */
  now(): number;
  /** Blocks until something may have happened, at most until `untilMs`. It may return as early as it likes. */
  block(untilMs: number): void;
  /** Calls `task` at `atMs` or soon after. Returns what takes the call back. */
  callAt(atMs: number, task: () => void): () => void;
}

const LOOK_MS = 1;

/**
 * The time of the machine. Between two looks of a blocking wait it calls `wait`, the place to run the device;
 * without one it sleeps for a millisecond where the engine can, for devices in another thread.
 *
 * @example
 * ```ts
 * const clock = new SystemClock(() => goOn()); // whatever makes the device go on
 * const card = KmsCard.bind(driver, { clock });
 * ```
 */
export class SystemClock implements KmsClock {
  readonly #wait: ((untilMs: number) => void) | null;
  readonly #sleeper: Int32Array | null;
  #last = 0;

  constructor(wait: ((untilMs: number) => void) | null = null) {
    this.#wait = wait;
    this.#sleeper = typeof SharedArrayBuffer === "function" ? new Int32Array(new SharedArrayBuffer(4)) : null;
  }

  now(): number {
    this.#last = Math.max(this.#last, Date.now());
    return this.#last;
  }

  block(untilMs: number): void {
    if (this.#wait !== null) {
      this.#wait(untilMs);
      return;
    }
    if (this.#sleeper === null) return;
    try {
      Atomics.wait(this.#sleeper, 0, 0, Math.max(0, Math.min(untilMs - this.now(), LOOK_MS)));
    } catch {
      // The main thread of a browser must not sleep: the caller looks again at once.
    }
  }

  callAt(atMs: number, task: () => void): () => void {
    const timer = setTimeout(task, Math.max(0, atMs - this.now()));
    return () => clearTimeout(timer);
  }
}

interface Appointment {
  readonly atMs: number;
  readonly task: () => void;
}

/**
 * A clock that only moves when somebody waits for it or moves it. With it 50 ms and 5 s cost nothing, and a device
 * that answers late does so at the same moment in every run.
 *
 * @example
 * ```ts
 * const clock = new VirtualClock();
 * clock.callAt(clock.now() + 30, () => answer());
 * card.open().dirtyFb(fb); // goes on at 30 ms
 * ```
 */
export class VirtualClock implements KmsClock {
  #nowMs: number;
  readonly #appointments: Appointment[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Moves on to the next appointment, or to `untilMs` when that comes first. */
  block(untilMs: number): void {
    const next = this.#appointments[0];
    if (next !== undefined && next.atMs <= untilMs) {
      this.#appointments.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.task();
      return;
    }
    if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  callAt(atMs: number, task: () => void): () => void {
    if (Number.isNaN(atMs)) throw new VirtioUsageError("callAt: the time is not a number");
    const appointment: Appointment = { atMs, task };
    let at = this.#appointments.length;
    while (at > 0 && (this.#appointments[at - 1] as Appointment).atMs > atMs) at--;
    this.#appointments.splice(at, 0, appointment);
    return () => {
      const index = this.#appointments.indexOf(appointment);
      if (index >= 0) this.#appointments.splice(index, 1);
    };
  }

  /** Lets so much time pass, with everything that falls due on the way. */
  advance(milliseconds: number): void {
    const end = this.#nowMs + milliseconds;
    while (this.#nowMs < end || (this.#appointments[0]?.atMs ?? Infinity) <= end) this.block(end);
  }
}
