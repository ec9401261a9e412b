import { HOST_IS_LITTLE_ENDIAN } from "../../../base/endian.ts";
import type { GuestPages, ScanoutSource } from "../../../devices/gpu/index.ts";
import { BYTES_PER_PIXEL } from "./convert.ts";
import { readScanoutRgba } from "./read-scanout.ts";

// Displays keep pictures as bytes R, G, B, A and work on them as 32-bit words in the host's order.

export { BYTES_PER_PIXEL } from "./convert.ts";
/** What displays keep a copy of at most, unless told otherwise: 8K UHD, 127 MiB. */
export const DEFAULT_MAX_PIXELS: number = 7680 * 4320;
export const RED_SHIFT: number = HOST_IS_LITTLE_ENDIAN ? 0 : 24;
export const GREEN_SHIFT: number = HOST_IS_LITTLE_ENDIAN ? 8 : 16;
export const BLUE_SHIFT: number = HOST_IS_LITTLE_ENDIAN ? 16 : 8;
/** The bits of a word that are seen. */
export const RGB_MASK: number = HOST_IS_LITTLE_ENDIAN ? 0x00ffffff : 0xffffff00;

/** A rectangle of a scanout that poses as a scanout of its own. */
class Part implements ScanoutSource {
  scanoutId = 0;
  widthPixels = 0;
  heightPixels = 0;
  format = 0;
  strideBytes = 0;
  offsetBytes = 0;
  pixels: Uint8Array | null = null;
  pages: GuestPages | null = null;
  resourceId = 0;
  x = 0;
  y = 0;
}

const part = new Part();

/**
 * Reads a rectangle of a scanout, which it must lie inside of, as bytes R, G, B, A, row after row without gaps, to the
 * start of `target`.
 */
export function readPart(
  source: ScanoutSource,
  x: number,
  y: number,
  widthPixels: number,
  heightPixels: number,
  target: Uint8Array,
): void {
  part.widthPixels = widthPixels;
  part.heightPixels = heightPixels;
  part.format = source.format;
  part.strideBytes = source.strideBytes;
  part.offsetBytes = source.offsetBytes + y * source.strideBytes + x * BYTES_PER_PIXEL;
  part.pixels = source.pixels;
  part.pages = source.pages;
  readScanoutRgba(part, target);
  // The guest's memory belongs to the device, which may let it go.
  part.pixels = null;
  part.pages = null;
}
