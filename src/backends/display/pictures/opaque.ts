import type { PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { gpuFormat } from "../../../wire/gpu-names.ts";
import { readScanoutRgba } from "./read-scanout.ts";
import { BYTES_PER_PIXEL } from "./rgba.ts";

/** Gives every pixel of a rectangle, which lies inside of the picture, the alpha of an opaque pixel. */
export function makeOpaque(
  rgba: Uint8Array | Uint8ClampedArray,
  stridePixels: number,
  { x, y, widthPixels, heightPixels }: PixelRectangle,
): void {
  for (let row = y; row < y + heightPixels; row++) {
    const end = (row * stridePixels + x + widthPixels) * BYTES_PER_PIXEL;
    for (let at = (row * stridePixels + x) * BYTES_PER_PIXEL + 3; at < end; at += BYTES_PER_PIXEL)
      rgba[at] = 255;
  }
}

/** Reads a rectangle of a scanout, which it lies inside of, into the whole picture; the alpha of formats is no alpha. */
export function readOpaque(
  source: ScanoutSource,
  rgba: Uint8Array | Uint8ClampedArray,
  rectangle: PixelRectangle,
): void {
  readScanoutRgba(source, rgba, rectangle);
  if (gpuFormat(source.format)?.hasAlpha === true) makeOpaque(rgba, source.widthPixels, rectangle);
}
