import { HOST_IS_LITTLE_ENDIAN, le16, le32 } from "../base/endian.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { MemoryRegion } from "../memory/region.ts";
import {
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
} from "../wire/split-ring.ts";
import type { DescriptorChain } from "./chain.ts";
import type { QueueConfig, QueueOptions } from "./config.ts";
import { CHAIN_IN_FLIGHT, DESCRIPTOR_BYTES, MAX_CHAIN_BYTES, NEXT_WRITE_INDIRECT } from "./constants.ts";
import type { DeviceQueue, QueueProgress } from "./device-queue.ts";
import { RingCore } from "./ring-core.ts";

const NONE8: Uint8Array = new Uint8Array(0);
const NONE16: Uint16Array = new Uint16Array(0);
const NONE32: Uint32Array = new Uint32Array(0);

/**
 * The device's side of a split virtqueue (virtio 1.4, section 2.7). Each field the driver writes is read once;
 * the device's own indexes are private and never read back. Made by `activateQueue`.
 *
 * @example
 * ```ts
 * const queue = activateQueue("split", config, dma, options);
 * if (queue instanceof SplitDeviceQueue) console.log(queue.format); // "split"
 * ```
 */
export class SplitDeviceQueue extends RingCore implements DeviceQueue {
  readonly format = "split";
  private readonly mask: number = 0;
  /** 1 for heads that the device holds. */
  private readonly held: Uint8Array = NONE8;
  private readonly suppress: boolean = false;
  /** The driver is told when it need not notify. */
  private readonly asks: boolean = false;
  private readonly notifyOnEmpty: boolean = false;

  // Ring memory: views and the indexes of its parts in units of the view.
  private desc32 = NONE32;
  private descWord = 0;
  private avail16 = NONE16;
  private availFlags = 0;
  private availRing = 0;
  private used16 = NONE16;
  private used32 = NONE32;
  private usedFlags = 0;
  private usedRingWord = 0;
  /** The used ring is misaligned: its words are written in halves. */
  private usedInHalves = false;
  private usedOffset = 0;
  private usedBytes = 0;
  private onUsedWrite: ((offset: number, length: number) => void) | null = null;
  private availShared = false;
  /** Neither shared nor byte-swapped: the driver's half-words may simply be read. */
  private availPlain = false;
  private usedShared = false;

  /** Next available entry to pop, and how far the driver's index was when last read. */
  private next = 0;
  private availIdx = 0;
  /** Next used entry to write, and the index the driver was last shown. */
  private used = 0;
  private published = 0;
  private availEvent = -1;
  private noNotify = false;

  constructor(config: QueueConfig, dma: DmaSpace, options: QueueOptions, progress: QueueProgress | null) {
    super(config, dma, options);
    this.mask = config.size - 1;
    this.held = new Uint8Array(config.size);
    // With EVENT_IDX flags stay 0; an event index left behind suppresses as well.
    // [split-ring.device.available-buffer-notification-suppression.3]
    this.suppress = options.suppressWhileDraining && !options.eventIdx;
    this.asks = options.suppressWhileDraining || options.eventIdx;
    this.notifyOnEmpty = options.notifyOnEmpty;
    if (progress !== null) {
      this.next = this.availIdx = progress.nextAvail & 0xffff;
      this.used = this.published = progress.nextUsed & 0xffff;
    }
    this.refresh();
  }

  refresh(): boolean {
    const memory = this.dma.memory;
    if (this.epoch === memory.epoch) return this.fault === null;
    this.forgetRegion();
    const { size, config } = this;
    const event = this.eventIdx ? 2 : 0;
    const usedBytes = 4 + 8 * size + event;
    const least = this.options.ringAlignment === "least";
    const desc = this.locate(config.descHi, config.descLo, size * DESCRIPTOR_BYTES, least ? 4 : 16, false);
    const avail = this.locate(config.driverHi, config.driverLo, 4 + 2 * size + event, 2, false);
    const used = this.locate(config.deviceHi, config.deviceLo, usedBytes, least ? 2 : 4, true);
    if (desc === null || avail === null || used === null) return this.closeLost();
    this.desc32 = desc.region.u32;
    this.descWord = desc.offset >>> 2;
    this.avail16 = avail.region.u16;
    this.availFlags = avail.offset >>> 1;
    this.availRing = this.availFlags + 2;
    this.availShared = avail.region.shared;
    this.availPlain = HOST_IS_LITTLE_ENDIAN && !avail.region.shared;
    this.used16 = used.region.u16;
    this.used32 = used.region.u32;
    this.usedFlags = used.offset >>> 1;
    this.usedRingWord = (used.offset >>> 2) + 1;
    this.usedInHalves = (used.offset & 2) !== 0;
    if (this.usedInHalves) this.plain = false;
    this.usedOffset = used.offset;
    this.usedBytes = usedBytes;
    this.usedShared = used.region.shared;
    this.onUsedWrite = used.region.onDeviceWrite;
    this.epoch = memory.epoch;
    return true;
  }

