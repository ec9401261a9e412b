import type { PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import type { CursorPicture } from "../pictures/cursor.ts";
import { BYTES_PER_PIXEL, readPart } from "../pictures/rgba.ts";

/** Pixels that are read at a time, or one row. */
const PIXELS_AT_ONCE = 1 << 16;

// Pixels of the picture on their way into dots, and the sums of those of one row of dots.
let pixels: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let sums: Float64Array<ArrayBuffer> = new Float64Array(0);

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

  /** Behind the last pixel of a dot; there is always one. */
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
  /** Two rows of dots for each row of characters. What is beside the picture is black. */
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

  /** Brings over the dots that show something of a rectangle of the picture. */
  update(source: ScanoutSource, area: PixelRectangle): void {
    const horizontal = this.#horizontal;
    const vertical = this.#vertical;
    const left = horizontal.from(area.x);
    const right = horizontal.to(area.x + area.widthPixels);
    const bottom = vertical.to(area.y + area.heightPixels);
    if (right <= left) return;
    const x = horizontal.start(left);
    const width = horizontal.end(right - 1) - x;
    for (let row = vertical.from(area.y); row < bottom; row++) {
      const y = vertical.start(row);
      const height = vertical.end(row) - y;
      this.#addUp(source, x, y, width, height, left, right);
      const at = (vertical.first + row) * this.columns + horizontal.first;
      for (let dot = left; dot < right; dot++) {
        const count = (horizontal.end(dot) - horizontal.start(dot)) * height;
        this.dots[at + dot] = mean((dot - left) * 3, count);
      }
    }
  }

  /** Adds up the colours of the pixels behind dots of one row. */
  #addUp(
    source: ScanoutSource,
    x: number,
    y: number,
    width: number,
    height: number,
    left: number,
    right: number,
  ): void {
    const horizontal = this.#horizontal;
    const length = (right - left) * 3;
    if (sums.length < length) sums = new Float64Array(length);
    sums.fill(0, 0, length);
    const most = Math.max(1, Math.floor(PIXELS_AT_ONCE / width));
    for (let done = 0; done < height; done += most) {
      const rows = Math.min(most, height - done);
      const lengthBytes = width * rows * BYTES_PER_PIXEL;
      if (pixels.length < lengthBytes) pixels = new Uint8Array(lengthBytes);
      readPart(source, x, y + done, width, rows, pixels);
      for (let dot = left; dot < right; dot++) {
        addPixels(horizontal.start(dot) - x, horizontal.end(dot) - x, width, rows, (dot - left) * 3);
      }
    }
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

/** Adds columns of what was read to the sums at a place. */
function addPixels(start: number, end: number, stride: number, rows: number, at: number): void {
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

function mean(at: number, count: number): number {
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
