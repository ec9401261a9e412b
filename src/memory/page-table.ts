import type { MemoryRegion } from "./region.ts";
import type { SegmentList } from "./segments.ts";

const PAGE_SHIFT = 12;
const PAGE_BYTES: number = 1 << PAGE_SHIFT;
/** Pages that a piece may have on average: beyond it, a table would take more memory than the pieces. */
const MAX_PAGES_PER_PIECE = 16;
/** Positions and offsets below it are 32-bit integers that are not negative. */
const MAX_BYTES = 0x80000000;
/** The shift by which every position is on page 0. */
const ONE_PAGE_SHIFT = 31;

/**
 * Where each page of a list of guest pages lies, for those that all lie in one region. It answers by one look what the
 * list answers by going through its pieces.
 */
export interface PageTable {
  readonly region: MemoryRegion;
  /** Positions shifted right by this are indexes of {@link offsets}. */
  readonly shift: number;
  /** Offset in the region of each page's first byte, a multiple of 4; -1 when the page is not in one piece of it. */
  readonly offsets: Int32Array;
  /** Positions from here on are not covered. */
  readonly endBytes: number;
}

/** The table of pieces that start at the positions `starts`; null when it would be of no use, or large. */
export function createPageTable(
  segments: SegmentList,
  starts: Float64Array,
  totalBytes: number,
): PageTable | null {
  const { count } = segments;
  if (count === 0 || totalBytes >= MAX_BYTES) return null;
  const region = segments.regions[0] as MemoryRegion;
  // The views know no other order than the region's own.
  if (count === 1 && starts[0] === 0) {
    const offset = segments.offsets[0] as number;
    const endBytes = segments.lengths[0] as number;
    if ((offset & 3) !== 0 || offset + endBytes > MAX_BYTES) return null;
    return { region, shift: ONE_PAGE_SHIFT, offsets: Int32Array.of(offset), endBytes };
  }
  const pages = Math.ceil(totalBytes / PAGE_BYTES);
  if (pages > MAX_PAGES_PER_PIECE * count) return null;
  const offsets = new Int32Array(pages).fill(-1);
  for (let piece = 0; piece < count; piece++) {
    if (segments.regions[piece] !== region) continue;
    const start = starts[piece] as number;
    const end = start + (segments.lengths[piece] as number);
    const toRegion = (segments.offsets[piece] as number) - start;
    if ((toRegion & 3) !== 0 || end + toRegion > MAX_BYTES) continue;
    for (let page = Math.ceil(start / PAGE_BYTES); page < pages; page++) {
      const from = page << PAGE_SHIFT;
      if (Math.min(from + PAGE_BYTES, totalBytes) > end) break;
      offsets[page] = from + toRegion;
    }
  }
  return { region, shift: PAGE_SHIFT, offsets, endBytes: totalBytes };
}
