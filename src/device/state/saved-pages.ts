import { hex64, hi32, lo32 } from "../../base/u64.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { GuestPages } from "../../memory/guest-pages.ts";
import type { MemoryRegion } from "../../memory/region.ts";
import type { PlainValue } from "../device-type.ts";
import { type Field, inside, list, listOf, misfit, record, size, whole } from "./schema.ts";

/** [position, upper half, lower half, length] of a piece of memory. */
type SavedPiece = readonly number[];

/** A list of guest pages, read and not yet looked for. */
export interface SavedPages {
  readonly totalBytes: number;
  readonly entryCount: number;
  readonly pieces: readonly SavedPiece[];
}

const pieceField: Field<SavedPiece> = listOf(size, 4);

/** A list of guest pages with at most this many entries and segments. */
export function pagesField(maxEntries: number, maxPieces: number): Field<SavedPages> {
  return record({
    totalBytes: size,
    entryCount: whole(0, maxEntries),
    pieces: list(pieceField, maxPieces),
  });
}

/** The pieces that a list of guest pages consists of, by their physical addresses. */
export function savePieces(pages: GuestPages): PlainValue {
  pages.refresh();
  const { segments, starts } = pages;
  const pieces: PlainValue[] = [];
  for (let i = 0; i < segments.count; i++) {
    const address = (segments.regions[i] as MemoryRegion).base + BigInt(segments.offsets[i] as number);
    pieces.push([starts[i] as number, hi32(address), lo32(address), segments.lengths[i] as number]);
  }
  return pieces;
}

/** A list of guest pages. */
export function savePages(pages: GuestPages): PlainValue {
  const pieces = savePieces(pages);
  return { totalBytes: pages.totalBytes, entryCount: pages.entryCount, pieces };
}

/** The pages that were saved, in this memory; throws {@link SavedStateError} when they are not there. */
export function findPages(memory: GuestMemory, { totalBytes, entryCount, pieces }: SavedPages): GuestPages {
  const pages = new GuestPages(memory);
  inside("pieces", () => {
    for (let i = 0; i < pieces.length; i++) addPiece(pages, memory, pieces[i] as SavedPiece, i);
  });
  // What follows the last piece is a hole.
  if (totalBytes < pages.totalBytes) {
    misfit("totalBytes", `is ${totalBytes}, and the pieces reach to ${pages.totalBytes}`);
  }
  pages.totalBytes = totalBytes;
  pages.entryCount = entryCount;
  return pages;
}

function addPiece(pages: GuestPages, memory: GuestMemory, piece: SavedPiece, index: number): void {
  const [start = 0, hi = 0, lo = 0, lengthBytes = 0] = piece;
  // Memory that was taken away before.
  if (lengthBytes === 0) return;
  if (hi > 0xffffffff || lo > 0xffffffff || lengthBytes > 0xffffffff) {
    misfit([index], "has an address of more than 64 bits, or a length of more than 32");
  }
  if (start < pages.totalBytes) misfit([index], `begins at ${start}, inside of the piece before it`);
  if (start > pages.totalBytes) pages.addHole(start - pages.totalBytes);
  const region = memory.find(hi, lo, lengthBytes);
  if (region === null) {
    misfit([index], `is ${lengthBytes} bytes at ${hex64(hi, lo)}, where there is no memory here`);
  } else {
    pages.addPiece(region, region.offsetOf(hi, lo, lengthBytes), lengthBytes);
  }
}
