import type { DmaError, DmaSpace } from "./dma.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { createPageTable, type PageTable } from "./page-table.ts";
import type { MemoryRegion } from "./region.ts";
import { copyBytes, SegmentList } from "./segments.ts";

/** What an entry comes to, on its way into a list of pages; one for all, as lists live long and there are many. */
let found: SegmentList = /* @__PURE__ */ new SegmentList(1);
const KEPT_SEGMENTS = 1024;

/**
 * A list of guest pages that a driver handed to a device: what backs a resource, what a buffer consists of. The pages are
 * in the order in which they make up the whole, adjacent ones merged into one segment. Positions count bytes from its start.
 *
 * Nothing is copied when it is made: its holder reads the guest's memory itself. Memory that is taken away
 * (a removed region, detached backing) turns into a hole, which reads leave alone and writes ignore.
 *
 * @example
 * ```ts
 * const pages = new GuestPages(memory);
 * pages.add(new DmaSpace(memory), 0, 0x5000, 4096, false);
 * pages.add(new DmaSpace(memory), 0, 0x3000, 4096, false);
 * pages.read(0, target, 0, 8192); // both pages, in this order
 * ```
 */
export class GuestPages {
  /** The segments. A segment of length 0 is a hole that once was memory. Call {@link refresh} before use. */
  readonly segments: SegmentList = new SegmentList(1);
  /** Bytes from the first to the last position, holes included. */
  totalBytes = 0;
  /** Number of entries the guest named. */
  entryCount = 0;

  /** Changes whenever segments or the views of their memory do. */
  revision = 0;

  /** Position of the first byte of each segment. */
  starts: Float64Array = new Float64Array(1);

  /** Runs of memory walked by {@link add}, including those of entries that failed. */
  walked = 0;

