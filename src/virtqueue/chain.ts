import type { MemoryRegion } from "../memory/region.ts";
import { SegmentList } from "../memory/segments.ts";

// The classes of this folder that every request passes through keep their state in TypeScript's private members, not
// in #names: for each access to a #name the compiler loads the name and compares it, and the access takes twice the
// bytecode, of which only so much is inlined.

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

/** In its queue's pool. */
export const CHAIN_FREE = 0;
/** With the device. */
export const CHAIN_IN_FLIGHT = 1;
/** Pushed, but held back by an earlier buffer (IN_ORDER). */
export const CHAIN_HELD = 2;

// Longer runs are faster with `set`, in spite of the view it needs.
const WORD_LOOP_LIMIT_BYTES = 256;

/**
 * One buffer of a driver: device-readable bytes, then device-writable bytes, each scattered over guest memory.
 * Validated when popped, pooled by its queue, and dead once it was pushed back.
 */
export class DescriptorChain {
  /** Descriptor index of the head (split) or buffer id (packed): what identifies the buffer to the driver. */
  head = 0;
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
  /** For the queue only: whose turn it is, one of the CHAIN_ constants. */
  state: number = CHAIN_FREE;
  /** For the queue only: bytes written, kept while an earlier buffer holds this one back (IN_ORDER). */
  heldWritten = 0;

  // The first device-readable and the first device-writable piece; length 0 when there is none. Most requests have
  // no more than these, and plain fields cost a fraction of three array elements. Only with a third piece, or when
  // asked for, are they put into the list.
  private readRegion: MemoryRegion | null = null;
  private readOffset = 0;
  private readLength = 0;
  private writeRegion: MemoryRegion | null = null;
  private writeOffset = 0;
  private writeLength = 0;
  private readonly list: SegmentList = new SegmentList(4);
  private listedReadable = 0;

  private readonly owner: ChainOwner;

  constructor(owner: ChainOwner) {
    this.owner = owner;
  }

  /** The pieces: the first {@link readableCount} are device-readable, the rest device-writable. */
  get segments(): SegmentList {
    if (this.list.count === 0) this.fillList();
    return this.list;
  }

  /** Number of device-readable pieces. */
  get readableCount(): number {
    if (this.list.count === 0) this.fillList();
    return this.listedReadable;
  }

  /** True when the queue was reset since: the request may be finished, but nothing of it reaches the guest. */
  get abandoned(): boolean {
    return this.owner.closed;
  }

