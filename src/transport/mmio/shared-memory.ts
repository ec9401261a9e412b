import { VirtioUsageError } from "../../base/errors.ts";
import { hex64, hi32, lo32 } from "../../base/u64.ts";
import type { SharedMemoryRegion } from "../../device/device-type.ts";

/** Where a shared memory region lies, as the SHM registers show it: unsigned 32-bit halves. */
export interface ShmLocation {
  readonly lengthHi: number;
  readonly lengthLo: number;
  readonly baseHi: number;
  readonly baseLo: number;
}

/** What the registers show for an id that is not in use: all ones, section 4.2.2. */
export const NO_SHARED_MEMORY: ShmLocation = {
  lengthHi: 0xffffffff,
  lengthLo: 0xffffffff,
  baseHi: 0xffffffff,
  baseLo: 0xffffffff,
};

/**
 * Joins the regions of a device with the addresses the embedder chose for them. Throws {@link VirtioUsageError}
 * when an address is missing, superfluous or impossible, or when two regions overlap.
 */
export function locateSharedMemory(
  regions: readonly SharedMemoryRegion[],
  bases: Readonly<Record<number, bigint | number>>,
): ReadonlyMap<number, ShmLocation> {
  for (const id of Object.keys(bases)) {
    if (!regions.some((region) => String(region.id) === id)) {
      throw new VirtioUsageError(`sharedMemoryBases: the device has no shared memory region ${id}`);
    }
  }
  const locations = new Map<number, ShmLocation>();
  const taken: { readonly start: bigint; readonly end: bigint }[] = [];
  for (const { id, lengthBytes } of regions) {
    if (locations.has(id)) throw new VirtioUsageError(`the device has two shared memory regions ${id}`);
    const start = checkBase(bases[id], id);
    const end = start + BigInt(lengthBytes);
    if (end > 1n << 64n || taken.some((other) => start < other.end && other.start < end)) {
      throw new VirtioUsageError(
        `sharedMemoryBases: region ${id} at ${hex64(hi32(start), lo32(start))} overlaps another or runs beyond 2^64`,
      );
    }
    taken.push({ start, end });
    locations.set(id, {
      lengthHi: hi32(lengthBytes),
      lengthLo: lo32(lengthBytes),
      baseHi: hi32(start),
      baseLo: lo32(start),
    });
  }
  return locations;
}

function checkBase(base: bigint | number | undefined, id: number): bigint {
  if (base === undefined) {
    throw new VirtioUsageError(`sharedMemoryBases: say where shared memory region ${id} is to lie`);
  }
  if (typeof base === "number" ? !Number.isSafeInteger(base) || base < 0 : base < 0n || base >> 64n !== 0n) {
    throw new VirtioUsageError(`sharedMemoryBases: ${base} is not a guest physical address`);
  }
  return BigInt(base);
}
