import { BackendError } from "../../../base/backend-error.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import { COUNT_RULE, checkOptions, type OptionRules } from "../../../base/options.ts";
import { runSoon } from "../../../base/run-soon.ts";
import { TURN_LIMIT_RULE, WorkBudget } from "../../../base/work-budget.ts";
import type { CursorImage, Display, ScanoutSource } from "../../../devices/gpu/index.ts";
import { DEFAULT_MAX_PIXELS } from "../pictures/rgba.ts";
import type { CanvasTarget } from "./canvas.ts";
import { CanvasScreen } from "./canvas-screen.ts";
import { nextFrame, type ScheduleFrame } from "./frame-scheduler.ts";

/** Pixels converted before the event loop has its turn: a frame of 1920 × 1080, in a few milliseconds. */
const DEFAULT_MAX_TURN_PIXELS = 1 << 21;

/** Choices for a {@link CanvasDisplay}. */
export interface CanvasDisplayOptions {
  /**
   * Where scanout 0 is shown, scanouts 0 … n-1, or what to show a scanout on when it is set for the first time (null
   * for nowhere). The display sets a canvas's size to that of its scanout; how large it appears is up to the page. An
   * `OffscreenCanvas` in a worker is drawn only while the page's thread is free: no guest may spin there.
   */
  readonly canvas:
    | CanvasTarget
    | readonly (CanvasTarget | null)[]
    | ((scanoutId: number) => CanvasTarget | null);
  /** Whether the guest's cursor is drawn into the picture. Default true. */
  readonly drawCursor?: boolean;
  /**
   * Whether the guest waits for the frame that shows its flush: it draws at the rate of the browser then, where its
   * driver waits for flushes at all. Default false.
   */
  readonly waitForFrame?: boolean;
  /** Pixels of a scanout, 4 bytes each; a larger one is refused with ERR_OUT_OF_MEMORY. Default 7680 × 4320. */
  readonly maxPixels?: number;
  /**
   * Pixels that are converted in one turn of the event loop, 1 to 2^30 - 1; a larger frame takes several, and is put once
   * all of it is there. Default 2,097,152.
   */
  readonly maxTurnPixels?: number;
  /**
   * When to draw what has changed. Default `requestAnimationFrame`, or a timer where there is none or the page is
   * hidden.
   */
  readonly schedule?: ScheduleFrame;
}

const RULES: OptionRules<CanvasDisplayOptions> = {
  canvas: { either: ["function", "object", { each: { either: ["object", "null"] } }] },
  drawCursor: "boolean",
  waitForFrame: "boolean",
  maxPixels: COUNT_RULE,
  maxTurnPixels: TURN_LIMIT_RULE,
  schedule: "function",
};

/**
 * A display on canvases of a page or of a worker (`OffscreenCanvas`). However often the guest flushes, only what has
 * changed is converted and put, once a frame.
 *
 * @example
 * ```ts
 * const display = new CanvasDisplay({ canvas: document.createElement("canvas") });
 * const gpu = new GpuDevice({ display });
 * ```
 */
export class CanvasDisplay implements Display {
  readonly #canvasOf: (scanoutId: number) => CanvasTarget | null;
  readonly #drawCursor: boolean;
  readonly #waitForFrame: boolean;
  readonly #maxPixels: number;
  readonly #schedule: ScheduleFrame;
  /** Null for scanouts that are not shown. */
  readonly #screens = new Map<number, CanvasScreen | null>();
  readonly #budget: WorkBudget;
  #isScheduled = false;
  /** A frame is being converted, in this turn and others. */
  #isDrawing = false;
  /** Settles when the scheduled frame has been drawn. */
  #frame: Promise<void> | null = null;
  #drawn: (() => void) | null = null;
  readonly #draw = (): void => this.#drawAll();

  /** Throws {@link VirtioUsageError} when there is no canvas, and for limits out of range. */
  constructor(options: CanvasDisplayOptions) {
    checkOptions("CanvasDisplay", options, RULES, ["canvas"]);
    const { canvas, drawCursor = true, waitForFrame = false, maxPixels = DEFAULT_MAX_PIXELS } = options;
    this.#canvasOf = canvasOf(canvas);
    this.#drawCursor = drawCursor;
    this.#waitForFrame = waitForFrame;
    this.#maxPixels = maxPixels;
    const { maxTurnPixels = DEFAULT_MAX_TURN_PIXELS } = options;
    this.#budget = new WorkBudget(maxTurnPixels, runSoon);
    this.#schedule = options.schedule ?? nextFrame;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    const screen = this.#screen(scanoutId);
    if (screen === null) return;
    const pixels = source === null ? 0 : source.widthPixels * source.heightPixels;
    if (pixels > this.#maxPixels) {
      screen.setScanout(null);
      this.#changed();
      throw new BackendError("out-of-memory", `a scanout of ${pixels} pixels is too large for a canvas`);
    }
    screen.setScanout(source);
    this.#changed();
  }

  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): void | Promise<void> {
    const screen = this.#screen(scanoutId);
    if (screen === null || !screen.flush({ x, y, widthPixels, heightPixels })) return;
    this.#changed();
    if (!this.#waitForFrame) return;
    this.#frame ??= new Promise<void>((resolve) => {
      this.#drawn = resolve;
    });
    return this.#frame;
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    if (!this.#drawCursor) return;
    this.#screen(scanoutId)?.setCursor(cursor);
    this.#changed();
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    if (!this.#drawCursor) return;
    this.#screen(scanoutId)?.moveCursor(x, y);
    this.#changed();
  }

  #screen(scanoutId: number): CanvasScreen | null {
    let screen = this.#screens.get(scanoutId);
    if (screen === undefined) {
      const canvas = this.#canvasOf(scanoutId);
      const context = canvas?.getContext("2d", { alpha: false }) ?? null;
      if (canvas !== null && context === null) {
        throw new BackendError("lost", `the canvas of scanout ${scanoutId} has no 2D context`);
      }
      screen = canvas === null || context === null ? null : new CanvasScreen(canvas, context);
      this.#screens.set(scanoutId, screen);
    }
    return screen;
  }

  #changed(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // One frame after the other.
    if (!this.#isDrawing) this.#schedule(this.#draw);
  }

  #drawAll(): void {
    this.#isScheduled = false;
    const drawn = this.#drawn;
    this.#frame = null;
    this.#drawn = null;
    this.#isDrawing = true;
    this.#budget.renew();
    this.#convert(drawn);
  }

  #convert(drawn: (() => void) | null): void {
    for (const screen of this.#screens.values()) {
      if (screen?.convert(this.#budget) === false) {
        this.#budget.later(() => this.#convert(drawn));
        return;
      }
    }
    this.#isDrawing = false;
    if (this.#isScheduled) this.#schedule(this.#draw);
    for (const screen of this.#screens.values()) screen?.draw();
    drawn?.();
  }
}

function canvasOf(canvas: CanvasDisplayOptions["canvas"]): (scanoutId: number) => CanvasTarget | null {
  if (typeof canvas === "function") return canvas;
  const list: readonly (CanvasTarget | null)[] = isList(canvas) ? canvas : [canvas];
  const bad = list.findIndex((each) => each !== null && typeof each?.getContext !== "function");
  if (bad >= 0) {
    throw new VirtioUsageError(`canvas ${bad} is no HTMLCanvasElement or OffscreenCanvas`);
  }
  return (scanoutId) => list[scanoutId] ?? null;
}

function isList(
  canvas: CanvasTarget | readonly (CanvasTarget | null)[],
): canvas is readonly (CanvasTarget | null)[] {
  return Array.isArray(canvas);
}