  // Small enough to be inlined; what follows is not.
  pop(): DescriptorChain | null {
    // Results of functions that may not get inlined are compared, not tested for truth: they could be anything.
    if (this.next === this.availIdx && this.look() !== true) return null;
    return this.popAvailable();
  }

  private popAvailable(): DescriptorChain | null {
    const next = this.next;
    // Nearly all chains are like this: one segment to read, one to write, both in the region of the last ones, direct or in
    // a table. Anything else, wrong or not, is left to `popSlow`, which starts anew and believes only what it reads
    // itself. All is plain arithmetic on 32-bit integers, that is what `| 0` says, and there are no calls in between.
    const head = this.avail16[(this.availRing + (next & this.mask)) | 0] as number;
    const held = this.held;
    let entries = this.size;
    if (head >= entries || held[head] !== 0) return this.popSlow();
    const regionHi = this.regionHi;
    const regionLo = this.regionLo;
    const limit = this.regionBytes;
    let words = this.desc32;
    let base = this.descWord;
    let at = (base + (head << 2)) | 0;
    let offset = ((words[at] as number) - regionLo) | 0;
    let hi = (words[(at + 1) | 0] as number) | 0;
    let length = (words[(at + 2) | 0] as number) | 0;
    let flags = (words[(at + 3) | 0] as number) | 0;
    if (hi !== regionHi || offset < 0 || length <= 0 || offset > ((limit - length) | 0))
      return this.popSlow();
    let indirect = false;
    if ((flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
      if (this.indirectDesc !== true || ((offset & 3) | (length & 15) | (flags & VIRTQ_DESC_F_NEXT)) !== 0)
        return this.popSlow();
      indirect = true;
      words = (this.region as MemoryRegion).u32;
      base = at = offset >>> 2;
      entries = length >>> 4;
      offset = ((words[at] as number) - regionLo) | 0;
      hi = (words[(at + 1) | 0] as number) | 0;
      length = (words[(at + 2) | 0] as number) | 0;
      flags = (words[(at + 3) | 0] as number) | 0;
      if (hi !== regionHi || offset < 0 || length <= 0 || offset > ((limit - length) | 0))
        return this.popSlow();
    }
    let readLength = 0;
    let readOffset = 0;
    let count = 1;
    if ((flags & NEXT_WRITE_INDIRECT) === VIRTQ_DESC_F_NEXT) {
      const index = flags >>> 16;
      if (index >= entries) return this.popSlow();
      readLength = length;
      readOffset = offset;
      at = (base + (index << 2)) | 0;
      offset = ((words[at] as number) - regionLo) | 0;
      hi = (words[(at + 1) | 0] as number) | 0;
      length = (words[(at + 2) | 0] as number) | 0;
      flags = (words[(at + 3) | 0] as number) | 0;
      if (hi !== regionHi || offset < 0 || length <= 0 || offset > ((limit - length) | 0))
        return this.popSlow();
      count = 2;
    }
    // The last one, to write into; or the only one, to read.
    if ((flags & NEXT_WRITE_INDIRECT) !== VIRTQ_DESC_F_WRITE || this.regionWritable !== true) {
      if ((flags & NEXT_WRITE_INDIRECT) !== 0 || count !== 1) return this.popSlow();
      readLength = length;
      readOffset = offset;
      length = 0;
    }
    held[head] = 1;
    const chain = this.freeChain();
    if (chain.regionNumber !== this.regionNumber)
      chain.setRegions(this.region as MemoryRegion, this.regionNumber);
    chain.setBoth(readOffset, readLength, offset, length);
    chain.head = head;
    chain.descriptorCount = count;
    chain.indirect = indirect;
    chain.state = CHAIN_IN_FLIGHT;
    this.inFlight = (this.inFlight + 1) | 0;
    this.next = (next + 1) & 0xffff;
    if (this.inOrder === true) this.order(chain);
    return chain;
  }

  /** Looks at the driver's index, once for all buffers that are available now; true when there are any. */
  private look(): boolean {
    if (this.popsLeft <= 0 && !this.renewPops()) return false;
    const idx = this.readAvail((this.availFlags + 1) | 0);
    if (idx === this.next) {
      this.sawEmpty = true;
      return false;
    }
    return this.accept(idx);
  }

  /** As `popAvailable`, for any buffer. */
  private popSlow(): DescriptorChain | null {
    const head = le16(this.avail16[this.availRing + (this.next & this.mask)] as number);
    if (head >= this.size || this.held[head] !== 0) {
      this.fail(head >= this.size ? "head-out-of-range" : "buffer-in-flight", head, head);
      return null;
    }
    const chain = this.freeChain();
    if (!this.walk(chain, head)) return null;
    chain.head = head;
    chain.ringSlots = 1;
    chain.state = CHAIN_IN_FLIGHT;
    this.held[head] = 1;
    this.inFlight++;
    this.next = (this.next + 1) & 0xffff;
    if (this.inOrder) this.order(chain);
    if (this.countElements(chain.descriptorCount)) {
      this.availIdx = this.next;
      this.popsLeft = 0;
    }
    return chain;
  }

  /** Collects any chain. Each descriptor is read once. */
  private walk(chain: DescriptorChain, head: number): boolean {
    this.beginWalk(chain);
    let words = this.desc32;
    let base = this.descWord;
    let entries = this.size;
    let index = head;
    let count = 0;
    let readable = 0;
    let writable = 0;
    for (;;) {
      const at = base + (index << 2);
      const lo = le32(words[at] as number);
      const hi = le32(words[at + 1] as number);
      const length = le32(words[at + 2] as number);
      const flagsNext = le32(words[at + 3] as number);
      if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0) {
        if (!this.enterTable(chain, hi, lo, length, flagsNext & 0xffff, head)) return false;
        words = this.table32;
        base = this.tableWord;
        entries = this.tableEntries;
        index = 0;
        continue;
      }
      // Bounds the walk whatever the links say, so that loops end here.
      // [split-ring.driver.the-virtqueue-descriptor-table.1]
      if (++count > this.maxElements) return this.fail("chain-too-long", head, count);
      const write = flagsNext & VIRTQ_DESC_F_WRITE;
      if (write !== 0) {
        writable += length;
      } else {
        // [split-ring.driver.message-framing.1]
        if (writable !== 0) return this.fail("readable-after-writable", head, flagsNext & 0xffff);
        readable += length;
      }
      if (readable + writable > MAX_CHAIN_BYTES) return this.fail("chain-bytes-overflow", head, length);
      if (!this.place(chain, hi, lo, length, write, head)) return false;
      if ((flagsNext & VIRTQ_DESC_F_NEXT) === 0) break;
      index = flagsNext >>> 16;
      if (index >= entries) return this.fail("next-out-of-range", head, index);
    }
    chain.descriptorCount = count;
    chain.readableBytes = readable;
    chain.writableBytes = writable;
    return true;
  }

