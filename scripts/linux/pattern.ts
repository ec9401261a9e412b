// What guest/scenarios.c draws, computed here a second time from its description.
import type { Picture } from "./linux-device.ts";

const SEED_FACTOR = 0x2f1b6d;
const COLOUR_MASK = 0xffffff;
const OPAQUE = 0xff000000;
const CURSOR_EDGE = 64;
const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** What a new buffer holds. */
const EMPTY = 0;

/** @returns 0xRRGGBB */
export function patternPixel(x: number, y: number, seed: number): number {
  const place = ((x & 255) << 16) | ((y & 255) << 8) | (((x >> 8) & 15) << 4) | ((y >> 8) & 15);
  return place ^ (Math.imul(seed, SEED_FACTOR) & COLOUR_MASK);
}

/** A framebuffer of the guest, as far as its program has said what it drew. */
export class DrawnPicture implements Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height).fill(EMPTY);
  }

  draw(x: number, y: number, width: number, height: number, seed: number): void {
    for (let row = y; row < y + height; row++) {
      for (let column = x; column < x + width; column++) {
        this.pixels[row * this.width + column] = patternPixel(column, row, seed);
      }
    }
  }

  drawCursor(seed: number): void {
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const inside = x + y < CURSOR_EDGE;
        this.pixels[y * this.width + x] = inside ? (OPAQUE | patternPixel(x, y, seed)) >>> 0 : 0;
      }
    }
  }
}

/** 32-bit FNV-1a over blue, green, red (and alpha) of every pixel. */
export function hashPicture({ pixels }: Picture, withAlpha = false): number {
  let hash = FNV_START;
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i] as number;
    hash = Math.imul(hash ^ (pixel & 255), FNV_PRIME);
    hash = Math.imul(hash ^ ((pixel >>> 8) & 255), FNV_PRIME);
    hash = Math.imul(hash ^ ((pixel >>> 16) & 255), FNV_PRIME);
    if (withAlpha) hash = Math.imul(hash ^ (pixel >>> 24), FNV_PRIME);
  }
  return hash >>> 0;
}

export function hexHash(hash: number): string {
  return hash.toString(16).padStart(8, "0");
}

/** @returns undefined if both are the same, else one line that says where they are not */
export function firstDifference(actual: Picture | undefined, wanted: Picture): string | undefined {
  if (actual === undefined) return "nothing is on screen";
  if (actual.width !== wanted.width || actual.height !== wanted.height) {
    return `the screen has ${actual.width}×${actual.height} pixels instead of ${wanted.width}×${wanted.height}`;
  }
  let first: number | undefined;
  let count = 0;
  for (let i = 0; i < wanted.pixels.length; i++) {
    if (actual.pixels[i] === wanted.pixels[i]) continue;
    first ??= i;
    count += 1;
  }
  if (first === undefined) return undefined;
  const at = `(${first % wanted.width}, ${Math.floor(first / wanted.width)})`;
  const colour = (picture: Picture): string => hexHash(picture.pixels[first] as number);
  return `${count} pixels differ, the first at ${at}: ${colour(actual)} instead of ${colour(wanted)}`;
}
