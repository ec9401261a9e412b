import { BLUE_SHIFT, GREEN_SHIFT, RED_SHIFT, RGB_MASK } from "../pictures/rgba.ts";
import { PIXEL_FORMAT_LENGTH_BYTES } from "./protocol.ts";

/** How a client wants its pixels. */
export interface PixelFormat {
  readonly bitsPerPixel: 8 | 16 | 32;
  readonly depth: number;
  readonly bigEndian: boolean;
  /** False for a client with a colour map, which always gets the same one. */
  readonly trueColour: boolean;
  readonly redMax: number;
  readonly greenMax: number;
  readonly blueMax: number;
  readonly redShift: number;
  readonly greenShift: number;
  readonly blueShift: number;
}

/** What the server offers: bytes B, G, R, X, as most viewers have it. */
export const SERVER_PIXEL_FORMAT: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  trueColour: true,
  redMax: 255,
  greenMax: 255,
  blueMax: 255,
  redShift: 16,
  greenShift: 8,
  blueShift: 0,
};

/** Pixels as indexes into the colour map of `colourMapMessage`. */
const MAPPED: PixelFormat = {
  bitsPerPixel: 8,
  depth: 8,
  bigEndian: false,
  trueColour: false,
  redMax: 7,
  greenMax: 7,
  blueMax: 3,
  redShift: 0,
  greenShift: 3,
  blueShift: 6,
};

export function encodePixelFormat(format: PixelFormat): Buffer {
  const bytes = Buffer.alloc(PIXEL_FORMAT_LENGTH_BYTES);
  bytes.writeUInt8(format.bitsPerPixel, 0);
  bytes.writeUInt8(format.depth, 1);
  bytes.writeUInt8(format.bigEndian ? 1 : 0, 2);
  bytes.writeUInt8(format.trueColour ? 1 : 0, 3);
  bytes.writeUInt16BE(format.redMax, 4);
  bytes.writeUInt16BE(format.greenMax, 6);
  bytes.writeUInt16BE(format.blueMax, 8);
  bytes.writeUInt8(format.redShift, 10);
  bytes.writeUInt8(format.greenShift, 11);
  bytes.writeUInt8(format.blueShift, 12);
  return bytes;
}

/** The pixel format at a position; null for one that cannot be. */
export function decodePixelFormat(bytes: Buffer, at: number): PixelFormat | null {
  const bitsPerPixel = bytes.readUInt8(at);
  if (bitsPerPixel !== 8 && bitsPerPixel !== 16 && bitsPerPixel !== 32) return null;
  if (bytes.readUInt8(at + 3) === 0) return bitsPerPixel === 8 ? MAPPED : null;
  const format: PixelFormat = {
    bitsPerPixel,
    depth: bytes.readUInt8(at + 1),
    bigEndian: bytes.readUInt8(at + 2) !== 0,
    trueColour: true,
    redMax: bytes.readUInt16BE(at + 4),
    greenMax: bytes.readUInt16BE(at + 6),
    blueMax: bytes.readUInt16BE(at + 8),
    redShift: bytes.readUInt8(at + 10),
    greenShift: bytes.readUInt8(at + 11),
    blueShift: bytes.readUInt8(at + 12),
  };
  const fits = (max: number, shift: number): boolean => max > 0 && max * 2 ** shift < 2 ** bitsPerPixel;
  const good =
    fits(format.redMax, format.redShift) &&
    fits(format.greenMax, format.greenShift) &&
    fits(format.blueMax, format.blueShift);
  return good ? format : null;
}

type Way = "copy" | "swap" | "tables";

/** Turns pixels R, G, B, A into those of a client, and those into bytes. */
export class PixelTranslator {
  readonly format: PixelFormat;
  readonly bytesPerPixel: number;
  /** Size of a pixel in ZRLE, which leaves out a byte that says nothing. */
  readonly bytesPerCompactPixel: number;
  readonly #compactShift: number;
  readonly #way: Way;
  readonly #red = new Uint32Array(256);
  readonly #green = new Uint32Array(256);
  readonly #blue = new Uint32Array(256);

