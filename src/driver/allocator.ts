import { VirtioUsageError } from "../base/errors.ts";
import {
  COUNT_RULE,
  checkArgument,
  checkOptions,
  type OptionRule,
  type OptionRules,
} from "../base/options.ts";
import { hi32, lo32 } from "../base/u64.ts";
import { GUEST_MEMORY_RULE, type GuestMemory } from "../memory/guest-memory.ts";
import type { MemoryRegion } from "../memory/region.ts";
import { DriverError } from "./errors.ts";
import { GuestBuffer } from "./guest-buffer.ts";

/** Size in bytes of a guest page. */
export const PAGE_BYTES = 4096;

// Smaller blocks come from pages cut into equal powers of two, so that every block is aligned to its size.
const SMALLEST_BLOCK_BYTES = 16;
const LARGEST_BLOCK_BYTES = PAGE_BYTES / 2;

// Scattered pages are drawn from a window of free pages at the top of memory, this many times as many as asked for:
// scattered as they are, they leave the bottom to contiguous allocations.
const SCATTER_WINDOW = 2;
const SCATTER_WINDOW_MIN_PAGES = 64;

/** Guest memory that is contiguous for driver and device. */
export interface DmaBuffer {
  readonly region: MemoryRegion;
  /** Offset in the region, in bytes. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** The address to tell the device, upper and lower 32 bits. */
  readonly hi: number;
  readonly lo: number;
}

/** Choices for a {@link GuestAllocator}. */
export interface GuestAllocatorOptions {
  /** First guest physical address to hand out. Default: the start of the first region of ordinary memory. */
  readonly base?: bigint | number;
  /** How many bytes. Default: up to the end of the region. */
  readonly lengthBytes?: number;
  /** Seed of the order in which scattered pages come, a 32-bit integer. Default 1. */
  readonly seed?: number;
  /**
   * The address under which the device sees a guest physical address: what a driver programmed into its IOMMU
   * (VIRTIO_F_ACCESS_PLATFORM). It must be linear within a page, and within every contiguous allocation. Default:
   * the same address.
   */
  readonly toDeviceAddress?: (physical: bigint) => bigint;
}

const RULES: OptionRules<GuestAllocatorOptions> = {
  base: "address",
  lengthBytes: COUNT_RULE,
  seed: [-0x80000000, 0xffffffff],
  toDeviceAddress: "function",
};

/** An allocator as an option of something else. */
export const ALLOCATOR_RULE: OptionRule = { like: "a GuestAllocator", has: ["memory", "allocate", "free"] };

/**
 * Hands out guest memory to drivers: contiguous blocks for rings and requests, scattered pages for framebuffers.
 * Everything is deterministic, and zeroed.
 *
 * @example
 * ```ts
 * const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(16 << 20) }]);
 * const allocator = new GuestAllocator(memory, { base: 0x100000 });
 * const table = allocator.allocate(4096, 16);
 * const pages = allocator.allocatePages(300);
 * ```
 */
export class GuestAllocator {
  readonly memory: GuestMemory;
  readonly region: MemoryRegion;
  readonly #toDevice: ((physical: bigint) => bigint) | null;
  /** Offset in the region of page 0. */
  readonly #start: number;
  /** 1 for every page in use. */
  readonly #taken: Uint8Array<ArrayBuffer>;
  #freePages: number;
  /** Free blocks by the logarithm of their size, as offsets in the region. */
  readonly #blocks: number[][] = [];
  readonly #live = new Set<DmaBuffer | GuestBuffer>();
  readonly #alignments = new WeakMap<DmaBuffer, number>();
  #random: number;

