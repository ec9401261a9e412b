import { le16, le32 } from "../base/endian.ts";
import type { DmaSpace } from "../memory/dma.ts";
import {
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "../wire/packed-ring.ts";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../wire/split-ring.ts";
import type { DescriptorChain } from "./chain.ts";
import type { QueueConfig, QueueOptions } from "./config.ts";
import type { DeviceQueue, QueueProgress } from "./device-queue.ts";
import { DESCRIPTOR_BYTES, MAX_CHAIN_BYTES, MAX_USUAL_BYTES, RingCore } from "./ring-core.ts";

const NONE16: Uint16Array = new Uint16Array(0);
const NONE32: Uint32Array = new Uint32Array(0);
const AVAIL_USED = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;

/**
 * The device's side of a packed virtqueue (virtio 1.4, section 2.8). Descriptors are read once; the device's
 * positions and wrap counters are private. Made by `activateQueue`.
 */
export class PackedDeviceQueue extends RingCore implements DeviceQueue {
  readonly format = "packed";
  /** 1 for buffer ids in flight: ids are the driver's own 16-bit numbers. */
  private readonly held = new Uint8Array(65536);
  private readonly suppress: boolean;

  private desc16 = NONE16;
  private desc32 = NONE32;
  private descHalf = 0;
  private descWord = 0;
  private descOffset = 0;
  private descShared = false;
  private onDescWrite: ((offset: number, length: number) => void) | null = null;
  private driver16 = NONE16;
  private driverHalf = 0;
  private driverShared = false;
  private device16 = NONE16;
  private deviceHalf = 0;
  private deviceShared = false;

  private next = 0;
  /** What AVAIL and USED say in a descriptor that is available: the device's ring wrap counter as flags. */
  private availMark: number = VIRTQ_DESC_F_AVAIL;
  private used = 0;
  /** What AVAIL and USED say in a descriptor that is used. */
  private usedMark: number = AVAIL_USED;
  /** Ring slots the device holds. */
  private slotsInFlight = 0;

  // Used descriptors not yet shown: the flags of the first one are held back until flush, so that the driver, which
  // looks only at its next one, sees the whole batch at once.
  private firstFlags = 0;
  /** Ring slots passed since the last flush. */
  private slotsPending = 0;

  private eventFlags: number = RING_EVENT_FLAGS_ENABLE;
  private eventOffWrap = -1;

  constructor(config: QueueConfig, dma: DmaSpace, options: QueueOptions, progress: QueueProgress | null) {
    super(config, dma, options);
    this.suppress = options.suppressWhileDraining;
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
    const { size, config } = this;
    const desc = this.locate(config.descHi, config.descLo, size * DESCRIPTOR_BYTES, 16, true);
    const driver = this.locate(config.driverHi, config.driverLo, 4, 4, false);
    const device = this.locate(config.deviceHi, config.deviceLo, 4, 4, true);
    if (desc === null || driver === null || device === null) return this.lost();
    this.desc16 = desc.region.u16;
    this.desc32 = desc.region.u32;
    this.descHalf = desc.offset >>> 1;
    this.descWord = desc.offset >>> 2;
    this.descOffset = desc.offset;
    this.descShared = desc.region.shared;
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

  /** Buffer id and flags of a descriptor, as one word. */
  private readIdFlags(position: number): number {
    if (this.descShared) return this.acquireIdFlags(position);
    return le32(this.desc32[this.descWord + (position << 2) + 3] as number);
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

  pop(): DescriptorChain | null {
    if (this.popsLeft <= 0 && this.exhausted()) return null;
    const first = this.next;
    let mark = this.availMark;
    const firstIdFlags = this.readIdFlags(first);
    // When the device holds every slot, the next descriptor is one of its own: nothing can be available.
    if (((firstIdFlags >>> 16) & AVAIL_USED) !== mark || this.slotsInFlight === this.size) {
      this.sawEmpty = true;
      return null;
    }
    const chain = this.takeChain();
    // The usual and the unusual as in split.ts; here, tables are unusual.
    const region = this.region;
    if (region === null) return this.popUnusual(chain, first, firstIdFlags);
    const words = this.desc32;
    let idFlags = firstIdFlags;
    let position = first;
    let slots = 1;
    let readable = 0;
    let writable = 0;
    for (;;) {
      const at = this.descWord + (position << 2);
      const lo = le32(words[at] as number);
      const hi = le32(words[at + 1] as number);
      const length = le32(words[at + 2] as number);
      const flags = idFlags >>> 16;
      const offset = region.offsetOf(hi, lo, length);
      if (offset < 0 || length === 0 || length > MAX_USUAL_BYTES || (flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
        return this.popUnusual(chain, first, firstIdFlags);
      }
      if ((flags & VIRTQ_DESC_F_WRITE) !== 0) {
        if (writable !== 0 || region.deviceWritable !== true) {
          return this.popUnusual(chain, first, firstIdFlags);
        }
        chain.setWrite(region, offset, length);
        writable = length;
      } else {
        if (readable !== 0 || writable !== 0) return this.popUnusual(chain, first, firstIdFlags);
        chain.setRead(region, offset, length);
        readable = length;
      }
      if ((flags & VIRTQ_DESC_F_NEXT) === 0) break;
      if (slots + this.slotsInFlight >= this.size) return this.popUnusual(chain, first, firstIdFlags);
      slots++;
      if (++position === this.size) {
        position = 0;
        mark ^= AVAIL_USED;
      }
      idFlags = this.readIdFlags(position);
      if (((idFlags >>> 16) & AVAIL_USED) !== mark) return this.popUnusual(chain, first, firstIdFlags);
    }
    // The id is in the last descriptor of a list.
    chain.head = idFlags & 0xffff;
    chain.ringSlots = slots;
    chain.descriptorCount = slots;
    chain.readableBytes = readable;
    chain.writableBytes = writable;
    return this.taken(chain);
  }

  private popUnusual(chain: DescriptorChain, first: number, firstIdFlags: number): DescriptorChain | null {
    return this.walk(chain, first, firstIdFlags) ? this.taken(chain) : this.dropFailed(chain);
  }

  /** The chain goes to the device, unless its id is with the device already. */
  private taken(chain: DescriptorChain): DescriptorChain | null {
    const id = chain.head;
    const slots = chain.ringSlots;
    const first = this.next;
    if (this.held[id] !== 0) {
      this.fail("buffer-in-flight", first, id);
      return this.dropFailed(chain);
    }
    this.held[id] = 1;
    this.slotsInFlight += slots;
    const next = first + slots;
    if (next < this.size) {
      this.next = next;
    } else {
      this.next = next - this.size;
      this.availMark ^= AVAIL_USED;
    }
    this.popsLeft--;
    this.popped(chain);
    return chain;
  }

  /** Collects any list. Each descriptor is read once. */
  private walk(chain: DescriptorChain, first: number, firstIdFlags: number): boolean {
    chain.clear();
    const words = this.desc32;
    let idFlags = firstIdFlags;
    let position = first;
    let mark = this.availMark;
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
      if (slots + this.slotsInFlight >= this.size) return this.fail("chain-too-long", first, slots);
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

  protected override writeUsed(id: number, writtenBytes: number, slots: number, _buffers: number): void {
    const position = this.used;
    const at = this.descWord + (position << 2);
    const flags = writtenBytes > 0 ? this.usedMark | VIRTQ_DESC_F_WRITE : this.usedMark;
    this.desc32[at + 2] = le32(writtenBytes);
    if (this.slotsPending === 0) {
      this.desc16[(at << 1) + 6] = le16(id);
      this.firstFlags = flags;
    } else {
      this.desc32[at + 3] = le32((flags << 16) | id);
    }
    if (this.onDescWrite !== null) this.reportWrite(position);
    this.slotsPending += slots;
    const next = position + slots;
    if (next >= this.size) this.wrapUsed(next);
    else this.used = next;
  }

  private reportWrite(position: number): void {
    this.onDescWrite?.(this.descOffset + position * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
  }

  private wrapUsed(next: number): void {
    this.used = next - this.size;
    this.usedMark ^= AVAIL_USED;
  }

  protected override released(chain: DescriptorChain): void {
    this.held[chain.head] = 0;
    this.slotsInFlight -= chain.ringSlots;
  }

  flush(): boolean {
    if (this.closed) return false;
    if (this.inOrder) this.writeInOrder();
    const passed = this.slotsPending;
    if (passed === 0) return false;
    // A driver that cheats can have more passed than there are slots.
    let first = this.used - passed;
    while (first < 0) first += this.size;
    const at = this.descHalf + (first << 3) + 7;
    if (this.descShared) Atomics.store(this.desc16, at, le16(this.firstFlags));
    else this.desc16[at] = le16(this.firstFlags);
    // The wrap counter under which `first` was written, from the one its flags carry.
    const firstWrap = (this.firstFlags & VIRTQ_DESC_F_USED) !== 0 ? 1 : 0;
    this.slotsPending = 0;
    const eventFlags = this.readDriver(1) & 3;
    if (eventFlags === RING_EVENT_FLAGS_DISABLE) return false;
    if (eventFlags !== RING_EVENT_FLAGS_DESC || !this.eventIdx) return true;
    // Distance from the first slot of this batch to the slot the driver asked about, both counted over two laps.
    const offWrap = this.readDriver(0);
    const lap = this.size;
    const event = (offWrap & 0x7fff) + (offWrap >>> 15 === firstWrap ? 0 : lap);
    const distance = (event - first + 2 * lap) % (2 * lap);
    return distance < passed;
  }

  private readDriver(half: number): number {
    const at = this.driverHalf + half;
    return le16(this.driverShared ? Atomics.load(this.driver16, at) : (this.driver16[at] as number));
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
    if (this.suppress) this.setEventFlags(RING_EVENT_FLAGS_DISABLE);
  }

  endDrain(): boolean {
    this.draining = false;
    if (this.stopped) return false;
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
    return (
      this.slotsInFlight !== this.size &&
      ((this.readIdFlags(this.next) >>> 16) & AVAIL_USED) === this.availMark
    );
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
