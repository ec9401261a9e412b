import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { PageTable } from "../../../memory/page-table.ts";
import type { MemoryRegion } from "../../../memory/region.ts";
import { copyBytes } from "../../../memory/segments.ts";
import { BAND_BYTES, INDEX_END, MAX_INDEXED_OFFSET, MAX_RUNS, WORD_LOOP_BYTES } from "./limits.ts";
import { createRunCopier, type HostPixels } from "./words.ts";

/** Copies rectangles row by row. All that a rectangle covers lies below {@link INDEX_END}, on either side. */
export interface RowCopier {
  /**
   * Copies rows of at most {@link WORD_LOOP_BYTES} bytes from pages whose places a table holds. Every number of
   * bytes is a multiple of 4, and the rows end where the table ends at the latest. Returns the bytes copied; -1 when the
   * table does not know a page, after which all rows have to be copied in another way.
   */
  copyPageRows(
    table: PageTable,
    position: number,
    target: HostPixels,
    targetOffset: number,
    strideBytes: number,
    rowBytes: number,
    rows: number,
  ): number;

  /** Copies rows segment by segment; returns the bytes copied, fewer than there are where the pages have holes or end. */
  copySegmentRows(
    pages: GuestPages,
    position: number,
    target: HostPixels,
    targetOffset: number,
    strideBytes: number,
    rowBytes: number,
    rows: number,
  ): number;
}

/** Makes a copier; one is enough for all devices of a thread. */
export function createRowCopier(inPairs: boolean): RowCopier {
  const runs = createRunCopier(MAX_RUNS, inPairs);
  const { sources, targets, lengths } = runs;

  // All numbers are below 2 GiB, so that the engine may count in 32-bit integers: that is what `| 0` says.

  function copyPageRows(
    { shift, offsets, owners, regions }: PageTable,
    position: number,
    target: HostPixels,
    targetOffset: number,
    strideBytes: number,
    rowBytes: number,
    rows: number,
  ): number {
    const inPage = ((1 << shift) - 1) | 0;
    const toTarget = (targetOffset - position) | 0;
    const rowWords = rowBytes >>> 2;
    // A row lies in two pages at most.
    const bandRows = Math.min((BAND_BYTES / rowBytes) | 0, MAX_RUNS / 2) | 0;
    let from = position | 0;
    let owner = owners[from >>> shift] as number;
    for (let row = 0; row < rows; ) {
      const stop = Math.min(row + bandRows, rows) | 0;
      let count = 0;
      for (; row < stop; row++) {
        const inner = from & inPage;
        const page = offsets[from >>> shift] as number;
        if (page < 0) return -1;
        if (owners[from >>> shift] !== owner) {
          runs.copy(count, regions[owner] as MemoryRegion, target);
          count = 0;
          owner = owners[from >>> shift] as number;
        }
        sources[count] = (page + inner) >>> 2;
        targets[count] = (from + toTarget) >>> 2;
        const rest = (rowBytes - 1 - (inPage - inner)) | 0;
        if (rest <= 0) {
          lengths[count] = rowWords;
          count = (count + 1) | 0;
        } else {
          const next = (from + rowBytes - rest) | 0;
          const nextPage = offsets[next >>> shift] as number;
          if (nextPage < 0) return -1;
          lengths[count] = (rowBytes - rest) >>> 2;
          count = (count + 1) | 0;
          if (owners[next >>> shift] !== owner) {
            runs.copy(count, regions[owner] as MemoryRegion, target);
            count = 0;
            owner = owners[next >>> shift] as number;
          }
          sources[count] = nextPage >>> 2;
          targets[count] = (next + toTarget) >>> 2;
          lengths[count] = rest >>> 2;
          count = (count + 1) | 0;
        }
        from = (from + strideBytes) | 0;
      }
      runs.copy(count, regions[owner] as MemoryRegion, target);
    }
    return rowBytes * rows;
  }

  // Rows lie in ascending order, so the segment of the next is found by going on from the last.
  function copySegmentRows(
    pages: GuestPages,
    position: number,
    target: HostPixels,
    targetOffset: number,
    strideBytes: number,
    rowBytes: number,
    rows: number,
  ): number {
    const { segments, starts } = pages;
    const { offsets, regions } = segments;
    let segment = pages.segmentAt(position);
    if (segment === segments.count) return 0;
    let start = Math.min(starts[segment] as number, INDEX_END) | 0;
    let end = segmentEnd(start, segments.lengths[segment] as number);
    let region = regions[segment] as MemoryRegion;
    let toRegion = (offsets[segment] as number) - start;
    const toTarget = (targetOffset - position) | 0;
    /** Runs that are listed and not copied yet. */
    let waiting = 0;
    let copied = 0;
    let rowStart = position | 0;
    for (let row = 0; row < rows; row++) {
      let from = rowStart;
      const rowEnd = (from + rowBytes) | 0;
      rowStart = (rowStart + strideBytes) | 0;
      while (from < rowEnd) {
        if (from >= end) {
          if (++segment === segments.count) {
            runs.copy(waiting, region, target);
            return copied;
          }
          start = Math.min(starts[segment] as number, INDEX_END) | 0;
          end = segmentEnd(start, segments.lengths[segment] as number);
          toRegion = (offsets[segment] as number) - start;
          const next = regions[segment] as MemoryRegion;
          if (next !== region) {
            runs.copy(waiting, region, target);
            waiting = 0;
            region = next;
          }
          continue;
        }
        if (from < start) {
          // A hole: the target keeps what it has there.
          from = start;
          continue;
        }
        const part = ((rowEnd < end ? rowEnd : end) - from) | 0;
        const source = toRegion + from;
        const to = (from + toTarget) | 0;
        if (part <= WORD_LOOP_BYTES && ((source | to | part) & 3) === 0 && source <= MAX_INDEXED_OFFSET) {
          sources[waiting] = source >>> 2;
          targets[waiting] = to >>> 2;
          lengths[waiting] = part >>> 2;
          if (++waiting === MAX_RUNS) {
            runs.copy(waiting, region, target);
            waiting = 0;
          }
        } else if (part > WORD_LOOP_BYTES) {
          const { buffer, byteOffset } = region.u8;
          target.u8.set(new Uint8Array(buffer, byteOffset + source, part), to);
        } else {
          copyBytes(region.u8, source, target.u8, to, part);
        }
        copied = (copied + part) | 0;
        from = (from + part) | 0;
      }
    }
    runs.copy(waiting, region, target);
    return copied;
  }

  return { copyPageRows, copySegmentRows };
}

function segmentEnd(start: number, lengthBytes: number): number {
  return Math.min(start + lengthBytes, INDEX_END) | 0;
}

/** The same far into the backing, where speed does not matter. */
export function copyFarRows(
  pages: GuestPages,
  position: number,
  target: HostPixels,
  targetOffset: number,
  strideBytes: number,
  rowBytes: number,
  rows: number,
): number {
  let copied = 0;
  for (let row = 0; row < rows; row++) {
    copied += pages.read(position + row * strideBytes, target.u8, targetOffset + row * strideBytes, rowBytes);
  }
  return copied;
}
