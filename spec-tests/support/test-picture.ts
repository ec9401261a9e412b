import type { CursorImage, Display, GuestPages, ScanoutSource } from "../../src/devices/gpu/index.ts";

type Colour = readonly [red: number, green: number, blue: number];

/** A scanout whose pixels a test draws itself: bytes B, G, R, X, with a gap behind each row. */
export class TestPicture implements ScanoutSource {
  readonly scanoutId: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly format: number;
  readonly strideBytes: number;
  readonly offsetBytes = 8;
  readonly pixels: Uint8Array;
  readonly pages: GuestPages | null = null;
  readonly resourceId = 1;
  readonly x = 0;
  readonly y = 0;

  /** `format` is B8G8R8X8 (2) or B8G8R8A8 (1). */
  constructor(widthPixels: number, heightPixels: number, scanoutId = 0, format = 2) {
    this.widthPixels = widthPixels;
    this.heightPixels = heightPixels;
    this.scanoutId = scanoutId;
    this.format = format;
    this.strideBytes = widthPixels * 4 + 12;
    this.pixels = new Uint8Array(this.offsetBytes + this.strideBytes * heightPixels);
  }

  draw(
    colour: (x: number, y: number) => Colour,
    left = 0,
    top = 0,
    width: number = this.widthPixels,
    height: number = this.heightPixels,
  ): void {
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) {
        const [red, green, blue] = colour(x, y);
        const at = this.offsetBytes + y * this.strideBytes + x * 4;
        this.pixels.set([blue, green, red, 0x5a], at);
      }
    }
  }

  /** R, G, B of each pixel. */
  rgb(): Uint8Array {
    const rgb = new Uint8Array(this.widthPixels * this.heightPixels * 3);
    let to = 0;
    for (let y = 0; y < this.heightPixels; y++) {
      for (let x = 0; x < this.widthPixels; x++, to += 3) {
        const at = this.offsetBytes + y * this.strideBytes + x * 4;
        rgb.set([this.pixels[at + 2] ?? 0, this.pixels[at + 1] ?? 0, this.pixels[at] ?? 0], to);
      }
    }
    return rgb;
  }

  /** Shows all of it. */
  showOn(display: Display): void {
    display.setScanout(this.scanoutId, this);
    void display.flush(this.scanoutId, 0, 0, this.widthPixels, this.heightPixels);
  }
}

/** Colours with everything in them: noise, gradients, few colours, none. */
export function motley(x: number, y: number): Colour {
  switch ((x >> 6) % 6) {
    case 0:
      return [10, 200, 90];
    case 1:
      return ((x >> 3) + (y >> 3)) % 2 === 0 ? [255, 255, 255] : [0, 0, 128];
    case 2: {
      const noise = Math.imul(x * 7919 + y * 104729 + 17, 2654435761) >>> 8;
      return [noise & 255, (noise >> 8) & 255, (noise >> 16) & 255];
    }
    case 3:
      return [(y * 4) & 255, 30, 200];
    case 4: {
      const tint = (((x & 63) >> 3) + (y >> 3)) % 13;
      return [tint * 19, 255 - tint * 11, tint];
    }
    default:
      return (x ^ (y * 3)) % 97 < 40 ? [(y * 5) & 255, (y >> 1) & 255, 7] : [1, 2, 3];
  }
}

/** A cursor image as the device hands it out: 64 × 64 pixels B, G, R, A, the colours multiplied with alpha. */
export function testCursor(
  x: number,
  y: number,
  colour: (x: number, y: number) => readonly [red: number, green: number, blue: number, alpha: number],
  hotX = 0,
  hotY = 0,
  scanoutId = 0,
): CursorImage {
  const pixels = new Uint8Array(64 * 64 * 4);
  for (let row = 0; row < 64; row++) {
    for (let column = 0; column < 64; column++) {
      const [red, green, blue, alpha] = colour(column, row);
      pixels.set([blue, green, red, alpha], (row * 64 + column) * 4);
    }
  }
  return { scanoutId, widthPixels: 64, heightPixels: 64, format: 2, pixels, hotX, hotY, x, y };
}
