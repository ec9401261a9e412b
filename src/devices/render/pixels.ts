import { gpuFormat } from "../../wire/gpu-names.ts";

/** Size of one pixel in every format of enum virtio_gpu_formats. */
export const BYTES_PER_PIXEL = 4;

/** Where the channels of a format lie in a pixel that is read as a little-endian word. */
export interface PixelFormat {
  readonly format: number;
  readonly redShift: number;
  readonly greenShift: number;
  readonly blueShift: number;
  readonly alphaShift: number;
  readonly hasAlpha: boolean;
}

/** The layout of a VIRTIO_GPU_FORMAT_* value, null for an unknown one. */
export function pixelFormat(format: number): PixelFormat | null {
  const found = gpuFormat(format);
  if (found === undefined) return null;
  return {
    format,
    redShift: 8 * found.redByte,
    greenShift: 8 * found.greenByte,
    blueShift: 8 * found.blueByte,
    alphaShift: 8 * found.alphaByte,
    hasAlpha: found.hasAlpha,
  };
}

/** A pixel of channels 0 … 255. The byte that a format without alpha leaves undefined becomes 255. */
export function packPixel(to: PixelFormat, alpha: number, red: number, green: number, blue: number): number {
  const last = to.hasAlpha ? alpha : 255;
  return (
    ((red << to.redShift) | (green << to.greenShift) | (blue << to.blueShift) | (last << to.alphaShift)) >>> 0
  );
}

/** A pixel of a colour 0xAARRGGBB. */
export function packColor(to: PixelFormat, color: number): number {
  return packPixel(to, color >>> 24, (color >>> 16) & 0xff, (color >>> 8) & 0xff, color & 0xff);
}

/** A pixel of one format in another. */
export function convertPixel(from: PixelFormat, to: PixelFormat, pixel: number): number {
  return packPixel(
    to,
    from.hasAlpha ? (pixel >>> from.alphaShift) & 0xff : 255,
    (pixel >>> from.redShift) & 0xff,
    (pixel >>> from.greenShift) & 0xff,
    (pixel >>> from.blueShift) & 0xff,
  );
}

const HALF_TURN = 32768;
const ONE = 65536;

/**
 * The sine of an angle in units of 1/65536 turn, as an integer from -65536 to 65536: the rational approximation that
 * Bhaskara found in the 7th century, off by at most 0.0017. Integers alone, so that all devices agree to the bit.
 */
export function integerSine(angle: number): number {
  const half = angle & (HALF_TURN - 1);
  const product = half * (HALF_TURN - half);
  // All products stay below 2^53, and so does the quotient's error below the distance to the next integer.
  const sine = Math.floor((16 * product * ONE) / (5 * HALF_TURN * HALF_TURN - 4 * product));
  return (angle & HALF_TURN) === 0 ? sine : 0 - sine;
}

/** Part of a picture: columns `left` … `right`-1, rows `top` … `bottom`-1. Empty when one of them is. */
export interface Clip {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What two parts have in common. */
export function intersect(a: Clip, b: Clip): Clip {
  return {
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  };
}
