import { VirtioBugError } from "../base/errors.ts";
import { hex64 } from "../base/u64.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { MemoryRegion } from "../memory/region.ts";
import { copyBytes, SegmentList } from "../memory/segments.ts";
import { VIRTQ_DESC_F_WRITE } from "../wire/split-ring.ts";
import { type ChainOwner, ChainPool, type DescriptorChain } from "./chain.ts";
import type { QueueConfig, QueueOptions } from "./config.ts";
import type { QueueFault, QueueFaultCode } from "./fault.ts";

/** Size of a descriptor of either format, in bytes. */
export const DESCRIPTOR_BYTES = 16;

// A table that has to be copied (unaligned, or scattered by the translator) is copied up to where `next` reaches.
const MAX_TABLE_COPY_BYTES = 65536 * DESCRIPTOR_BYTES;

// A driver in another thread can fill the ring as fast as the device empties it: after this many rounds of the ring
// a drain ends all the same, so that the rest of the program gets its turn.
const DRAIN_LAPS = 4;

/** One of the three parts of a queue, located in host memory. */
export interface RingArea {
  region: MemoryRegion;
  /** Offset in the region, in bytes. */
  offset: number;
}

/**
 * What split and packed rings share: the collecting and checking of elements, indirect tables, in-order return,
 * faults. A ring format adds how descriptors become available and how they are marked used.
 */
export abstract class RingCore implements ChainOwner {
  readonly size: number;
  inFlight = 0;
  fault: QueueFault | null = null;
  closed = false;

  protected readonly dma: DmaSpace;
  protected readonly options: QueueOptions;
  protected readonly config: Readonly<QueueConfig>;
  protected readonly pool: ChainPool;
  protected readonly maxElements: number;
  protected epoch = -1;
  /** The last unsuccessful pop found the ring empty, so that the device has seen everything. */
  protected sawEmpty = false;
  /** Chains the current drain may still pop; without a drain there is no limit. */
  protected drainBudget: number = Number.POSITIVE_INFINITY;
  limited = false;

  // The open indirect table: words, index of its first word, number of entries.
  protected table32: Uint32Array = EMPTY_WORDS;
  protected tableWord = 0;
  protected tableEntries = 0;
  #tableCopy: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  readonly #tableSegments = new SegmentList(4);

  // Chains in the order they were popped, as a ring of `size` slots; used with IN_ORDER only.
  readonly #order: (DescriptorChain | null)[];
  #orderHead = 0;
  #orderCount = 0;

  protected constructor(config: QueueConfig, dma: DmaSpace, options: QueueOptions) {
    this.size = config.size;
    this.config = { ...config };
    this.dma = dma;
    this.options = options;
    this.pool = new ChainPool(this);
    this.maxElements = Math.max(config.size, options.maxChainElements);
    this.#order = options.inOrder ? new Array<DescriptorChain | null>(config.size).fill(null) : [];
  }

  close(): void {
    this.closed = true;
  }

  protected openDrain(): void {
    this.sawEmpty = false;
    this.limited = false;
    this.drainBudget = this.size * DRAIN_LAPS;
  }

  protected closeDrain(): void {
    this.drainBudget = Number.POSITIVE_INFINITY;
  }

  protected mayContinue(): boolean {
    if (this.drainBudget > 0) return true;
    this.limited = true;
    return false;
  }

  /** Records the fault and stops the queue. Always returns false, for `return this.fail(…)`. */
  protected fail(code: QueueFaultCode, head: number, value: number): false {
    if (this.fault === null) this.fault = { code, head, value };
    return false;
  }

  protected resetChain(chain: DescriptorChain): void {
    chain.segments.count = 0;
    chain.readableCount = 0;
    chain.readableBytes = 0;
    chain.writableBytes = 0;
    chain.descriptorCount = 0;
    chain.indirect = false;
    chain.heldWritten = -1;
  }

  /** Adds one element to the chain after checking its direction, its length and where it lies. */
  protected addElement(
    chain: DescriptorChain,
    hi: number,
    lo: number,
    lengthBytes: number,
    flags: number,
    head: number,
  ): boolean {
    // Bounds the walk whatever the links say, so that loops end here. [split-ring.driver.the-virtqueue-descriptor-table.1]
    if (++chain.descriptorCount > this.maxElements)
      return this.fail("chain-too-long", head, chain.descriptorCount);
    const write = (flags & VIRTQ_DESC_F_WRITE) !== 0;
    if (write) {
      chain.writableBytes += lengthBytes;
    } else {
      // [split-ring.driver.message-framing.1]
      if (chain.segments.count !== chain.readableCount || chain.writableBytes !== 0) {
        return this.fail("readable-after-writable", head, flags);
      }
      chain.readableBytes += lengthBytes;
    }
    if (chain.readableBytes + chain.writableBytes > 0x100000000) {
      return this.fail("chain-bytes-overflow", head, lengthBytes);
    }
    if (lengthBytes === 0) {
      return this.options.zeroLengthElement === "accept" || this.fail("zero-length", head, flags);
    }
    const error = this.dma.append(chain.segments, hi, lo, lengthBytes, write);
    if (error !== null) return this.fail(error, head, lo);
    if (!write) chain.readableCount = chain.segments.count;
    return true;
  }

