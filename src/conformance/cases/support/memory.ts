// What a device must leave as it is.
import type { Guest } from "../../guest/index.ts";

/** A range of guest memory. */
export interface MemoryRange {
  readonly address: number;
  readonly lengthBytes: number;
}

/** Guest memory as it is now. */
export interface MemoryImage {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Bytes before what the case allocated, and behind it, that are looked at too. */
const MARGIN_BYTES = 4096;

/** Takes an image of all memory that the case has used so far, and of what lies around it. */
export function takeImage({ arena }: Guest): MemoryImage {
  const first = 0x100000 - MARGIN_BYTES;
  const end = arena.allocate(0) + MARGIN_BYTES;
  return { address: first, bytes: arena.ram.read(first, end - first) };
}

/** The first address outside of `allowed` that changed since; null when there is none. */
export function memoryUnchanged(
  { arena }: Guest,
  image: MemoryImage,
  allowed: readonly MemoryRange[],
): number | null {
  const now = arena.ram.read(image.address, image.bytes.length);
  for (const { address, lengthBytes } of allowed) {
    const at = address - image.address;
    now.set(image.bytes.subarray(at, at + lengthBytes), at);
  }
  const changed = now.findIndex((byte, i) => byte !== image.bytes[i]);
  return changed < 0 ? null : image.address + changed;
}
