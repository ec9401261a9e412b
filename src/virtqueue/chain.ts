import type { MemoryRegion } from "../memory/region.ts";
import { SegmentList } from "../memory/segments.ts";
import { CHAIN_FREE } from "./constants.ts";

// The classes of this folder that every request passes through keep their state in TypeScript's private members, not
// in #names: for each access to a #name the compiler loads the name and compares it, and the access takes twice the
// bytecode, of which only so much is inlined.

// Longer runs are faster with `set`, in spite of the view it needs.
const WORD_LOOP_LIMIT_BYTES = 256;
const WORD_LOOP_LIMIT = WORD_LOOP_LIMIT_BYTES / 4;

/** More words than any scratch memory takes in a loop. */
const NOT_WORDS = 0x3fffffff;

/**
 * Scratch memory for one request: the same bytes as octets and as words.
 *
 * @example
 * ```ts
 * const scratch = new Scratch(64);
 * scratch.u32[0] = 1;
 * scratch.u8[0]; // 1 on a little-endian host
 * ```
 */
export class Scratch {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  /** Words that may be copied to it one by one: all there are, unless another way is faster. */
  readonly loopWords: number;

  /** `sizeBytes` is rounded up to a multiple of 4. */
  constructor(sizeBytes: number) {
    const buffer = new ArrayBuffer((sizeBytes + 3) & ~3);
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.loopWords = Math.min(this.u32.length, WORD_LOOP_LIMIT);
  }
}