  /**
   * Opens the indirect table at the address as `table32`/`tableWord`/`tableEntries`. In place where it is aligned
   * and contiguous, else through one private copy.
   */
  protected openTable(hi: number, lo: number, lengthBytes: number, head: number): boolean {
    if (lengthBytes === 0 || lengthBytes % DESCRIPTOR_BYTES !== 0) {
      return this.fail("indirect-length", head, lengthBytes);
    }
    const segments = this.#tableSegments;
    segments.clear();
    if (this.dma.append(segments, hi, lo, lengthBytes, false) !== null) {
      return this.fail("indirect-out-of-range", head, lo);
    }
    const offset = segments.offsets[0] as number;
    if (segments.count === 1 && (offset & 3) === 0) {
      this.table32 = (segments.regions[0] as MemoryRegion).u32;
      this.tableWord = offset >>> 2;
      this.tableEntries = Math.floor(lengthBytes / DESCRIPTOR_BYTES);
      return true;
    }
    const length = Math.min(lengthBytes, MAX_TABLE_COPY_BYTES);
    if (this.#tableCopy.length < length) this.#tableCopy = new Uint8Array(length);
    let done = 0;
    for (let i = 0; i < segments.count && done < length; i++) {
      const part = Math.min(segments.lengths[i] as number, length - done);
      const region = segments.regions[i] as MemoryRegion;
      copyBytes(region.u8, segments.offsets[i] as number, this.#tableCopy, done, part);
      done += part;
    }
    this.table32 = new Uint32Array(this.#tableCopy.buffer, 0, length >>> 2);
    this.tableWord = 0;
    this.tableEntries = length / DESCRIPTOR_BYTES;
    return true;
  }

  /** Bookkeeping after a successful pop. */
  protected popped(chain: DescriptorChain): void {
    chain.inFlight = true;
    this.inFlight++;
    if (this.options.inOrder) {
      this.#order[(this.#orderHead + this.#orderCount) % this.size] = chain;
      this.#orderCount++;
    }
  }

  push(chain: DescriptorChain, writtenBytes: number): void {
    if (this.closed) return;
    if (!chain.inFlight || chain.heldWritten >= 0) throw new VirtioBugError("a chain was pushed twice");
    if (writtenBytes > chain.writableBytes) {
      throw new VirtioBugError(`${writtenBytes} bytes written into ${chain.writableBytes}`);
    }
    // [content.device.reserved-feature-bits.5] buffers come back in the order they became available.
    if (this.options.inOrder) {
      chain.heldWritten = writtenBytes;
      return;
    }
    this.writeUsed(chain.head, writtenBytes, chain.ringSlots, 1);
    this.release(chain);
  }

  protected release(chain: DescriptorChain): void {
    chain.inFlight = false;
    this.inFlight--;
    this.released(chain);
    this.pool.give(chain);
  }

  /** Writes used entries for the oldest chains as far as they are complete; called by flush with IN_ORDER. */
  protected writeInOrder(): void {
    let slots = 0;
    let buffers = 0;
    while (this.#orderCount > 0) {
      const chain = this.#order[this.#orderHead] as DescriptorChain;
      if (chain.heldWritten < 0) break;
      const written = chain.heldWritten;
      slots += chain.ringSlots;
      buffers++;
      this.#order[this.#orderHead] = null;
      this.#orderHead = (this.#orderHead + 1) % this.size;
      this.#orderCount--;
      // A skipped buffer counts as used completely, so only one that was written completely may be skipped.
      const next = this.#orderCount > 0 ? (this.#order[this.#orderHead] as DescriptorChain) : null;
      const skip =
        this.options.inOrderBatching &&
        written === chain.writableBytes &&
        next !== null &&
        next.heldWritten >= 0;
      if (!skip) {
        this.writeUsed(chain.head, written, slots, buffers);
        slots = 0;
        buffers = 0;
      }
      this.release(chain);
    }
  }

  /** Marks `buffers` buffers occupying `slots` ring slots as used with one entry. */
  protected abstract writeUsed(id: number, writtenBytes: number, slots: number, buffers: number): void;
  /** The chain is no longer in flight. */
  protected abstract released(chain: DescriptorChain): void;

  /** Locates a ring area; faults when it is misaligned or not wholly in one piece of suitable memory. */
  protected locate(
    hi: number,
    lo: number,
    lengthBytes: number,
    alignment: number,
    write: boolean,
  ): RingArea | null {
    if (lo % alignment !== 0) {
      this.fail("ring-misaligned", -1, lo);
      return null;
    }
    const segments = this.#tableSegments;
    segments.clear();
    const error = this.dma.append(segments, hi, lo, lengthBytes, write);
    const offset = segments.offsets[0] as number;
    if (error !== null || segments.count !== 1) {
      this.fail("ring-out-of-range", -1, lo);
      return null;
    }
    // Behind a translator an aligned device address may lead to an unaligned one.
    if (offset % Math.min(alignment, 8) !== 0) {
      this.fail("ring-misaligned", -1, offset);
      return null;
    }
    return { region: segments.regions[0] as MemoryRegion, offset };
  }

  /** The configured addresses, for messages. */
  describe(): string {
    const c = this.config;
    return `size ${c.size} desc ${hex64(c.descHi, c.descLo)} driver ${hex64(c.driverHi, c.driverLo)} device ${hex64(c.deviceHi, c.deviceLo)}`;
  }
}

const EMPTY_WORDS: Uint32Array = new Uint32Array(0);
const EMPTY_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
