import { PNG } from "pngjs";
import { BYTES_PER_PIXEL } from "../pictures/rgba.ts";

const COLOR_TYPE_RGB = 2;
/** Filter "up": rows of screens are like the one above, and it costs little. */
const FILTER_UP = 2;
const DEFLATE_LEVEL = 4;
/** zlib's own. The library's default finds runs only, which costs four times the bytes. */
const DEFAULT_STRATEGY = 0;

/** A picture of bytes R, G, B, 255 as PNG of 24 bits per pixel. Compresses in Node's thread pool. */
export async function encodePng(
  rgba: Uint8Array,
  widthPixels: number,
  heightPixels: number,
): Promise<Buffer> {
  const png = new PNG({
    bitDepth: 8,
    colorType: COLOR_TYPE_RGB,
    inputColorType: COLOR_TYPE_RGB,
    inputHasAlpha: false,
    filterType: FILTER_UP,
    deflateLevel: DEFLATE_LEVEL,
    deflateStrategy: DEFAULT_STRATEGY,
  });
  // Left to itself it would want four bytes a pixel, and drop them one pixel at a time.
  png.width = widthPixels;
  png.height = heightPixels;
  png.data = withoutAlpha(rgba);
  const parts: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    png.on("data", (part: Buffer) => parts.push(part));
    png.on("end", resolve);
    png.on("error", reject);
    png.pack();
  });
  return Buffer.concat(parts);
}

function withoutAlpha(rgba: Uint8Array): Buffer {
  const pixels = rgba.length / BYTES_PER_PIXEL;
  const rgb = Buffer.allocUnsafe(pixels * 3);
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += BYTES_PER_PIXEL, to += 3) {
    rgb[to] = rgba[from] as number;
    rgb[to + 1] = rgba[from + 1] as number;
    rgb[to + 2] = rgba[from + 2] as number;
  }
  return rgb;
}