  protected override stop(): void {
    super.stop();
    this.availIdx = this.next;
  }

  /** Takes over the driver's index; false when that can't be it. */
  private accept(idx: number): boolean {
    const pending = (idx - this.next) & 0xffff;
    // No more buffers can be outstanding than there are descriptors; an index moved back is a huge jump forward.
    // [split-ring.driver.the-virtqueue-available-ring.1]
    if (pending + this.inFlight > this.size) return this.fail("avail-idx-jump", -1, idx);
    this.availIdx = idx;
    this.popsLeft -= pending;
    return true;
  }

  /** Goes on in the indirect table that a descriptor refers to. */
  private enterTable(
    chain: DescriptorChain,
    hi: number,
    lo: number,
    lengthBytes: number,
    flags: number,
    head: number,
  ): boolean {
    if (!this.indirectDesc) return this.fail("indirect-not-negotiated", head, flags);
    if (chain.indirect) return this.fail("indirect-nested", head, flags);
    // [split-ring.driver.indirect-descriptors.4]
    if ((flags & VIRTQ_DESC_F_NEXT) !== 0 && this.options.indirectWithNext === "fault") {
      return this.fail("indirect-with-next", head, flags);
    }
    // VIRTQ_DESC_F_WRITE means nothing here. [split-ring.device.indirect-descriptors.1]
    // Direct elements may come before the table. [split-ring.device.indirect-descriptors.2]
    chain.indirect = true;
    return this.openTable(hi, lo, lengthBytes, head);
  }

