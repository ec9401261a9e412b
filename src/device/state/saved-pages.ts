import { VirtioUsageError } from "../../base/errors.ts";
import { hi32, lo32, toBigInt } from "../../base/u64.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { GuestPages } from "../../memory/guest-pages.ts";
import type { MemoryRegion } from "../../memory/region.ts";
import type { PlainValue } from "../device-type.ts";
import { fieldsOf, listOf, wholeNumber } from "./saved-fields.ts";

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
    const piece = listOf(each, "piece");
    const start = wholeNumber(piece[0], "position of a saved piece", 0, Number.MAX_SAFE_INTEGER);
    const hi = wholeNumber(piece[1], "address of a saved piece");
    const lo = wholeNumber(piece[2], "address of a saved piece");
    const length = wholeNumber(piece[3], "length of a saved piece");
    if (length === 0) continue;
    if (start < pages.totalBytes) throw new VirtioUsageError("saved guest pages: one piece lies in another");
    if (start > pages.totalBytes) pages.addHole(start - pages.totalBytes);
    const region = memory.find(hi, lo, length);
    if (region === null) {
      throw new VirtioUsageError(
        `saved guest pages: there is no memory of ${length} bytes at ${toBigInt(hi, lo)}`,
      );
    }
    pages.addPiece(region, region.offsetOf(hi, lo, length), length);
  }
  // What follows the last piece is a hole.
  pages.totalBytes = saved.number("totalBytes", pages.totalBytes, Number.MAX_SAFE_INTEGER);
  pages.entryCount = saved.number("entryCount");
  return pages;
}
