import { HOST_IS_LITTLE_ENDIAN } from "../base/endian.ts";
import { VirtioBugError } from "../base/errors.ts";
import { hex64 } from "../base/u64.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { MemoryRegion } from "../memory/region.ts";
import { copyBytes, SegmentList } from "../memory/segments.ts";
import { DescriptorChain } from "./chain.ts";
import type { QueueConfig, QueueOptions } from "./config.ts";
import {
  CHAIN_FREE,
  CHAIN_HELD,
  CHAIN_IN_FLIGHT,
  DESCRIPTOR_BYTES,
  DRAIN_LAPS,
  ELEMENT_WORK,
  MAX_CHAIN_BYTES,
  POPS_WITHOUT_DRAIN,
  TRANSLATED_WORK,
} from "./constants.ts";
import type { QueueFault, QueueFaultCode } from "./fault.ts";

/**
 * Most runs of memory that a translator may cut a chain into, adjacent or not: 32 MiB in pages of 4 KiB. A chain is found
 * in one go, so that this is what a turn of the event loop may have to bear.
 */
const MAX_CHAIN_WALKS = 8192;

/** The fast path reaches only this far into a region: two elements have less than {@link MAX_CHAIN_BYTES}, and small integers do. */
const MAX_FAST_BYTES = 0x7fffffff;

/** So many changes of the region, which a guest can cause in minutes, and the numbers start anew: small integers, as before. */
const LAST_REGION_NUMBER = 0x3fffffff;

// A table that has to be copied (unaligned, or scattered by the translator) is copied up to where `next` reaches.
const MAX_TABLE_COPY_BYTES = 65536 * DESCRIPTOR_BYTES;

/** One of the three parts of a queue, located in host memory. */
export interface RingArea {
  region: MemoryRegion;
  /** Offset in the region, in bytes. */
  offset: number;
}

/**
 * What split and packed rings share: the placing of elements in memory, indirect tables, in-order return, faults. A
 * ring format adds how descriptors become available and how they are marked used.
 */
export abstract class RingCore {
  readonly size: number = 0;
  inFlight = 0;
  fault: QueueFault | null = null;
  closed = false;
  limited = false;

  protected readonly dma: DmaSpace;
  protected readonly options: QueueOptions;
  readonly config: Readonly<QueueConfig>;
  /**
   * All chains of this queue: made on demand, at most as many as it has entries. Those in flight come first, as many as
   * `inFlight` says; behind them comes the free one that was used last, which the processor still has in its cache.
   */
  protected readonly chains: DescriptorChain[] = [];
  // The options that every request or every drain reads. Here as everywhere in the rings fields begin with a value of
  // the kind that they are to have: one that has been undefined has to be asked for its kind whenever it is read.
  protected readonly maxElements: number = 0;
  protected readonly inOrder: boolean = false;
  protected readonly eventIdx: boolean = false;
  protected readonly indirectDesc: boolean = false;
  private popsInDrain = 0;

  protected epoch = -1;
  /** The last unsuccessful pop found the ring empty, so that the device has seen everything. */
  protected sawEmpty = false;
  /** Buffers that may be popped before it has to be decided whether the drain goes on. */
  protected popsLeft: number = POPS_WITHOUT_DRAIN;
  protected stopped = false;
  protected draining = false;
  /** Runs of memory that a translator may still be asked for on behalf of the buffer that is being walked. */
  private walksLeft: number = MAX_CHAIN_WALKS;
  /** Neither closed nor IN_ORDER, on a little-endian host: buffers are returned on the fast path. */
  protected plain: boolean = false;

  // The open indirect table: words, index of its first word, number of entries.
  protected table32: Uint32Array = EMPTY_WORDS;
  protected tableWord = 0;
  protected tableEntries = 0;
  private tableCopy: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  private readonly segments: SegmentList = new SegmentList(4);

  /**
   * The region of the last element, where the next one most likely is, too; none with a translator, and none on hosts
   * that are not little-endian, so that its words may be read without swapping bytes.
   */
  protected region: MemoryRegion | null = null;
  /** Tells it from earlier ones: chains remember the number, since comparing objects takes much longer. */
  protected regionNumber = 0;
  protected regionWritable = false;
  // Its address as signed halves, and how much of it the fast path may touch: that stays within the lower half's range.
  // Nothing, where there is no region.
  protected regionHi = 0;
  protected regionLo = 0;
  protected regionBytes = 0;

  // Chains in the order they were popped, as a ring of `size` slots; used with IN_ORDER only.
  private readonly inOrderChains: (DescriptorChain | null)[];
  private orderHead = 0;
  private orderCount = 0;

  protected constructor(config: QueueConfig, dma: DmaSpace, options: QueueOptions) {
    this.size = config.size;
    this.config = { ...config };
    this.dma = dma;
    this.options = options;
    this.maxElements = Math.max(config.size, options.maxChainElements);
    this.inOrder = options.inOrder;
    this.eventIdx = options.eventIdx;
    this.indirectDesc = options.indirectDesc;
    this.plain = HOST_IS_LITTLE_ENDIAN && !options.inOrder;
    this.popsInDrain = config.size * DRAIN_LAPS;
    this.inOrderChains = options.inOrder ? new Array<DescriptorChain | null>(config.size).fill(null) : [];
  }

