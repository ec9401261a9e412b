import type { MemoryRegion } from "../../memory/region.ts";
import { copyBytes } from "../../memory/segments.ts";
import type { GuestPages } from "./backing.ts";

// Rows up to this long are copied word by word: `set` needs a view of the row, which costs as much as some hundred
// words. Measured, not derived; longer rows go through `set`.
const WORD_LOOP_BYTES = 1024;

// Beyond it, reached only with absurd backing, indexes would leave the range of small integers.
const MAX_WORD_LOOP_POSITION = 0x3fffffff;

/** Pixels of a host resource: the same memory as bytes and as words. */
export interface HostPixels {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
}

/**
 * Copies a rectangle from guest pages into host pixels. Source rows start `strideBytes` apart from `position` on,
 * target rows `strideBytes` apart from `targetOffset` on; both are `rowBytes` long. Returns the bytes copied: fewer
 * than the rectangle has where the pages end early or have holes, where the target keeps what it had.
 *
 * The target holds the whole rectangle: the caller checked.
 */
export function copyRectangle(
  pages: GuestPages,
  position: number,
  target: HostPixels,
  targetOffset: number,
  strideBytes: number,
  rowBytes: number,
  rows: number,
): number {
  pages.refresh();
  // Rows of full width follow each other on both sides: one run of bytes.
  if (rowBytes === strideBytes) return copyRun(pages, position, target.u8, targetOffset, rowBytes * rows);
  if (
    rowBytes <= WORD_LOOP_BYTES &&
    ((position | targetOffset | strideBytes | rowBytes) & 3) === 0 &&
    position <= MAX_WORD_LOOP_POSITION
  ) {
    return copyShortRows(pages, position, target, targetOffset, strideBytes, rowBytes, rows);
  }
  let copied = 0;
  for (let row = 0; row < rows; row++) {
    const at = row * strideBytes;
    copied += copyRun(pages, position + at, target.u8, targetOffset + at, rowBytes);
  }
  return copied;
}

/** Copies `lengthBytes` bytes in one run, whole pieces through their kept views. */
function copyRun(
  pages: GuestPages,
  position: number,
  target: Uint8Array,
  targetOffset: number,
  lengthBytes: number,
): number {
  const { segments, starts } = pages;
  const { lengths, count } = segments;
  const end = position + lengthBytes;
  const toTarget = targetOffset - position;
  let copied = 0;
  let piece = pages.pieceAt(position);
  for (; piece < count; piece++) {
    const start = starts[piece] as number;
    if (start >= end) break;
    const length = lengths[piece] as number;
    const from = start > position ? start : position;
    const part = Math.min(start + length, end) - from;
    if (part <= 0) continue;
    if (part === length) {
      target.set(pages.pieceView(piece), from + toTarget);
    } else if (part <= 256) {
      const region = segments.regions[piece] as MemoryRegion;
      const offset = (segments.offsets[piece] as number) + (from - start);
      copyBytes(region.u8, offset, target, from + toTarget, part);
    } else {
      target.set(pages.partView(piece, from - start, part), from + toTarget);
    }
    copied += part;
  }
  return copied;
}

/**
 * Rows shorter than a view is worth: word by word, looking for the piece only when a row leaves it. All offsets are
 * multiples of 4.
 */
function copyShortRows(
  pages: GuestPages,
  position: number,
  target: HostPixels,
  targetOffset: number,
  strideBytes: number,
  rowBytes: number,
  rows: number,
): number {
  const { segments, starts } = pages;
  const words = rowBytes >>> 2;
  const to = target.u32;
  let copied = 0;
  let start = 0;
  let end = 0;
  let source = to;
  let base = 0;
  let aligned = false;
  for (let row = 0; row < rows; row++) {
    const at = row * strideBytes;
    const from = position + at;
    if (from < start || from >= end) {
      const piece = pages.pieceAt(from);
      if (piece === segments.count) break;
      start = starts[piece] as number;
      end = start + (segments.lengths[piece] as number);
      const offset = segments.offsets[piece] as number;
      // Pieces may lie at odd addresses or, after an odd one, start at an odd position.
      aligned = ((offset | start) & 3) === 0;
      source = (segments.regions[piece] as MemoryRegion).u32 as Uint32Array<ArrayBuffer>;
      base = aligned ? ((offset - start) / 4) | 0 : 0;
    }
    if (aligned && from >= start && from + rowBytes <= end) {
      let s = base + (from >>> 2);
      let t = (targetOffset + at) >>> 2;
      for (let i = 0; i < words; i++) to[t++] = source[s++] as number;
      copied += rowBytes;
    } else {
      copied += copyRun(pages, from, target.u8, targetOffset + at, rowBytes);
    }
  }
  return copied;
}
