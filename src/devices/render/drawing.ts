import { le32 } from "../../base/endian.ts";
import { VIRTIO_RENDER_RESP_ERR_REVOKED, VIRTIO_RENDER_TURN } from "../../wire/render.ts";
import type { Import } from "./imports.ts";
import {
  BYTES_PER_PIXEL,
  type Clip,
  convertPixel,
  integerSine,
  intersect,
  type PixelFormat,
  packColor,
  packPixel,
} from "./pixels.ts";

/** Pixels of one row on their way into a picture; shared by all drawings of a device. */
export class Row {
  u8: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** The same bytes as little-endian words. */
  u32: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** What is to be written: pixels `from` … `to`-1, counted from the left edge of the drawing's clip. */
  from = 0;
  to = 0;
  /** Whose pixels are in it: who finds his own need not compute them again. */
  owner: Painter | null = null;

  /** Makes room for so many pixels. */
  reserve(pixels: number): void {
    if (this.u32.length >= pixels) return;
    this.u8 = new Uint8Array(pixels * BYTES_PER_PIXEL);
    this.u32 = new Uint32Array(this.u8.buffer);
    this.owner = null;
  }
}

/** Computes rows. */
export interface Painter {
  /**
   * Fills in `row` from column `clip.left` on, and says which part of it counts. Returns 0 or the type of an error
   * response.
   */
  paint(y: number, clip: Clip, row: Row): number;
}

/** A command on its way into a picture, row by row. Holds its imports until it is closed. */
export class Drawing {
  readonly target: Import;
  readonly source: Import | null;
  /** What of the target may change, wholly inside. */
  readonly clip: Clip;
  readonly #painter: Painter;
  readonly #upwards: boolean;
  #done = 0;
  #closed = false;

  /** `upwards`: the last row first. */
  constructor(target: Import, source: Import | null, clip: Clip, painter: Painter, upwards = false) {
    this.target = target;
    this.source = source;
    this.clip = intersect(clip, boundsOf(target));
    this.#painter = painter;
    this.#upwards = upwards;
    target.hold();
    source?.hold();
  }

  get widthPixels(): number {
    return Math.max(0, this.clip.right - this.clip.left);
  }

  get heightPixels(): number {
    return this.widthPixels === 0 ? 0 : Math.max(0, this.clip.bottom - this.clip.top);
  }

  /** Rows that are not drawn yet. */
  get rowsLeft(): number {
    return this.heightPixels - this.#done;
  }

  /** True before the first row. */
  get fresh(): boolean {
    return this.#done === 0;
  }

  /** Draws at most `rows` rows; returns 0 or the type of the error response that ends it. */
  draw(rows: number, row: Row): number {
    const { target, clip } = this;
    row.reserve(this.widthPixels);
    for (let left = Math.min(rows, this.rowsLeft); left > 0; left--) {
      if (target.revoked || this.source?.revoked === true) return VIRTIO_RENDER_RESP_ERR_REVOKED;
      const y = this.#upwards ? clip.bottom - 1 - this.#done : clip.top + this.#done;
      const error = this.#painter.paint(y, clip, row) || this.#write(y, row);
      if (error !== 0) return error;
      this.#done++;
    }
    return 0;
  }

  #write(y: number, row: Row): number {
    const { from } = row;
    const pixels = row.to - from;
    if (pixels <= 0) return 0;
    return this.target.writeRow(this.clip.left + from, y, pixels, row.u8, from * BYTES_PER_PIXEL);
  }

  /** Lets the imports go; a second time does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.target.drop();
    this.source?.drop();
  }
}

function boundsOf({ layout }: Import): Clip {
  return { left: 0, top: 0, right: layout.widthPixels, bottom: layout.heightPixels };
}

/** One colour. */
export class FillPainter implements Painter {
  readonly #pixel: number;

  constructor(format: PixelFormat, color: number) {
    this.#pixel = packColor(format, color);
  }