/**
 * One buffer of a driver: device-readable bytes, then device-writable bytes, each scattered over guest memory.
 * Validated when popped, pooled by its queue, and dead once it was pushed back.
 *
 * @example
 * ```ts
 * // In handleQueue(index, queue):
 * for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
 *   queue.push(chain, chain.writableBytes);
 * }
 * ```
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
  /** For the queue only: where it stands among all chains of its queue. */
  place = 0;
  /** For the queue only: what number the queue had for the region of both parts; 0 for any other. */
  regionNumber = 0;
  /** For the queue only: bytes written, kept while an earlier buffer holds this one back (IN_ORDER). */
  heldWritten = 0;

  // The first device-readable and the first device-writable segment; length 0 when there is none. Most requests have
  // no more than these, and plain fields cost a fraction of three array elements. They are put into the list only when
  // there is a third segment, or when somebody reads the list.
  private readRegion: MemoryRegion | null = null;
  private readOffset = 0;
  private readLength = 0;
  private writeRegion: MemoryRegion | null = null;
  private writeOffset = 0;
  private writeLength = 0;
  // The fast path, worked out when popped: `readWords` when all there is to read is one aligned segment of so many words,
  // and the bytes that may be written word by word into an aligned segment, -1 if there is none.
  private readWords: number = NOT_WORDS;
  private writeLoopBytes = -1;
  private readonly list: SegmentList = new SegmentList(4);
  private listedReadable = 0;
  private dropped = false;

  /** The segments: the first {@link readableCount} are device-readable, the rest device-writable. */
  get segments(): SegmentList {
    if (this.list.count === 0) this.fillList();
    return this.list;
  }

  /** Number of device-readable segments. */
  get readableCount(): number {
    if (this.list.count === 0) this.fillList();
    return this.listedReadable;
  }

  /** True when the queue was reset since: the request may be finished, but nothing of it reaches the guest. */
  get abandoned(): boolean {
    return this.dropped;
  }

  /**
   * Copies up to `lengthBytes` device-readable bytes from `position` into `target`. Returns the bytes copied,
   * fewer at the end of the readable part, 0 when abandoned.
   */
  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    if (this.dropped) return 0;
    const segments = this.segments;
    return segments.copyOut(0, this.listedReadable, position, target, targetOffset, lengthBytes);
  }

  /**
   * Copies the first bytes of the readable part into the start of `scratch`: all of it or as much as fits.
   * Returns the bytes copied. One aligned segment, the fast path, is copied word by word.
   */
  readHead(scratch: Scratch): number {
    const words = this.readWords;
    if (words > scratch.loopWords) return this.readHeadSlow(scratch);
    copyRequest((this.readRegion as MemoryRegion).u32, this.readOffset >>> 2, scratch.u32, words);
    return words << 2;
  }

  private readHeadSlow(scratch: Scratch): number {
    if (this.dropped) return 0;
    const length = Math.min(this.readableBytes, scratch.u8.length);
    const offset = this.readOffset;
    // The first bytes of a longer request may take the same fast path as all of a short one.
    const inLoop = length <= WORD_LOOP_LIMIT_BYTES && ((offset | length) & 3) === 0;
    if (!inLoop || length === 0 || length > this.readLength) return this.read(0, scratch.u8, 0, length);
    copyRequest((this.readRegion as MemoryRegion).u32, offset >>> 2, scratch.u32, length >>> 2);
    return length;
  }

  /**
   * Copies `lengthBytes` bytes from `source` to `position` of the device-writable part. Returns the bytes written,
   * fewer at its end, 0 when abandoned.
   */
  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    if (this.dropped) return 0;
    const segments = this.segments;
    const first = this.listedReadable;
    return segments.copyIn(first, segments.count, position, source, sourceOffset, lengthBytes);
  }

  /** Writes the first `lengthBytes` bytes of `scratch` to the start of the writable part; as {@link write}. */
  writeHead(scratch: Scratch, lengthBytes: number): number {
    if (lengthBytes > this.writeLoopBytes || (lengthBytes & 3) !== 0)
      return this.writeHeadSlow(scratch, lengthBytes);
    // In this order, since V8 collects what it learns about properties of the same name by the numbers of variables:
    // were `region` the first one, it would be taken for the first parameter, `scratch`, whose `u32` it is not.
    const offset = this.writeOffset;
    const region = this.writeRegion as MemoryRegion;
    copyResponse(scratch.u32, region.u32, offset >>> 2, lengthBytes >>> 2);
    if (region.onDeviceWrite !== null) region.onDeviceWrite(offset, lengthBytes);
    return lengthBytes;
  }

  private writeHeadSlow(scratch: Scratch, lengthBytes: number): number {
    return this.write(0, scratch.u8, 0, lengthBytes);
  }

  /** Cuts it off from guest memory. For the queue only. */
  abandon(): void {
    this.dropped = true;
    this.readWords = NOT_WORDS;
    this.writeLoopBytes = -1;
  }

  /** Forgets all segments. For the queue only. */
  clear(): void {
    this.list.count = 0;
    this.regionNumber = 0;
    this.readLength = 0;
    this.writeLength = 0;
    this.readWords = NOT_WORDS;
    this.writeLoopBytes = -1;
    this.indirect = false;
  }

  /** The first segment to read, validated and not empty. For the queue only. */
  setRead(region: MemoryRegion, offset: number, lengthBytes: number): void {
    this.readRegion = region;
    this.readOffset = offset;
    this.readLength = lengthBytes;
  }

  /** The first segment to write, validated and not empty. For the queue only. */
  setWrite(region: MemoryRegion, offset: number, lengthBytes: number): void {
    this.writeRegion = region;
    this.writeOffset = offset;
    this.writeLength = lengthBytes;
  }

  /** The region of whatever {@link setBoth} puts in. For the queue only. */
  setRegions(region: MemoryRegion, number: number): void {
    this.readRegion = region;
    this.writeRegion = region;
    this.regionNumber = number;
  }

  /**
   * All there is: one segment to read and one to write, validated, in the region that {@link setRegions} named; either may be
   * empty. For the queue only.
   */
  setBoth(readOffset: number, readLength: number, writeOffset: number, writeLength: number): void {
    this.list.count = 0;
    this.readOffset = readOffset;
    this.readLength = readLength;
    this.readableBytes = readLength;
    this.readWords = ((readOffset | readLength) & 3) === 0 ? readLength >>> 2 : NOT_WORDS;
    this.writeOffset = writeOffset;
    this.writeLength = writeLength;
    this.writableBytes = writeLength;
    this.writeLoopBytes =
      (writeOffset & 3) !== 0
        ? -1
        : writeLength > WORD_LOOP_LIMIT_BYTES
          ? WORD_LOOP_LIMIT_BYTES
          : writeLength;
  }

  /**
   * Adds a validated segment, not empty, device-readable ones first; `write` is 0 or VIRTQ_DESC_F_WRITE. For the queue
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

// In the next two functions as much as possible is written out. In every turn of a loop the engine checks anew what
// kind of arrays these are and where they lie; in a straight line it does so once.

/** Copies words to the start of an array. Requests have mostly 24 to 64 bytes, in multiples of 8. */
function copyRequest(source: Uint32Array, from: number, target: Uint32Array, words: number): void {
  let to = 0;
  if (words >= 6) {
    target[0] = source[from] as number;
    target[1] = source[from + 1] as number;
    target[2] = source[from + 2] as number;
    target[3] = source[from + 3] as number;
    target[4] = source[from + 4] as number;
    target[5] = source[from + 5] as number;
    to = 6;
  }
  const last = words - 1;
  for (; to < last; to += 2) {
    target[to] = source[from + to] as number;
    target[to + 1] = source[from + to + 1] as number;
  }
  if (to === last) target[to] = source[from + to] as number;
}

/** Copies words from the start of an array. Nearly all responses are a header of 24 bytes. */
function copyResponse(source: Uint32Array, target: Uint32Array, to: number, words: number): void {
  if (words !== 6) {
    copyWords(source, target, to, words);
    return;
  }
  target[to] = source[0] as number;
  target[to + 1] = source[1] as number;
  target[to + 2] = source[2] as number;
  target[to + 3] = source[3] as number;
  target[to + 4] = source[4] as number;
  target[to + 5] = source[5] as number;
}

function copyWords(source: Uint32Array, target: Uint32Array, to: number, words: number): void {
  for (let from = 0; from < words; from++) target[to + from] = source[from] as number;
}
