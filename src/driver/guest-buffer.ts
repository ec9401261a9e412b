import { le32 } from "../base/endian.ts";
import { VirtioUsageError } from "../base/errors.ts";
import type { MemoryRegion } from "../memory/region.ts";
import { copyBytes } from "../memory/segments.ts";

const PAGE_SHIFT = 12;
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;

/**
 * The region of a buffer, with views of its memory as it is now: memory that grew since the last access has left its
 * views without bytes, and what is written to them is lost.
 */
export function regionOf({ region }: { readonly region: MemoryRegion }): MemoryRegion {
  region.refresh();
  return region;
}

/**
 * Pages of guest memory that the driver sees as one buffer: bytes and pixels are addressed by their position in
 * it, wherever the pages lie. Made by `GuestAllocator.allocatePages`.
 *
 * @example
 * ```ts
 * const pages = allocator.allocatePages(4);
 * pages.fill(0xff);
 * pages.setWord(4096, 0x12345678); // in the second page, wherever that is
 * ```
 */
export class GuestBuffer {
  readonly region: MemoryRegion;
  /** Offset of each page in the region, in bytes. */
  readonly offsets: Uint32Array;
  /** Address of each page as the device sees it, upper 32 bits. */
  readonly his: Uint32Array;
  /** Address of each page as the device sees it, lower 32 bits. */
  readonly los: Uint32Array;

  constructor(region: MemoryRegion, offsets: Uint32Array, his: Uint32Array, los: Uint32Array) {
    this.region = region;
    this.offsets = offsets;
    this.his = his;
    this.los = los;
  }

  /** Number of pages. */
  get count(): number {
    return this.offsets.length;
  }

  get lengthBytes(): number {
    return this.offsets.length * (PAGE_MASK + 1);
  }

  /**
   * Calls `take` for every run of pages that is contiguous for the device, cut to `lengthBytes` bytes altogether;
   * returns how many runs there are.
   */
  forEachRun(lengthBytes: number, take: (hi: number, lo: number, lengthBytes: number) => void): number {
    const pages = Math.min(this.count, Math.ceil(lengthBytes / (PAGE_MASK + 1)));
    let left = lengthBytes;
    let runs = 0;
    for (let i = 0; i < pages; ) {
      const first = i++;
      while (i < pages && this.#follows(i)) i++;
      const run = Math.min((i - first) * (PAGE_MASK + 1), left);
      take(this.his[first] as number, this.los[first] as number, run);
      left -= run;
      runs++;
    }
    return runs;
  }

  #follows(page: number): boolean {
    const lo = (this.los[page - 1] as number) + PAGE_MASK + 1;
    return lo <= 0xffffffff && this.los[page] === lo && this.his[page] === this.his[page - 1];
  }

  /** Copies bytes out of the buffer into `target`; both ranges must be inside, else {@link VirtioUsageError}. */
  read(
    position: number,
    target: Uint8Array,
    targetOffset = 0,
    lengthBytes = target.length - targetOffset,
  ): void {
    const { u8 } = regionOf(this);
    for (let done = 0; done < lengthBytes; ) {
      const at = position + done;
      const part = Math.min(lengthBytes - done, PAGE_MASK + 1 - (at & PAGE_MASK));
      copyBytes(u8, this.#byte(at), target, targetOffset + done, part);
      done += part;
    }
  }

  /** Copies bytes of `source` into the buffer; both ranges must be inside, else {@link VirtioUsageError}. */
  write(
    position: number,
    source: Uint8Array,
    sourceOffset = 0,
    lengthBytes = source.length - sourceOffset,
  ): void {
    const { u8 } = regionOf(this);
    for (let done = 0; done < lengthBytes; ) {
      const at = position + done;
      const part = Math.min(lengthBytes - done, PAGE_MASK + 1 - (at & PAGE_MASK));
      copyBytes(source, sourceOffset + done, u8, this.#byte(at), part);
      done += part;
    }
  }

  /** Fills a range with one byte. */
  fill(value: number, position = 0, lengthBytes: number = this.lengthBytes - position): void {
    const { u8 } = regionOf(this);
    for (let done = 0; done < lengthBytes; ) {
      const at = position + done;
      const part = Math.min(lengthBytes - done, PAGE_MASK + 1 - (at & PAGE_MASK));
      const from = this.#byte(at);
      u8.fill(value, from, from + part);
      done += part;
    }
  }

  /** The 32-bit little-endian word at a position that is a multiple of 4. */
  word(position: number): number {
    return le32(regionOf(this).u32[this.#byte(position) >>> 2] as number);
  }

  /** Writes the 32-bit little-endian word at a position that is a multiple of 4. */
  setWord(position: number, value: number): void {
    regionOf(this).u32[this.#byte(position) >>> 2] = le32(value >>> 0);
  }

  /** Writes `count` equal 32-bit words from a position that is a multiple of 4: a row of one colour. */
  fillWords(position: number, count: number, value: number): void {
    const { u32 } = regionOf(this);
    const word = le32(value >>> 0);
    for (let done = 0; done < count; ) {
      const at = position + done * 4;
      const part = Math.min(count - done, (PAGE_MASK + 1 - (at & PAGE_MASK)) >>> 2);
      const from = this.#byte(at) >>> 2;
      u32.fill(word, from, from + part);
      done += part;
    }
  }

  #byte(position: number): number {
    const offset = this.offsets[Math.floor(position / (PAGE_MASK + 1))];
    if (offset === undefined)
      throw new VirtioUsageError(`byte ${position} of ${this.lengthBytes} in guest pages`);
    return offset + (position & PAGE_MASK);
  }
}
