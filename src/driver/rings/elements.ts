import type { DmaBuffer } from "../allocator.ts";
import { DriverError } from "../errors.ts";

const MAX_CHAIN_BYTES = 0x100000000;

/**
 * The elements of one buffer on their way to a ring: device-readable ones, then device-writable ones. Filled, added
 * and filled again, so that steady traffic allocates nothing.
 *
 * @example
 * ```ts
 * const elements = new ElementList();
 * elements.clear();
 * elements.readable(request.hi, request.lo, 24);
 * elements.writable(response.hi, response.lo, 24);
 * const token = ring.add(elements);
 * ```
 */
export class ElementList {
  his: Uint32Array;
  los: Uint32Array;
  lengths: Uint32Array;
  count = 0;
  /** How many of them are device-readable; they come first. */
  readableCount = 0;
  readableBytes = 0;
  writableBytes = 0;

  constructor(capacity = 8) {
    this.his = new Uint32Array(capacity);
    this.los = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
  }

  /** Empties the list. */
  clear(): void {
    this.count = 0;
    this.readableCount = 0;
    this.readableBytes = 0;
    this.writableBytes = 0;
  }

  /**
   * Appends a device-readable element. Throws {@link DriverError} EINVAL behind a device-writable one.
   * [split-ring.driver.message-framing.1] [packed-ring.driver.scatter-gather-support.3]
   */
  readable(hi: number, lo: number, lengthBytes: number): void {
    if (this.count !== this.readableCount) {
      throw new DriverError("EINVAL", "device-readable elements come before device-writable ones");
    }
    this.#append(hi, lo, lengthBytes);
    this.readableCount++;
    this.readableBytes += lengthBytes;
  }

  /** Appends a device-writable element. */
  writable(hi: number, lo: number, lengthBytes: number): void {
    this.#append(hi, lo, lengthBytes);
    this.writableBytes += lengthBytes;
  }

  /** Appends `lengthBytes` bytes from `position` of a buffer. */
  readableBuffer(buffer: DmaBuffer, position: number, lengthBytes: number): void {
    const lo = buffer.lo + position;
    this.readable(lo > 0xffffffff ? buffer.hi + 1 : buffer.hi, lo >>> 0, lengthBytes);
  }

  /** Appends `lengthBytes` bytes from `position` of a buffer. */
  writableBuffer(buffer: DmaBuffer, position: number, lengthBytes: number): void {
    const lo = buffer.lo + position;
    this.writable(lo > 0xffffffff ? buffer.hi + 1 : buffer.hi, lo >>> 0, lengthBytes);
  }

  #append(hi: number, lo: number, lengthBytes: number): void {
    // [split-ring.driver.the-virtqueue-descriptor-table.1]
    if (this.readableBytes + this.writableBytes + lengthBytes > MAX_CHAIN_BYTES) {
      throw new DriverError("EINVAL", "a chain holds at most 2^32 bytes");
    }
    const at = this.count;
    if (at === this.his.length) this.#grow();
    this.his[at] = hi;
    this.los[at] = lo;
    this.lengths[at] = lengthBytes;
    this.count = at + 1;
  }

  #grow(): void {
    const capacity = this.his.length * 2;
    this.his = grown(this.his, capacity);
    this.los = grown(this.los, capacity);
    this.lengths = grown(this.lengths, capacity);
  }
}

function grown(array: Uint32Array, capacity: number): Uint32Array {
  const copy = new Uint32Array(capacity);
  copy.set(array);
  return copy;
}
