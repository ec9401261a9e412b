import type { PixelRectangle } from "../../../devices/gpu/index.ts";
import { type CursorPicture, copyCursor, drawCursor } from "../pictures/cursor.ts";
import { readOpaque } from "../pictures/opaque.ts";
import { bounds, intersection } from "../pictures/rectangle.ts";
import { BYTES_PER_PIXEL } from "../pictures/rgba.ts";
import type { MemoryScreen } from "./memory-display.ts";

const EMPTY = new Uint8Array(0);

/** A scanout in a buffer that is brought up to date by what has changed; the same with its cursor, once asked for. */
export class KeptPicture {
  #rgba: Uint8Array<ArrayBuffer> = EMPTY;
  #widthPixels = 0;
  #heightPixels = 0;
  /** Not yet converted. */
  #damage: PixelRectangle | null = null;
  #composed: Uint8Array<ArrayBuffer> | null = null;
  /** Of the composed picture, not yet brought over. */
  #stale: PixelRectangle | null = null;
  #cursor: CursorPicture | null = null;
  #cursorChanges = -1;
  #drawnCursor: PixelRectangle | null = null;

  flushed(rectangle: PixelRectangle): void {
    this.#damage = bounds(this.#damage, rectangle);
  }

  read(screen: MemoryScreen, withCursor: boolean): Uint8Array<ArrayBuffer> | null {
    const { source } = screen;
    if (source === null) {
      this.#widthPixels = 0;
      return null;
    }
    const { widthPixels, heightPixels } = source;
    const whole = { x: 0, y: 0, widthPixels, heightPixels };
    if (this.#widthPixels !== widthPixels || this.#heightPixels !== heightPixels) {
      this.#widthPixels = widthPixels;
      this.#heightPixels = heightPixels;
      this.#rgba = new Uint8Array(widthPixels * heightPixels * BYTES_PER_PIXEL);
      this.#composed = null;
      this.#damage = whole;
    }
    const damage = this.#damage === null ? null : intersection(this.#damage, whole);
    this.#damage = null;
    if (damage !== null) {
      readOpaque(source, this.#rgba, damage);
      this.#stale = bounds(this.#stale, damage);
    }
    return withCursor ? this.#compose(screen, whole) : this.#rgba;
  }

  #compose(screen: MemoryScreen, whole: PixelRectangle): Uint8Array<ArrayBuffer> {
    if (this.#composed === null) {
      this.#composed = new Uint8Array(this.#rgba.length);
      this.#stale = whole;
      this.#drawnCursor = null;
    }
    if (this.#cursorChanges !== screen.cursorChanges) {
      this.#cursorChanges = screen.cursorChanges;
      this.#cursor = screen.cursor === null ? null : copyCursor(screen.cursor);
    }
    const cursor = this.#cursor;
    const { cursorX: x, cursorY: y } = screen;
    const area = cursor === null ? null : intersection({ ...sizeOf(cursor), x, y }, whole);
    for (const rectangle of [this.#stale, this.#drawnCursor, area]) {
      if (rectangle !== null) copyRectangle(this.#rgba, this.#composed, this.#widthPixels, rectangle);
    }
    this.#stale = null;
    this.#drawnCursor = area;
    if (cursor !== null) drawCursor(cursor, x, y, this.#composed, whole);
    return this.#composed;
  }
}

function sizeOf({ widthPixels, heightPixels }: CursorPicture): { widthPixels: number; heightPixels: number } {
  return { widthPixels, heightPixels };
}

function copyRectangle(
  from: Uint8Array,
  to: Uint8Array,
  stridePixels: number,
  { x, y, widthPixels, heightPixels }: PixelRectangle,
): void {
  for (let row = y; row < y + heightPixels; row++) {
    const start = (row * stridePixels + x) * BYTES_PER_PIXEL;
    to.set(from.subarray(start, start + widthPixels * BYTES_PER_PIXEL), start);
  }
}
