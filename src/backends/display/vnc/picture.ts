import type { PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { BYTES_PER_PIXEL, RGB_MASK, readPart } from "../pictures/rgba.ts";

/** Changes are found in squares of this size. */
const CELL = 32;

// Rows of the scanout on their way into a picture.
let band: Buffer<ArrayBuffer> = Buffer.alloc(0);

/** The pixels of the desktop as all clients see it, without cursors. Its size never changes. */
export class Picture {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #bytes: Buffer<ArrayBuffer>;

  /** Black. Throws a RangeError when there is no memory for it. */
  constructor(widthPixels: number, heightPixels: number) {
    this.widthPixels = widthPixels;
    this.heightPixels = heightPixels;
    this.#words = new Uint32Array(widthPixels * heightPixels);
    this.#bytes = Buffer.from(this.#words.buffer);
  }

  /**
   * Brings over a rectangle of a scanout whose upper left corner is at (left, top) of the picture, and reports what is
   * really different now: guests like to flush everything.
   */
  update(
    source: ScanoutSource,
    rectangle: PixelRectangle,
    left: number,
    top: number,
    changed: (rectangle: PixelRectangle) => void,
  ): void {
    const { x, widthPixels } = rectangle;
    const bottom = rectangle.y + rectangle.heightPixels;
    if (left + x + widthPixels > this.widthPixels || top + bottom > this.heightPixels) return;
    const lengthBytes = widthPixels * CELL * BYTES_PER_PIXEL;
    if (band.length < lengthBytes) band = Buffer.from(new ArrayBuffer(lengthBytes));
    const fresh = new Uint32Array(band.buffer, 0, widthPixels * CELL);
    for (let y = rectangle.y; y < bottom; y += CELL) {
      const rows = Math.min(CELL, bottom - y);
      readPart(source, x, y, widthPixels, rows, band);
      if (this.#isShown(left + x, top + y, widthPixels, rows)) continue;
      this.#take(fresh, left + x, top + y, widthPixels, rows, changed);
    }
  }

  /** Whether all of the band is there already: asked of memcmp, which is many times as fast as a loop. */
  #isShown(x: number, y: number, widthPixels: number, rows: number): boolean {
    const lengthBytes = widthPixels * BYTES_PER_PIXEL;
    for (let row = 0; row < rows; row++) {
      const at = ((y + row) * this.widthPixels + x) * BYTES_PER_PIXEL;
      const from = row * lengthBytes;
      if (this.#bytes.compare(band, from, from + lengthBytes, at, at + lengthBytes) !== 0) return false;
    }
    return true;
  }

  #take(
    fresh: Uint32Array,
    x: number,
    y: number,
    widthPixels: number,
    rows: number,
    changed: (rectangle: PixelRectangle) => void,
  ): void {
    let start = -1;
    for (let column = 0; column < widthPixels; column += CELL) {
      const columns = Math.min(CELL, widthPixels - column);
      const differs = this.#takeCell(fresh, column, widthPixels, x, y, columns, rows);
      if (differs && start < 0) start = column;
      if (start < 0) continue;
      const end = differs ? column + columns : column;
      if (differs && end < widthPixels) continue;
      changed({ x: x + start, y, widthPixels: end - start, heightPixels: rows });
      start = -1;
    }
  }

  /** Copies one cell if anything in it is different. */
  #takeCell(
    fresh: Uint32Array,
    column: number,
    stride: number,
    x: number,
    y: number,
    columns: number,
    rows: number,
  ): boolean {
    const words = this.#words;
    let from = column;
    let to = y * this.widthPixels + x + column;
    let differs = false;
    for (let row = 0; row < rows; row++, from += stride, to += this.widthPixels) {
      let i = 0;
      if (!differs) {
        while (i < columns && (((fresh[from + i] as number) ^ (words[to + i] as number)) & RGB_MASK) === 0)
          i++;
        if (i === columns) continue;
        differs = true;
      }
      for (; i < columns; i++) words[to + i] = fresh[from + i] as number;
    }
    return differs;
  }

  /** Copies a rectangle of another picture to a place in this one; what does not fit is left out. */
  copyFrom(other: Picture, rectangle: PixelRectangle, x: number, y: number): void {
    const columns = Math.min(rectangle.widthPixels, other.widthPixels - rectangle.x, this.widthPixels - x);
    const rows = Math.min(rectangle.heightPixels, other.heightPixels - rectangle.y, this.heightPixels - y);
    if (columns <= 0) return;
    for (let row = 0; row < rows; row++) {
      const from = (rectangle.y + row) * other.widthPixels + rectangle.x;
      this.#words.set(other.#words.subarray(from, from + columns), (y + row) * this.widthPixels + x);
    }
  }

  /** Makes a rectangle black. */
  blacken(rectangle: PixelRectangle): void {
    for (let y = rectangle.y; y < rectangle.y + rectangle.heightPixels; y++) {
      const start = y * this.widthPixels + rectangle.x;
      this.#words.fill(0, start, start + rectangle.widthPixels);
    }
  }

  /** Copies a rectangle to the start of `target`, rows without gaps. Beyond the picture everything is black. */
  read(rectangle: PixelRectangle, target: Uint32Array): void {
    const { x, y, widthPixels, heightPixels } = rectangle;
    const columns = Math.max(0, Math.min(widthPixels, this.widthPixels - x));
    for (let row = 0; row < heightPixels; row++) {
      const to = row * widthPixels;
      const inside = y + row < this.heightPixels ? columns : 0;
      if (inside > 0) {
        const from = (y + row) * this.widthPixels + x;
        target.set(this.#words.subarray(from, from + inside), to);
      }
      if (inside < widthPixels) target.fill(0, to + inside, to + widthPixels);
    }
  }
}
