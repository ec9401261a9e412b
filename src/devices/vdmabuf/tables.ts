import { le32 } from "../../base/endian.ts";
import type { DmaSpace } from "../../memory/dma.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { GuestPages } from "../../memory/guest-pages.ts";
import { SegmentList } from "../../memory/segments.ts";
import { Scratch } from "../../virtqueue/chain.ts";
import {
  VIRTIO_VDMABUF_PAGE_BYTES,
  VIRTIO_VDMABUF_REF,
  VIRTIO_VDMABUF_S_PAGE,
  VIRTIO_VDMABUF_S_TABLE,
  VIRTIO_VDMABUF_TABLE_ENTRIES,
} from "../../wire/vdmabuf.ts";

const PAGE_MASK = VIRTIO_VDMABUF_PAGE_BYTES - 1;
const FRAMES_PER_HALF = 0x100000000 / VIRTIO_VDMABUF_PAGE_BYTES;

/** What an EXPORT says about its pages; the numbers are in range, the addresses unchecked. */
export interface TableRequest {
  readonly pageCount: number;
  /** Where the data starts in the first page, in bytes. */
  readonly firstPageOffset: number;
  /** Where it ends in the last page, in bytes from the start of that page. */
  readonly lastPageLength: number;
  readonly topHi: number;
  readonly topLo: number;
}

/**
 * Finds the pages of buffers through their tables: one table of the addresses of tables of the addresses of pages. The
 * depth is fixed, so that no walk goes on for ever; a table that is met again, as a table or as a page, is refused all
 * the same. Every table is copied once and then decoded.
 */
export class TableReader {
  /** Bytes of tables that the last walk read. */
  tableBytes = 0;
  /** What was wrong at the last walk, for traces. */
  reason = "";
  readonly #top = new Scratch(VIRTIO_VDMABUF_PAGE_BYTES);
  readonly #second = new Scratch(VIRTIO_VDMABUF_PAGE_BYTES);
  readonly #segments = new SegmentList(1);
  /** Frames (addresses in units of pages) of all tables of this walk. */
  readonly #tables = new Set<number>();

  /** The pages, or a status. */
  walk(dma: DmaSpace, memory: GuestMemory, request: TableRequest): GuestPages | number {
    this.tableBytes = 0;
    this.reason = "";
    this.#tables.clear();
    const { pageCount, topHi, topLo } = request;
    const tableCount = Math.ceil(pageCount / VIRTIO_VDMABUF_TABLE_ENTRIES);
    if (!this.#readTable(dma, topHi, topLo, tableCount, this.#top)) return VIRTIO_VDMABUF_S_TABLE;
    // All tables are known before the first page is looked at, so that no page can be a table of later.
    for (let i = 0; i < tableCount; i++) {
      if (!this.#isNewTable(hiOf(this.#top, i), loOf(this.#top, i))) return VIRTIO_VDMABUF_S_TABLE;
    }
    const pages = new GuestPages(memory);
    for (let i = 0; i < tableCount; i++) {
      const entries = Math.min(VIRTIO_VDMABUF_TABLE_ENTRIES, pageCount - i * VIRTIO_VDMABUF_TABLE_ENTRIES);
      if (!this.#readTable(dma, hiOf(this.#top, i), loOf(this.#top, i), entries, this.#second)) {
        return VIRTIO_VDMABUF_S_TABLE;
      }
      if (!this.#addPages(dma, pages, i * VIRTIO_VDMABUF_TABLE_ENTRIES, entries, request)) {
        return VIRTIO_VDMABUF_S_PAGE;
      }
    }
    return pages;
  }

  #isNewTable(hi: number, lo: number): boolean {
    const frame = frameOf(hi, lo);
    if (this.#tables.has(frame)) return this.#refuse("a table is met again");
    this.#tables.add(frame);
    return true;
  }

  /** Copies the first entries of a table. */
  #readTable(dma: DmaSpace, hi: number, lo: number, entries: number, target: Scratch): boolean {
    if ((lo & PAGE_MASK) !== 0) return this.#refuse("a table is not aligned");
    if (target === this.#top) this.#tables.add(frameOf(hi, lo));
    const lengthBytes = entries * VIRTIO_VDMABUF_REF.sizeBytes;
    const segments = this.#segments;
    segments.clear();
    if (dma.append(segments, hi, lo, lengthBytes, false) !== null)
      return this.#refuse("a table is not in memory");
    segments.copyOut(0, segments.count, 0, target.u8, 0, lengthBytes);
    this.tableBytes += lengthBytes;
    return true;
  }

  #addPages(
    dma: DmaSpace,
    pages: GuestPages,
    firstPage: number,
    entries: number,
    request: TableRequest,
  ): boolean {
    const last = request.pageCount - 1;
    for (let i = 0; i < entries; i++) {
      const hi = hiOf(this.#second, i);
      const lo = loOf(this.#second, i);
      if ((lo & PAGE_MASK) !== 0) return this.#refuse("a page is not aligned");
      if (this.#tables.has(frameOf(hi, lo))) return this.#refuse("a page is one of the tables");
      const from = firstPage + i === 0 ? request.firstPageOffset : 0;
      const to = firstPage + i === last ? request.lastPageLength : VIRTIO_VDMABUF_PAGE_BYTES;
      if (pages.add(dma, hi, lo + from, to - from, false) !== null)
        return this.#refuse("a page is not in memory");
    }
    return true;
  }

  #refuse(reason: string): false {
    this.reason = reason;
    return false;
  }
}

function loOf(table: Scratch, entry: number): number {
  return le32(table.u32[2 * entry] as number) >>> 0;
}

function hiOf(table: Scratch, entry: number): number {
  return le32(table.u32[2 * entry + 1] as number) >>> 0;
}

/** The number of a page; exact, as it has 52 bits. */
function frameOf(hi: number, lo: number): number {
  return hi * FRAMES_PER_HALF + Math.floor(lo / VIRTIO_VDMABUF_PAGE_BYTES);
}
