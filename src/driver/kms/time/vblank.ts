import type { KmsClock } from "./clock.ts";

/** The timer runs on for so long after the last one who needed it: Linux' `drm.vblankoffdelay`. */
const OFF_DELAY_MS = 5000;
/** What sums of frame durations may be off by, as a part of a frame. */
const ROUNDING = 1e-6;

/** Told of a vertical blank: how many there were by then, and when it was. */
export type BlankCall = (sequence: number, timeMs: number) => void;

interface PendingCall {
  readonly sequence: number;
  readonly call: BlankCall;
}

/**
 * The vertical blanks of a CRTC that has none: a timer that fires once a frame, as long as somebody holds it and for
 * five seconds more. Blanks are counted when somebody looks, so that the clock is asked for an appointment only while
 * somebody waits.
 */
export class VblankTimer {
  readonly #clock: KmsClock;
  readonly #onBlank: () => void;
  readonly #pending: PendingCall[] = [];
  #sequence = 0;
  #timeMs: number;
  #isOn = false;
  #frameMs = 0;
  /** Blanks come at whole frames from here; null while the timer is stopped. */
  #startMs: number | null = null;
  #holds = 0;
  #idleSinceMs = 0;
  #cancel: (() => void) | null = null;

  /** `onBlank` is called after a blank somebody waited for. Time is counted from now on. */
  constructor(clock: KmsClock, onBlank: () => void) {
    this.#clock = clock;
    this.#onBlank = onBlank;
    this.#timeMs = clock.now();
  }

  /** Blanks so far, those included that passed while nobody looked. */
  get sequence(): number {
    this.process();
    return this.#sequence;
  }

  /** When the last blank was, in the clock's milliseconds. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** Whether the CRTC is on: only then there are blanks. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** The CRTC goes on, with frames of so many milliseconds. */
  on(frameMs: number): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#frameMs = frameMs;
    this.#sequence++;
    if (this.#holds > 0) this.#start();
  }

  /** The CRTC goes off: who waits for a blank is told at once, since none will come. */
  off(): void {
    if (!this.#isOn) return;
    this.process();
    this.#isOn = false;
    this.#stop();
    this.#tell(Infinity);
  }

  /** Nobody is told anything any more. */
  remove(): void {
    this.#isOn = false;
    this.#stop();
    this.#pending.length = 0;
  }

  /** Keeps the timer running until {@link drop}. False while the CRTC is off. */
  hold(): boolean {
    if (!this.#isOn) return false;
    this.process();
    this.#holds++;
    if (this.#startMs === null) this.#start();
    else this.#makeAppointment();
    return true;
  }

  drop(): void {
    if (--this.#holds > 0) return;
    this.#idleSinceMs = this.#clock.now();
    this.#cancelAppointment();
  }

  /** Calls at the blank with a number, or the first after it. Takes over a {@link hold} of the caller. */
  callAt(sequence: number, call: BlankCall): void {
    this.#pending.push({ sequence, call });
  }

  /** Counts the blanks that have passed, and tells who waited for them. */
  process(): void {
    if (this.#startMs === null) return;
    const nowMs = this.#clock.now();
    const stopMs = this.#holds > 0 ? Infinity : this.#idleSinceMs + OFF_DELAY_MS;
    this.#count(this.#startMs, Math.min(nowMs, stopMs));
    if (nowMs >= stopMs) this.#stop();
    if (this.#pending.length > 0) this.#tell(this.#sequence);
  }

  #count(startMs: number, untilMs: number): void {
    const timeMs = startMs + this.#framesSince(startMs, untilMs) * this.#frameMs;
    // Blanks while the timer was stopped count as well, by the time that they would have taken.
    const passed = Math.round((timeMs - this.#timeMs) / this.#frameMs);
    if (timeMs <= startMs || passed < 1) return;
    this.#sequence += passed;
    this.#timeMs = timeMs;
  }

  #framesSince(startMs: number, untilMs: number): number {
    return Math.floor((untilMs - startMs) / this.#frameMs + ROUNDING);
  }

  #tell(sequence: number): void {
    for (;;) {
      const at = this.#pending.findIndex((each) => each.sequence <= sequence);
      const [due] = at < 0 ? [] : this.#pending.splice(at, 1);
      if (due === undefined) return;
      this.drop();
      due.call(this.#sequence, this.#timeMs);
    }
  }

  #start(): void {
    this.#startMs = this.#clock.now();
    this.#makeAppointment();
  }

  #stop(): void {
    this.#startMs = null;
    this.#cancelAppointment();
  }

  #makeAppointment(): void {
    const startMs = this.#startMs;
    if (this.#cancel !== null || startMs === null) return;
    const passed = this.#framesSince(startMs, this.#clock.now());
    this.#cancel = this.#clock.callAt(startMs + (passed + 1) * this.#frameMs, () => {
      this.#cancel = null;
      this.process();
      if (this.#holds > 0) this.#makeAppointment();
      this.#onBlank();
    });
  }

  #cancelAppointment(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
