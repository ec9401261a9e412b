import { le32 } from "../../../base/endian.ts";
import type { MaybeLater } from "../../../base/later.ts";
import { SEGMENT_WORK, TRANSLATED_WORK } from "../../../device/work.ts";
import type { DmaError, DmaRun } from "../../../memory/dma.ts";
import { GuestPages } from "../../../memory/guest-pages.ts";
import { SegmentList } from "../../../memory/segments.ts";
import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import { Scratch } from "../../../virtqueue/chain.ts";
import {
  VIRTIO_GPU_MEM_ENTRY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../wire/gpu.ts";
import type { GpuCore } from "../core.ts";

// Entries are read so many at a time, so that a list needs little memory however long it is.
const ENTRIES_AT_ONCE = 256;
const ENTRY_BYTES = VIRTIO_GPU_MEM_ENTRY.sizeBytes;
/** The most that may lie outside of memory where the policy allows one page of it. */
const OUTSIDE_BYTES = 4096;
/** Runs that a translator is asked for before the budget is looked at. */
const RUNS_AT_ONCE = 256;
const scratch = /* @__PURE__ */ new Scratch(ENTRIES_AT_ONCE * ENTRY_BYTES);

/** Where a list of virtio_gpu_mem_entry structs is, and what it has to be good for. */
export interface BackingRequest {
  readonly chain: DescriptorChain;
  /** Offset of the first struct in the request, in bytes. */
  readonly position: number;
  readonly count: number;
  /** What the memory must hold at least. */
  readonly minBytes: number;
  /** The device may write to it. */
  readonly write: boolean;
}

/**
 * Reads a list of entries, finds the memory they name, and does something with it: at once, or, when that is more than
 * what is left of this turn of the event loop, in several; until then no later command of the queue begins. `use` may
 * come to a promise, which the response waits for. Returns a response type.
 */
export function withBacking(
  core: GpuCore,
  request: BackingRequest,
  use: (pages: GuestPages) => MaybeLater<unknown>,
): number {
  const refused = refuseList(core, request);
  if (refused !== VIRTIO_GPU_RESP_OK_NODATA) return refused;
  const reader = new BackingReader(core, request);
  let used: MaybeLater<unknown>;
  const later = core.inTurns(() => {
    if (!reader.step()) return false;
    if (reader.error === VIRTIO_GPU_RESP_OK_NODATA) used = use(reader.pages);
    return true;
  });
  if (later === undefined) {
    return reader.error === VIRTIO_GPU_RESP_OK_NODATA ? core.done(used, true) : reader.refuse();
  }
  return core.later(
    later.then(() => used),
    () => reader.refuse(),
    true,
  );
}

/** What is wrong with a list before any of it is read; OK_NODATA when nothing is. */
function refuseList(core: GpuCore, { chain, position, count }: BackingRequest): number {
  const { policy, limits } = core;
  if (count > limits.maxBackingEntries) {
    return core.refuse(policy.tooManyEntries, `more than ${limits.maxBackingEntries} entries`);
  }
  // Before anything is allocated: a count proves nothing, the bytes do. Both factors are small enough to be exact.
  if (position + count * ENTRY_BYTES > chain.readableBytes) {
    return core.refuse(policy.entriesMissing, "fewer entries than announced");
  }
  if (!core.resources.hasRoomForEntries(count)) {
    return core.refuse(policy.tooManyEntries, "too many entries of all resources together");
  }
  return VIRTIO_GPU_RESP_OK_NODATA;
}

/** A list of entries that is read as far as a turn's budget reaches, and then further. */
class BackingReader {
  readonly pages: GuestPages;
  /** The response; OK_NODATA as long as nothing is wrong. */
  error: number = VIRTIO_GPU_RESP_OK_NODATA;
  readonly #core: GpuCore;
  readonly #request: BackingRequest;
  #reason = "";
  /** Entries that are dealt with. */
  #done = 0;
  /** What a translator made of the entry so far, and what is left of it; null without a translator. */
  readonly #found: SegmentList | null;
  readonly #run: DmaRun = { hi: 0, lo: 0, lengthBytes: 0, begun: false };
  #entryBytes = 0;

  constructor(core: GpuCore, request: BackingRequest) {
    this.#core = core;
    this.#request = request;
    this.pages = new GuestPages(core.host.memory);
    this.#found = core.host.dma.translator === null ? null : new SegmentList(1);
  }

  /** The response, and why it is an error if it is. */
  refuse(): number {
    return this.#reason === "" ? this.error : this.#core.refuse(this.error, this.#reason);
  }

  /** Goes on until the budget is spent. Returns whether that was all: there are pages, or it is refused. */
  step(): boolean {
    const { budget } = this.#core.host;
    const { chain, position, count } = this.#request;
    while (this.error === VIRTIO_GPU_RESP_OK_NODATA) {
      // Of a queue that was reset meanwhile nothing can be read any more.
      if (chain.abandoned) return this.#wrong(VIRTIO_GPU_RESP_ERR_UNSPEC, "the queue was reset");
      if (this.#run.lengthBytes > 0) {
        if (budget.left <= 0) return false;
        this.#goOn();
        continue;
      }
      if (this.#done === count) {
        this.#finish();
        return true;
      }
      if (budget.left <= 0) return false;
      const entries = Math.min(ENTRIES_AT_ONCE, count - this.#done);
      chain.read(position + this.#done * ENTRY_BYTES, scratch.u8, 0, entries * ENTRY_BYTES);
      for (let i = 0; i < entries && this.#run.lengthBytes === 0 && budget.left > 0; i++) {
        const word = (i * ENTRY_BYTES) >>> 2;
        this.#done++;
        this.#entry(
          le32(scratch.u32[word + 1] as number),
          le32(scratch.u32[word] as number),
          le32(scratch.u32[word + 2] as number),
        );
        if (this.error !== VIRTIO_GPU_RESP_OK_NODATA) return true;
      }
    }
    return true;
  }

  #wrong(error: number, reason: string): true {
    this.error = error;
    this.#reason = reason;
    return true;
  }

  #entry(hi: number, lo: number, lengthBytes: number): void {
    const { policy, host } = this.#core;
    const { pages } = this;
    host.budget.left -= SEGMENT_WORK;
    if (lengthBytes === 0) {
      if (policy.emptyEntry === VIRTIO_GPU_RESP_OK_NODATA) pages.addHole(0);
      else this.#wrong(policy.emptyEntry, "an entry of length 0");
      return;
    }
    this.#entryBytes = lengthBytes;
    const run = this.#run;
    run.hi = hi;
    run.lo = lo;
    if (this.#found !== null) {
      run.lengthBytes = lengthBytes;
      run.begun = false;
      this.#found.clear();
      this.#goOn();
      return;
    }
    const error = pages.add(host.dma, hi, lo, lengthBytes, this.#request.write);
    if (error !== null) this.#nowhere(error, hi, lo);
  }

  /** Asks the translator for more of an entry. */
  #goOn(): void {
    const { host, resources, policy } = this.#core;
    const { pages } = this;
    const found = this.#found as SegmentList;
    const run = this.#run;
    const { walked } = found;
    const error = host.dma.appendPart(found, run, this.#request.write, walked + RUNS_AT_ONCE);
    const asked = found.walked - walked;
    pages.walked += asked;
    host.budget.left -= asked * TRANSLATED_WORK;
    // One entry may come to many segments, and to as many that end nowhere.
    const most = Math.max(pages.count + found.count, pages.walked - this.#request.count);
    if (!resources.hasRoomForEntries(most)) {
      this.#wrong(policy.tooManyEntries, "too many segments of all resources together");
    } else if (error !== null) {
      run.lengthBytes = 0;
      this.#nowhere(error, run.hi, run.lo);
    } else if (run.lengthBytes === 0) {
      pages.addFound(found);
    }
  }

  /** Some of an entry is no memory. */
  #nowhere(error: DmaError, hi: number, lo: number): void {
    const { policy } = this.#core;
    const { pages } = this;
    if (policy.entryOutsideMemory === "one-page") {
      if (addOnePage(this.#core, pages, hi, lo, this.#entryBytes, this.#request.write)) return;
      this.#wrong(VIRTIO_GPU_RESP_ERR_UNSPEC, `an entry leads nowhere: ${error}`);
    } else if (policy.entryOutsideMemory === VIRTIO_GPU_RESP_OK_NODATA) {
      pages.addHole(this.#entryBytes);
    } else {
      this.#wrong(policy.entryOutsideMemory, `an entry leads nowhere: ${error}`);
    }
  }

  #finish(): void {
    const { policy } = this.#core;
    const { totalBytes } = this.pages;
    const { minBytes } = this.#request;
    if (totalBytes < minBytes && policy.blobBeyondBacking !== VIRTIO_GPU_RESP_OK_NODATA) {
      this.#wrong(policy.blobBeyondBacking, `${totalBytes} bytes of backing for ${minBytes}`);
    }
  }
}

/** Appends an entry that lies partly outside of memory, if that is allowed; otherwise returns false. */
function addOnePage(
  core: GpuCore,
  pages: GuestPages,
  hi: number,
  lo: number,
  lengthBytes: number,
  write: boolean,
): boolean {
  const { memory, dma } = core.host;
  if (core.resources.anyOutside || pages.hasHoles) return false;
  const region = memory.regions.find((one) => one.offsetOf(hi, lo, 1) >= 0);
  // With a translator in between, an address does not tell which region it ends up in.
  const inside =
    region === undefined || dma.translator !== null ? 0 : region.sizeBytes - region.offsetOf(hi, lo, 1);
  if (lengthBytes - inside > OUTSIDE_BYTES) return false;
  if (inside > 0 && pages.add(dma, hi, lo, inside, write) !== null) return false;
  pages.addHole(lengthBytes - inside);
  return true;
}
