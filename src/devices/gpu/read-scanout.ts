import { HOST_IS_LITTLE_ENDIAN } from "../../base/endian.ts";
import type { ScanoutSource } from "./display.ts";
import { BYTES_PER_PIXEL, convertToRgba, convertWordsToRgba } from "./formats.ts";

// One row, for pictures that lie in scattered guest pages. Holes read as what was there before, so it is cleared.
let row: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** A rectangle of a scanout, in pixels. */
export interface PixelRectangle {
  readonly x: number;
  readonly y: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/**
 * Reads a scanout as bytes R, G, B, A, row after row without gaps: what `ImageData` and PNG writers take. Formats
 * without alpha become opaque. This is the place to convert pixels: once, for what changed, at the display's edge.
 *
 * `target` holds the whole picture (`widthPixels * heightPixels * 4` bytes); only `rectangle`, by default all of
 * it, is written. Without a target a new one is made. The rectangle is cut to the picture.
 *
 * @example
 * ```ts
 * const image = new ImageData(source.widthPixels, source.heightPixels);
 * readScanoutRgba(source, image.data, { x: 10, y: 10, widthPixels: 64, heightPixels: 64 });
 * ```
 */
export function readScanoutRgba<Target extends Uint8Array | Uint8ClampedArray = Uint8Array<ArrayBuffer>>(
  source: ScanoutSource,
  target?: Target,
  rectangle?: PixelRectangle,
): Target {
  const { widthPixels, heightPixels } = source;
  const result = target ?? new Uint8Array(widthPixels * heightPixels * BYTES_PER_PIXEL);
  const left = Math.max(0, rectangle?.x ?? 0);
  const top = Math.max(0, rectangle?.y ?? 0);
  const right = Math.min(widthPixels, (rectangle?.x ?? 0) + (rectangle?.widthPixels ?? widthPixels));
  const bottom = Math.min(heightPixels, (rectangle?.y ?? 0) + (rectangle?.heightPixels ?? heightPixels));
  const pixels = right - left;
  if (pixels <= 0 || bottom <= top) return result as Target;
  const words = wordsOf(result);
  for (let y = top; y < bottom; y++) {
    const from = source.offsetBytes + y * source.strideBytes + left * BYTES_PER_PIXEL;
    const to = (y * widthPixels + left) * BYTES_PER_PIXEL;
    readRow(source, from, pixels, result, to, words);
  }
  return result as Target;
}

function readRow(
  source: ScanoutSource,
  from: number,
  pixels: number,
  target: Uint8Array | Uint8ClampedArray,
  to: number,
  targetWords: Uint32Array | null,
): void {
  const lengthBytes = pixels * BYTES_PER_PIXEL;
  let bytes = source.pixels;
  let start = from;
  if (source.pages !== null) {
    if (row.length < lengthBytes) row = new Uint8Array(lengthBytes);
    if (source.pages.read(from, row, 0, lengthBytes) < lengthBytes) {
      row.fill(0, 0, lengthBytes);
      source.pages.read(from, row, 0, lengthBytes);
    }
    bytes = row;
    start = 0;
  }
  if (bytes === null) return;
  if (targetWords !== null && ((bytes.byteOffset + start) & 3) === 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, pixels);
    if (convertWordsToRgba(source.format, words, 0, targetWords, to >>> 2, pixels)) return;
  }
  convertToRgba(source.format, bytes, start, target, to, pixels);
}

function wordsOf(target: Uint8Array | Uint8ClampedArray): Uint32Array | null {
  if (!HOST_IS_LITTLE_ENDIAN || (target.byteOffset & 3) !== 0) return null;
  return new Uint32Array(target.buffer, target.byteOffset, target.byteLength >>> 2);
}
