import { le32 } from "../../../base/endian.ts";
import { VIRTIO_GPU_MEM_ENTRY } from "../../../wire/gpu.ts";
import type { DmaBuffer } from "../../allocator.ts";
import { type GuestBuffer, regionOf } from "../../guest-buffer.ts";

/**
 * Ranges of guest memory that back a resource (struct virtio_gpu_mem_entry), in the order of the resource's bytes.
 *
 * @example
 * ```ts
 * const pages = allocator.allocatePages(256);
 * gpu.requests.resourceAttachBacking(1, MemEntryList.ofPages(pages));
 * ```
 */
export class MemEntryList {
  readonly his: number[] = [];
  readonly los: number[] = [];
  readonly lengths: number[] = [];

  /** Pages as a list, neighbours joined, cut to `lengthBytes`. */
  static ofPages(pages: GuestBuffer, lengthBytes: number = pages.lengthBytes): MemEntryList {
    const entries = new MemEntryList();
    pages.forEachRun(lengthBytes, (hi, lo, length) => entries.add(hi, lo, length));
    return entries;
  }

  /** A contiguous buffer as a list of one. */
  static ofBuffer(buffer: DmaBuffer): MemEntryList {
    const entries = new MemEntryList();
    entries.add(buffer.hi, buffer.lo, buffer.lengthBytes);
    return entries;
  }

  get count(): number {
    return this.his.length;
  }

  /** Size of the list on the wire. */
  get wireBytes(): number {
    return this.count * VIRTIO_GPU_MEM_ENTRY.sizeBytes;
  }

  /** Appends an entry: address in halves and length in bytes. */
  add(hi: number, lo: number, lengthBytes: number): void {
    this.his.push(hi);
    this.los.push(lo);
    this.lengths.push(lengthBytes);
  }

  /** Writes the list to the start of a buffer of at least {@link wireBytes} bytes. */
  encode(buffer: DmaBuffer): void {
    const words = regionOf(buffer).u32;
    let at = buffer.offset >>> 2;
    for (let i = 0; i < this.count; i++, at += VIRTIO_GPU_MEM_ENTRY.sizeBytes >>> 2) {
      words[at] = le32(this.los[i] as number);
      words[at + 1] = le32(this.his[i] as number);
      words[at + 2] = le32(this.lengths[i] as number);
      words[at + 3] = 0;
    }
  }
}