  /**
   * Copies up to `lengthBytes` device-readable bytes from `position` into `target`. Returns the bytes copied,
   * fewer at the end of the readable part, 0 when abandoned.
   */
  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    if (this.owner.closed) return 0;
    const segments = this.segments;
    return segments.copyOut(0, this.listedReadable, position, target, targetOffset, lengthBytes);
  }

  /**
   * Copies the first bytes of the readable part into the start of `scratch`: all of it or as much as fits.
   * Returns the bytes copied. The usual case, one aligned piece, goes word by word.
   */
  readHead(scratch: Scratch): number {
    if (this.owner.closed) return 0;
    const length = Math.min(this.readableBytes, scratch.u8.length);
    const offset = this.readOffset;
    if (this.readLength < length || ((offset | length) & 3) !== 0 || length > WORD_LOOP_LIMIT_BYTES) {
      return this.read(0, scratch.u8, 0, length);
    }
    if (length === 0) return 0;
    copyWords((this.readRegion as MemoryRegion).u32, offset >>> 2, scratch.u32, 0, length >>> 2);
    return length;
  }

  /**
   * Copies `lengthBytes` bytes from `source` to `position` of the device-writable part. Returns the bytes written,
   * fewer at its end, 0 when abandoned.
   */
  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    if (this.owner.closed) return 0;
    const segments = this.segments;
    const first = this.listedReadable;
    return segments.copyIn(first, segments.count, position, source, sourceOffset, lengthBytes);
  }

  /** Writes the first `lengthBytes` bytes of `scratch` to the start of the writable part; as {@link write}. */
  writeHead(scratch: Scratch, lengthBytes: number): number {
    if (this.owner.closed) return 0;
    const offset = this.writeOffset;
    if (
      this.writeLength < lengthBytes ||
      ((offset | lengthBytes) & 3) !== 0 ||
      lengthBytes > WORD_LOOP_LIMIT_BYTES
    ) {
      return this.write(0, scratch.u8, 0, lengthBytes);
    }
    if (lengthBytes === 0) return 0;
    const region = this.writeRegion as MemoryRegion;
    copyWords(scratch.u32, 0, region.u32, offset >>> 2, lengthBytes >>> 2);
    if (region.onDeviceWrite !== null) region.onDeviceWrite(offset, lengthBytes);
    return lengthBytes;
  }

  /** Forgets all pieces. For the queue only. */
  clear(): void {
    this.list.count = 0;
    this.readLength = 0;
    this.writeLength = 0;
    this.indirect = false;
  }

  /** The first piece to read, validated and not empty. For the queue only. */
  setRead(region: MemoryRegion, offset: number, lengthBytes: number): void {
    this.readRegion = region;
    this.readOffset = offset;
    this.readLength = lengthBytes;
  }

  /** The first piece to write, validated and not empty. For the queue only. */
  setWrite(region: MemoryRegion, offset: number, lengthBytes: number): void {
    this.writeRegion = region;
    this.writeOffset = offset;
    this.writeLength = lengthBytes;
  }

  /**
   * Adds a validated piece, not empty, device-readable ones first; `write` is 0 or VIRTQ_DESC_F_WRITE. For the queue
   * only.
   */
  add(region: MemoryRegion, offset: number, lengthBytes: number, write: number): void {
    if (write === 0) {
      if (this.readLength === 0) {
        this.setRead(region, offset, lengthBytes);
        return;
      }
    } else if (this.writeLength === 0) {
      this.setWrite(region, offset, lengthBytes);
      if (this.list.count === 0) return;
    }
    this.addToList(region, offset, lengthBytes, write);
  }

  private addToList(region: MemoryRegion, offset: number, lengthBytes: number, write: number): void {
    if (this.list.count === 0) this.fillList();
    this.list.append(region, offset, lengthBytes);
    if (write === 0) this.listedReadable++;
  }

  private fillList(): void {
    this.listedReadable = 0;
    if (this.readLength !== 0) {
      this.list.append(this.readRegion as MemoryRegion, this.readOffset, this.readLength);
      this.listedReadable = 1;
    }
    if (this.writeLength !== 0) {
      this.list.append(this.writeRegion as MemoryRegion, this.writeOffset, this.writeLength);
    }
  }
}

/**
 * Copies words, two at a time: the compiler checks an array's kind anew in every turn of a loop, but only once for
 * both accesses, and most of what virtio sends is a multiple of 8 bytes long.
 */
function copyWords(source: Uint32Array, from: number, target: Uint32Array, to: number, words: number): void {
  const last = from + words - 1;
  for (; from < last; from += 2, to += 2) {
    target[to] = source[from] as number;
    target[to + 1] = source[from + 1] as number;
  }
  if (from === last) target[to] = source[from] as number;
}

/** Chains of one queue, made on demand, at most as many as the queue has entries, and used again. */
export class ChainPool {
  private readonly owner: ChainOwner;
  /** One slot for each chain there is; the first `freeCount` hold those that are free. */
  private readonly free: DescriptorChain[] = [];
  private freeCount = 0;

  constructor(owner: ChainOwner) {
    this.owner = owner;
  }

  /** A free chain, empty: the one given back last, which the processor still has in its cache. */
  take(): DescriptorChain {
    if (this.freeCount === 0) return this.make();
    const chain = this.free[--this.freeCount] as DescriptorChain;
    chain.clear();
    return chain;
  }

  private make(): DescriptorChain {
    const chain = new DescriptorChain(this.owner);
    // Makes the slot for its return, so that `give` never grows the array.
    this.free.push(chain);
    return chain;
  }

  give(chain: DescriptorChain): void {
    this.free[this.freeCount++] = chain;
  }
}
