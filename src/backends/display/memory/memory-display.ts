import { VirtioUsageError } from "../../../base/errors.ts";
import type { CursorImage, Display, PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { readScanoutRgba } from "../pictures/read-scanout.ts";
import { KeptPicture } from "./kept-picture.ts";

/** What a {@link MemoryDisplay} knows of one scanout. */
export interface MemoryScreen {
  /** The picture shown, null when it is off. */
  source: ScanoutSource | null;
  /** Times the source was set, to something or to nothing. */
  changes: number;
  /** Flushes, the pixels they named, and those of the last one. */
  flushes: number;
  damagedPixels: number;
  damage: PixelRectangle | null;
  cursor: CursorImage | null;
  /** Times the cursor got a new image or none, and times it moved. */
  cursorChanges: number;
  cursorMoves: number;
  cursorX: number;
  cursorY: number;
}

/**
 * A display without a screen: keeps what every scanout shows and counts. For tests, recorders and headless use.
 *
 * @example
 * ```ts
 * const display = new MemoryDisplay();
 * const gpu = new GpuDevice({ display });
 * // after the guest has drawn:
 * const rgba = display.readRgba(0);
 * ```
 */
export class MemoryDisplay implements Display {
  readonly #screens = new Map<number, MemoryScreen>();
  /** Pictures of the scanouts that somebody has asked for. */
  readonly #kept = new Map<number, KeptPicture>();
  readonly #onFlush: ((scanoutId: number, damage: PixelRectangle) => void | Promise<void>) | null;

  /** `onFlush` is called with every flush; a promise holds back the driver's response. */
  constructor(onFlush: ((scanoutId: number, damage: PixelRectangle) => void | Promise<void>) | null = null) {
    if (onFlush !== null && typeof onFlush !== "function") {
      throw new VirtioUsageError(
        "MemoryDisplay takes a function that is called with every flush, or nothing",
      );
    }
    this.#onFlush = onFlush;
  }

  /** What is known of a scanout. */
  screen(scanoutId: number): MemoryScreen {
    let screen = this.#screens.get(scanoutId);
    if (screen === undefined) {
      screen = {
        source: null,
        changes: 0,
        flushes: 0,
        damagedPixels: 0,
        damage: null,
        cursor: null,
        cursorChanges: 0,
        cursorMoves: 0,
        cursorX: 0,
        cursorY: 0,
      };
      this.#screens.set(scanoutId, screen);
    }
    return screen;
  }

  /**
   * The picture on a scanout as bytes R, G, B, A, without the cursor, in a new array; null when it is off. All of it is
   * converted: for every frame, {@link MemoryDisplay.picture} is cheaper.
   */
  readRgba(scanoutId: number): Uint8Array<ArrayBuffer> | null {
    const { source } = this.screen(scanoutId);
    return source === null ? null : readScanoutRgba(source);
  }

  /**
   * The picture on a scanout in a buffer that is kept: bytes R, G, B, 255, row after row, null when the scanout is off.
   * Only what was flushed since the call before is converted, so that a call after each flush costs what has changed.
   * The array stays the same one as long as the size does, and changes with the next call.
   *
   * @example
   * ```ts
   * const display = new MemoryDisplay(() => {
   *   const rgba = display.picture(0, { withCursor: true });
   * });
   * ```
   */
  picture(
    scanoutId: number,
    options: { readonly withCursor?: boolean } = {},
  ): Uint8Array<ArrayBuffer> | null {
    let kept = this.#kept.get(scanoutId);
    if (kept === undefined) {
      kept = new KeptPicture();
      this.#kept.set(scanoutId, kept);
    }
    return kept.read(this.screen(scanoutId), options.withCursor ?? false);
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    const screen = this.screen(scanoutId);
    screen.source = source;
    screen.changes++;
  }

  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): void | Promise<void> {
    const screen = this.screen(scanoutId);
    const damage = { x, y, widthPixels, heightPixels };
    screen.flushes++;
    screen.damagedPixels += widthPixels * heightPixels;
    screen.damage = damage;
    this.#kept.get(scanoutId)?.flushed(damage);
    return this.#onFlush?.(scanoutId, damage);
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    const screen = this.screen(scanoutId);
    screen.cursor = cursor;
    screen.cursorChanges++;
    if (cursor === null) return;
    screen.cursorX = cursor.x;
    screen.cursorY = cursor.y;
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    const screen = this.screen(scanoutId);
    screen.cursorMoves++;
    screen.cursorX = x;
    screen.cursorY = y;
  }
}
