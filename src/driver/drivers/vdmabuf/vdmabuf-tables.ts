import { le32 } from "../../../base/endian.ts";
import {
  VIRTIO_VDMABUF_MAX_PAGES,
  VIRTIO_VDMABUF_PAGE_BYTES,
  VIRTIO_VDMABUF_REF,
  VIRTIO_VDMABUF_TABLE_ENTRIES,
} from "../../../wire/vdmabuf.ts";
import type { DmaBuffer, GuestAllocator } from "../../allocator.ts";
import { DriverError } from "../../errors.ts";
import { type GuestBuffer, regionOf } from "../../guest-buffer.ts";

/**
 * The addresses of a buffer's pages, in two levels of tables in guest memory: what an EXPORT points to. The pages are
 * the third level.
 *
 * @example
 * ```ts
 * const tables = new VdmabufTables(allocator, pages, 0, pages.count);
 * tables.tableBytes; // what they take besides the pages
 * ```
 */
export class VdmabufTables {
  /** The top-level table. */
  readonly top: DmaBuffer;
  /** The second-level tables, each on a page of its own. */
  readonly second: GuestBuffer;
  /** Pages that the tables lead to. */
  readonly pageCount: number;
  readonly #allocator: GuestAllocator;

  /**
   * Writes tables for `pageCount` pages from `firstPage` on. Throws {@link DriverError} EINVAL for more pages than
   * tables can hold, ENOMEM.
   */
  constructor(allocator: GuestAllocator, pages: GuestBuffer, firstPage: number, pageCount: number) {
    if (pageCount > VIRTIO_VDMABUF_MAX_PAGES) {
      throw new DriverError("EINVAL", `${pageCount} pages; tables hold ${VIRTIO_VDMABUF_MAX_PAGES}`);
    }
    this.#allocator = allocator;
    this.pageCount = pageCount;
    const tableCount = Math.ceil(pageCount / VIRTIO_VDMABUF_TABLE_ENTRIES);
    this.second = allocator.allocatePages(tableCount);
    try {
      this.top = allocator.allocate(VIRTIO_VDMABUF_PAGE_BYTES, VIRTIO_VDMABUF_PAGE_BYTES);
    } catch (error) {
      allocator.freePages(this.second);
      throw error;
    }
    const topWords = regionOf(this.top).u32;
    for (let i = 0; i < tableCount; i++) {
      const at = (this.top.offset + i * VIRTIO_VDMABUF_REF.sizeBytes) >>> 2;
      topWords[at] = le32(this.second.los[i] as number);
      topWords[at + 1] = le32(this.second.his[i] as number);
    }
    for (let i = 0; i < pageCount; i++) {
      const at = i * VIRTIO_VDMABUF_REF.sizeBytes;
      this.second.setWord(at, pages.los[firstPage + i] as number);
      this.second.setWord(at + 4, pages.his[firstPage + i] as number);
    }
  }

  /** Bytes of tables that a device has to read. */
  get tableBytes(): number {
    return (this.second.count + this.pageCount) * VIRTIO_VDMABUF_REF.sizeBytes;
  }

  /** Frees the tables. The device reads them only while it serves an EXPORT. */
  free(): void {
    this.#allocator.free(this.top);
    this.#allocator.freePages(this.second);
  }
}
