import { VirtioUsageError } from "../base/errors.ts";
import { hi32, lo32, toBigInt } from "../base/u64.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { GuestPages } from "../memory/guest-pages.ts";
import type { MemoryRegion } from "../memory/region.ts";
import type { PlainValue } from "./device-type.ts";
import { fieldsOf, listOf } from "./saved-fields.ts";

/** A list of guest pages by its physical addresses: [position, upper half, lower half, length] of each piece. */
export function savePages(pages: GuestPages): PlainValue {
  pages.refresh();
  const { segments, starts } = pages;
  const pieces: PlainValue[] = [];
  for (let i = 0; i < segments.count; i++) {
    const address = (segments.regions[i] as MemoryRegion).base + BigInt(segments.offsets[i] as number);
    pieces.push([starts[i] as number, hi32(address), lo32(address), segments.lengths[i] as number]);
  }
  return { totalBytes: pages.totalBytes, entryCount: pages.entryCount, pieces };
}

/** The pages that were saved, in this memory; throws {@link VirtioUsageError} when they are not there. */
export function restorePages(memory: GuestMemory, state: PlainValue): GuestPages {
  const saved = fieldsOf(state, "guest pages");
  const pages = new GuestPages(memory);
  for (const each of listOf(saved.value("pieces"), "pieces")) {
    const [start = 0, hi = 0, lo = 0, length = 0] = listOf(each, "piece") as number[];
    if (length === 0) continue;
    if (start > pages.totalBytes) pages.addHole(start - pages.totalBytes);
    const region = memory.find(hi, lo, length);
    if (region === null) {
      throw new VirtioUsageError(
        `saved guest pages: there is no memory of ${length} bytes at ${toBigInt(hi, lo)}`,
      );
    }
    pages.addPiece(region, region.offsetOf(hi, lo, length), length);
  }
  pages.totalBytes = saved.number("totalBytes");
  pages.entryCount = saved.number("entryCount");
  return pages;
}
