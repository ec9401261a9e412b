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
import { DESCRIPTOR_BYTES, RingCore } from "./ring-core.ts";

const NONE16: Uint16Array = new Uint16Array(0);
const NONE32: Uint32Array = new Uint32Array(0);
const AVAIL_USED = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;

/**
 * The device's side of a packed virtqueue (virtio 1.4, section 2.8). Descriptors are read once; the device's
 * positions and wrap counters are private. Made by `activateQueue`.
 */
export class PackedDeviceQueue extends RingCore implements DeviceQueue {
  readonly format = "packed";
  /** Buffer ids in flight, one bit each: ids are the driver's own 16-bit numbers. */
  readonly #held = new Uint32Array(65536 / 32);

  #desc16 = NONE16;
  #desc32 = NONE32;
  #descHalf = 0;
  #descWord = 0;
  #descOffset = 0;
  #descShared = false;
  #onDescWrite: ((offset: number, length: number) => void) | null = null;
  #driver16 = NONE16;
  #driverHalf = 0;
  #driverShared = false;
  #device16 = NONE16;
  #deviceHalf = 0;
  #deviceShared = false;

  #next = 0;
  #availWrap = 1;
  #used = 0;
  #usedWrap = 1;
  /** Ring slots the device holds. */
  #slotsInFlight = 0;

  // Used descriptors not yet shown: the flags of the first one are held back until flush, so that the driver, which
  // looks only at its next one, sees the whole batch at once.
  #firstPending = -1;
  #firstFlags = 0;
  /** Ring slots passed since the last flush. */
  #slotsPending = 0;

  #eventFlags: number = RING_EVENT_FLAGS_ENABLE;
  #eventOffWrap = -1;

  constructor(config: QueueConfig, dma: DmaSpace, options: QueueOptions, progress: QueueProgress | null) {
    super(config, dma, options);
    if (progress !== null) {
      this.#next = progress.nextAvail % config.size;
      this.#used = progress.nextUsed % config.size;
      this.#availWrap = progress.availWrap & 1;
      this.#usedWrap = progress.usedWrap & 1;
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
    if (desc === null || driver === null || device === null) return false;
    this.#desc16 = desc.region.u16;
    this.#desc32 = desc.region.u32;
    this.#descHalf = desc.offset >>> 1;
    this.#descWord = desc.offset >>> 2;
    this.#descOffset = desc.offset;
    this.#descShared = desc.region.shared;
    this.#onDescWrite = desc.region.onDeviceWrite;
    this.#driver16 = driver.region.u16;
    this.#driverHalf = driver.offset >>> 1;
    this.#driverShared = driver.region.shared;
    this.#device16 = device.region.u16;
    this.#deviceHalf = device.offset >>> 1;
    this.#deviceShared = device.region.shared;
    this.epoch = memory.epoch;
    return true;
  }

  /** True when the descriptor at `position` is available under wrap counter `wrap`. */
  #isAvailable(flags: number, wrap: number): boolean {
    return (flags & AVAIL_USED) === (wrap !== 0 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED);
  }

  #nextAvailable(): boolean {
    const at = this.#descHalf + (this.#next << 3) + 7;
    // The flags are the descriptor's publication: acquire them before the rest is read.
    // [packed-ring.device.the-virtqueue-descriptor-table.2]
    const flags = le16(this.#descShared ? Atomics.load(this.#desc16, at) : (this.#desc16[at] as number));
    return this.#isAvailable(flags, this.#availWrap);
  }

  pop(): DescriptorChain | null {
    if (this.fault !== null || this.closed || !this.mayContinue()) return null;
    // When the device holds every slot, the next descriptor is one of its own: nothing can be available.
    if (this.#slotsInFlight === this.size || !this.#nextAvailable()) {
      this.sawEmpty = true;
      return null;
    }
    const first = this.#next;
    const chain = this.pool.take();
    this.resetChain(chain);
    const slots = this.#walk(chain, first);
    if (slots === 0) {
      this.pool.give(chain);
      return null;
    }
    const id = chain.head;
    const word = id >>> 5;
    const bit = 1 << (id & 31);
    const held = this.#held[word] as number;
    if ((held & bit) !== 0) {
      this.pool.give(chain);
      this.fail("buffer-in-flight", first, id);
      return null;
    }
    this.#held[word] = held | bit;
    chain.ringSlots = slots;
    this.#slotsInFlight += slots;
    this.#next = first + slots;
    if (this.#next >= this.size) {
      this.#next -= this.size;
      this.#availWrap ^= 1;
    }
    this.drainBudget--;
    this.popped(chain);
    return chain;
  }

  /** Collects the list at `first` and sets the buffer id; the number of ring slots it takes, 0 on a fault. */
  #walk(chain: DescriptorChain, first: number): number {
    const words = this.#desc32;
    let position = first;
    let wrap = this.#availWrap;
    for (let slots = 1; ; slots++) {
      const at = this.#descWord + (position << 2);
      const lo = le32(words[at] as number);
      const hi = le32(words[at + 1] as number);
      const length = le32(words[at + 2] as number);
      const idFlags = le32(words[at + 3] as number);
      const flags = idFlags >>> 16;
      if (slots > 1 && !this.#isAvailable(flags, wrap)) {
        this.fail("list-incomplete", first, flags);
        return 0;
      }
      if ((flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
        if (!this.options.indirectDesc) {
          this.fail("indirect-not-negotiated", first, flags);
          return 0;
        }
        // A list holds descriptors of one kind only. [packed-ring.driver.indirect-descriptors.4]
        if (slots > 1 || ((flags & VIRTQ_DESC_F_NEXT) !== 0 && this.options.indirectWithNext === "fault")) {
          this.fail("indirect-with-next", first, flags);
          return 0;
        }
        chain.indirect = true;
        chain.head = idFlags & 0xffff;
        return this.openTable(hi, lo, length, first) && this.#walkTable(chain, first) ? 1 : 0;
      }
      if (!this.addElement(chain, hi, lo, length, flags, first)) return 0;
      if ((flags & VIRTQ_DESC_F_NEXT) === 0) {
        chain.head = idFlags & 0xffff;
        return slots;
      }
      // The list may not reach round to descriptors the device already holds.
      if (slots + this.#slotsInFlight >= this.size) {
        this.fail("chain-too-long", first, slots);
        return 0;
      }
      if (++position === this.size) {
        position = 0;
        wrap ^= 1;
      }
    }
  }