  /** Throws {@link VirtioUsageError} when the range does not lie in one region or holds no whole page. */
  constructor(memory: GuestMemory, options: GuestAllocatorOptions = {}) {
    checkOptions("GuestAllocator", options, RULES);
    checkArgument("GuestAllocator", "memory", memory, GUEST_MEMORY_RULE);
    this.memory = memory;
    this.#toDevice = options.toDeviceAddress ?? null;
    this.#random = ((options.seed ?? 1) | 0) === 0 ? 1 : (options.seed ?? 1) | 0;
    const { base } = options;
    const region =
      base === undefined
        ? memory.regions.find((candidate) => candidate.kind === "ram")
        : memory.find(hi32(base), lo32(base), 1);
    if (region === undefined || region === null || !region.deviceWritable) {
      throw new VirtioUsageError("the allocator needs ordinary guest memory at `base`");
    }
    this.region = region;
    const first = base === undefined ? 0 : region.offsetOf(hi32(base), lo32(base), 1);
    const end = first + (options.lengthBytes ?? region.sizeBytes - first);
    if (!(end > first) || end > region.sizeBytes) {
      throw new VirtioUsageError("the range given to the allocator exceeds its region of memory");
    }
    this.#start = first + ((PAGE_BYTES - ((region.baseLo + first) % PAGE_BYTES)) % PAGE_BYTES);
    const pages = Math.floor((end - this.#start) / PAGE_BYTES);
    if (pages < 1) throw new VirtioUsageError("the range given to the allocator holds no whole page");
    this.#taken = new Uint8Array(pages);
    this.#freePages = pages;
  }

  /** True when the device sees memory under other addresses than the guest. */
  get translates(): boolean {
    return this.#toDevice !== null;
  }

  /** Pages that are free now. */
  get freePageCount(): number {
    return this.#freePages;
  }

  /** Allocations not yet freed: what a test checks for leaks. */
  get liveAllocations(): number {
    return this.#live.size;
  }

  /**
   * Allocates zeroed contiguous memory whose guest physical address is a multiple of `alignment`, a power of two.
   * Throws {@link DriverError} ENOMEM when there is no room.
   */
  allocate(lengthBytes: number, alignment = SMALLEST_BLOCK_BYTES): DmaBuffer {
    if (!(lengthBytes > 0) || !Number.isInteger(lengthBytes)) {
      throw new VirtioUsageError(`cannot allocate ${lengthBytes} bytes`);
    }
    if (!(alignment > 0) || (alignment & (alignment - 1)) !== 0) {
      throw new VirtioUsageError(`alignment ${alignment} is not a power of two`);
    }
    const need = Math.max(lengthBytes, alignment);
    const offset =
      need <= LARGEST_BLOCK_BYTES
        ? this.#takeBlock(need)
        : this.#takeRun(Math.ceil(lengthBytes / PAGE_BYTES), alignment);
    if (offset < 0)
      throw new DriverError("ENOMEM", `no ${lengthBytes} contiguous bytes of guest memory left`);
    this.memory.sync();
    this.region.u8.fill(0, offset, offset + lengthBytes);
    const buffer: DmaBuffer = { region: this.region, offset, lengthBytes, ...this.#deviceAddress(offset) };
    this.#live.add(buffer);
    this.#alignments.set(buffer, alignment);
    return buffer;
  }

  /** Returns an allocation; throws {@link VirtioUsageError} when it is not (or no longer) one of this allocator's. */
  free(buffer: DmaBuffer): void {
    if (!this.#live.delete(buffer))
      throw new VirtioUsageError("this buffer is not allocated here, or freed already");
    const need = Math.max(buffer.lengthBytes, this.#alignments.get(buffer) ?? SMALLEST_BLOCK_BYTES);
    if (need <= LARGEST_BLOCK_BYTES) {
      this.#blocksOf(blockClass(need)).push(buffer.offset);
      return;
    }
    const page = (buffer.offset - this.#start) / PAGE_BYTES;
    const count = Math.ceil(buffer.lengthBytes / PAGE_BYTES);
    this.#taken.fill(0, page, page + count);
    this.#freePages += count;
  }

  /**
   * Allocates `count` zeroed pages, by default scattered as those of a kernel that has run for a while, else
   * contiguous. Throws {@link DriverError} ENOMEM when there are not as many.
   */
  allocatePages(count: number, contiguous = false): GuestBuffer {
    if (!(count > 0) || !Number.isInteger(count))
      throw new VirtioUsageError(`cannot allocate ${count} pages`);
    const offsets = new Uint32Array(count);
    if (contiguous) {
      const offset = this.#takeRun(count, PAGE_BYTES);
      if (offset < 0) throw new DriverError("ENOMEM", `no ${count} contiguous pages of guest memory left`);
      for (let i = 0; i < count; i++) offsets[i] = offset + i * PAGE_BYTES;
    } else {
      this.#takeScattered(offsets);
    }
    this.memory.sync();
    const his = new Uint32Array(count);
    const los = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const offset = offsets[i] as number;
      this.region.u8.fill(0, offset, offset + PAGE_BYTES);
      const { hi, lo } = this.#deviceAddress(offset);
      his[i] = hi;
      los[i] = lo;
    }
    const pages = new GuestBuffer(this.region, offsets, his, los);
    this.#live.add(pages);
    return pages;
  }

  /** Returns pages; throws {@link VirtioUsageError} when they are not allocated here. */
  freePages(pages: GuestBuffer): void {
    if (!this.#live.delete(pages))
      throw new VirtioUsageError("these pages are not allocated here, or freed already");
    for (const offset of pages.offsets) this.#taken[(offset - this.#start) / PAGE_BYTES] = 0;
    this.#freePages += pages.count;
  }

  #deviceAddress(offset: number): { hi: number; lo: number } {
    const physical = this.region.base + BigInt(offset);
    const address = this.#toDevice === null ? physical : this.#toDevice(physical);
    return { hi: hi32(address), lo: lo32(address) };
  }

  #blocksOf(log2: number): number[] {
    let blocks = this.#blocks[log2];
    if (blocks === undefined) {
      blocks = [];
      this.#blocks[log2] = blocks;
    }
    return blocks;
  }

  #takeBlock(needBytes: number): number {
    const log2 = blockClass(needBytes);
    const blocks = this.#blocksOf(log2);
    if (blocks.length === 0) {
      const page = this.#takeRun(1, PAGE_BYTES);
      if (page < 0) return -1;
      for (let offset = PAGE_BYTES - (1 << log2); offset >= 0; offset -= 1 << log2)
        blocks.push(page + offset);
    }
    return blocks.pop() as number;
  }

  /** The lowest run of free pages; its offset, or -1. */
  #takeRun(count: number, alignment: number): number {
    const taken = this.#taken;
    if (count > this.#freePages) return -1;
    let run = 0;
    for (let page = 0; page < taken.length; page++) {
      if (taken[page] !== 0) {
        run = 0;
        continue;
      }
      const offset = this.#start + page * PAGE_BYTES;
      if (run === 0 && (this.region.baseLo + offset) % alignment !== 0) continue;
      run++;
      if (run === count) {
        const first = page - count + 1;
        taken.fill(1, first, page + 1);
        this.#freePages -= count;
        return this.#start + first * PAGE_BYTES;
      }
    }
    return -1;
  }

  #takeScattered(offsets: Uint32Array): void {
    const count = offsets.length;
    if (count > this.#freePages) throw new DriverError("ENOMEM", `no ${count} pages of guest memory left`);
    const taken = this.#taken;
    const window: number[] = [];
    const size = Math.min(this.#freePages, Math.max(count * SCATTER_WINDOW, SCATTER_WINDOW_MIN_PAGES));
    for (let page = taken.length - 1; window.length < size; page--) if (taken[page] === 0) window.push(page);
    for (let i = 0; i < count; i++) {
      const pick = i + (this.#nextRandom() % (size - i));
      const page = window[pick] as number;
      window[pick] = window[i] as number;
      taken[page] = 1;
      offsets[i] = this.#start + page * PAGE_BYTES;
    }
    this.#freePages -= count;
  }

  /** Marsaglia's 32-bit xorshift: all that scattering needs. */
  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
  }
}

function blockClass(needBytes: number): number {
  return 32 - Math.clz32(Math.max(needBytes, SMALLEST_BLOCK_BYTES) - 1);
}
