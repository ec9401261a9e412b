import { VirtioBugError } from "../base/errors.ts";
import type { MemoryRegion } from "../memory/region.ts";
import { SegmentList } from "../memory/segments.ts";

/** What a chain needs to know about the queue it came from. */
export interface ChainOwner {
  /** True once the queue was reset: nothing may touch guest memory through its chains any more. */
  readonly closed: boolean;
}

/** Scratch memory for one request: the same bytes as octets and as words. */
export class Scratch {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;

  /** `sizeBytes` is rounded up to a multiple of 4. */
  constructor(sizeBytes: number) {
    const buffer = new ArrayBuffer((sizeBytes + 3) & ~3);
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
  }
}

/**
 * One buffer of a driver: device-readable bytes, then device-writable bytes, each scattered over guest memory.
 * Validated when popped, pooled by its queue, and dead once it was pushed back.
 */
export class DescriptorChain {
  /** The pieces: the first `readableCount` are device-readable, the rest device-writable. */
  readonly segments: SegmentList = new SegmentList(4);
  /** Descriptor index of the head (split) or buffer id (packed): what identifies the buffer to the driver. */
  head = 0;
  readableCount = 0;
  /** Bytes the device may read. */
  readableBytes = 0;
  /** Bytes the device may write. */
  writableBytes = 0;
  /** Number of descriptors the driver used for it, those of an indirect table included. */
  descriptorCount = 0;
  /** True when an indirect table was used. */
  indirect = false;

  /** Ring slots it occupies (packed: what the device skips). For the queue only. */
  ringSlots = 0;
  /** For the queue only. */
  inFlight = false;
  /** For the queue only: bytes written, kept while an earlier buffer holds this one back (IN_ORDER). */
  heldWritten = -1;

  readonly #owner: ChainOwner;

  constructor(owner: ChainOwner) {
    this.#owner = owner;
  }

  /** True when the queue was reset since: the request may be finished, but nothing of it reaches the guest. */
  get abandoned(): boolean {
    return this.#owner.closed;
  }

  /**
   * Copies up to `lengthBytes` device-readable bytes from `position` into `target`. Returns the bytes copied,
   * fewer at the end of the readable part, 0 when abandoned.
   */
  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    if (this.#owner.closed) return 0;
    return this.segments.copyOut(0, this.readableCount, position, target, targetOffset, lengthBytes);
  }

  /**
   * Copies the first bytes of the readable part into the start of `scratch`: all of it or as much as fits.
   * Returns the bytes copied. The usual case, one aligned piece, goes word by word.
   */
  readHead(scratch: Scratch): number {
    if (this.#owner.closed) return 0;
    const length = Math.min(this.readableBytes, scratch.u8.length);
    const segments = this.segments;
    if (length !== 0) {
      const offset = segments.offsets[0] as number;
      if ((segments.lengths[0] as number) >= length && ((offset | length) & 3) === 0 && length <= 256) {
        const source = (segments.regions[0] as MemoryRegion).u32;
        const target = scratch.u32;
        let from = offset >>> 2;
        for (let i = 0, words = length >>> 2; i < words; i++) target[i] = source[from++] as number;
        return length;
      }
    }
    return segments.copyOut(0, this.readableCount, 0, scratch.u8, 0, length);
  }

  /**
   * Copies `lengthBytes` bytes from `source` to `position` of the device-writable part. Returns the bytes written,
   * fewer at its end, 0 when abandoned.
   */
  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    if (this.#owner.closed) return 0;
    return this.segments.copyIn(
      this.readableCount,
      this.segments.count,
      position,
      source,
      sourceOffset,
      lengthBytes,
    );
  }

  /** Writes the first `lengthBytes` bytes of `scratch` to the start of the writable part; as {@link read}. */
  writeHead(scratch: Scratch, lengthBytes: number): number {
    if (this.#owner.closed) return 0;
    const segments = this.segments;
    const first = this.readableCount;
    if (first < segments.count) {
      const region = segments.regions[first] as MemoryRegion;
      const offset = segments.offsets[first] as number;
      if (
        (segments.lengths[first] as number) >= lengthBytes &&
        ((offset | lengthBytes) & 3) === 0 &&
        lengthBytes <= 256
      ) {
        const target = region.u32;
        const source = scratch.u32;
        let to = offset >>> 2;
        for (let i = 0, words = lengthBytes >>> 2; i < words; i++) target[to++] = source[i] as number;
        if (region.onDeviceWrite !== null) region.onDeviceWrite(offset, lengthBytes);
        return lengthBytes;
      }
    }
    return this.write(0, scratch.u8, 0, lengthBytes);
  }
}

/** Chains of one queue, made on demand, at most as many as the queue has entries, and used again. */
export class ChainPool {
  readonly #owner: ChainOwner;
  readonly #free: DescriptorChain[] = [];
  #freeCount = 0;

  constructor(owner: ChainOwner) {
    this.#owner = owner;
  }

  take(): DescriptorChain {
    if (this.#freeCount === 0) return new DescriptorChain(this.#owner);
    return this.#free[--this.#freeCount] as DescriptorChain;
  }

  give(chain: DescriptorChain): void {
    if (chain.inFlight) throw new VirtioBugError("a chain in flight was given back to its pool");
    this.#free[this.#freeCount++] = chain;
  }
}
