import { VirtioUsageError } from "../../../base/errors.ts";
import { isPromise, type MaybeLater, onceDone } from "../../../base/later.ts";
import { checkArgument, checkOptions, type OptionRule, type OptionRules } from "../../../base/options.ts";
import type { CursorImage, Display, ScanoutSource } from "../../../devices/gpu/index.ts";

/** Time as a {@link PacedDisplay} sees it. */
export interface PaceClock {
  /** Milliseconds since any moment. */
  now(): number;
  /** Calls back at this time or soon after. */
  callAt(timeMs: number, callback: () => void): void;
}

/** Choices for a {@link PacedDisplay}. */
export interface PacedDisplayOptions {
  /** Frames per second, 1 to 1000; best what the EDID says (`displays[].refreshHz` of the device). Default 60. */
  readonly refreshHz?: number;
  /** Default: `performance.now` and `setTimeout`. */
  readonly clock?: PaceClock;
}

const DISPLAY_RULE: OptionRule = { like: "a Display", has: ["setScanout", "flush"] };

const RULES: OptionRules<PacedDisplayOptions> = {
  refreshHz: { number: [1, 1000] },
  clock: { like: "a PaceClock", has: ["now", "callAt"] },
};

const realClock: PaceClock = {
  now: () => performance.now(),
  callAt: (timeMs, callback) => void setTimeout(callback, Math.max(0, timeMs - performance.now())),
};

/** What is known of a scanout. */
interface PacedScanout {
  /** Another picture has been set and not flushed yet. */
  flips: boolean;
  /** The frame in which the last flip is shown. */
  lastFrame: number;
}

/** Flushes that are answered with one frame. */
interface Frame {
  readonly number: number;
  readonly shown: Promise<void>;
  readonly show: () => void;
}

/**
 * Gives a display the rate of a monitor: the response to a flush is held back until the frame that shows it. A scanout
 * flips once a frame, so that a guest which flips faster waits; flushes of the picture that is shown already are
 * answered together with the next frame, however many. What is seen is not delayed, only the guest is.
 *
 * Drivers that wait for the response of a flush (Linux 6.1 does with guest blobs) flip at exactly this rate. Those that
 * don't (Linux 6.1 without blobs) are held up when the control queue is full, some 60 flips later with its default
 * size; a smaller `controlQueueSize` of the device brings that nearer.
 *
 * @example
 * ```ts
 * const display = new PacedDisplay(new MemoryDisplay(), { refreshHz: 60 });
 * const gpu = new GpuDevice({ display, displays: [{ widthPixels: 1024, heightPixels: 768, refreshHz: 60 }] });
 * ```
 */
export class PacedDisplay implements Display {
  readonly #display: Display;
  readonly #frameMs: number;
  readonly #clock: PaceClock;
  readonly #beginMs: number;
  readonly #scanouts = new Map<number, PacedScanout>();
  /** In the order of their numbers. */
  readonly #frames: Frame[] = [];
  #isWaiting = false;
  readonly #tick = (): void => this.#showDue();

  /** Throws {@link VirtioUsageError} for what is no display, and for a rate out of range. */
  constructor(display: Display, options: PacedDisplayOptions = {}) {
    checkOptions("PacedDisplay", options, RULES);
    checkArgument("PacedDisplay", "display", display, DISPLAY_RULE);
    const { refreshHz = 60, clock = realClock } = options;
    this.#display = display;
    this.#frameMs = 1000 / refreshHz;
    this.#clock = clock;
    this.#beginMs = clock.now();
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): MaybeLater<void> {
    return onceDone(this.#display.setScanout(scanoutId, source), () => {
      const scanout = this.#scanout(scanoutId);
      scanout.flips = source !== null;
      // Flips that still wait are of a driver that has left, or nobody sees them any more.
      if (source === null) scanout.lastFrame = 0;
    });
  }

  flush(scanoutId: number, x: number, y: number, widthPixels: number, heightPixels: number): Promise<void> {
    const flushed = this.#display.flush(scanoutId, x, y, widthPixels, heightPixels);
    const scanout = this.#scanout(scanoutId);
    const next = Math.floor((this.#clock.now() - this.#beginMs) / this.#frameMs) + 1;
    // What comes behind a flip that waits is not shown before it.
    const number = Math.max(next, scanout.lastFrame + (scanout.flips ? 1 : 0));
    const { flips } = scanout;
    if (flips) scanout.lastFrame = number;
    scanout.flips = false;
    const { shown } = this.#frame(number);
    if (!isPromise(flushed)) return shown;
    const done = Promise.resolve(flushed).catch((error: unknown) => {
      // The picture that was set has not been shown yet.
      if (flips) scanout.flips = true;
      throw error;
    });
    return Promise.all([done, shown]).then(() => undefined);
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): MaybeLater<void> {
    return this.#display.setCursor?.(scanoutId, cursor);
  }

  moveCursor(scanoutId: number, x: number, y: number): MaybeLater<void> {
    return this.#display.moveCursor?.(scanoutId, x, y);
  }

  #scanout(scanoutId: number): PacedScanout {
    let scanout = this.#scanouts.get(scanoutId);
    if (scanout === undefined) {
      scanout = { flips: false, lastFrame: 0 };
      this.#scanouts.set(scanoutId, scanout);
    }
    return scanout;
  }

  #frame(number: number): Frame {
    let at = this.#frames.length;
    while (at > 0 && (this.#frames[at - 1] as Frame).number > number) at--;
    const known = this.#frames[at - 1];
    if (known?.number === number) return known;
    let show = (): void => {};
    const shown = new Promise<void>((resolve) => {
      show = resolve;
    });
    const frame = { number, shown, show };
    this.#frames.splice(at, 0, frame);
    this.#wait();
    return frame;
  }

  #wait(): void {
    const [first] = this.#frames;
    if (first === undefined || this.#isWaiting) return;
    this.#isWaiting = true;
    this.#clock.callAt(this.#beginMs + first.number * this.#frameMs, this.#tick);
  }

  #showDue(): void {
    this.#isWaiting = false;
    // A timer may come a little early; a frame that is due within a tenth of one is due.
    const due = (this.#clock.now() - this.#beginMs) / this.#frameMs + 0.1;
    while (this.#frames.length > 0 && (this.#frames[0] as Frame).number <= due) this.#frames.shift()?.show();
    this.#wait();
  }
}
