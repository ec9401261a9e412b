import type { WorkBudget } from "../../../base/work-budget.ts";
import type { PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import type { CursorPicture } from "../pictures/cursor.ts";
import { BYTES_PER_PIXEL, readPart } from "../pictures/rgba.ts";

/** Pixels that are read at a time, or one row. */
const PIXELS_AT_ONCE = 1 << 16;

// Pixels of the picture on their way into dots.
let pixels: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** One axis of the picture on one of the terminal: which pixels each dot stands for. */
class Axis {
  /** First dot. */
  readonly first: number;
  /** Number of dots. */
  readonly count: number;
  /** Pixels of the picture. */
  readonly pixels: number;

  constructor(available: number, picturePixels: number, scale: number) {
    this.pixels = picturePixels;
    this.count = Math.min(available, Math.max(1, Math.round(picturePixels * scale)));
    this.first = Math.floor((available - this.count) / 2);
  }

  /** First pixel of a dot. */
  start(dot: number): number {
    return Math.floor((dot * this.pixels) / this.count);
  }

  /** One past the last pixel of a dot, which has at least one. */
  end(dot: number): number {
    return Math.max(this.start(dot) + 1, this.start(dot + 1));
  }

  /** First dot that shows something of a pixel or of one behind it. */
  from(pixel: number): number {
    let dot = Math.max(0, Math.floor((pixel * this.count) / this.pixels) - 1);
    while (dot < this.count && this.end(dot) <= pixel) dot++;
    return dot;
  }

  /** Behind the last dot that shows something of the pixels before this one. */
  to(pixel: number): number {
    let dot = Math.min(this.count, Math.ceil((pixel * this.count) / this.pixels) + 1);
    while (dot > 0 && this.start(dot - 1) >= pixel) dot--;
    return dot;
  }
}

/**
 * A picture reduced to the dots of a terminal, of which each character has two, one above the other, so that they are
 * about square. Colours are 0xRRGGBB; a dot is the mean of its pixels.
 */
export class Cells {
  readonly columns: number;
  readonly rows: number;
  /** Two rows of dots for each row of characters. Outside the picture it is black. */
  readonly dots: Uint32Array<ArrayBuffer>;
  readonly #horizontal: Axis;
  readonly #vertical: Axis;
  /** What the cursor covers: dots, and for each its colours multiplied with alpha, and alpha, 0 to 255. */
  #cursor: { left: number; top: number; width: number; height: number; rgba: Float32Array } | null = null;

  constructor(columns: number, rows: number, widthPixels: number, heightPixels: number) {
    this.columns = columns;
    this.rows = rows;
    this.dots = new Uint32Array(columns * rows * 2);
    const scale = Math.min(columns / widthPixels, (rows * 2) / heightPixels);
    this.#horizontal = new Axis(columns, widthPixels, scale);
    this.#vertical = new Axis(rows * 2, heightPixels, scale);
  }

  /** Begins to bring over the dots that show something of a rectangle of the picture. */
  update(area: PixelRectangle): CellUpdate {
    return new CellUpdate(this, this.#horizontal, this.#vertical, area);
  }

  /** Makes everything black. */
  clear(): void {
    this.dots.fill(0);
  }

  /** Puts a cursor at (x, y) of the picture, or none. */
  setCursor(cursor: CursorPicture | null, x: number, y: number): void {
    this.#cursor = null;
    if (cursor === null) return;
    const horizontal = this.#horizontal;
    const vertical = this.#vertical;
    const left = horizontal.from(x);
    const top = vertical.from(y);
    const width = horizontal.to(x + cursor.widthPixels) - left;
    const height = vertical.to(y + cursor.heightPixels) - top;
    if (width <= 0 || height <= 0) return;
    const rgba = new Float32Array(width * height * 4);
    for (let row = 0; row < height; row++) {
      const y0 = vertical.start(top + row);
      const y1 = vertical.end(top + row);
      for (let column = 0; column < width; column++) {
        const x0 = horizontal.start(left + column);
        const x1 = horizontal.end(left + column);
        addCursorPixels(cursor, x0 - x, y0 - y, x1 - x, y1 - y, rgba, (row * width + column) * 4);
      }
    }
    this.#cursor = { left: left + horizontal.first, top: top + vertical.first, width, height, rgba };
  }

  /** The colour of a dot as it is seen, cursor included. */
  colour(column: number, row: number): number {
    const colour = this.dots[row * this.columns + column] as number;
    const cursor = this.#cursor;
    if (cursor === null) return colour;
    const x = column - cursor.left;
    const y = row - cursor.top;
    if (x < 0 || y < 0 || x >= cursor.width || y >= cursor.height) return colour;
    const { rgba } = cursor;
    const at = (y * cursor.width + x) * 4;
    const rest = 1 - (rgba[at + 3] as number) / 255;
    const red = Math.round((rgba[at] as number) + ((colour >>> 16) & 0xff) * rest);
    const green = Math.round((rgba[at + 1] as number) + ((colour >>> 8) & 0xff) * rest);
    const blue = Math.round((rgba[at + 2] as number) + (colour & 0xff) * rest);
    return (Math.min(255, red) << 16) | (Math.min(255, green) << 8) | Math.min(255, blue);
  }
}

/** Brings over a part of a picture, in as many goes as it takes. */
export class CellUpdate {
  readonly #cells: Cells;
  readonly #horizontal: Axis;
  readonly #vertical: Axis;
  /** First dot of each row and the one behind the last; the row that is next and the one behind the last. */
  readonly #left: number;
  readonly #right: number;
  #row: number;
  readonly #bottom: number;
  /** Rows of pixels of this row of dots that are summed up already. */
  #done = 0;
  readonly #sums: Float64Array<ArrayBuffer>;

  constructor(cells: Cells, horizontal: Axis, vertical: Axis, area: PixelRectangle) {
    this.#cells = cells;
    this.#horizontal = horizontal;
    this.#vertical = vertical;
    this.#left = horizontal.from(area.x);
    this.#right = horizontal.to(area.x + area.widthPixels);
    this.#row = vertical.from(area.y);
    this.#bottom = this.#right <= this.#left ? this.#row : vertical.to(area.y + area.heightPixels);
    this.#sums = new Float64Array(Math.max(0, this.#right - this.#left) * 3);
  }

  /** Goes on until the budget, which counts pixels, is spent; without one to the end. Returns whether that was all. */
  step(source: ScanoutSource, budget: WorkBudget | null): boolean {
    while (this.#row < this.#bottom) {
      if (budget?.spent === true) return false;
      const pixelsRead = this.#addUp(source);
      budget?.charge(pixelsRead);
    }
    return true;
  }

  /** Adds up the colours of some of the pixels behind one row of dots; sets the dots with the last of them. */
  #addUp(source: ScanoutSource): number {
    const horizontal = this.#horizontal;
    const vertical = this.#vertical;
    const left = this.#left;
    const right = this.#right;
    const sums = this.#sums;
    const x = horizontal.start(left);
    const width = horizontal.end(right - 1) - x;
    const row = this.#row;
    const y = vertical.start(row);
    const height = vertical.end(row) - y;
    if (this.#done === 0) sums.fill(0);
    const rows = Math.min(Math.max(1, Math.floor(PIXELS_AT_ONCE / width)), height - this.#done);
    const lengthBytes = width * rows * BYTES_PER_PIXEL;
    if (pixels.length < lengthBytes) pixels = new Uint8Array(lengthBytes);
    readPart(source, x, y + this.#done, width, rows, pixels);
    for (let dot = left; dot < right; dot++) {
      addPixels(sums, horizontal.start(dot) - x, horizontal.end(dot) - x, width, rows, (dot - left) * 3);
    }
    this.#done += rows;
    if (this.#done === height) {
      this.#done = 0;
      this.#row++;
      const cells = this.#cells;
      const at = (vertical.first + row) * cells.columns + horizontal.first;
      for (let dot = left; dot < right; dot++) {
        const count = (horizontal.end(dot) - horizontal.start(dot)) * height;
        cells.dots[at + dot] = mean(sums, (dot - left) * 3, count);
      }
    }
    return width * rows;
  }
}

/** Adds columns of what was read to the sums at a place. */
function addPixels(
  sums: Float64Array,
  start: number,
  end: number,
  stride: number,
  rows: number,
  at: number,
): void {
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let row = 0; row < rows; row++) {
    const last = (row * stride + end) * BYTES_PER_PIXEL;
    for (let i = (row * stride + start) * BYTES_PER_PIXEL; i < last; i += BYTES_PER_PIXEL) {
      red += pixels[i] as number;
      green += pixels[i + 1] as number;
      blue += pixels[i + 2] as number;
    }
  }
  sums[at] = (sums[at] as number) + red;
  sums[at + 1] = (sums[at + 1] as number) + green;
  sums[at + 2] = (sums[at + 2] as number) + blue;
}

function mean(sums: Float64Array, at: number, count: number): number {
  const red = Math.round((sums[at] as number) / count);
  const green = Math.round((sums[at + 1] as number) / count);
  return (red << 16) | (green << 8) | Math.round((sums[at + 2] as number) / count);
}

/** Adds up a rectangle of a cursor, divided by the size of the rectangle; there is nothing beside the image. */
function addCursorPixels(
  cursor: CursorPicture,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  sum: Float32Array,
  at: number,
): void {
  const count = (x1 - x0) * (y1 - y0);
  for (let y = Math.max(0, y0); y < Math.min(y1, cursor.heightPixels); y++) {
    for (let x = Math.max(0, x0); x < Math.min(x1, cursor.widthPixels); x++) {
      const from = (y * cursor.widthPixels + x) * BYTES_PER_PIXEL;
      for (let k = 0; k < 4; k++) {
        sum[at + k] = (sum[at + k] as number) + (cursor.rgba[from + k] as number) / count;
      }
    }
  }
}
