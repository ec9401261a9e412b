import { HOST_IS_LITTLE_ENDIAN } from "../../../base/endian.ts";
import type { PixelRectangle } from "../../../devices/gpu/index.ts";
import type { CursorPicture } from "../pictures/cursor.ts";
import { BYTES_PER_PIXEL } from "../pictures/rgba.ts";
import type { Deflater } from "./deflater.ts";
import type { PixelTranslator } from "./pixel-format.ts";
import {
  ENCODING_CURSOR,
  ENCODING_CURSOR_WITH_ALPHA,
  ENCODING_RAW,
  ENCODING_ZRLE,
  RECTANGLE_HEADER_LENGTH_BYTES,
  writeRectangleHeader,
} from "./protocol.ts";
import { encodeZrleTile, ZRLE_TILE_MAX_BYTES, ZRLE_TILE_PIXELS } from "./zrle-tile.ts";

/** Pixels of one rectangle on the wire: bounds what is held for a client that reads slowly. */
const MAX_RECTANGLE_PIXELS = 1 << 17;

/** Reads a rectangle of the desktop as words of bytes R, G, B, A to the start of `target`. */
export type ReadPixels = (rectangle: PixelRectangle, target: Uint32Array) => void;

// Pixels on their way, never across a wait.
const tileWords = new Uint32Array(ZRLE_TILE_PIXELS * ZRLE_TILE_PIXELS);
const tilePixels = new Uint32Array(ZRLE_TILE_PIXELS * ZRLE_TILE_PIXELS);
let rawWords: Uint32Array<ArrayBuffer> = new Uint32Array(0);

/** Cuts rectangles into ones that can be sent one at a time, in whole ZRLE tiles. */
export function cutForWire(rectangles: readonly PixelRectangle[]): PixelRectangle[] {
  const cut: PixelRectangle[] = [];
  const widest = MAX_RECTANGLE_PIXELS / ZRLE_TILE_PIXELS;
  for (const { x, y, widthPixels, heightPixels } of rectangles) {
    for (let left = 0; left < widthPixels; left += widest) {
      const width = Math.min(widest, widthPixels - left);
      const tiles = Math.max(1, Math.floor(MAX_RECTANGLE_PIXELS / width / ZRLE_TILE_PIXELS));
      const most = tiles * ZRLE_TILE_PIXELS;
      for (let top = 0; top < heightPixels; top += most) {
        const height = Math.min(most, heightPixels - top);
        cut.push({ x: x + left, y: y + top, widthPixels: width, heightPixels: height });
      }
    }
  }
  return cut;
}

/** A whole rectangle, pixel by pixel. */
export function encodeRaw(rectangle: PixelRectangle, read: ReadPixels, translator: PixelTranslator): Buffer {
  const { x, y, widthPixels, heightPixels } = rectangle;
  const count = widthPixels * heightPixels;
  if (rawWords.length < count) rawWords = new Uint32Array(count);
  read(rectangle, rawWords);
  const message = Buffer.allocUnsafeSlow(RECTANGLE_HEADER_LENGTH_BYTES + count * translator.bytesPerPixel);
  writeRectangleHeader(message, x, y, widthPixels, heightPixels, ENCODING_RAW);
  if (HOST_IS_LITTLE_ENDIAN && translator.bytesPerPixel === 4 && !translator.format.bigEndian) {
    const target = new Uint32Array(message.buffer, message.byteOffset + RECTANGLE_HEADER_LENGTH_BYTES, count);
    translator.translate(rawWords, 0, target, 0, count);
  } else {
    translator.translate(rawWords, 0, rawWords, 0, count);
    translator.write(rawWords, 0, count, message, RECTANGLE_HEADER_LENGTH_BYTES);
  }
  return message;
}