  push(chain: DescriptorChain, writtenBytes: number): void {
    if (this.plain !== true || chain.state !== CHAIN_IN_FLIGHT || writtenBytes > chain.writableBytes) {
      this.pushSlow(chain, writtenBytes);
      return;
    }
    // As `writeUsed` and `release`, in one.
    const head = chain.head;
    const used = this.used;
    const words = this.used32;
    const at = (this.usedRingWord + ((used & this.mask) << 1)) | 0;
    words[at] = head;
    words[(at + 1) | 0] = writtenBytes;
    this.used = (used + 1) & 0xffff;
    this.held[head] = 0;
    this.free(chain);
  }

  protected override writeUsed(id: number, writtenBytes: number, _slots: number, buffers: number): void {
    if (this.usedInHalves) {
      const half = this.usedFlags + 2 + ((this.used & this.mask) << 2);
      this.used16[half] = le16(id & 0xffff);
      this.used16[half + 1] = le16(id >>> 16);
      this.used16[half + 2] = le16(writtenBytes & 0xffff);
      this.used16[half + 3] = le16(writtenBytes >>> 16);
    } else {
      const at = this.usedRingWord + ((this.used & this.mask) << 1);
      this.used32[at] = le32(id);
      this.used32[at + 1] = le32(writtenBytes);
    }
    this.used = (this.used + buffers) & 0xffff;
  }

  protected override release(chain: DescriptorChain): void {
    this.held[chain.head] = 0;
    this.free(chain);
  }

  flush(): boolean {
    if (this.plain !== true && !this.canFlush()) return false;
    const used = this.used;
    const old = this.published;
    if (used === old) return false;
    // The entries are written before the index: the atomic store orders them for the other thread.
    // [split-ring.device.the-virtqueue-used-ring.1]
    this.writeUsedHalf((this.usedFlags + 1) | 0, used);
    this.published = used;
    if (this.onUsedWrite !== null) this.onUsedWrite(this.usedOffset, this.usedBytes);
    // [content.legacy.legacy-interface-reserved-feature-bits.2]
    if (this.notifyOnEmpty === true && this.readAvail((this.availFlags + 1) | 0) === this.next) return true;
    if (this.eventIdx === true) {
      // [split-ring.device.used-buffer-notification-suppression.4]
      const event = this.readAvail((this.availRing + this.size) | 0);
      return ((used - event - 1) & 0xffff) < ((used - old) & 0xffff);
    }
    // [split-ring.device.used-buffer-notification-suppression.2]
    return (this.readAvail(this.availFlags) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
  }

  private readAvail(at: number): number {
    if (this.availPlain === true) return this.avail16[at] as number;
    return this.acquireAvail(at);
  }

  private acquireAvail(at: number): number {
    return le16(this.availShared ? Atomics.load(this.avail16, at) : (this.avail16[at] as number));
  }

  private writeUsedHalf(at: number, value: number): void {
    if (this.usedShared === true) Atomics.store(this.used16, at, le16(value));
    else this.used16[at] = le16(value);
  }

  beginDrain(): void {
    this.openDrain();
    if (this.suppress === true && !this.noNotify) {
      this.noNotify = true;
      this.writeUsedHalf(this.usedFlags, VIRTQ_USED_F_NO_NOTIFY);
    }
  }

  endDrain(): boolean {
    this.draining = false;
    // A driver that is never asked to be silent notifies of every buffer: there is nothing to ask it for.
    if (this.asks !== true || this.stopped) return false;
    return this.askForNotification();
  }

  private askForNotification(): boolean {
    if (this.eventIdx) {
      if (this.availEvent !== this.next) {
        this.availEvent = this.next;
        this.writeUsedHalf(this.usedFlags + 2 + 4 * this.size, this.next);
      }
    } else if (this.noNotify) {
      this.noNotify = false;
      this.writeUsedHalf(this.usedFlags, 0);
    }
    if (!this.sawEmpty) return false;
    this.sawEmpty = false;
    return this.hasNext;
  }

  get hasNext(): boolean {
    return this.stopped === false && this.readAvail(this.availFlags + 1) !== this.next;
  }

  get unpublished(): boolean {
    return this.used !== this.published;
  }

  progress(): QueueProgress {
    return { format: "split", nextAvail: this.next, nextUsed: this.used, availWrap: 0, usedWrap: 0 };
  }
}
