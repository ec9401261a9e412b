import type { PixelTranslator } from "./pixel-format.ts";

export const ZRLE_TILE_PIXELS = 64;
/** Most bytes a tile can take: raw pixels of four bytes. */
export const ZRLE_TILE_MAX_BYTES: number = 1 + ZRLE_TILE_PIXELS * ZRLE_TILE_PIXELS * 4;

const MAX_PACKED_PALETTE = 16;
const MAX_RLE_PALETTE = 127;

const SUBENCODING_RAW = 0;
const SUBENCODING_PLAIN_RLE = 128;

// The palette of the tile at hand: a table with open addressing. Entries of earlier tiles are told by their stamp.
const SLOTS = 256;
const slotColours = new Uint32Array(SLOTS);
const slotIndexes = new Uint8Array(SLOTS);
const slotStamps = new Uint32Array(SLOTS);
const palette = new Uint32Array(MAX_RLE_PALETTE + 1);
let stamp = 0;
let paletteSize = 0;

/** Where a colour is or would be. */
function findSlot(colour: number): number {
  let slot = Math.imul(colour, 0x9e3779b1) >>> 24;
  while (slotStamps[slot] === stamp && slotColours[slot] !== colour) slot = (slot + 1) % SLOTS;
  return slot;
}

/** Notes a colour; one more than the largest palette is enough to know that there is no palette. */
function addColour(colour: number): void {
  if (paletteSize > MAX_RLE_PALETTE) return;
  const slot = findSlot(colour);
  if (slotStamps[slot] === stamp) return;
  slotStamps[slot] = stamp;
  slotColours[slot] = colour;
  slotIndexes[slot] = paletteSize;
  palette[paletteSize++] = colour;
}

function lengthOfRun(pixels: number): number {
  return Math.floor((pixels - 1) / 255) + 1;
}

function bitsPerIndex(colours: number): number {
  if (colours <= 2) return 1;
  return colours <= 4 ? 2 : 4;
}

/**
 * Encodes one tile of at most 64 × 64 pixel values in the smallest way ZRLE has, before zlib gets it. Returns the
 * position after it in `target`, which has room for {@link ZRLE_TILE_MAX_BYTES}.
 */
export function encodeZrleTile(
  pixels: Uint32Array,
  widthPixels: number,
  heightPixels: number,
  translator: PixelTranslator,
  target: Uint8Array,
  at: number,
): number {
  const count = widthPixels * heightPixels;
  const pixelBytes = translator.bytesPerCompactPixel;
  stamp = (stamp + 1) >>> 0;
  if (stamp === 0) slotStamps.fill(0xffffffff);
  paletteSize = 0;

  let plainBytes = 0;
  let indexedBytes = 0;
  for (let start = 0; start < count; ) {
    const colour = pixels[start] as number;
    let end = start + 1;
    while (end < count && pixels[end] === colour) end++;
    addColour(colour);
    const run = end - start;
    const runBytes = lengthOfRun(run);
    plainBytes += pixelBytes + runBytes;
    indexedBytes += run === 1 ? 1 : 1 + runBytes;
    start = end;
  }

  const colours = paletteSize;
  if (colours === 1) {
    target[at++] = 1;
    return translator.writeCompact(pixels, 0, 1, target, at);
  }
  const bits = bitsPerIndex(colours);
  const rowBytes = Math.ceil((widthPixels * bits) / 8);
  const rawSize = count * pixelBytes;
  const packedSize =
    colours <= MAX_PACKED_PALETTE ? colours * pixelBytes + rowBytes * heightPixels : Number.POSITIVE_INFINITY;
  const indexedSize =
    colours <= MAX_RLE_PALETTE ? colours * pixelBytes + indexedBytes : Number.POSITIVE_INFINITY;
  const least = Math.min(rawSize, packedSize, indexedSize, plainBytes);
  if (least === rawSize) {
    target[at++] = SUBENCODING_RAW;
    return translator.writeCompact(pixels, 0, count, target, at);
  }
  if (least === packedSize) {
    target[at++] = colours;
    at = translator.writeCompact(palette, 0, colours, target, at);
    return writePacked(pixels, widthPixels, heightPixels, bits, target, at);
  }
  if (least === indexedSize) {
    target[at++] = SUBENCODING_PLAIN_RLE + colours;
    at = translator.writeCompact(palette, 0, colours, target, at);
    return writeRuns(pixels, count, null, target, at);
  }
  target[at++] = SUBENCODING_PLAIN_RLE;
  return writeRuns(pixels, count, translator, target, at);
}

function writePacked(
  pixels: Uint32Array,
  widthPixels: number,
  heightPixels: number,
  bits: number,
  target: Uint8Array,
  at: number,
): number {
  let from = 0;
  for (let y = 0; y < heightPixels; y++) {
    let byte = 0;
    let free = 8;
    for (let x = 0; x < widthPixels; x++) {
      free -= bits;
      byte |= (slotIndexes[findSlot(pixels[from++] as number)] as number) << free;
      if (free > 0) continue;
      target[at++] = byte;
      byte = 0;
      free = 8;
    }
    if (free < 8) target[at++] = byte;
  }
  return at;
}

/** Runs of pixel values with a translator, else of indexes into the palette. */
function writeRuns(
  pixels: Uint32Array,
  count: number,
  translator: PixelTranslator | null,
  target: Uint8Array,
  at: number,
): number {
  for (let start = 0; start < count; ) {
    const colour = pixels[start] as number;
    let end = start + 1;
    while (end < count && pixels[end] === colour) end++;
    let rest = end - start - 1;
    if (translator !== null) {
      at = translator.writeCompact(pixels, start, 1, target, at);
    } else {
      const index = slotIndexes[findSlot(colour)] as number;
      target[at++] = rest === 0 ? index : index | 0x80;
    }
    if (translator !== null || rest > 0) {
      for (; rest >= 255; rest -= 255) target[at++] = 255;
      target[at++] = rest;
    }
    start = end;
  }
  return at;
}
