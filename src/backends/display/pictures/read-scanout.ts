import { HOST_IS_LITTLE_ENDIAN } from "../../../base/endian.ts";
import { checkArgument, type OptionRule } from "../../../base/options.ts";
import type { GuestPages, PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { BYTES_PER_PIXEL, convertToRgba, convertWordsToRgba } from "./convert.ts";

const SOURCE_RULE: OptionRule = {
  like: "a ScanoutSource",
  has: ["widthPixels", "heightPixels", "format", "strideBytes", "offsetBytes"],
};

// One row, for pictures that lie in scattered guest pages.
let row: Uint8Array<ArrayBuffer> = new Uint8Array(0);

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
  checkArgument("readScanoutRgba", "source", source, SOURCE_RULE);
  const { widthPixels, heightPixels } = source;
  const result = target ?? new Uint8Array(widthPixels * heightPixels * BYTES_PER_PIXEL);
  const left = Math.max(0, rectangle?.x ?? 0);
  const top = Math.max(0, rectangle?.y ?? 0);
  const right = Math.min(widthPixels, (rectangle?.x ?? 0) + (rectangle?.widthPixels ?? widthPixels));
  const bottom = Math.min(heightPixels, (rectangle?.y ?? 0) + (rectangle?.heightPixels ?? heightPixels));
  const pixels = right - left;
  if (pixels <= 0 || bottom <= top) return result as Target;
  const targetWords = wordsOf(result, 0);
  const lengthBytes = pixels * BYTES_PER_PIXEL;
  const { pages, format } = source;
  let bytes: Uint8Array;
  if (pages !== null) {
    if (row.length < lengthBytes) row = new Uint8Array(lengthBytes);
    bytes = row;
  } else {
    bytes = source.pixels ?? row;
  }
  const words = targetWords === null ? null : wordsOf(bytes, source.offsetBytes | source.strideBytes);
  for (let y = top; y < bottom; y++) {
    let from = source.offsetBytes + y * source.strideBytes + left * BYTES_PER_PIXEL;
    const to = (y * widthPixels + left) * BYTES_PER_PIXEL;
    if (pages !== null) {
      readRow(pages, from, lengthBytes);
      from = 0;
    }
    if (
      words !== null &&
      targetWords !== null &&
      convertWordsToRgba(format, words, from >>> 2, targetWords, to >>> 2, pixels)
    ) {
      continue;
    }
    convertToRgba(format, bytes, from, result, to, pixels);
  }
  return result as Target;
}

function readRow(pages: GuestPages, position: number, lengthBytes: number): void {
  if (pages.read(position, row, 0, lengthBytes) === lengthBytes) return;
  row.fill(0, 0, lengthBytes);
  pages.read(position, row, 0, lengthBytes);
}

/** The bytes as words, null where words are not pixels: on a big-endian host, or at odd places. */
function wordsOf(bytes: Uint8Array | Uint8ClampedArray, offsets: number): Uint32Array | null {
  if (!HOST_IS_LITTLE_ENDIAN || ((bytes.byteOffset | offsets) & 3) !== 0) return null;
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
}
