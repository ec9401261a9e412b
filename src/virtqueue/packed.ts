import { HOST_IS_LITTLE_ENDIAN, le16, le32 } from "../base/endian.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { MemoryRegion } from "../memory/region.ts";
import {
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  RING_EVENT_FLAGS_MASK,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "../wire/packed-ring.ts";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../wire/split-ring.ts";
import type { DescriptorChain } from "./chain.ts";
import type { QueueConfig, QueueOptions } from "./config.ts";
import {
  AVAIL_USED,
  CHAIN_IN_FLIGHT,
  DESCRIPTOR_BYTES,
  MAX_CHAIN_BYTES,
  NEXT_WRITE_INDIRECT,
} from "./constants.ts";
import type { DeviceQueue, QueueProgress } from "./device-queue.ts";
import { RingCore } from "./ring-core.ts";

const NONE8: Uint8Array = new Uint8Array(0);
const NONE16: Uint16Array = new Uint16Array(0);
const NONE32: Uint32Array = new Uint32Array(0);

/**
 * The device's side of a packed virtqueue (virtio 1.4, section 2.8). Descriptors are read once; the device's
 * positions and wrap counters are private. Made by `activateQueue`.
 *
 * @example
 * ```ts
 * const queue = activateQueue("packed", config, dma, options);
 * if (queue instanceof PackedDeviceQueue) console.log(queue.format); // "packed"
 * ```
 */
export class PackedDeviceQueue extends RingCore implements DeviceQueue {
  readonly format = "packed";
  /**
   * 1 for buffer ids in flight. Ids are the driver's own 16-bit numbers, but drivers number from 0: room for others is
   * made when one comes. What is beyond it reads as undefined, which is not 0.
   */
  private held: Uint8Array = NONE8;
  private readonly suppress: boolean = false;
  /** The driver is told when it need not notify. */
  private readonly asks: boolean = false;

  private desc16 = NONE16;
  private desc32 = NONE32;
  private descHalf = 0;
  private descWord = 0;
  private descOffset = 0;
  private descShared = false;
  /** Neither shared nor byte-swapped: descriptors may simply be read. */
  private descPlain = false;
  private onDescWrite: ((offset: number, length: number) => void) | null = null;
  private driver16 = NONE16;
  private driverHalf = 0;
  private driverShared = false;
  private device16 = NONE16;
  private deviceHalf = 0;
  private deviceShared = false;

  private next = 0;
  /** Index of the word in `desc32` with its flags. */
  private nextFlags = 0;
  /** What AVAIL and USED say in a descriptor that is available: the device's ring wrap counter as flags. */
  private availMark: number = VIRTQ_DESC_F_AVAIL;
  private used = 0;
  /** What AVAIL and USED say in a descriptor that is used. */
  private usedMark: number = AVAIL_USED;

  // Used descriptors not yet shown: the flags of the first one are held back until flush, so that the driver, which
  // looks only at its next one, sees the whole batch at once.
  private firstIdFlags = 0;
  private firstPosition = 0;
  /** Ring slots passed since the last flush. */
  private slotsPending = 0;

  private eventFlags: number = RING_EVENT_FLAGS_ENABLE;
  private eventOffWrap = -1;

  constructor(config: QueueConfig, dma: DmaSpace, options: QueueOptions, progress: QueueProgress | null) {
    super(config, dma, options);
    this.held = new Uint8Array(config.size);
    this.suppress = options.suppressWhileDraining;
    this.asks = this.suppress || options.eventIdx;
    if (progress !== null) {
      this.next = progress.nextAvail % config.size;
      this.used = progress.nextUsed % config.size;
      this.availMark = (progress.availWrap & 1) !== 0 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
      this.usedMark = (progress.usedWrap & 1) !== 0 ? AVAIL_USED : 0;
    }
    this.refresh();
  }

  refresh(): boolean {
    const memory = this.dma.memory;
    if (this.epoch === memory.epoch) return this.fault === null;
    this.forgetRegion();
    const { size, config } = this;
    const alignment = this.options.ringAlignment === "least" ? 4 : 16;
    const desc = this.locate(config.descHi, config.descLo, size * DESCRIPTOR_BYTES, alignment, true);
    const driver = this.locate(config.driverHi, config.driverLo, 4, 4, false);
    const device = this.locate(config.deviceHi, config.deviceLo, 4, 4, true);
    if (desc === null || driver === null || device === null) return this.closeLost();
    this.desc16 = desc.region.u16;
    this.desc32 = desc.region.u32;
    this.descHalf = desc.offset >>> 1;
    this.descWord = desc.offset >>> 2;
    this.descOffset = desc.offset;
    this.descShared = desc.region.shared;
    this.nextFlags = this.flagsWord(this.next);
    this.descPlain = HOST_IS_LITTLE_ENDIAN && !desc.region.shared;
    this.onDescWrite = desc.region.onDeviceWrite;
    this.driver16 = driver.region.u16;
    this.driverHalf = driver.offset >>> 1;
    this.driverShared = driver.region.shared;
    this.device16 = device.region.u16;
    this.deviceHalf = device.offset >>> 1;
    this.deviceShared = device.region.shared;
    this.epoch = memory.epoch;
    return true;
  }

  /**
   * Buffer id and flags of a descriptor, as one signed word: USED is the uppermost bit, and as an unsigned number it would
   * be too large for a small integer, so that the engine would have to allocate one.
   */
  private readIdFlags(position: number): number {
    if (this.descShared) return this.acquireIdFlags(position);
    return le32(this.desc32[this.descWord + (position << 2) + 3] as number) | 0;
  }

  /**
   * The same where another thread may be writing: the flags publish the descriptor, so they are acquired before the
   * rest of it is read. [packed-ring.device.the-virtqueue-descriptor-table.2]
   */
  private acquireIdFlags(position: number): number {
    const flags = le16(Atomics.load(this.desc16, this.descHalf + (position << 3) + 7));
    const idFlags = le32(this.desc32[this.descWord + (position << 2) + 3] as number);
    return (flags << 16) | (idFlags & 0xffff);
  }

  // Small enough to be inlined; what follows is not.
  pop(): DescriptorChain | null {
    // Results of functions that may not get inlined are compared, not tested for truth: they could be anything.
    if (this.popsLeft <= 0 && this.renewPops() !== true) return null;
    const idFlags =
      this.descPlain === true ? (this.desc32[this.nextFlags] as number) | 0 : this.readIdFlags(this.next);
    if (((idFlags >>> 16) & AVAIL_USED) === this.availMark) return this.popAvailable(idFlags);
    this.sawEmpty = true;
    return null;
  }

  private popAvailable(firstIdFlags: number): DescriptorChain | null {
    const first = this.next;
    if (first === this.used && this.inFlight !== 0) {
      // The device holds every slot, so that this is a descriptor of its own: nothing can be available.
      this.sawEmpty = true;
      return null;
    }
    // Nearly all chains are like this: one segment to read, one to write, both in the region of the last ones. Anything
    // else, wrong or not, is left to `popSlow`, which starts anew and believes only what it reads itself. All is
    // plain arithmetic on 32-bit integers, that is what `| 0` says, and there are no calls in between.
    const words = this.desc32;
    const size = this.size;
    const mark = this.availMark;
    const at = (this.descWord + (first << 2)) | 0;
    let idFlags = firstIdFlags;
    let flags = idFlags >>> 16;
    const regionHi = this.regionHi;
    const regionLo = this.regionLo;
    const limit = this.regionBytes;
    let offset = ((words[at] as number) - regionLo) | 0;
    let length = (words[(at + 2) | 0] as number) | 0;
    if (
      ((words[(at + 1) | 0] as number) | 0) !== regionHi ||
      offset < 0 ||
      length <= 0 ||
      offset > ((limit - length) | 0)
    ) {
      return this.popSlow(firstIdFlags);
    }
    let readLength = 0;
    let readOffset = 0;
    let slots = 1;
    let next = (first + 1) | 0;
    if ((flags & NEXT_WRITE_INDIRECT) === VIRTQ_DESC_F_NEXT) {
      // It goes on behind this one, where a descriptor may be that the device holds. One that wraps to the start of the ring takes the slow path.
      if (next >= size || (next === this.used && this.inFlight !== 0)) return this.popSlow(firstIdFlags);
      const then = (at + 4) | 0;
      if (this.descPlain === true) idFlags = (words[(then + 3) | 0] as number) | 0;
      else idFlags = this.readIdFlags(next);
      flags = idFlags >>> 16;
      readLength = length;
      readOffset = offset;
      offset = ((words[then] as number) - regionLo) | 0;
      length = (words[(then + 2) | 0] as number) | 0;
      if (
        (flags & AVAIL_USED) !== mark ||
        ((words[(then + 1) | 0] as number) | 0) !== regionHi ||
        offset < 0 ||
        length <= 0 ||
        offset > ((limit - length) | 0)
      ) {
        return this.popSlow(firstIdFlags);
      }
      slots = 2;
      next = (next + 1) | 0;
    }
    // The last one, to write into; or the only one, to read.
    if ((flags & NEXT_WRITE_INDIRECT) !== VIRTQ_DESC_F_WRITE || this.regionWritable !== true) {
      if ((flags & NEXT_WRITE_INDIRECT) !== 0 || slots !== 1) return this.popSlow(firstIdFlags);
      readLength = length;
      readOffset = offset;
      length = 0;
    }
    // The id is in the last descriptor of a list.
    const id = idFlags & 0xffff;
    const held = this.held;
    if (held[id] !== 0) return this.popSlow(firstIdFlags);
    held[id] = 1;
    const chain = this.freeChain();
    if (chain.regionNumber !== this.regionNumber)
      chain.setRegions(this.region as MemoryRegion, this.regionNumber);
    chain.setBoth(readOffset, readLength, offset, length);
    chain.head = id;
    chain.ringSlots = slots;
    chain.descriptorCount = slots;
    chain.state = CHAIN_IN_FLIGHT;
    this.inFlight = (this.inFlight + 1) | 0;
    this.popsLeft = (this.popsLeft - 1) | 0;
    if (next === size) {
      next = 0;
      this.availMark = mark ^ AVAIL_USED;
    }
    this.next = next;
    this.nextFlags = (this.descWord + (next << 2) + 3) | 0;
    if (this.inOrder === true) this.order(chain);
    return chain;
  }

  /** As `popAvailable`, for any buffer. */
  private popSlow(firstIdFlags: number): DescriptorChain | null {
    const first = this.next;
    const chain = this.freeChain();
    if (!this.walk(chain, first, firstIdFlags)) return null;
    const id = chain.head;
    if (id >= this.held.length) this.makeRoom(id);
    if (this.held[id] !== 0) {
      this.fail("buffer-in-flight", first, id);
      return null;
    }
    this.held[id] = 1;
    chain.state = CHAIN_IN_FLIGHT;
    this.inFlight++;
    const slots = chain.ringSlots;
    this.popsLeft--;
    const next = first + slots;
    if (next < this.size) {
      this.next = next;
    } else {
      this.next = next - this.size;
      this.availMark ^= AVAIL_USED;
    }
    this.nextFlags = this.flagsWord(this.next);
    if (this.inOrder) this.order(chain);
    if (this.countElements(chain.descriptorCount)) this.popsLeft = 0;
    return chain;
  }

  private flagsWord(position: number): number {
    return (this.descWord + (position << 2) + 3) | 0;
  }

  private makeRoom(id: number): void {
    const held = new Uint8Array(Math.min(65536, 2 * (id + 1)));
    held.set(this.held);
    this.held = held;
  }

  /** Ring slots the device holds: those from the next used descriptor to the next available one. */
  private slotsInFlight(): number {
    if (this.inFlight === 0) return 0;
    const distance = this.next - this.used;
    return distance > 0 ? distance : distance + this.size;
  }

  /** Collects any list. Each descriptor is read once. */
  private walk(chain: DescriptorChain, first: number, firstIdFlags: number): boolean {
    this.beginWalk(chain);
    const words = this.desc32;
    let idFlags = firstIdFlags;
    let position = first;
    let mark = this.availMark;
    const held = this.slotsInFlight();
    let slots = 1;
    let readable = 0;
    let writable = 0;
    for (;;) {
      const at = this.descWord + (position << 2);
      const lo = le32(words[at] as number);
      const hi = le32(words[at + 1] as number);
      const length = le32(words[at + 2] as number);
      const flags = idFlags >>> 16;
      if ((flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
        // A list holds descriptors of one kind only. [packed-ring.driver.indirect-descriptors.4]
        if (slots > 1) return this.fail("indirect-with-next", first, flags);
        chain.head = idFlags & 0xffff;
        chain.ringSlots = 1;
        return this.readTable(chain, hi, lo, length, flags, first);
      }
      const write = flags & VIRTQ_DESC_F_WRITE;
      if (write !== 0) {
        writable += length;
      } else {
        // [split-ring.driver.message-framing.1]
        if (writable !== 0) return this.fail("readable-after-writable", first, flags);
        readable += length;
      }
      if (readable + writable > MAX_CHAIN_BYTES) return this.fail("chain-bytes-overflow", first, length);
      if (!this.place(chain, hi, lo, length, write, first)) return false;
      if ((flags & VIRTQ_DESC_F_NEXT) === 0) break;
      // The list may not reach round to descriptors the device already holds.
      if (slots + held >= this.size) return this.fail("chain-too-long", first, slots);
      slots++;
      if (++position === this.size) {
        position = 0;
        mark ^= AVAIL_USED;
      }
      idFlags = this.readIdFlags(position);
      if (((idFlags >>> 16) & AVAIL_USED) !== mark)
        return this.fail("list-incomplete", first, idFlags >>> 16);
    }
    chain.head = idFlags & 0xffff;
    chain.ringSlots = slots;
    chain.descriptorCount = slots;
    chain.readableBytes = readable;
    chain.writableBytes = writable;
    return true;
  }

  /** Collects an indirect table: all its entries, in order; of their flags only VIRTQ_DESC_F_WRITE counts. */
  private readTable(
    chain: DescriptorChain,
    tableHi: number,
    tableLo: number,
    tableBytes: number,
    tableFlags: number,
    first: number,
  ): boolean {
    if (!this.indirectDesc) return this.fail("indirect-not-negotiated", first, tableFlags);
    if ((tableFlags & VIRTQ_DESC_F_NEXT) !== 0 && this.options.indirectWithNext === "fault") {
      return this.fail("indirect-with-next", first, tableFlags);
    }
    chain.indirect = true;
    if (!this.openTable(tableHi, tableLo, tableBytes, first)) return false;
    const words = this.table32;
    const entries = this.tableEntries;
    let readable = 0;
    let writable = 0;
    let at = this.tableWord;
    for (let count = 1; count <= entries; count++, at += 4) {
      if (count > this.maxElements) return this.fail("chain-too-long", first, count);
      const lo = le32(words[at] as number);
      const hi = le32(words[at + 1] as number);
      const length = le32(words[at + 2] as number);
      const write = (le32(words[at + 3] as number) >>> 16) & VIRTQ_DESC_F_WRITE;
      if (write !== 0) {
        writable += length;
      } else {
        // [split-ring.driver.message-framing.1]
        if (writable !== 0) return this.fail("readable-after-writable", first, write);
        readable += length;
      }
      if (readable + writable > MAX_CHAIN_BYTES) return this.fail("chain-bytes-overflow", first, length);
      if (!this.place(chain, hi, lo, length, write, first)) return false;
    }
    chain.descriptorCount = entries;
    chain.readableBytes = readable;
    chain.writableBytes = writable;
    return true;
  }

  push(chain: DescriptorChain, writtenBytes: number): void {
    if (this.plain !== true || chain.state !== CHAIN_IN_FLIGHT || writtenBytes > chain.writableBytes) {
      this.pushSlow(chain, writtenBytes);
      return;
    }
    // As `writeUsed` and `release`, in one.
    const id = chain.head;
    const position = this.used;
    const idFlags = ((writtenBytes > 0 ? this.usedMark | VIRTQ_DESC_F_WRITE : this.usedMark) << 16) | id;
    const words = this.desc32;
    const at = (this.descWord + (position << 2)) | 0;
    words[(at + 2) | 0] = writtenBytes;
    const pending = this.slotsPending;
    if (pending === 0) {
      this.firstIdFlags = idFlags;
      this.firstPosition = position;
    } else {
      words[(at + 3) | 0] = idFlags;
    }
    const slots = chain.ringSlots;
    this.slotsPending = (pending + slots) | 0;
    const next = (position + slots) | 0;
    if (next < this.size) this.used = next;
    else this.wrapUsed(next);
    this.held[id] = 0;
    this.free(chain);
    if (this.onDescWrite !== null) this.reportWrite(position);
  }

  protected override writeUsed(id: number, writtenBytes: number, slots: number, _buffers: number): void {
    const position = this.used;
    const at = this.descWord + (position << 2);
    const idFlags = ((writtenBytes > 0 ? this.usedMark | VIRTQ_DESC_F_WRITE : this.usedMark) << 16) | id;
    this.desc32[at + 2] = le32(writtenBytes);
    if (this.slotsPending === 0) {
      this.firstIdFlags = idFlags;
      this.firstPosition = position;
    } else {
      this.desc32[at + 3] = le32(idFlags);
    }
    this.slotsPending += slots;
    const next = position + slots;
    if (next < this.size) this.used = next;
    else this.wrapUsed(next);
    if (this.onDescWrite !== null) this.reportWrite(position);
  }

  private reportWrite(position: number): void {
    this.onDescWrite?.(this.descOffset + position * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
  }

  private wrapUsed(next: number): void {
    this.used = next - this.size;
    this.usedMark ^= AVAIL_USED;
  }

  protected override release(chain: DescriptorChain): void {
    this.held[chain.head] = 0;
    this.free(chain);
  }

  flush(): boolean {
    if (this.plain !== true && !this.canFlush()) return false;
    const passed = this.slotsPending;
    if (passed === 0) return false;
    this.slotsPending = 0;
    const first = this.firstPosition;
    if (this.descPlain === true) {
      this.desc32[this.flagsWord(first)] = this.firstIdFlags;
    } else {
      this.showFirst(first);
    }
    const events = this.readDriver(1) & RING_EVENT_FLAGS_MASK;
    if (events === RING_EVENT_FLAGS_DISABLE) return false;
    return events !== RING_EVENT_FLAGS_DESC || this.eventIdx !== true || this.reachedEvent(passed);
  }

  /** Marks the first descriptor of a batch as used, behind everything else. */
  private showFirst(first: number): void {
    const at = this.descHalf + (first << 3);
    const flags = le16(this.firstIdFlags >>> 16);
    this.desc16[at + 6] = le16(this.firstIdFlags & 0xffff);
    if (this.descShared) Atomics.store(this.desc16, at + 7, flags);
    else this.desc16[at + 7] = flags;
  }

  /** True when the slot that the driver asked about is among the last `passed`. */
  private reachedEvent(passed: number): boolean {
    // The wrap counter under which the first one was written, from the one its flags carry.
    const firstWrap = this.firstIdFlags >>> 31;
    // Distance from the first slot of this batch to the slot the driver asked about, both counted over two laps.
    const offWrap = this.readDriver(0);
    const lap = this.size;
    const event = (offWrap & 0x7fff) + (offWrap >>> 15 === firstWrap ? 0 : lap);
    const distance = (event - this.firstPosition + 2 * lap) % (2 * lap);
    return distance < passed;
  }

  private readDriver(half: number): number {
    const at = (this.driverHalf + half) | 0;
    if (this.driverShared === true) return le16(Atomics.load(this.driver16, at));
    return le16(this.driver16[at] as number);
  }

  private writeDevice(half: number, value: number): void {
    const at = this.deviceHalf + half;
    if (this.deviceShared) Atomics.store(this.device16, at, le16(value));
    else this.device16[at] = le16(value);
  }

  private setEventFlags(flags: number): void {
    if (this.eventFlags === flags) return;
    this.eventFlags = flags;
    this.writeDevice(1, flags);
  }

  beginDrain(): void {
    this.openDrain();
    if (this.suppress === true) this.setEventFlags(RING_EVENT_FLAGS_DISABLE);
  }

  endDrain(): boolean {
    this.draining = false;
    // A driver that is never asked to be silent notifies of every buffer: there is nothing to ask it for.
    if (this.asks !== true || this.stopped) return false;
    return this.askForNotification();
  }

  private askForNotification(): boolean {
    if (this.eventIdx) {
      const offWrap = this.next | (this.availMark === VIRTQ_DESC_F_AVAIL ? 0x8000 : 0);
      if (offWrap !== this.eventOffWrap) {
        this.eventOffWrap = offWrap;
        this.writeDevice(0, offWrap);
      }
      this.setEventFlags(RING_EVENT_FLAGS_DESC);
    } else {
      this.setEventFlags(RING_EVENT_FLAGS_ENABLE);
    }
    if (!this.sawEmpty) return false;
    this.sawEmpty = false;
    return this.hasNext;
  }

  get hasNext(): boolean {
    return (
      this.stopped === false &&
      this.slotsInFlight() !== this.size &&
      ((this.readIdFlags(this.next) >>> 16) & AVAIL_USED) === this.availMark
    );
  }

  get unpublished(): boolean {
    return this.slotsPending !== 0;
  }

  progress(): QueueProgress {
    return {
      format: "packed",
      nextAvail: this.next,
      nextUsed: this.used,
      availWrap: this.availMark === VIRTQ_DESC_F_AVAIL ? 1 : 0,
      usedWrap: this.usedMark !== 0 ? 1 : 0,
    };
  }
}