  constructor(format: PixelFormat) {
    this.format = format;
    this.bytesPerPixel = format.bitsPerPixel / 8;
    fillTable(this.#red, format.redMax, format.redShift);
    fillTable(this.#green, format.greenMax, format.greenShift);
    fillTable(this.#blue, format.blueMax, format.blueShift);
    const used =
      ((this.#red[255] as number) | (this.#green[255] as number) | (this.#blue[255] as number)) >>> 0;
    const mayShorten = format.bitsPerPixel === 32 && format.depth <= 24;
    const shortened = mayShorten && (used <= 0xffffff || (used & 0xff) === 0);
    this.bytesPerCompactPixel = shortened ? 3 : this.bytesPerPixel;
    this.#compactShift = shortened && used > 0xffffff ? 8 : 0;
    this.#way = wayOf(format);
  }

  /** Translates words of bytes R, G, B, A to pixel values. */
  translate(words: Uint32Array, from: number, pixels: Uint32Array, to: number, count: number): void {
    switch (this.#way) {
      case "copy":
        if (RED_SHIFT === 0) {
          for (let i = 0; i < count; i++) pixels[to + i] = (words[from + i] as number) & RGB_MASK;
          return;
        }
        break;
      case "swap":
        if (RED_SHIFT === 0) {
          for (let i = 0; i < count; i++) {
            const word = words[from + i] as number;
            pixels[to + i] = ((word & 0xff) << 16) | (word & 0xff00) | ((word >>> 16) & 0xff);
          }
          return;
        }
        break;
      case "tables":
        break;
    }
    const red = this.#red;
    const green = this.#green;
    const blue = this.#blue;
    for (let i = 0; i < count; i++) {
      const word = words[from + i] as number;
      pixels[to + i] =
        (red[(word >>> RED_SHIFT) & 0xff] as number) |
        (green[(word >>> GREEN_SHIFT) & 0xff] as number) |
        (blue[(word >>> BLUE_SHIFT) & 0xff] as number);
    }
  }

  /** Writes pixel values as bytes; returns the position after them. */
  write(pixels: Uint32Array, from: number, count: number, target: Uint8Array, at: number): number {
    const { bytesPerPixel } = this;
    return this.#write(pixels, from, count, target, at, bytesPerPixel, 0);
  }

  /** Writes pixel values as ZRLE has them; returns the position after them. */
  writeCompact(pixels: Uint32Array, from: number, count: number, target: Uint8Array, at: number): number {
    return this.#write(pixels, from, count, target, at, this.bytesPerCompactPixel, this.#compactShift);
  }

  #write(
    pixels: Uint32Array,
    from: number,
    count: number,
    target: Uint8Array,
    at: number,
    bytes: number,
    shift: number,
  ): number {
    // What nearly all viewers ask for.
    if (bytes === 3 && !this.format.bigEndian) {
      for (let i = from; i < from + count; i++, at += 3) {
        const pixel = (pixels[i] as number) >>> shift;
        target[at] = pixel;
        target[at + 1] = pixel >>> 8;
        target[at + 2] = pixel >>> 16;
      }
      return at;
    }
    const first = this.format.bigEndian ? (bytes - 1) * 8 : 0;
    const step = this.format.bigEndian ? -8 : 8;
    for (let i = from; i < from + count; i++) {
      const pixel = (pixels[i] as number) >>> shift;
      for (let k = 0, bits = first; k < bytes; k++, bits += step) target[at++] = pixel >>> bits;
    }
    return at;
  }
}

function fillTable(table: Uint32Array, max: number, shift: number): void {
  for (let i = 0; i < 256; i++) table[i] = Math.round((i * max) / 255) * 2 ** shift;
}

function wayOf(format: PixelFormat): Way {
  const { redMax, greenMax, blueMax, redShift, greenShift, blueShift } = format;
  if (redMax !== 255 || greenMax !== 255 || blueMax !== 255 || greenShift !== 8) return "tables";
  if (redShift === 0 && blueShift === 16) return "copy";
  return redShift === 16 && blueShift === 0 ? "swap" : "tables";
}
