import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { BackendError } from "../../../base/backend-error.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import { COUNT_RULE, checkOptions, type OptionRules } from "../../../base/options.ts";
import type { WorkBudget } from "../../../base/work-budget.ts";
import type { CursorImage, Display, PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { gpuFormat } from "../../../wire/gpu-names.ts";
import { type CursorPicture, copyCursor, drawCursor } from "../pictures/cursor.ts";
import { readScanoutRgba } from "../pictures/read-scanout.ts";
import { bounds } from "../pictures/rectangle.ts";
import { BYTES_PER_PIXEL, DEFAULT_MAX_PIXELS } from "../pictures/rgba.ts";
import { pixelBudget, TURN_RULES, type TurnOptions } from "../pictures/turns.ts";
import {
  damageOf,
  type FrameFormat,
  type FrameIndex,
  fileName,
  indexText,
  type RecordedFrame,
} from "./frame-index.ts";
import { encodePng } from "./png.ts";

const INDEX_FILE = "index.json";
const INDEX_INTERVAL_MS = 1000;
/** Writing the index takes no more than this part of the time. */
const INDEX_SHARE = 20;
const DEFAULT_MAX_PENDING = 64;
const DEFAULT_MAX_PENDING_BYTES = 256 << 20;
/** Pixels that are hashed at a time. */
const HASH_PIXELS = 1 << 16;
const DEFAULT_MAX_FRAMES = 100_000;

/** Choices for a {@link FrameRecorder}. */
export interface FrameRecorderOptions extends TurnOptions {
  /** Where the frames and `index.json` go. It is made if need be; what is in it may be overwritten. */
  readonly folder: string;
  /** Default `png`. */
  readonly format?: FrameFormat;
  /**
   * Which frames: `every` (default), `last` for the last of each scanout, written by `close`, or a number n for the
   * first of every n flushes of a scanout.
   */
  readonly frames?: "every" | "last" | number;
  /** Whether the cursor is drawn into the frames. Moving it makes no frame. Default false. */
  readonly withCursor?: boolean;
  /**
   * Frames that wait for being written. When there is no room for another, a flush is answered only once there is, and
   * its frame taken then. A driver that waits for its answers loses nothing; of one that flushes the same scanout again
   * meanwhile, the two frames become one, and are counted as `merged`. Default 64.
   */
  readonly maxPending?: number;
  /** The same in bytes, four a pixel; there is always room for one frame. Default 256 MiB. */
  readonly maxPendingBytes?: number;
  /** Frames recorded at most; then they are only counted. Default 100 000. */
  readonly maxFrames?: number;
  /** Pixels of a scanout; a larger one is refused with ERR_OUT_OF_MEMORY. Default 7680 × 4320. */
  readonly maxPixels?: number;
  /** The time in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

const RULES: OptionRules<FrameRecorderOptions> = {
  folder: "string",
  format: { oneOf: ["png", "raw"] },
  frames: { either: [{ oneOf: ["every", "last"] }, COUNT_RULE] },
  withCursor: "boolean",
  maxPending: COUNT_RULE,
  maxPendingBytes: COUNT_RULE,
  maxFrames: COUNT_RULE,
  maxPixels: COUNT_RULE,
  now: "function",
  ...TURN_RULES,
};

/** What is known of a scanout. */
interface Screen {
  source: ScanoutSource | null;
  /** What was flushed: bytes R, G, B, 255. */
  rgba: Uint8Array<ArrayBuffer>;
  widthPixels: number;
  heightPixels: number;
  /** Flushes of this scanout. */
  flushes: number;
  damage: PixelRectangle | null;
  /** Those who flushed the frame that there was no room for yet; null when there is none. */
  waiting: (() => void)[] | null;
  /** Number and time of its last flush. */
  lastFlush: number;
  lastMs: number;
  cursor: CursorPicture | null;
  cursorX: number;
  cursorY: number;
}

/**
 * A display that writes what it is shown to files: one for each frame, which is one flush of a scanout, and
 * `index.json` with their sizes, hashes, damage and times. Only damaged pixels are converted. Files are written in the
 * order of the frames, behind the guest's back as long as it is not too fast.
 *
 * What was flushed is read at once, since the guest may draw on; hashing, packing and writing is spread over turns of
 * the event loop.
 *
 * @example
 * ```ts
 * const display = new FrameRecorder({ folder: "frames" });
 * const gpu = new GpuDevice({ display });
 * // after the guest has drawn:
 * const { recorded } = await display.close();
 * ```
 */
export class FrameRecorder implements Display {
  readonly folder: string;
  readonly #format: FrameFormat;
  readonly #frames: number | "last";
  readonly #withCursor: boolean;
  readonly #maxPending: number;
  readonly #maxPendingBytes: number;
  readonly #budget: WorkBudget;
  readonly #maxFrames: number;
  readonly #maxPixels: number;
  readonly #now: () => number;
  readonly #beginMs: number;
  readonly #screens = new Map<number, Screen>();
  readonly #recorded: RecordedFrame[] = [];
  #flushes = 0;
  #taken = 0;
  #skipped = 0;
  #merged = 0;
  #closed = false;
  #failure: Error | null = null;
  #indexDueMs = 0;
  /** Ends when everything that was taken so far is written. Never rejects. */
  #written: Promise<void> = Promise.resolve();
  #pending = 0;
  #pendingBytes = 0;

  /** Throws {@link VirtioUsageError} when the folder cannot be written, or for options out of range. */
  constructor(options: FrameRecorderOptions) {
    checkOptions("FrameRecorder", options, RULES, ["folder"]);
    const { frames = "every" } = options;
    this.folder = resolve(options.folder);
    this.#format = options.format ?? "png";
    this.#frames = frames === "every" ? 1 : frames;
    this.#withCursor = options.withCursor ?? false;
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING;
    const { maxPendingBytes = DEFAULT_MAX_PENDING_BYTES } = options;
    this.#maxPendingBytes = maxPendingBytes;
    this.#budget = pixelBudget(options);
    this.#maxFrames = options.maxFrames ?? DEFAULT_MAX_FRAMES;
    this.#maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
    this.#now = options.now ?? (() => performance.now());
    this.#beginMs = this.#now();
    try {
      makeFolder(this.folder);
      accessSync(this.folder, constants.W_OK | constants.X_OK);
      writeFileSync(join(this.folder, INDEX_FILE), indexText(this.index()));
    } catch (error) {
      throw new VirtioUsageError(`cannot write to ${options.folder}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** What was recorded and written so far. */
  index(): FrameIndex {
    return {
      format: this.#format,
      frames: this.#frames,
      flushes: this.#flushes,
      skipped: this.#skipped,
      merged: this.#merged,
      recorded: [...this.#recorded],
    };
  }

  /** Why recording stopped, null as long as it did not. The guest is not told. */
  get failure(): Error | null {
    return this.#failure;
  }

  /**
   * Writes what is left, and the index, and returns that. Nothing is recorded any more. Rejects when something could
   * not be written.
   */
  async close(): Promise<FrameIndex> {
    if (!this.#closed) {
      this.#closed = true;
      await this.#idle();
      if (this.#frames === "last") {
        const shown = [...this.#screens].filter(([, { flushes }]) => flushes > 0);
        for (const [scanoutId, screen] of shown.sort(
          ([, first], [, second]) => first.lastFlush - second.lastFlush,
        )) {
          this.#take(scanoutId, screen);
          await this.#idle();
        }
      }
    }
    await this.#idle();
    if (this.#failure !== null) throw this.#failure;
    await this.#writeIndex();
    return this.index();
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    const screen = this.#screen(scanoutId);
    screen.source = null;
    if (source === null) return;
    const { widthPixels, heightPixels } = source;
    if (widthPixels !== screen.widthPixels || heightPixels !== screen.heightPixels) {
      if (widthPixels * heightPixels > this.#maxPixels) {
        throw new BackendError("out-of-memory", `${widthPixels}x${heightPixels} is too large to record`);
      }
      this.#giveUp(screen);
      screen.rgba = new Uint8Array(widthPixels * heightPixels * BYTES_PER_PIXEL);
      for (let i = 3; i < screen.rgba.length; i += BYTES_PER_PIXEL) screen.rgba[i] = 255;
      screen.widthPixels = widthPixels;
      screen.heightPixels = heightPixels;
      screen.damage = null;
    }
    screen.source = source;
  }

  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): void | Promise<void> {
    const screen = this.#screen(scanoutId);
    const { source, rgba } = screen;
    if (source === null || this.#closed || this.#failure !== null) return;
    const damage = { x, y, widthPixels, heightPixels };
    readScanoutRgba(source, rgba, damage);
    if (gpuFormat(source.format)?.hasAlpha === true) makeOpaque(rgba, screen.widthPixels, damage);
    screen.damage = bounds(screen.damage, damage);
    screen.lastFlush = ++this.#flushes;
    screen.lastMs = this.#now() - this.#beginMs;
    screen.flushes++;
    if (this.#frames === "last" || (screen.flushes - 1) % this.#frames !== 0) return;
    if (screen.waiting === null && this.#hasRoom(screen)) {
      this.#take(scanoutId, screen);
      return;
    }
    if (screen.waiting === null) screen.waiting = [];
    else this.#merged++;
    const { waiting } = screen;
    return new Promise((resolve) => void waiting.push(resolve));
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    const screen = this.#screen(scanoutId);
    screen.cursor = cursor === null || !this.#withCursor ? null : copyCursor(cursor);
    if (cursor !== null) this.moveCursor(scanoutId, cursor.x, cursor.y);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    const screen = this.#screen(scanoutId);
    screen.cursorX = x;
    screen.cursorY = y;
  }

  #screen(scanoutId: number): Screen {
    let screen = this.#screens.get(scanoutId);
    if (screen === undefined) {
      screen = {
        source: null,
        rgba: new Uint8Array(0),
        widthPixels: 0,
        heightPixels: 0,
        flushes: 0,
        damage: null,
        waiting: null,
        lastFlush: 0,
        lastMs: 0,
        cursor: null,
        cursorX: 0,
        cursorY: 0,
      };
      this.#screens.set(scanoutId, screen);
    }
    return screen;
  }

  /** Asked before a frame is copied. */
  #hasRoom({ rgba }: Screen): boolean {
    if (this.#pending === 0 || this.#taken >= this.#maxFrames) return true;
    return this.#pending < this.#maxPending && this.#pendingBytes + rgba.length <= this.#maxPendingBytes;
  }

  /** Takes the frames that there is room for by now. */
  #takeWaiting(): void {
    const waiting = [...this.#screens].filter((each) => each[1].waiting !== null);
    for (const [scanoutId, screen] of waiting.sort(([, a], [, b]) => a.lastFlush - b.lastFlush)) {
      if (!this.#hasRoom(screen) && this.#failure === null) return;
      if (this.#failure === null) this.#take(scanoutId, screen);
      this.#answer(screen);
    }
  }

  #answer(screen: Screen): void {
    const { waiting } = screen;
    screen.waiting = null;
    for (const go of waiting ?? []) go();
  }

  /** The picture of a frame that there was no room for goes. */
  #giveUp(screen: Screen): void {
    if (screen.waiting === null) return;
    this.#skipped++;
    this.#answer(screen);
  }

  /** Waits until all frames are written, those included that are taken meanwhile. */
  async #idle(): Promise<void> {
    do await this.#written;
    while (this.#pending > 0);
  }

  /** Takes what a scanout shows as a frame, to be written later. */
  #take(scanoutId: number, screen: Screen): void {
    const { widthPixels, heightPixels, damage, lastFlush, lastMs } = screen;
    if (damage === null) return;
    screen.damage = null;
    if (this.#taken >= this.#maxFrames) {
      this.#skipped++;
      return;
    }
    this.#taken++;
    const rgba = screen.rgba.slice();
    if (screen.cursor !== null) {
      const area = { x: 0, y: 0, widthPixels, heightPixels };
      drawCursor(screen.cursor, screen.cursorX, screen.cursorY, rgba, area);
    }
    const frame = {
      flush: lastFlush,
      scanoutId,
      file: fileName(lastFlush, scanoutId, this.#format),
      width: widthPixels,
      height: heightPixels,
      damage: damageOf(damage),
      timeMs: Math.round(lastMs * 1000) / 1000,
    };
    this.#pending++;
    this.#pendingBytes += rgba.length;
    this.#written = this.#written.then(async () => {
      try {
        if (this.#failure === null) await this.#write({ ...frame, sha256: await this.#hash(rgba) }, rgba);
      } catch (error) {
        this.#failure = new Error(`recording stopped: cannot write ${frame.file}: ${reasonOf(error)}`, {
          cause: error,
        });
      }
      this.#pending--;
      this.#pendingBytes -= rgba.length;
      this.#takeWaiting();
    });
  }

  /** A part in each turn: hashing a large frame takes longer than anybody may have the thread. */
  async #hash(rgba: Uint8Array): Promise<string> {
    const hash = createHash("sha256");
    for (let at = 0; at < rgba.length; at += HASH_PIXELS * BYTES_PER_PIXEL) {
      const part = rgba.subarray(at, at + HASH_PIXELS * BYTES_PER_PIXEL);
      await this.#budget.inTurn(part.length / BYTES_PER_PIXEL, () => hash.update(part));
    }
    return hash.digest("hex");
  }

  async #write(frame: RecordedFrame, rgba: Uint8Array): Promise<void> {
    const { file, width, height } = frame;
    const bytes = this.#format === "png" ? await encodePng(rgba, width, height, this.#budget) : rgba;
    await writeFile(join(this.folder, file), bytes);
    this.#recorded.push(frame);
    const begin = performance.now();
    if (begin >= this.#indexDueMs && !this.#closed) {
      await this.#writeIndex();
      const took = performance.now() - begin;
      this.#indexDueMs = begin + Math.max(INDEX_INTERVAL_MS, took * INDEX_SHARE);
    }
  }

  /** Puts the new index in the place of the old. */
  async #writeIndex(): Promise<void> {
    const path = join(this.folder, INDEX_FILE);
    const temporary = `${path}.tmp`;
    await writeFile(temporary, indexText(this.index()));
    await rename(temporary, path);
  }
}

/** Like mkdir with `recursive`, which never returns where a folder exists in which none can be made, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

function makeOpaque(rgba: Uint8Array, stride: number, area: PixelRectangle): void {
  for (let y = area.y; y < area.y + area.heightPixels; y++) {
    const start = (y * stride + area.x) * BYTES_PER_PIXEL;
    const end = start + area.widthPixels * BYTES_PER_PIXEL;
    for (let i = start + 3; i < end; i += BYTES_PER_PIXEL) rgba[i] = 255;
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
      return "the disk is full";
    case "ENOENT":
      return "no folder can be made there";
    case "EEXIST":
    case "ENOTDIR":
      return "a part of the path is not a folder";
    default:
      return message;
  }
}
