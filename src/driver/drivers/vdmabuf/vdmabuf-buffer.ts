import { VIRTIO_VDMABUF_PAGE_BYTES } from "../../../wire/vdmabuf.ts";
import type { GuestAllocator } from "../../allocator.ts";
import type { GuestBuffer } from "../../guest-buffer.ts";
import type { VdmabufBufferId } from "./vdmabuf-channel.ts";
import { VdmabufTables } from "./vdmabuf-tables.ts";

/**
 * A buffer that can be exported, over and over. Its tables are written once.
 *
 * @example
 * ```ts
 * const buffer = vdmabuf.allocate(64 << 10);
 * vdmabuf.export(buffer);
 * ```
 */
export class VdmabufGuestBuffer {
  readonly pages: GuestBuffer;
  /** Where the data starts in the pages. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly tables: VdmabufTables;
  /** Known from the first export on. */
  id: VdmabufBufferId | null = null;
  /** True while the host holds the buffer: the guest must not draw into it. */
  exported = false;
  /** Times the host took it, and gave it back. */
  exports = 0;
  releases = 0;
  /** @internal True when the pages are freed with the buffer. */
  readonly ownsPages: boolean;

  /** @internal Made by {@link VdmabufDriver}. */
  constructor(
    allocator: GuestAllocator,
    pages: GuestBuffer,
    offsetBytes: number,
    lengthBytes: number,
    ownsPages: boolean,
  ) {
    const firstPage = Math.floor(offsetBytes / VIRTIO_VDMABUF_PAGE_BYTES);
    const lastPage = Math.floor((offsetBytes + lengthBytes - 1) / VIRTIO_VDMABUF_PAGE_BYTES);
    this.tables = new VdmabufTables(allocator, pages, firstPage, lastPage - firstPage + 1);
    this.pages = pages;
    this.offsetBytes = offsetBytes;
    this.lengthBytes = lengthBytes;
    this.ownsPages = ownsPages;
  }
}