  close(): void {
    this.closed = true;
    this.plain = false;
    for (const chain of this.chains) chain.abandon();
    this.stop();
  }

  /** Closes the queue because its rings are no longer in guest memory. Always returns false, for `return this.closeLost()`. */
  protected closeLost(): false {
    this.close();
    return false;
  }

  /** Nothing is popped from now on: the queue faulted or was closed. */
  protected stop(): void {
    this.stopped = true;
    this.popsLeft = 0;
    this.popsInDrain = 0;
  }

  protected openDrain(): void {
    this.sawEmpty = false;
    this.limited = false;
    this.draining = true;
    this.popsLeft = this.popsInDrain;
  }

  /** Called when no pops are left: allows more outside of a drain, else ends the drain. Returns whether one may pop. */
  protected renewPops(): boolean {
    if (this.stopped) return false;
    if (this.draining) {
      this.limited = true;
      return false;
    }
    this.popsLeft = POPS_WITHOUT_DRAIN;
    return true;
  }

  /**
   * Charges the elements of a popped buffer beyond two; true when the drain has to end for it. Every buffer of a large ring
   * may refer to one and the same table that is as large, and walking it takes as long each time.
   */
  protected countElements(elements: number): boolean {
    const { budget } = this.options;
    if (budget === null) return false;
    if (elements > 2) budget.charge((elements - 2) * ELEMENT_WORK);
    return this.draining && budget.spent;
  }

  /** Records the fault and stops the queue. Always returns false, for `return this.fail(…)`. */
  protected fail(code: QueueFaultCode, head: number, value: number): false {
    if (this.fault === null) this.fault = { code, head, value };
    this.stop();
    return false;
  }

  /** The walk of a buffer on the slow path begins. */
  protected beginWalk(chain: DescriptorChain): void {
    chain.clear();
    this.walksLeft = MAX_CHAIN_WALKS;
  }

  /** A free chain, which is as it was. It is taken once `inFlight` counts it. */
  protected freeChain(): DescriptorChain {
    const chains = this.chains;
    const count = this.inFlight;
    if (count < chains.length) return chains[count] as DescriptorChain;
    const chain = new DescriptorChain();
    chain.place = count;
    chains.push(chain);
    return chain;
  }

  /** Frees a chain that is in flight. */
  protected free(chain: DescriptorChain): void {
    chain.state = CHAIN_FREE;
    const last = (this.inFlight - 1) | 0;
    this.inFlight = last;
    if (chain.place !== last) this.swap(chain, last);
  }

  /** Lets the last chain in flight and one before it, which is not any more, change places. */
  private swap(chain: DescriptorChain, last: number): void {
    const { chains } = this;
    const other = chains[last] as DescriptorChain;
    other.place = chain.place;
    chains[chain.place] = other;
    chain.place = last;
    chains[last] = chain;
  }

  /**
   * Adds the memory of an element to the chain; false on a fault. `write` is 0 or VIRTQ_DESC_F_WRITE: a number, as
   * a boolean would have to be made from it and taken apart again.
   */
  protected place(
    chain: DescriptorChain,
    hi: number,
    lo: number,
    lengthBytes: number,
    write: number,
    head: number,
  ): boolean {
    const region = this.region;
    if (region !== null && lengthBytes !== 0) {
      const offset = region.offsetOf(hi, lo, lengthBytes);
      if (offset >= 0 && (write === 0 || region.deviceWritable === true)) {
        chain.add(region, offset, lengthBytes, write);
        return true;
      }
    }
    return this.placeElsewhere(chain, hi, lo, lengthBytes, write, head);
  }

  private placeElsewhere(
    chain: DescriptorChain,
    hi: number,
    lo: number,
    lengthBytes: number,
    write: number,
    head: number,
  ): boolean {
    if (lengthBytes === 0) {
      return this.options.zeroLengthElement === "accept" || this.fail("zero-length", head, write);
    }
    const segments = this.segments;
    segments.clear();
    const error = this.dma.append(segments, hi, lo, lengthBytes, write !== 0, this.walksLeft);
    const { walked } = segments;
    if (walked > 0) {
      this.walksLeft -= walked;
      this.options.budget?.charge(walked * TRANSLATED_WORK);
      if (this.walksLeft < 0) return this.fail("chain-too-long", head, walked);
    }
    if (error !== null) return this.fail(error, head, lo);
    for (let i = 0; i < segments.count; i++) {
      const region = segments.regions[i] as MemoryRegion;
      chain.add(region, segments.offsets[i] as number, segments.lengths[i] as number, write);
    }
    if (this.dma.translator === null) this.setRegion(segments.regions[0] as MemoryRegion);
    return true;
  }

  protected forgetRegion(): void {
    this.region = null;
    this.regionBytes = 0;
  }

