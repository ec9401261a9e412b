import { VirtioUsageError } from "../../../base/errors.ts";
import { checkOptions, type OptionRules } from "../../../base/options.ts";
import type { WorkBudget } from "../../../base/work-budget.ts";
import type { CursorImage, Display, PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { type CursorPicture, copyCursor } from "../pictures/cursor.ts";
import { bounds } from "../pictures/rectangle.ts";
import { pixelBudget, TURN_RULES, type TurnOptions } from "../pictures/turns.ts";
import { Cells, type CellUpdate } from "./cells.ts";
import { ENTER_TERMINAL, LEAVE_TERMINAL, Painter, type TerminalColours } from "./painter.ts";

const DEFAULT_FRAMES_PER_SECOND = 30;
const FALLBACK_COLUMNS = 80;
const FALLBACK_ROWS = 24;
/** Far more than any terminal has; larger claims are cut to this. */
const MAX_COLUMNS = 1000;
const MAX_ROWS = 500;
const TRUE_COLOUR_BITS = 24;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a {@link TerminalDisplay} needs of a terminal; `process.stdout` and every `tty.WriteStream` have it. */
export interface TerminalOutput {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** False when no more should be written until `drain`. */
  write(text: string): boolean;
  /** Bits of colour the terminal shows. */
  getColorDepth?(): number;
  /** Subscribes to an event. */
  on(event: "resize" | "drain", listener: () => void): unknown;
  /** Ends a subscription. */
  off(event: "resize" | "drain", listener: () => void): unknown;
}

/** Choices for a {@link TerminalDisplay}; all have defaults. */
export interface TerminalDisplayOptions extends TurnOptions {
  /** Where to draw. Default `process.stdout`. */
  readonly output?: TerminalOutput;
  /** Which scanout is shown. Default 0. */
  readonly scanoutId?: number;
  /** Default 30. */
  readonly maxFramesPerSecond?: number;
  /** Default: true colour unless the terminal says that it has less. */
  readonly colours?: TerminalColours;
  /**
   * Whether to give the terminal back when the process ends or gets SIGINT, SIGTERM or SIGHUP; the signal then does
   * what it would have done. Default true.
   */
  readonly restoreOnExit?: boolean;
}

const RULES: OptionRules<TerminalDisplayOptions> = {
  output: { like: "a terminal", has: ["write", "on", "off"] },
  scanoutId: [0, 15],
  maxFramesPerSecond: { number: [0.001, 1000] },
  colours: { oneOf: ["true", "256"] },
  restoreOnExit: "boolean",
  ...TURN_RULES,
};

/**
 * A display in a terminal: two dots for each character, one above the other, in true colour, on a screen of its own.
 * The picture is scaled to the terminal, and follows it when that changes size. Only characters that look different
 * are written. It owns the terminal from its making until {@link close}.
 *
 * Between two frames it is only noted what was flushed: a fast guest costs no more than a slow one, and what is drawn
 * may be newer than the flush. A frame that is too much work for one turn of the event loop takes several.
 *
 * @example
 * ```ts
 * const display = new TerminalDisplay();
 * const gpu = new GpuDevice({ display });
 * // … and in the end
 * display.close();
 * ```
 */
export class TerminalDisplay implements Display {
  /** Frames drawn and characters written, for the curious. */
  frames = 0;
  charactersWritten = 0;
  readonly #output: TerminalOutput;
  readonly #scanoutId: number;
  readonly #frameMs: number;
  readonly #painter: Painter;
  readonly #budget: WorkBudget;
  readonly #releases: (() => void)[] = [];
  #closed = false;
  #source: ScanoutSource | null = null;
  #widthPixels = 1;
  #heightPixels = 1;
  #cells: Cells;
  /** Bounds of what was flushed since it was last looked at. */
  #damage: PixelRectangle | null = null;
  /** What is being brought over, in this turn and in others. */
  #update: CellUpdate | null = null;
  /** Bounds of what was flushed since the picture has this size. */
  #flushed: PixelRectangle | null = null;
  #cursor: CursorPicture | null = null;
  #cursorX = 0;
  #cursorY = 0;
  #cursorMoved = false;
  #isDue = false;
  #isBlocked = false;
  #nextAt = 0;
  #timer: NodeJS.Timeout | null = null;

  /** Throws {@link VirtioUsageError} for options out of range. */
  constructor(options: TerminalDisplayOptions = {}) {
    checkOptions("TerminalDisplay", options, RULES);
    const framesPerSecond = options.maxFramesPerSecond ?? DEFAULT_FRAMES_PER_SECOND;
    if (!(framesPerSecond > 0 && framesPerSecond <= 1000)) {
      throw new VirtioUsageError(`maxFramesPerSecond is ${framesPerSecond}, not above 0 and up to 1000`);
    }
    this.#output = options.output ?? process.stdout;
    this.#scanoutId = options.scanoutId ?? 0;
    this.#frameMs = 1000 / framesPerSecond;
    this.#budget = pixelBudget(options);
    this.#painter = new Painter(options.colours ?? coloursOf(this.#output));
    this.#cells = this.#makeCells();
    this.#listen(options.restoreOnExit ?? true);
    this.#write(ENTER_TERMINAL);
    this.#schedule();
  }

  /** Gives the terminal back. What comes later is ignored. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const release of this.#releases) release();
    this.#write(LEAVE_TERMINAL);
  }

  /** Draws at once what has not been drawn yet, whatever the frame rate and however much it is. */
  draw(): void {
    if (this.#closed) return;
    // What was begun, and what was flushed since.
    if (this.#update !== null) this.#bringOver(null);
    this.#beginFrame();
    this.#bringOver(null);
    this.#paint();
  }

  #beginFrame(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isDue = false;
    this.#nextAt = performance.now() + this.#frameMs;
    this.#update = this.#damage === null || this.#source === null ? null : this.#cells.update(this.#damage);
    this.#damage = null;
  }

  /** Goes on with a frame until the budget is spent. Returns whether all is there. */
  #bringOver(budget: WorkBudget | null): boolean {
    if (this.#source !== null && this.#update?.step(this.#source, budget) === false) return false;
    this.#update = null;
    return true;
  }

  /** A frame, or the rest of one; when it is too much for this turn, it goes on in the next. */
  #drawInTurns(): void {
    if (this.#bringOver(this.#budget)) this.#paint();
    else this.#budget.later(() => this.#goOn());
  }

  #goOn(): void {
    if (this.#closed || this.#update === null) return;
    this.#drawInTurns();
    if (this.#update === null && this.#isDue) this.#schedule();
  }

  #paint(): void {
    if (this.#cursorMoved) {
      this.#cursorMoved = false;
      this.#cells.setCursor(this.#source === null ? null : this.#cursor, this.#cursorX, this.#cursorY);
    }
    const text = this.#painter.paint(this.#cells);
    if (text === "") return;
    this.frames++;
    this.#write(text);
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    if (scanoutId !== this.#scanoutId || this.#closed) return;
    const wasOff = this.#source === null;
    this.#source = source;
    if (source === null) {
      this.#update = null;
      this.#damage = null;
      this.#flushed = null;
      this.#cells.clear();
      this.#cursorMoved = true;
      this.#schedule();
      return;
    }
    const { widthPixels, heightPixels } = source;
    if (widthPixels !== this.#widthPixels || heightPixels !== this.#heightPixels) {
      this.#widthPixels = widthPixels;
      this.#heightPixels = heightPixels;
      this.#damage = null;
      this.#flushed = null;
      this.#cells = this.#makeCells();
    }
    if (wasOff) this.#cursorMoved = true;
  }

  flush(scanoutId: number, x: number, y: number, widthPixels: number, heightPixels: number): void {
    if (scanoutId !== this.#scanoutId || this.#source === null || this.#closed) return;
    const area = { x, y, widthPixels, heightPixels };
    this.#damage = bounds(this.#damage, area);
    this.#flushed = bounds(this.#flushed, area);
    this.#schedule();
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    if (scanoutId !== this.#scanoutId || this.#closed) return;
    this.#cursor = cursor === null ? null : copyCursor(cursor);
    if (cursor !== null) {
      this.#cursorX = cursor.x;
      this.#cursorY = cursor.y;
    }
    this.#cursorMoved = true;
    this.#schedule();
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    if (scanoutId !== this.#scanoutId || this.#closed) return;
    this.#cursorX = x;
    this.#cursorY = y;
    this.#cursorMoved = true;
    this.#schedule();
  }

  /** Draws when it is time and the terminal has taken what it was given. */
  #schedule(): void {
    this.#isDue = true;
    if (this.#timer !== null || this.#isBlocked || this.#closed || this.#update !== null) return;
    const wait = this.#nextAt - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#schedule();
      }, wait);
      return;
    }
    this.#beginFrame();
    this.#drawInTurns();
  }

  #write(text: string): void {
    this.charactersWritten += text.length;
    this.#isBlocked = !this.#output.write(text);
  }

  /** The terminal's size now, with nothing shown yet. */
  #makeCells(): Cells {
    const columns = clamp(this.#output.columns, FALLBACK_COLUMNS, MAX_COLUMNS);
    const rows = clamp(this.#output.rows, FALLBACK_ROWS, MAX_ROWS);
    this.#painter.forget(columns, rows);
    this.#update = null;
    this.#cursorMoved = true;
    return new Cells(columns, rows, this.#widthPixels, this.#heightPixels);
  }

  #listen(restoreOnExit: boolean): void {
    const output = this.#output;
    const onResize = (): void => {
      this.#cells = this.#makeCells();
      this.#damage = this.#flushed;
      this.#schedule();
    };
    const onDrain = (): void => {
      this.#isBlocked = false;
      if (this.#isDue) this.#schedule();
    };
    output.on("resize", onResize);
    output.on("drain", onDrain);
    this.#releases.push(() => {
      output.off("resize", onResize);
      output.off("drain", onDrain);
    });
    if (!restoreOnExit) return;
    const onExit = (): void => this.close();
    process.on("exit", onExit);
    this.#releases.push(() => process.off("exit", onExit));
    for (const signal of SIGNALS) {
      const onSignal = (): void => {
        this.close();
        // Without us the signal would have ended the process, unless somebody else takes care of it.
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      };
      process.on(signal, onSignal);
      this.#releases.push(() => process.off(signal, onSignal));
    }
  }
}

function coloursOf(output: TerminalOutput): TerminalColours {
  // Node asks the name of the terminal first, which tmux and screen make say less than what they can.
  const { COLORTERM } = process.env;
  if (COLORTERM === "truecolor" || COLORTERM === "24bit") return "true";
  return (output.getColorDepth?.() ?? TRUE_COLOUR_BITS) >= TRUE_COLOUR_BITS ? "true" : "256";
}

function clamp(value: number | undefined, fallback: number, most: number): number {
  return value === undefined || !(value >= 1) ? fallback : Math.min(Math.floor(value), most);
}