/** Encodes rectangles as ZRLE for one client; keeps its zlib stream. */
export class ZrleEncoder {
  readonly #deflater: Deflater;
  #plain: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  constructor(deflater: Deflater) {
    this.#deflater = deflater;
  }

  /** A whole rectangle, in the parts of it that are to be sent. One call at a time. */
  async encode(rectangle: PixelRectangle, read: ReadPixels, translator: PixelTranslator): Promise<Buffer[]> {
    const lengthBytes = this.#encodeTiles(rectangle, read, translator);
    const data = await this.#deflater.deflate(this.#plain.subarray(0, lengthBytes));
    const header = Buffer.allocUnsafe(RECTANGLE_HEADER_LENGTH_BYTES + 4);
    const { x, y, widthPixels, heightPixels } = rectangle;
    writeRectangleHeader(header, x, y, widthPixels, heightPixels, ENCODING_ZRLE);
    header.writeUInt32BE(data.length, RECTANGLE_HEADER_LENGTH_BYTES);
    return [header, data];
  }

  #encodeTiles(rectangle: PixelRectangle, read: ReadPixels, translator: PixelTranslator): number {
    const { x, y, widthPixels, heightPixels } = rectangle;
    const columns = Math.ceil(widthPixels / ZRLE_TILE_PIXELS);
    const rows = Math.ceil(heightPixels / ZRLE_TILE_PIXELS);
    const mostBytes = Math.min(
      columns * rows * ZRLE_TILE_MAX_BYTES,
      columns * rows + widthPixels * heightPixels * translator.bytesPerCompactPixel,
    );
    if (this.#plain.length < mostBytes) this.#plain = new Uint8Array(mostBytes);
    let at = 0;
    for (let top = 0; top < heightPixels; top += ZRLE_TILE_PIXELS) {
      const height = Math.min(ZRLE_TILE_PIXELS, heightPixels - top);
      for (let left = 0; left < widthPixels; left += ZRLE_TILE_PIXELS) {
        const width = Math.min(ZRLE_TILE_PIXELS, widthPixels - left);
        read({ x: x + left, y: y + top, widthPixels: width, heightPixels: height }, tileWords);
        translator.translate(tileWords, 0, tilePixels, 0, width * height);
        at = encodeZrleTile(tilePixels, width, height, translator, this.#plain, at);
      }
    }
    return at;
  }
}

/** The cursor's image for a client that draws it itself; an empty one when there is none. */
export function encodeCursor(
  cursor: CursorPicture | null,
  withAlpha: boolean,
  translator: PixelTranslator,
): Buffer {
  const encoding = withAlpha ? ENCODING_CURSOR_WITH_ALPHA : ENCODING_CURSOR;
  const { widthPixels, heightPixels } = cursor ?? { widthPixels: 0, heightPixels: 0 };
  const header = Buffer.alloc(RECTANGLE_HEADER_LENGTH_BYTES);
  // The hot spot is the guest's word, the protocol's is inside the image.
  const hotX = cursor === null ? 0 : Math.min(cursor.hotX, widthPixels - 1);
  const hotY = cursor === null ? 0 : Math.min(cursor.hotY, heightPixels - 1);
  writeRectangleHeader(header, hotX, hotY, widthPixels, heightPixels, encoding);
  const rgba = cursor === null ? new Uint8Array(0) : cursor.rgba;
  if (withAlpha) {
    const inside = Buffer.alloc(4);
    inside.writeInt32BE(ENCODING_RAW, 0);
    return Buffer.concat([header, inside, rgba]);
  }
  const count = widthPixels * heightPixels;
  const words = new Uint32Array(rgba.slice().buffer);
  const rowBytes = Math.ceil(widthPixels / 8);
  const pixels = Buffer.alloc(count * translator.bytesPerPixel);
  const mask = Buffer.alloc(rowBytes * heightPixels);
  const straight = new Uint8Array(words.buffer);
  for (let i = 0; i < count; i++) {
    const at = i * BYTES_PER_PIXEL;
    const alpha = straight[at + 3] as number;
    // Half of it shows, or nothing.
    if (alpha < 128) continue;
    for (let k = at; k < at + 3; k++) straight[k] = Math.round(((straight[k] as number) * 255) / alpha);
    const x = i % widthPixels;
    const byte = Math.floor(i / widthPixels) * rowBytes + (x >> 3);
    mask[byte] = (mask[byte] as number) | (0x80 >> (x & 7));
  }
  translator.translate(words, 0, words, 0, count);
  translator.write(words, 0, count, pixels, 0);
  return Buffer.concat([header, pixels, mask]);
}
