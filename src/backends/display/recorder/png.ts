import { createDeflate } from "node:zlib";
import type { WorkBudget } from "../../../base/work-budget.ts";
import { BYTES_PER_PIXEL } from "../pictures/rgba.ts";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BIT_DEPTH = 8;
const COLOR_TYPE_RGB = 2;
const RGB_BYTES = 3;
/** Filter "up": rows of screens are like the one above, and it costs little. */
const FILTER_UP = 2;
const DEFLATE_LEVEL = 4;
/** Pixels that are packed at a time, or one row. */
const PIXELS_AT_ONCE = 1 << 16;
/** Compressed bytes in one chunk of the file. */
const CHUNK_BYTES = 1 << 16;

/**
 * A picture of bytes R, G, B, 255 as PNG of 24 bits per pixel, in its parts. Compresses in Node's thread pool, and packs
 * in as many turns of the event loop as the budget, which counts pixels, makes of it.
 */
export async function encodePng(
  rgba: Uint8Array,
  widthPixels: number,
  heightPixels: number,
  budget: WorkBudget,
): Promise<Buffer[]> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPixels, 0);
  header.writeUInt32BE(heightPixels, 4);
  header[8] = BIT_DEPTH;
  header[9] = COLOR_TYPE_RGB;
  const parts = [SIGNATURE, ...chunk("IHDR", header)];
  const deflate = createDeflate({ level: DEFLATE_LEVEL, chunkSize: CHUNK_BYTES });
  const ended = new Promise<void>((resolve, reject) => {
    deflate.on("data", (data: Buffer) => parts.push(...chunk("IDAT", data)));
    deflate.on("end", resolve);
    deflate.on("error", reject);
  });
  const rowsAtOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / widthPixels));
  for (let row = 0; row < heightPixels; row += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, heightPixels - row);
    const packed = await budget.inTurn(rows * widthPixels, () => packRows(rgba, widthPixels, row, rows));
    await new Promise<void>((resolve) => void deflate.write(packed, () => resolve()));
  }
  deflate.end();
  await ended;
  parts.push(...chunk("IEND", Buffer.alloc(0)));
  return parts;
}

/** Rows without alpha, each behind the byte that names its filter, as differences from the row above. */
function packRows(rgba: Uint8Array, widthPixels: number, first: number, rows: number): Buffer {
  const rowBytes = widthPixels * BYTES_PER_PIXEL;
  const packed = Buffer.allocUnsafe(rows * (1 + widthPixels * RGB_BYTES));
  let to = 0;
  for (let row = first; row < first + rows; row++) {
    packed[to++] = FILTER_UP;
    const start = row * rowBytes;
    // Above the first row everything is 0.
    const above = row === 0 ? -1 : start - rowBytes;
    for (let i = 0; i < rowBytes; i += BYTES_PER_PIXEL, to += RGB_BYTES) {
      for (let k = 0; k < RGB_BYTES; k++) {
        const byte = rgba[start + i + k] as number;
        packed[to + k] = above < 0 ? byte : byte - (rgba[above + i + k] as number);
      }
    }
  }
  return packed;
}

function chunk(type: "IHDR" | "IDAT" | "IEND", data: Buffer): Buffer[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, "latin1");
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE((crc(data, crc(head.subarray(4), 0xffffffff)) ^ 0xffffffff) >>> 0, 0);
  return [head, data, tail];
}

const CRC_POLYNOMIAL = 0xedb88320;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ CRC_POLYNOMIAL : rest >>> 1;
  return rest;
});

// Node's own came only with 20.15.
function crc(bytes: Uint8Array, before: number): number {
  let rest = before;
  for (let i = 0; i < bytes.length; i++) {
    rest = (CRC_TABLE[(rest ^ (bytes[i] as number)) & 0xff] as number) ^ (rest >>> 8);
  }
  return rest;
}