  /** All entries of the table, in order; of their flags only VIRTQ_DESC_F_WRITE counts. */
  #walkTable(chain: DescriptorChain, head: number): boolean {
    const words = this.table32;
    const entries = this.tableEntries;
    for (let i = 0, at = this.tableWord; i < entries; i++, at += 4) {
      const flags = (le32(words[at + 3] as number) >>> 16) & VIRTQ_DESC_F_WRITE;
      const lo = le32(words[at] as number);
      const hi = le32(words[at + 1] as number);
      if (!this.addElement(chain, hi, lo, le32(words[at + 2] as number), flags, head)) return false;
    }
    return true;
  }

  protected override writeUsed(id: number, writtenBytes: number, slots: number, _buffers: number): void {
    const position = this.#used;
    const at = this.#descWord + (position << 2);
    const flags = (this.#usedWrap !== 0 ? AVAIL_USED : 0) | (writtenBytes > 0 ? VIRTQ_DESC_F_WRITE : 0);
    this.#desc32[at + 2] = le32(writtenBytes);
    if (this.#firstPending < 0) {
      this.#desc16[this.#descHalf + (position << 3) + 6] = le16(id);
      this.#firstPending = position;
      this.#firstFlags = flags;
    } else {
      this.#desc32[at + 3] = le32(((flags << 16) | id) >>> 0);
    }
    if (this.#onDescWrite !== null)
      this.#onDescWrite(this.#descOffset + position * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
    this.#slotsPending += slots;
    this.#used = position + slots;
    if (this.#used >= this.size) {
      this.#used -= this.size;
      this.#usedWrap ^= 1;
    }
  }

  protected override released(chain: DescriptorChain): void {
    const word = chain.head >>> 5;
    this.#held[word] = (this.#held[word] as number) & ~(1 << (chain.head & 31));
    this.#slotsInFlight -= chain.ringSlots;
  }

  flush(): boolean {
    if (this.closed) return false;
    if (this.options.inOrder) this.writeInOrder();
    const first = this.#firstPending;
    if (first < 0) return false;
    const passed = this.#slotsPending;
    const at = this.#descHalf + (first << 3) + 7;
    if (this.#descShared) Atomics.store(this.#desc16, at, le16(this.#firstFlags));
    else this.#desc16[at] = le16(this.#firstFlags);
    // The wrap counter under which `first` was written, from the one its flags carry.
    const firstWrap = (this.#firstFlags & VIRTQ_DESC_F_USED) !== 0 ? 1 : 0;
    this.#firstPending = -1;
    this.#slotsPending = 0;
    const eventFlags = this.#readDriver(1) & 3;
    if (eventFlags === RING_EVENT_FLAGS_DISABLE) return false;
    if (eventFlags !== RING_EVENT_FLAGS_DESC || !this.options.eventIdx) return true;
    // Distance from the first slot of this batch to the slot the driver asked about, both counted over two laps.
    const offWrap = this.#readDriver(0);
    const lap = this.size;
    const event = (offWrap & 0x7fff) + (offWrap >>> 15 === firstWrap ? 0 : lap);
    const distance = (event - first + 2 * lap) % (2 * lap);
    return distance < passed;
  }

  #readDriver(half: number): number {
    const at = this.#driverHalf + half;
    return le16(this.#driverShared ? Atomics.load(this.#driver16, at) : (this.#driver16[at] as number));
  }

  #writeDevice(half: number, value: number): void {
    const at = this.#deviceHalf + half;
    if (this.#deviceShared) Atomics.store(this.#device16, at, le16(value));
    else this.#device16[at] = le16(value);
  }

  #setEventFlags(flags: number): void {
    if (this.#eventFlags === flags) return;
    this.#eventFlags = flags;
    this.#writeDevice(1, flags);
  }

  beginDrain(): void {
    this.openDrain();
    if (this.options.suppressWhileDraining) this.#setEventFlags(RING_EVENT_FLAGS_DISABLE);
  }

  endDrain(): boolean {
    this.closeDrain();
    if (this.fault !== null || this.closed) return false;
    if (this.options.eventIdx) {
      const offWrap = this.#next | (this.#availWrap << 15);
      if (offWrap !== this.#eventOffWrap) {
        this.#eventOffWrap = offWrap;
        this.#writeDevice(0, offWrap);
      }
      this.#setEventFlags(RING_EVENT_FLAGS_DESC);
    } else {
      this.#setEventFlags(RING_EVENT_FLAGS_ENABLE);
    }
    if (!this.sawEmpty) return false;
    this.sawEmpty = false;
    return this.#slotsInFlight !== this.size && this.#nextAvailable();
  }

  progress(): QueueProgress {
    return {
      format: "packed",
      nextAvail: this.#next,
      nextUsed: this.#used,
      availWrap: this.#availWrap,
      usedWrap: this.#usedWrap,
    };
  }
}
