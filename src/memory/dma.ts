import { VirtioUsageError } from "../base/errors.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { MemoryRegion } from "./region.ts";
import type { SegmentList } from "./segments.ts";

/** Where a device address leads, filled in by an {@link AddressTranslator}. */
export interface Translation {
  /** Guest physical address, upper and lower 32 bits. */
  hi: number;
  lo: number;
}

/**
 * Translates device addresses to guest physical ones, as an IOMMU does. Used when VIRTIO_F_ACCESS_PLATFORM is
 * negotiated (virtio 1.4, section 6).
 *
 * Buffers and indirect tables may be scattered over any number of pages. Each of the three parts of a queue must be
 * contiguous in guest physical memory, else the queue faults with `ring-out-of-range`; and it is asked where they are
 * when the queue is activated, not for every access.
 */
export interface AddressTranslator {
  /**
   * Translates the longest run of bytes at the device address, at most `lengthBytes`, that is contiguous in guest
   * physical memory. Writes the address to `result` and returns the run's length; 0 when access is not granted.
   *
   * Called in the midst of reading a ring: it must not let unshared guest memory grow, which is a `VirtioUsageError`.
   */
  translate(hi: number, lo: number, lengthBytes: number, write: boolean, result: Translation): number;
}

/** A run of device memory that is looked for bit by bit, or what is left of it. */
export interface DmaRun {
  hi: number;
  lo: number;
  lengthBytes: number;
  /** Some of it was found before. */
  begun: boolean;
}

/** Why a device could not reach memory. */
export type DmaError = "address-out-of-range" | "write-to-read-only" | "translation-refused";

// A translator that grants one byte at a time must not make a list of four billion segments out of one descriptor, nor a
// chain of a thousand descriptors one of sixty million.
const MAX_SEGMENTS = 65536;

/**
 * Guest memory as one device sees it: physical, or through a translator.
 *
 * @example
 * ```ts
 * const dma = new DmaSpace(memory);
 * const segments = new SegmentList();
 * const error = dma.append(segments, 0, 0x1000, 4096, false); // null: all of it is memory
 * ```
 */
export class DmaSpace {
  readonly memory: GuestMemory;
  readonly translator: AddressTranslator | null;
  readonly #translation: Translation = { hi: 0, lo: 0 };
  readonly #run: DmaRun = { hi: 0, lo: 0, lengthBytes: 0, begun: false };
  #cached: MemoryRegion | null = null;
  #cachedEpoch = -1;

  constructor(memory: GuestMemory, translator: AddressTranslator | null = null) {
    this.memory = memory;
    this.translator = translator;
  }

  /**
   * Appends the memory at a device address to a list. Returns null on success; on an error the list is left with
   * what was appended so far, which the caller drops. A translator may be asked `maxRuns` times for the whole list.
   */
  append(
    list: SegmentList,
    hi: number,
    lo: number,
    lengthBytes: number,
    write: boolean,
    maxRuns: number = MAX_SEGMENTS,
  ): DmaError | null {
    if (this.translator !== null) {
      const run = this.#run;
      run.hi = hi;
      run.lo = lo;
      run.lengthBytes = lengthBytes;
      run.begun = false;
      const error = this.#appendTranslated(list, run, write, maxRuns);
      return error === null && run.lengthBytes > 0 ? this.#tooMany(list) : error;
    }
    let region = this.#cached;
    let offset = -1;
    if (region !== null && this.#cachedEpoch === this.memory.epoch)
      offset = region.offsetOf(hi, lo, lengthBytes);
    if (offset < 0) {
      region = this.memory.find(hi, lo, lengthBytes);
      if (region === null) return "address-out-of-range";
      this.#cached = region;
      this.#cachedEpoch = this.memory.epoch;
      offset = region.offsetOf(hi, lo, lengthBytes);
    }
    const found = region as MemoryRegion;
    if (write && !found.deviceWritable) return "write-to-read-only";
    list.append(found, offset, lengthBytes);
    return null;
  }

  /**
   * As {@link append}, but of a translator's runs only so many are appended that the list has walked `maxRuns`; `run`
   * is what is left then, with 0 bytes when that was all.
   */
  appendPart(list: SegmentList, run: DmaRun, write: boolean, maxRuns: number): DmaError | null {
    if (this.translator !== null) {
      const error = this.#appendTranslated(list, run, write, Math.min(maxRuns, MAX_SEGMENTS));
      return error === null && list.walked >= MAX_SEGMENTS && run.lengthBytes > 0
        ? this.#tooMany(list)
        : error;
    }
    const error = this.append(list, run.hi, run.lo, run.lengthBytes, write);
    run.lengthBytes = 0;
    return error;
  }

  #tooMany(list: SegmentList): DmaError {
    list.walked++;
    return "translation-refused";
  }

  // Shared memory may grow at any time, in another thread, and its old views stay good.
  #checkViews(epoch: number): void {
    const { memory } = this;
    memory.sync();
    if (memory.epoch === epoch || memory.regions.every(({ shared }) => shared)) return;
    throw new VirtioUsageError("a translator let guest memory grow while a ring was being read");
  }

  #appendTranslated(list: SegmentList, rest: DmaRun, write: boolean, maxRuns: number): DmaError | null {
    const translator = this.translator as AddressTranslator;
    const translation = this.#translation;
    while (rest.lengthBytes > 0 && list.walked < maxRuns) {
      list.walked++;
      const { hi, lo, lengthBytes: left } = rest;
      this.memory.sync();
      const { epoch } = this.memory;
      const run = translator.translate(hi, lo, left, write, translation);
      this.#checkViews(epoch);
      if (!(run > 0)) return "translation-refused";
      const part = Math.min(run, left);
      const region = this.memory.find(translation.hi, translation.lo, part);
      if (region === null) return "address-out-of-range";
      if (write && !region.deviceWritable) return "write-to-read-only";
      const offset = region.offsetOf(translation.hi, translation.lo, part);
      // Only segments of this one run may be merged: the one before may have the other direction.
      if (rest.begun) list.appendMerged(region, offset, part);
      else list.append(region, offset, part);
      rest.begun = true;
      rest.lengthBytes = left - part;
      const next = lo + part;
      rest.lo = next % 4294967296;
      rest.hi = hi + Math.floor(next / 4294967296);
      if (rest.hi > 0xffffffff && rest.lengthBytes > 0) return "address-out-of-range";
    }
    return null;
  }
}
