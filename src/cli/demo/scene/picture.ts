import { HOST_IS_LITTLE_ENDIAN, swap32 } from "../../../base/endian.ts";
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphRows } from "./font.ts";

/** A rectangle in pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where finished pixels go: a framebuffer's pages, or an object shared between devices. */
export interface PixelBytes {
  /** Takes `lengthBytes` bytes of `source` to `position`. */
  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): unknown;
}

const BYTES_PER_PIXEL = 4;

/** Mixes two colours 0xRRGGBB; `share` of the second from 0 to 256. */
export function mix(first: number, second: number, share: number): number {
  const part = Math.max(0, Math.min(256, Math.floor(share)));
  const channel = (shift: number): number =>
    ((((first >>> shift) & 0xff) * (256 - part) + ((second >>> shift) & 0xff) * part) >>> 8) << shift;
  return channel(16) | channel(8) | channel(0);
}

/** A picture to draw on, in the thread's own memory; colours are 0xRRGGBB. Everything is clipped to it. */
export class Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array<ArrayBuffer>;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
  }

  fill(rect: Rect, colour: number): void {
    const { left, right, top, bottom } = this.#clip(rect);
    for (let y = top; y < bottom; y++)
      this.pixels.fill(colour, y * this.width + left, y * this.width + right);
  }

  /** Gives every pixel of a rectangle the colour that `shade` says for its place inside. */
  shade(rect: Rect, shade: (x: number, y: number, under: number) => number): void {
    const { left, right, top, bottom } = this.#clip(rect);
    for (let y = top; y < bottom; y++) {
      const row = y * this.width;
      for (let x = left; x < right; x++) {
        this.pixels[row + x] = shade(x - rect.x, y - rect.y, this.pixels[row + x] as number);
      }
    }
  }

  /** The edge of a rectangle, inside of it; with `dash` in strokes of this length. */
  frame(rect: Rect, thickness: number, colour: number, dash = 0): void {
    const { width, height } = rect;
    this.shade(rect, (x, y, under) => {
      const onSide = x < thickness || x >= width - thickness;
      const onTop = y < thickness || y >= height - thickness;
      if (!onSide && !onTop) return under;
      if (dash === 0) return colour;
      const along = onTop ? x : y;
      return Math.floor(along / dash) % 2 === 0 ? colour : under;
    });
  }

  /** Text with its upper left corner at x, y; every pixel of the font is `scale` × `scale`. */
  text(text: string, x: number, y: number, scale: number, colour: number): void {
    let left = x;
    for (const character of text) {
      const rows = glyphRows(character) ?? [];
      for (const [row, bits] of rows.entries()) {
        for (let column = 0; column < GLYPH_WIDTH; column++) {
          if (((bits >>> (GLYPH_WIDTH - 1 - column)) & 1) === 0) continue;
          this.fill({ x: left + column * scale, y: y + row * scale, width: scale, height: scale }, colour);
        }
      }
      left += (GLYPH_WIDTH + 1) * scale;
    }
  }

  /** Text in the middle of a rectangle, as large as fits up to `largest`; not at all where not even 1 fits. */
  textInside(text: string, rect: Rect, largest: number, colour: number): void {
    const columns = [...text].length * (GLYPH_WIDTH + 1) - 1;
    const scale = Math.min(largest, Math.floor(rect.width / columns), Math.floor(rect.height / GLYPH_HEIGHT));
    if (scale < 1) return;
    const x = rect.x + ((rect.width - columns * scale) >> 1);
    const y = rect.y + ((rect.height - GLYPH_HEIGHT * scale) >> 1);
    this.text(text, x, y, scale, colour);
  }

  /**
   * Copies a rectangle to the same place of a framebuffer that has `strideBytes` bytes a row, moved by `moveX`, `moveY`.
   * Pixels become 32-bit little-endian words 0xXXRRGGBB, that is VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM.
   */
  copyTo(target: PixelBytes, strideBytes: number, rect: Rect, moveX = 0, moveY = 0): void {
    const words = HOST_IS_LITTLE_ENDIAN ? this.pixels : this.pixels.map(swap32);
    const bytes = new Uint8Array(words.buffer);
    const { left, right, top, bottom } = this.#clip(rect);
    for (let y = top; y < bottom; y++) {
      target.write(
        (y + moveY) * strideBytes + (left + moveX) * BYTES_PER_PIXEL,
        bytes,
        (y * this.width + left) * BYTES_PER_PIXEL,
        (right - left) * BYTES_PER_PIXEL,
      );
    }
  }

  #clip(rect: Rect): { left: number; right: number; top: number; bottom: number } {
    const left = Math.max(0, rect.x);
    const top = Math.max(0, rect.y);
    return {
      left,
      top,
      right: Math.max(left, Math.min(this.width, rect.x + rect.width)),
      bottom: Math.max(top, Math.min(this.height, rect.y + rect.height)),
    };
  }
}
