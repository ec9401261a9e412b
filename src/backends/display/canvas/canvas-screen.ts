import type { WorkBudget } from "../../../base/work-budget.ts";
import type { CursorImage, PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { type CursorPicture, copyCursor, drawCursor } from "../pictures/cursor.ts";
import { makeOpaque, readOpaque } from "../pictures/opaque.ts";
import { bounds, intersection } from "../pictures/rectangle.ts";
import { BYTES_PER_PIXEL } from "../pictures/rgba.ts";
import type { CanvasContext, CanvasImage, CanvasTarget } from "./canvas.ts";

/** Pixels that are converted before the budget is looked at, or one row. */
const BAND_PIXELS = 1 << 16;

interface Patch {
  readonly image: CanvasImage;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/** One scanout on one canvas: a kept image, of which only what changed is converted and put. */
export class CanvasScreen {
  readonly #canvas: CanvasTarget;
  readonly #context: CanvasContext;
  #source: ScanoutSource | null = null;
  /** The scanout without its cursor. */
  #image: CanvasImage | null = null;
  #widthPixels = 0;
  #heightPixels = 0;
  /** Of the scanout, not yet converted. */
  #damage: PixelRectangle | null = null;
  /** What is left of the damage that is being converted. */
  #rest: PixelRectangle | null = null;
  /** Of the canvas, not yet put. */
  #stale: PixelRectangle | null = null;
  #cursor: CursorPicture | null = null;
  /** The image in which the cursor is put together with what is below it. */
  #patch: Patch | null = null;
  #cursorX = 0;
  #cursorY = 0;
  /** Where the cursor is on the canvas now. */
  #drawnCursor: PixelRectangle | null = null;

  constructor(canvas: CanvasTarget, context: CanvasContext) {
    this.#canvas = canvas;
    this.#context = context;
  }

  setScanout(source: ScanoutSource | null): void {
    this.#source = source;
    this.#damage = null;
    this.#rest = null;
    if (source === null) {
      // The size stays: guests turn a screen off for a moment at a time.
      if (this.#image === null) return;
      const { data } = this.#image;
      data.fill(0);
      makeOpaque(data, this.#widthPixels, this.#whole());
      this.#stale = this.#whole();
      return;
    }
    const { widthPixels, heightPixels } = source;
    if (this.#image !== null && this.#widthPixels === widthPixels && this.#heightPixels === heightPixels)
      return;
    this.#image = this.#context.createImageData(widthPixels, heightPixels);
    this.#widthPixels = widthPixels;
    this.#heightPixels = heightPixels;
    this.#canvas.width = widthPixels;
    this.#canvas.height = heightPixels;
    this.#stale = null;
    this.#drawnCursor = null;
  }

  /** Returns whether there is something to draw. */
  flush(rectangle: PixelRectangle): boolean {
    if (this.#source === null) return false;
    this.#damage = bounds(this.#damage, rectangle);
    return true;
  }

  setCursor(image: CursorImage | null): void {
    this.#cursor = image === null ? null : copyCursor(image);
    if (image === null) return;
    this.#cursorX = image.x;
    this.#cursorY = image.y;
    const { widthPixels, heightPixels } = image;
    if (this.#patch?.widthPixels === widthPixels && this.#patch.heightPixels === heightPixels) return;
    this.#patch = {
      image: this.#context.createImageData(widthPixels, heightPixels),
      widthPixels,
      heightPixels,
    };
  }

  moveCursor(x: number, y: number): void {
    this.#cursorX = x;
    this.#cursorY = y;
  }

  /**
   * Converts what was flushed, as far as the budget reaches, which counts pixels. What is flushed meanwhile is left for the
   * next time. Returns whether all was converted, so that it can be drawn.
   */
  convert(budget: WorkBudget): boolean {
    const image = this.#image;
    const source = this.#source;
    if (image === null || source === null) return true;
    if (this.#rest === null && this.#damage !== null) {
      this.#rest = this.#damage;
      this.#stale = bounds(this.#stale, this.#damage);
      this.#damage = null;
    }
    for (let rest = this.#rest; rest !== null; rest = this.#rest) {
      if (budget.spent) return false;
      const { x, y, widthPixels } = rest;
      const rows = Math.min(rest.heightPixels, Math.max(1, Math.floor(BAND_PIXELS / widthPixels)));
      readOpaque(source, image.data, { x, y, widthPixels, heightPixels: rows });
      budget.charge(widthPixels * rows);
      const heightPixels = rest.heightPixels - rows;
      this.#rest = heightPixels === 0 ? null : { x, y: y + rows, widthPixels, heightPixels };
    }
    return true;
  }

  /** Puts what was converted, and the cursor. */
  draw(): void {
    const image = this.#image;
    if (image === null) return;
    const cursor = this.#cursorArea();
    const before = this.#drawnCursor;
    if (before !== null) this.#put(image, before);
    if (this.#stale !== null) this.#put(image, this.#stale);
    this.#stale = null;
    this.#drawCursor(image, cursor);
  }

  #put(image: CanvasImage, { x, y, widthPixels, heightPixels }: PixelRectangle): void {
    this.#context.putImageData(image, 0, 0, x, y, widthPixels, heightPixels);
  }

  #drawCursor(image: CanvasImage, area: PixelRectangle | null): void {
    this.#drawnCursor = area;
    const cursor = this.#cursor;
    const patch = this.#patch;
    if (area === null || cursor === null || patch === null) return;
    const { data } = patch.image;
    const columns = area.widthPixels * BYTES_PER_PIXEL;
    // Rows of the area without gaps, then, from below, at the patch's own stride.
    for (let row = 0; row < area.heightPixels; row++) {
      const from = ((area.y + row) * this.#widthPixels + area.x) * BYTES_PER_PIXEL;
      data.set(image.data.subarray(from, from + columns), row * columns);
    }
    drawCursor(cursor, this.#cursorX, this.#cursorY, data, area);
    const stride = patch.widthPixels * BYTES_PER_PIXEL;
    if (stride !== columns) {
      for (let row = area.heightPixels - 1; row > 0; row--) {
        data.copyWithin(row * stride, row * columns, (row + 1) * columns);
      }
    }
    this.#context.putImageData(patch.image, area.x, area.y, 0, 0, area.widthPixels, area.heightPixels);
  }

  #cursorArea(): PixelRectangle | null {
    if (this.#cursor === null || this.#source === null) return null;
    const { widthPixels, heightPixels } = this.#cursor;
    return intersection({ x: this.#cursorX, y: this.#cursorY, widthPixels, heightPixels }, this.#whole());
  }

  #whole(): PixelRectangle {
    return { x: 0, y: 0, widthPixels: this.#widthPixels, heightPixels: this.#heightPixels };
  }
}
