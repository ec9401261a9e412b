import type { MemoryRegion } from "./region.ts";

// Below this many bytes a loop over elements beats `set(subarray)`, which allocates a view.
const LOOP_LIMIT_BYTES = 256;

/**
 * A list of segments of guest memory as parallel arrays: what a descriptor chain or the backing pages of a resource
 * come down to after validation. Grows by doubling up to a cap and is reused, so that steady traffic allocates
 * nothing.
 *
 * @example
 * ```ts
 * const list = new SegmentList();
 * list.append(region, 0x1000, 512);
 * list.count; // 1
 * ```
 */
export class SegmentList {
  readonly regions: MemoryRegion[] = [];
  /** Offset of each segment in its region, in bytes. */
  offsets: Uint32Array;
  /** Length of each segment, in bytes. */
  lengths: Uint32Array;
  count = 0;
  /** Runs of memory that a translator was asked for since the list was empty: more than segments, where some adjoin. */
  walked = 0;

  constructor(capacity = 4) {
    this.offsets = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
  }

  /** Empties the list; its capacity stays. */
  clear(): void {
    this.count = 0;
    this.walked = 0;
  }

  /** Appends a segment that was validated before. */
  append(region: MemoryRegion, offset: number, lengthBytes: number): void {
    const at = this.count;
    if (at === this.offsets.length) this.#grow();
    // The comparison spares the write barrier in the common case of one region.
    if (this.regions[at] !== region) this.regions[at] = region;
    this.offsets[at] = offset;
    this.lengths[at] = lengthBytes;
    this.count = at + 1;
  }

  /** Appends a segment, or lengthens the last one when the new segment lies right behind it. */
  appendMerged(region: MemoryRegion, offset: number, lengthBytes: number): void {
    const last = this.count - 1;
    if (last >= 0 && this.regions[last] === region) {
      const length = this.lengths[last] as number;
      if ((this.offsets[last] as number) + length === offset && length + lengthBytes <= 0xffffffff) {
        this.lengths[last] = length + lengthBytes;
        return;
      }
    }
    this.append(region, offset, lengthBytes);
  }

  #grow(): void {
    const capacity = this.offsets.length * 2;
    const offsets = new Uint32Array(capacity);
    const lengths = new Uint32Array(capacity);
    offsets.set(this.offsets);
    lengths.set(this.lengths);
    this.offsets = offsets;
    this.lengths = lengths;
  }

  /**
   * Copies `lengthBytes` bytes from logical position `position` of the segments `first` … `end`-1 into `target`.
   * Returns the bytes copied, fewer when the segments end before.
   */
  copyOut(
    first: number,
    end: number,
    position: number,
    target: Uint8Array,
    targetOffset: number,
    lengthBytes: number,
  ): number {
    let skip = position;
    let done = 0;
    for (let i = first; i < end && done < lengthBytes; i++) {
      const length = this.lengths[i] as number;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const part = Math.min(length - skip, lengthBytes - done);
      const { u8 } = this.regions[i] as MemoryRegion;
      // A region that was taken out of guest memory has no bytes.
      if (u8.length !== 0) {
        copyBytes(u8, (this.offsets[i] as number) + skip, target, targetOffset + done, part);
      }
      done += part;
      skip = 0;
    }
    return done;
  }

  /**
   * Copies `lengthBytes` bytes from `source` to logical position `position` of the segments `first` … `end`-1.
   * Returns the bytes copied, fewer when the segments end before.
   */
  copyIn(
    first: number,
    end: number,
    position: number,
    source: Uint8Array,
    sourceOffset: number,
    lengthBytes: number,
  ): number {
    let skip = position;
    let done = 0;
    for (let i = first; i < end && done < lengthBytes; i++) {
      const length = this.lengths[i] as number;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const part = Math.min(length - skip, lengthBytes - done);
      const region = this.regions[i] as MemoryRegion;
      const to = (this.offsets[i] as number) + skip;
      if (region.u8.length !== 0) copyBytes(source, sourceOffset + done, region.u8, to, part);
      if (region.onDeviceWrite !== null) region.onDeviceWrite(to, part);
      done += part;
      skip = 0;
    }
    return done;
  }
}

/**
 * Copies bytes between two arrays that may lie in shared memory; short runs without a temporary view.
 *
 * @example
 * ```ts
 * copyBytes(source, 0, target, 16, 24); // 24 bytes to position 16
 * ```
 */
export function copyBytes(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  lengthBytes: number,
): void {
  if (lengthBytes <= LOOP_LIMIT_BYTES) {
    for (let i = 0; i < lengthBytes; i++) target[targetOffset + i] = source[sourceOffset + i] as number;
    return;
  }
  target.set(source.subarray(sourceOffset, sourceOffset + lengthBytes), targetOffset);
}