  readonly #memory: GuestMemory;
  #epoch: number;
  #views: (Uint8Array | null)[] = [];
  /** Undefined until somebody asks for it. */
  #table: PageTable | null | undefined;
  #part: Uint8Array | null = null;
  #partSegment = -1;
  #partOffset = 0;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.#epoch = memory.epoch;
  }

  /**
   * Appends what lies at a device address; on an error nothing was appended. A translator is asked `maxRuns` times at most.
   */
  add(
    dma: DmaSpace,
    hi: number,
    lo: number,
    lengthBytes: number,
    write: boolean,
    maxRuns?: number,
  ): DmaError | null {
    const error = dma.append(found, hi, lo, lengthBytes, write, maxRuns);
    this.walked += Math.max(1, found.walked);
    if (error === null) this.addFound(found);
    // It grew to the most that any entry came to: let it keep no region alive, nor more room than one usually takes.
    found.clear();
    found.regions.length = 0;
    if (found.offsets.length > KEPT_SEGMENTS) found = new SegmentList(1);
    return error;
  }

  /** Appends an entry whose memory was found before; the list may be used for another one then. */
  addFound(list: SegmentList): void {
    for (let i = 0; i < list.count; i++) {
      this.addSegment(list.regions[i] as MemoryRegion, list.offsets[i] as number, list.lengths[i] as number);
    }
    this.entryCount++;
  }

  /** Appends a segment of a region. */
  addSegment(region: MemoryRegion, offset: number, lengthBytes: number): void {
    const { segments } = this;
    const count = segments.count;
    const last = count - 1;
    // After a hole nothing may be merged with what comes before it.
    if (last >= 0 && (this.starts[last] as number) + (segments.lengths[last] as number) !== this.totalBytes) {
      segments.append(region, offset, lengthBytes);
    } else {
      segments.appendMerged(region, offset, lengthBytes);
    }
    if (segments.count !== count) {
      if (count === this.starts.length) {
        const starts = new Float64Array(2 * count);
        starts.set(this.starts);
        this.starts = starts;
      }
      this.starts[count] = this.totalBytes;
    }
    this.totalBytes += lengthBytes;
    this.#table = undefined;
  }

  /** Appends a hole: bytes without memory. */
  addHole(lengthBytes: number): void {
    this.#table = undefined;
    this.totalBytes += lengthBytes;
    this.entryCount++;
  }

  /** True when there are holes. */
  get hasHoles(): boolean {
    const { segments } = this;
    let bytes = 0;
    for (let i = 0; i < segments.count; i++) bytes += segments.lengths[i] as number;
    return bytes !== this.totalBytes;
  }

  /** Number of segments. */
  get count(): number {
    return this.segments.count;
  }

  /**
   * Makes the segments fit to use after guest memory changed: renews the views of memory that grew, turns removed
   * regions into holes. Cheap when nothing happened. The other methods call it; code that indexes `segments` itself must.
   */
  refresh(): void {
    const memory = this.#memory;
    memory.sync();
    if (this.#epoch === memory.epoch) return;
    this.#epoch = memory.epoch;
    this.revision++;
    this.#table = undefined;
    this.#views.length = 0;
    this.#partSegment = -1;
    this.#part = null;
    const { segments } = this;
    let known: MemoryRegion | null = null;
    for (let i = 0; i < segments.count; i++) {
      const region = segments.regions[i] as MemoryRegion;
      if (region === known) continue;
      if (memory.regions.includes(region)) known = region;
      else segments.lengths[i] = 0;
    }
  }

  /** Turns everything into one hole: the guest took its pages back. */
  release(): void {
    this.revision++;
    this.#table = undefined;
    this.segments.count = 0;
    this.segments.regions.length = 0;
    this.#views.length = 0;
    this.#part = null;
    this.#partSegment = -1;
  }

  /** Index of the segment that holds the position or, in a hole, of the next one; `count` behind the last. */
  segmentAt(position: number): number {
    const { segments, starts } = this;
    let low = 0;
    let high = segments.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) + (segments.lengths[middle] as number) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where each page lies; null where the segments answer that as fast. Kept, as long as segments stay what they are. */
  pageTable(): PageTable | null {
    if (this.#table === undefined) {
      this.#table = createPageTable(this.segments, this.starts, this.totalBytes);
    }
    return this.#table;
  }

  /** The bytes of one whole segment; the view is kept, so that copying whole pages makes no garbage. */
  segmentView(segment: number): Uint8Array {
    const views = this.#views;
    const kept = segment < views.length ? views[segment] : null;
    if (kept != null) return kept;
    while (views.length <= segment) views.push(null);
    const { segments } = this;
    const offset = segments.offsets[segment] as number;
    const view = (segments.regions[segment] as MemoryRegion).u8.subarray(
      offset,
      offset + (segments.lengths[segment] as number),
    );
    views[segment] = view;
    return view;
  }

  /** A view of a part of a segment; the last one is kept, so that repeated transfers make no garbage. */
  segmentPart(segment: number, offset: number, lengthBytes: number): Uint8Array {
    const kept = this.#part;
    if (
      kept !== null &&
      this.#partSegment === segment &&
      this.#partOffset === offset &&
      kept.length === lengthBytes
    ) {
      return kept;
    }
    const { segments } = this;
    const start = (segments.offsets[segment] as number) + offset;
    const view = (segments.regions[segment] as MemoryRegion).u8.subarray(start, start + lengthBytes);
    this.#part = view;
    this.#partSegment = segment;
    this.#partOffset = offset;
    return view;
  }

  /**
   * The guest's bytes from `position` as one view, or null when they are not in one segment. The view is valid until
   * control returns to the guest.
   */
  contiguous(position: number, lengthBytes: number): Uint8Array | null {
    this.refresh();
    const segment = this.segmentAt(position);
    if (segment === this.segments.count) return null;
    const inner = position - (this.starts[segment] as number);
    if (inner < 0 || inner + lengthBytes > (this.segments.lengths[segment] as number)) return null;
    return this.segmentPart(segment, inner, lengthBytes);
  }

  /**
   * Copies bytes from `position` into `target`, which keeps what it has where there are holes. Returns the number
   * of bytes copied.
   */
  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    this.refresh();
    return this.#copy(position, target, targetOffset, lengthBytes, false);
  }

  /** Copies bytes of `source` to `position`; holes and read-only memory stay as they are. */
  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    this.refresh();
    return this.#copy(position, source, sourceOffset, lengthBytes, true);
  }

  #copy(position: number, host: Uint8Array, hostOffset: number, lengthBytes: number, write: boolean): number {
    const { segments, starts } = this;
    const end = position + lengthBytes;
    const toHost = hostOffset - position;
    let copied = 0;
    for (let i = this.segmentAt(position); i < segments.count; i++) {
      const start = starts[i] as number;
      if (start >= end) break;
      const from = Math.max(start, position);
      const part = Math.min(start + (segments.lengths[i] as number), end) - from;
      if (part <= 0) continue;
      const region = segments.regions[i] as MemoryRegion;
      const offset = (segments.offsets[i] as number) + (from - start);
      if (write) {
        if (!region.deviceWritable) continue;
        copyBytes(host, from + toHost, region.u8, offset, part);
        if (region.onDeviceWrite !== null) region.onDeviceWrite(offset, part);
      } else {
        copyBytes(region.u8, offset, host, from + toHost, part);
      }
      copied += part;
    }
    return copied;
  }
}