  paint(_y: number, clip: Clip, row: Row): number {
    const pixels = clip.right - clip.left;
    row.from = 0;
    row.to = pixels;
    if (row.owner === this) return 0;
    row.u32.fill(le32(this.#pixel), 0, pixels);
    row.owner = this;
    return 0;
  }
}

/** Pixels of another picture, moved by an offset. */
export class BlitPainter implements Painter {
  readonly #source: Import;
  readonly #format: PixelFormat;
  readonly #dx: number;
  readonly #dy: number;

  /** The pixel at x, y comes from x + `dx`, y + `dy` of the source. */
  constructor(source: Import, format: PixelFormat, dx: number, dy: number) {
    this.#source = source;
    this.#format = format;
    this.#dx = dx;
    this.#dy = dy;
  }

  paint(y: number, clip: Clip, row: Row): number {
    const pixels = clip.right - clip.left;
    row.from = 0;
    row.to = pixels;
    row.owner = this;
    const error = this.#source.readRow(clip.left + this.#dx, y + this.#dy, pixels, row.u8);
    const { format } = this.#source.layout;
    if (error !== 0 || format.format === this.#format.format) return error;
    const { u32 } = row;
    for (let i = 0; i < pixels; i++) {
      u32[i] = le32(convertPixel(format, this.#format, le32(u32[i] as number)));
    }
    return 0;
  }
}

const ONE = 65536;
const HALF = ONE / 2;

/** Alpha, red, green, blue. */
type Channels = readonly [number, number, number, number];

/** A linear gradient between two points, the first colour before the first and the second behind the second. */
export class GradientPainter implements Painter {
  readonly #format: PixelFormat;
  readonly #x: number;
  readonly #y: number;
  readonly #dx: number;
  readonly #dy: number;
  readonly #first: Channels;
  readonly #second: Channels;

  /** The points are x0, y0, x1, y1 and not the same; at most 16 bits each, so that all products are exact. */
  constructor(
    format: PixelFormat,
    points: readonly [number, number, number, number],
    colors: readonly [number, number],
  ) {
    this.#format = format;
    this.#x = points[0];
    this.#y = points[1];
    this.#dx = points[2] - points[0];
    this.#dy = points[3] - points[1];
    this.#first = channelsOf(colors[0]);
    this.#second = channelsOf(colors[1]);
  }

  // One long loop over locals: a call for each pixel would cost more than the pixel.
  paint(y: number, clip: Clip, row: Row): number {
    const pixels = clip.right - clip.left;
    const { u32 } = row;
    const { alphaShift, redShift, greenShift, blueShift, hasAlpha } = this.#format;
    const [a0, r0, g0, b0] = this.#first;
    const [a1, r1, g1, b1] = this.#second;
    // Without alpha the fourth byte is 255 at both ends.
    const alpha = hasAlpha ? a0 : 255;
    const da = hasAlpha ? a1 - a0 : 0;
    const dr = r1 - r0;
    const dg = g1 - g0;
    const db = b1 - b0;
    const dx = this.#dx;
    const dy = this.#dy;
    const length = dx * dx + dy * dy;
    let along = (clip.left - this.#x) * dx + (y - this.#y) * dy;
    // From top to bottom all pixels of a row are the same.
    const different = dx === 0 ? Math.min(1, pixels) : pixels;
    for (let i = 0; i < different; i++, along += dx) {
      const t = along <= 0 ? 0 : along >= length ? ONE : Math.floor((along * ONE) / length);
      // channel · 65536 + difference · t is what the protocol says, with one multiplication.
      u32[i] = le32(
        (((alpha * ONE + da * t + HALF) >>> 16) << alphaShift) |
          (((r0 * ONE + dr * t + HALF) >>> 16) << redShift) |
          (((g0 * ONE + dg * t + HALF) >>> 16) << greenShift) |
          (((b0 * ONE + db * t + HALF) >>> 16) << blueShift),
      );
    }
    if (different < pixels) u32.fill(u32[0] as number, 1, pixels);
    row.from = 0;
    row.to = pixels;
    row.owner = this;
    return 0;
  }
}

/** Subpixels per pixel of a triangle's corners. */
const SUB = 16;

/** An equilateral triangle that turns about the centre of its viewport, its corners' colours mixed inside. */
export class TrianglePainter implements Painter {
  readonly #format: PixelFormat;
  readonly #left: number;
  readonly #top: number;
  readonly #xs: readonly number[];
  readonly #ys: readonly number[];
  readonly #area: number;
  readonly #corners: readonly [Channels, Channels, Channels];

  /** The viewport is at most 16384 pixels wide and high; `angle` counts 1/65536 turns clockwise from the top. */
  constructor(format: PixelFormat, viewport: Clip, angle: number, colors: readonly [number, number, number]) {
    const width = viewport.right - viewport.left;
    const height = viewport.bottom - viewport.top;
    this.#format = format;
    this.#left = viewport.left;
    this.#top = viewport.top;
    // 7/8 of what would touch the nearer edges.
    const radius = 7 * Math.min(width, height);
    const corners = [0, 1, 2].map((i) => angle + Math.floor((VIRTIO_RENDER_TURN * i) / 3));
    this.#xs = corners.map((corner) => 8 * width + scale(radius, integerSine(corner)));
    this.#ys = corners.map(
      (corner) => 8 * height - scale(radius, integerSine(corner + VIRTIO_RENDER_TURN / 4)),
    );
    this.#area = this.#edge(0, 1, this.#xs[2] as number, this.#ys[2] as number);
    this.#corners = [channelsOf(colors[0]), channelsOf(colors[1]), channelsOf(colors[2])];
  }

  /** The smallest part of the target that holds the triangle. */
  get extent(): Clip {
    return {
      left: this.#left + Math.floor(Math.min(...this.#xs) / SUB),
      top: this.#top + Math.floor(Math.min(...this.#ys) / SUB),
      right: this.#left + Math.floor(Math.max(...this.#xs) / SUB) + 1,
      bottom: this.#top + Math.floor(Math.max(...this.#ys) / SUB) + 1,
    };
  }

  /** Twice the area of the triangle of two corners and a point; positive where the inside is. Below 2^38. */
  #edge(a: number, b: number, x: number, y: number): number {
    const ax = this.#xs[a] as number;
    const ay = this.#ys[a] as number;
    return ((this.#xs[b] as number) - ax) * (y - ay) - ((this.#ys[b] as number) - ay) * (x - ax);
  }

  paint(y: number, clip: Clip, row: Row): number {
    row.from = 0;
    row.to = 0;
    row.owner = this;
    if (this.#area <= 0) return 0;
    // Pixels are sampled in their middle.
    const sampleY = (y - this.#top) * SUB + SUB / 2;
    const sampleX = (clip.left - this.#left) * SUB + SUB / 2;
    const stepX = (a: number, b: number): number =>
      -SUB * ((this.#ys[b] as number) - (this.#ys[a] as number));
    const steps = [stepX(1, 2), stepX(2, 0), stepX(0, 1)] as const;
    let w0 = this.#edge(1, 2, sampleX, sampleY);
    let w1 = this.#edge(2, 0, sampleX, sampleY);
    let w2 = this.#edge(0, 1, sampleX, sampleY);
    const pixels = clip.right - clip.left;
    for (let i = 0; i < pixels; i++, w0 += steps[0], w1 += steps[1], w2 += steps[2]) {
      if (w0 < 0 || w1 < 0 || w2 < 0) {
        if (row.to > 0) break;
        continue;
      }
      if (row.to === 0) row.from = i;
      row.to = i + 1;
      row.u32[i] = le32(this.#mix(w0, w1, w2));
    }
    return 0;
  }

  #mix(w0: number, w1: number, w2: number): number {
    const area = this.#area;
    const [a, b, c] = this.#corners;
    return packPixel(
      this.#format,
      Math.floor((a[0] * w0 + b[0] * w1 + c[0] * w2) / area),
      Math.floor((a[1] * w0 + b[1] * w1 + c[1] * w2) / area),
      Math.floor((a[2] * w0 + b[2] * w1 + c[2] * w2) / area),
      Math.floor((a[3] * w0 + b[3] * w1 + c[3] * w2) / area),
    );
  }
}

/** `length` times a sine, rounded to the nearest integer, halves upwards. */
function scale(length: number, sine: number): number {
  return Math.floor((length * sine + HALF) / ONE);
}

/** Alpha, red, green, blue of a colour 0xAARRGGBB. */
function channelsOf(color: number): Channels {
  return [color >>> 24, (color >>> 16) & 0xff, (color >>> 8) & 0xff, color & 0xff];
}
