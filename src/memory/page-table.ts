import type { MemoryRegion } from "./region.ts";
import type { SegmentList } from "./segments.ts";

const PAGE_SHIFT = 12;
const PAGE_BYTES: number = 1 << PAGE_SHIFT;
/** Pages that a segment may have on average: beyond it, a table would take more memory than the segments. */
const MAX_PAGES_PER_SEGMENT = 16;
/** Positions and offsets below it are 32-bit integers that are not negative. */
const MAX_BYTES = 0x80000000;
/** The shift by which every position is on page 0. */
const ONE_PAGE_SHIFT = 31;
const MAX_REGIONS = 256;

/**
 * Where each page of a list of guest pages lies. It answers by one look what the list answers by going through its
 * segments.
 */
export interface PageTable {
  /** Positions shifted right by this are indexes of {@link offsets} and {@link owners}. */
  readonly shift: number;
  /** Offset of each page's first byte in its region, a multiple of 4; -1 when the page is not in one segment. */
  readonly offsets: Int32Array;
  /** Index of each page's region in {@link regions}. */
  readonly owners: Uint8Array;
  readonly regions: readonly MemoryRegion[];
  /** Positions from here on are not covered. */
  readonly endBytes: number;
}

/** The table of segments that start at the positions `starts`; null when it would be of no use, or large. */
export function createPageTable(
  segments: SegmentList,
  starts: Float64Array,
  totalBytes: number,
): PageTable | null {
  const { count } = segments;
  if (count === 0 || totalBytes >= MAX_BYTES) return null;
  const isOnePage = count === 1 && segments.lengths[0] === totalBytes;
  const shift = isOnePage ? ONE_PAGE_SHIFT : PAGE_SHIFT;
  const pages = isOnePage ? 1 : Math.ceil(totalBytes / PAGE_BYTES);
  if (pages > MAX_PAGES_PER_SEGMENT * count) return null;
  const offsets = new Int32Array(pages).fill(-1);
  const owners = new Uint8Array(pages);
  const regions: MemoryRegion[] = [];
  for (let segment = 0; segment < count; segment++) {
    const start = starts[segment] as number;
    const end = start + (segments.lengths[segment] as number);
    const toRegion = (segments.offsets[segment] as number) - start;
    if ((toRegion & 3) !== 0 || end + toRegion > MAX_BYTES) continue;
    const region = segments.regions[segment] as MemoryRegion;
    let owner = regions.lastIndexOf(region);
    if (owner < 0) {
      if (regions.length === MAX_REGIONS) continue;
      owner = regions.push(region) - 1;
    }
    if (isOnePage) {
      offsets[0] = toRegion;
      continue;
    }
    for (let page = Math.ceil(start / PAGE_BYTES); page < pages; page++) {
      const from = page << PAGE_SHIFT;
      if (Math.min(from + PAGE_BYTES, totalBytes) > end) break;
      offsets[page] = from + toRegion;
      owners[page] = owner;
    }
  }
  return { shift, offsets, owners, regions, endBytes: totalBytes };
}