  private setRegion(region: MemoryRegion): void {
    if (!HOST_IS_LITTLE_ENDIAN) return;
    if (region === this.region) return;
    this.region = region;
    if (++this.regionNumber === LAST_REGION_NUMBER) {
      for (const chain of this.chains) chain.regionNumber = 0;
      this.regionNumber = 1;
    }
    this.regionWritable = region.deviceWritable;
    this.regionHi = region.baseHi | 0;
    this.regionLo = region.baseLo | 0;
    this.regionBytes = Math.min(region.sizeBytes, 4294967296 - region.baseLo, MAX_FAST_BYTES);
  }

  /**
   * Opens the indirect table at the address as `table32`/`tableWord`/`tableEntries`. In place where it is aligned
   * and contiguous, else through one private copy.
   */
  protected openTable(hi: number, lo: number, lengthBytes: number, head: number): boolean {
    if (lengthBytes === 0 || lengthBytes % DESCRIPTOR_BYTES !== 0) {
      return this.fail("indirect-length", head, lengthBytes);
    }
    const region = this.region;
    if (region !== null) {
      const offset = region.offsetOf(hi, lo, lengthBytes);
      if (offset >= 0 && (offset & 3) === 0) {
        this.table32 = region.u32;
        this.tableWord = offset >>> 2;
        this.tableEntries = lengthBytes >>> 4;
        return true;
      }
    }
    return this.openTableElsewhere(hi, lo, lengthBytes, head);
  }

  private openTableElsewhere(hi: number, lo: number, lengthBytes: number, head: number): boolean {
    const segments = this.segments;
    segments.clear();
    if (this.dma.append(segments, hi, lo, lengthBytes, false) !== null) {
      return this.fail("indirect-out-of-range", head, lo);
    }
    const offset = segments.offsets[0] as number;
    if (segments.count === 1 && (offset & 3) === 0) {
      this.table32 = (segments.regions[0] as MemoryRegion).u32;
      this.tableWord = offset >>> 2;
      this.tableEntries = lengthBytes >>> 4;
      return true;
    }
    const length = Math.min(lengthBytes, MAX_TABLE_COPY_BYTES);
    if (this.tableCopy.length < length) this.tableCopy = new Uint8Array(length);
    let done = 0;
    for (let i = 0; i < segments.count && done < length; i++) {
      const part = Math.min(segments.lengths[i] as number, length - done);
      const { u8 } = segments.regions[i] as MemoryRegion;
      copyBytes(u8, segments.offsets[i] as number, this.tableCopy, done, part);
      done += part;
    }
    this.table32 = new Uint32Array(this.tableCopy.buffer, 0, length >>> 2);
    this.tableWord = 0;
    this.tableEntries = length >>> 4;
    return true;
  }

  /** Remembers whose turn it is to come back; with IN_ORDER. */
  protected order(chain: DescriptorChain): void {
    this.inOrderChains[(this.orderHead + this.orderCount) % this.size] = chain;
    this.orderCount++;
  }

  /** The slow path of `push`: any buffer, wrong ones included. */
  protected pushSlow(chain: DescriptorChain, writtenBytes: number): void {
    if (this.closed) return;
    if (chain.state !== CHAIN_IN_FLIGHT || writtenBytes > chain.writableBytes) {
      throw wrongPush(chain, writtenBytes);
    }
    // [content.device.reserved-feature-bits.7] buffers come back in the order they became available.
    if (this.inOrder) {
      chain.state = CHAIN_HELD;
      chain.heldWritten = writtenBytes;
      return;
    }
    this.writeUsed(chain.head, writtenBytes, chain.ringSlots, 1);
    this.release(chain);
  }

  /** Where flushing isn't plain: false when nothing can be shown to the driver any more. */
  protected canFlush(): boolean {
    if (this.closed) return false;
    if (this.inOrder) this.writeInOrder();
    return true;
  }

  /** Writes used entries for the oldest chains as far as they are complete; called by flush with IN_ORDER. */
  private writeInOrder(): void {
    let slots = 0;
    let buffers = 0;
    while (this.orderCount > 0) {
      const chain = this.inOrderChains[this.orderHead] as DescriptorChain;
      if (chain.state !== CHAIN_HELD) break;
      const written = chain.heldWritten;
      slots += chain.ringSlots;
      buffers++;
      this.inOrderChains[this.orderHead] = null;
      this.orderHead = (this.orderHead + 1) % this.size;
      this.orderCount--;
      // A skipped buffer counts as used completely, so only one that was written completely may be skipped.
      const next = this.orderCount > 0 ? (this.inOrderChains[this.orderHead] as DescriptorChain) : null;
      const skip =
        this.options.inOrderBatching &&
        written === chain.writableBytes &&
        next !== null &&
        next.state === CHAIN_HELD;
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
  /** The chain is no longer in flight: back into the pool. */
  protected abstract release(chain: DescriptorChain): void;

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
    const segments = this.segments;
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

function wrongPush(chain: DescriptorChain, writtenBytes: number): VirtioBugError {
  return new VirtioBugError(
    chain.state === CHAIN_IN_FLIGHT
      ? `${writtenBytes} bytes written into ${chain.writableBytes}`
      : "a chain was pushed twice",
  );
}

const EMPTY_WORDS: Uint32Array = new Uint32Array(0);
const EMPTY_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
