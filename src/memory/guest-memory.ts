import { VirtioUsageError } from "../base/errors.ts";
import type { OptionRule } from "../base/options.ts";
import { hex64, hi32, lo32, toBigInt } from "../base/u64.ts";
import { MemoryRegion, type RegionOptions } from "./region.ts";

/** Guest memory as an option of something else. */
export const GUEST_MEMORY_RULE: OptionRule = { like: "a GuestMemory", has: ["regions", "find", "sync"] };

/**
 * The guest physical address space: regions of host memory with holes between them. An access lies wholly inside
 * one region or fails; it never crosses from one region into the next and never wraps at 2^64.
 *
 * @example
 * ```ts
 * const memory = new GuestMemory([{ base: 0, memory: new SharedArrayBuffer(64 << 20) }]);
 * memory.write(0x1000n, new Uint8Array([1, 2, 3]));
 * ```
 */
export class GuestMemory {
  #regions: MemoryRegion[] = [];
  #last: MemoryRegion | null = null;
  #epoch = 0;

  /** Throws {@link VirtioUsageError} for regions that are impossible or overlap. */
  constructor(regions: readonly RegionOptions[] = []) {
    if (!Array.isArray(regions)) throw new VirtioUsageError("GuestMemory takes a list of regions");
    for (const region of regions) this.addRegion(region);
  }

  /** The regions in ascending order of their addresses. */
  get regions(): readonly MemoryRegion[] {
    return this.#regions;
  }

  /** Changes whenever views were renewed or regions came or went; caches of either compare it. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Adds a region; throws {@link VirtioUsageError} when it overlaps another or runs beyond 2^64. */
  addRegion(options: RegionOptions): MemoryRegion {
    const region = new MemoryRegion(options);
    // Not only by `sync`: who asks a region for its buffer renews its views as well, and nobody may miss that.
    region.whenRenewed(() => this.#epoch++);
    const end = region.base + BigInt(region.sizeBytes);
    if (end > 1n << 64n) throw new VirtioUsageError("region runs beyond the 64-bit address space");
    for (const other of this.#regions) {
      if (region.base < other.base + BigInt(other.sizeBytes) && other.base < end) {
        throw new VirtioUsageError(
          `region at ${hex64(region.baseHi, region.baseLo)} overlaps the one at ${hex64(other.baseHi, other.baseLo)}`,
        );
      }
    }
    this.#regions.push(region);
    this.#regions.sort((a, b) => (a.base < b.base ? -1 : 1));
    this.#epoch++;
    return region;
  }

  /**
   * Takes a region out. Queues whose rings are in it fault at their next access; what is on its way to buffers in it
   * goes nowhere.
   */
  removeRegion(region: MemoryRegion): void {
    const at = this.#regions.indexOf(region);
    if (at < 0) throw new VirtioUsageError("the region is not part of this memory");
    this.#regions.splice(at, 1);
    region.detach();
    this.#last = null;
    this.#epoch++;
  }

  /**
   * Renews the views of regions whose buffer was replaced (a WebAssembly memory that grew). Called once at every
   * entry from outside, so that nothing below has to check again. Throws {@link VirtioUsageError} when the embedder took
   * a buffer away: a guest must not be blamed for what it then lacks.
   */
  sync(): void {
    // A plain loop, and no call where there is nothing to renew: this is on the way of every notification.
    const regions = this.#regions;
    for (let i = 0; i < regions.length; i++) {
      const region = regions[i] as MemoryRegion;
      if (region.growable || region.u8.length === 0) region.refresh();
    }
  }

  /** The region that holds all of `lengthBytes` bytes at the address, or null. */
  find(hi: number, lo: number, lengthBytes: number): MemoryRegion | null {
    const last = this.#last;
    if (last !== null && last.offsetOf(hi, lo, lengthBytes) >= 0) return last;
    return this.#search(hi, lo, lengthBytes);
  }

  #search(hi: number, lo: number, lengthBytes: number): MemoryRegion | null {
    const regions = this.#regions;
    for (let i = 0; i < regions.length; i++) {
      const region = regions[i] as MemoryRegion;
      if (region.offsetOf(hi, lo, lengthBytes) >= 0) {
        this.#last = region;
        return region;
      }
    }
    return null;
  }

  /** Copies bytes out of guest memory; throws {@link VirtioUsageError} when they don't lie inside one region. */
  read(address: bigint | number, lengthBytes: number): Uint8Array<ArrayBuffer> {
    const view = this.view(address, lengthBytes);
    const copy = new Uint8Array(lengthBytes);
    copy.set(view);
    return copy;
  }

  /** Copies bytes into guest memory; throws {@link VirtioUsageError} when they don't fit into one region. */
  write(address: bigint | number, bytes: ArrayLike<number>): void {
    if (typeof bytes !== "object" || !Number.isInteger(bytes?.length)) {
      throw new VirtioUsageError(`write: bytes is ${String(bytes)}, not a Uint8Array or a list of bytes`);
    }
    this.view(address, bytes.length).set(bytes);
  }

  /** A view of guest memory itself, not a copy; it dies with the buffer when a growable memory grows. */
  view(address: bigint | number, lengthBytes: number): Uint8Array {
    checkRange(address, lengthBytes);
    this.sync();
    const hi = hi32(address);
    const lo = lo32(address);
    const region = this.find(hi, lo, lengthBytes);
    if (region === null) {
      throw new VirtioUsageError(`no memory for ${lengthBytes} bytes at 0x${toBigInt(hi, lo).toString(16)}`);
    }
    const offset = region.offsetOf(hi, lo, lengthBytes);
    return region.u8.subarray(offset, offset + lengthBytes);
  }
}

/** What is not an address must not be taken for the one it would be modulo 2^64. */
function checkRange(address: bigint | number, lengthBytes: number): void {
  const isAddress =
    typeof address === "bigint"
      ? address >= 0n && address >> 64n === 0n
      : Number.isSafeInteger(address) && address >= 0;
  if (!isAddress) {
    throw new VirtioUsageError(`${address} is not a guest physical address; pass a bigint above 2^53`);
  }
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0) {
    throw new VirtioUsageError(`${lengthBytes} bytes is not a length`);
  }
}
