import { hex64, hi32, lo32 } from "../../base/u64.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { GuestPages } from "../../memory/guest-pages.ts";
import type { MemoryRegion } from "../../memory/region.ts";
import type { PlainValue } from "../device-type.ts";
import { type Field, inside, list, listOf, misfit, record, size, whole } from "./schema.ts";

/** [position, upper half, lower half, length] of a segment. */
type SavedSegment = readonly number[];

/** A list of guest pages, read and not yet looked for. */
export interface SavedPages {
  readonly totalBytes: number;
  readonly entryCount: number;
  /** Segments, under the name that states have had for them since the first version. */
  readonly pieces: readonly SavedSegment[];
}

const segmentField: Field<SavedSegment> = listOf(size, 4);

/** A list of guest pages with at most this many entries and segments. */
export function pagesField(maxEntries: number, maxSegments: number): Field<SavedPages> {
  return record({
    totalBytes: size,
    entryCount: whole(0, maxEntries),
    pieces: list(segmentField, maxSegments),
  });
}

/** The segments that a list of guest pages consists of, by their physical addresses. */
export function saveSegments(pages: GuestPages): PlainValue {
  pages.refresh();
  const { segments, starts } = pages;
  const saved: PlainValue[] = [];
  for (let i = 0; i < segments.count; i++) {
    const address = (segments.regions[i] as MemoryRegion).base + BigInt(segments.offsets[i] as number);
    saved.push([starts[i] as number, hi32(address), lo32(address), segments.lengths[i] as number]);
  }
  return saved;
}

/** A list of guest pages. */
export function savePages(pages: GuestPages): PlainValue {
  return { totalBytes: pages.totalBytes, entryCount: pages.entryCount, pieces: saveSegments(pages) };
}

/** The pages that were saved, in this memory; throws {@link SavedStateError} when they are not there. */
export function findPages(memory: GuestMemory, { totalBytes, entryCount, pieces }: SavedPages): GuestPages {
  const pages = new GuestPages(memory);
  inside("pieces", () => {
    for (let i = 0; i < pieces.length; i++) addSegment(pages, memory, pieces[i] as SavedSegment, i);
  });
  // What follows the last segment is a hole.
  if (totalBytes < pages.totalBytes) {
    misfit("totalBytes", `is ${totalBytes}, and the pieces reach to ${pages.totalBytes}`);
  }
  pages.totalBytes = totalBytes;
  pages.entryCount = entryCount;
  return pages;
}

function addSegment(pages: GuestPages, memory: GuestMemory, segment: SavedSegment, index: number): void {
  const [start = 0, hi = 0, lo = 0, lengthBytes = 0] = segment;
  // Memory that was taken away before.
  if (lengthBytes === 0) return;
  if (hi > 0xffffffff || lo > 0xffffffff || lengthBytes > 0xffffffff) {
    misfit([index], "has an address of more than 64 bits, or a length of more than 32");
  }
  if (start < pages.totalBytes) misfit([index], `begins at ${start}, inside of the segment before it`);
  if (start > pages.totalBytes) pages.addHole(start - pages.totalBytes);
  const region = memory.find(hi, lo, lengthBytes);
  if (region === null) {
    misfit([index], `is ${lengthBytes} bytes at ${hex64(hi, lo)}, where there is no memory here`);
  } else {
    pages.addSegment(region, region.offsetOf(hi, lo, lengthBytes), lengthBytes);
  }
}
