import { le16, le32 } from "../base/endian.ts";
import type { DmaSpace } from "../memory/dma.ts";
import {
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_USED_F_NO_NOTIFY,
} from "../wire/split-ring.ts";
import type { DescriptorChain } from "./chain.ts";
import type { QueueConfig, QueueOptions } from "./config.ts";
import type { DeviceQueue, QueueProgress } from "./device-queue.ts";
import { DESCRIPTOR_BYTES, RingCore } from "./ring-core.ts";

const NONE16: Uint16Array = new Uint16Array(0);
const NONE32: Uint32Array = new Uint32Array(0);

/**
 * The device's side of a split virtqueue (virtio 1.4, section 2.7). Each field the driver writes is read once;
 * the device's own indexes are private and never read back. Made by `activateQueue`.
 */
export class SplitDeviceQueue extends RingCore implements DeviceQueue {
  readonly format = "split";
  readonly #mask: number;
  readonly #held: Uint8Array;

  // Ring memory: views and the indexes of its parts in units of the view.
  #desc32 = NONE32;
  #descWord = 0;
  #avail16 = NONE16;
  #availFlags = 0;
  #availRing = 0;
  #used16 = NONE16;
  #used32 = NONE32;
  #usedFlags = 0;
  #usedRingWord = 0;
  #usedOffset = 0;
  #onUsedWrite: ((offset: number, length: number) => void) | null = null;
  #availShared = false;
  #usedShared = false;

  /** Next available entry to pop, and how far the driver's index was when last read. */
  #next = 0;
  #availIdx = 0;
  /** Next used entry to write, and the index the driver was last shown. */
  #used = 0;
  #published = 0;
  #availEvent = -1;
  #noNotify = false;

  constructor(config: QueueConfig, dma: DmaSpace, options: QueueOptions, progress: QueueProgress | null) {
    super(config, dma, options);
    this.#mask = config.size - 1;
    this.#held = new Uint8Array(config.size);
    if (progress !== null) {
      this.#next = this.#availIdx = progress.nextAvail & 0xffff;
      this.#used = this.#published = progress.nextUsed & 0xffff;
    }
    this.refresh();
  }

  refresh(): boolean {
    const memory = this.dma.memory;
    if (this.epoch === memory.epoch) return this.fault === null;
    const { size, config } = this;
    const event = this.options.eventIdx ? 2 : 0;
    const desc = this.locate(config.descHi, config.descLo, size * DESCRIPTOR_BYTES, 16, false);
    const avail = this.locate(config.driverHi, config.driverLo, 4 + 2 * size + event, 2, false);
    const used = this.locate(config.deviceHi, config.deviceLo, 4 + 8 * size + event, 4, true);
    if (desc === null || avail === null || used === null) return false;
    this.#desc32 = desc.region.u32;
    this.#descWord = desc.offset >>> 2;
    this.#avail16 = avail.region.u16;
    this.#availFlags = avail.offset >>> 1;
    this.#availRing = this.#availFlags + 2;
    this.#availShared = avail.region.shared;
    this.#used16 = used.region.u16;
    this.#used32 = used.region.u32;
    this.#usedFlags = used.offset >>> 1;
    this.#usedRingWord = (used.offset >>> 2) + 1;
    this.#usedOffset = used.offset;
    this.#usedShared = used.region.shared;
    this.#onUsedWrite = used.region.onDeviceWrite;
    this.epoch = memory.epoch;
    return true;
  }

  pop(): DescriptorChain | null {
    if (this.#next === this.#availIdx && !this.#readAvailIdx()) return null;
    const head = le16(this.#avail16[this.#availRing + (this.#next & this.#mask)] as number);
    if (head >= this.size) {
      this.fail("head-out-of-range", head, head);
      return null;
    }
    if (this.#held[head] !== 0) {
      this.fail("buffer-in-flight", head, head);
      return null;
    }
    const chain = this.pool.take();
    this.resetChain(chain);
    if (!this.#walk(chain, head)) {
      this.pool.give(chain);
      return null;
    }
    chain.head = head;
    chain.ringSlots = 1;
    this.#held[head] = 1;
    this.#next = (this.#next + 1) & 0xffff;
    this.popped(chain);
    return chain;
  }

  /** Reads the driver's index, once per drain; false when nothing is new or the queue stands still. */
  #readAvailIdx(): boolean {
    if (this.fault !== null || this.closed || !this.mayContinue()) return false;
    const at = this.#availFlags + 1;
    const idx = le16(this.#availShared ? Atomics.load(this.#avail16, at) : (this.#avail16[at] as number));
    const pending = (idx - this.#next) & 0xffff;
    if (pending === 0) {
      this.sawEmpty = true;
      return false;
    }
    // No more buffers can be outstanding than there are descriptors; an index moved back is a huge jump forward.
    // [split-ring.driver.the-virtqueue-available-ring.1]
    if (pending + this.inFlight > this.size) return this.fail("avail-idx-jump", -1, idx);
    this.#availIdx = idx;
    this.drainBudget -= pending;
    return true;
  }

  /** Collects the chain that starts at `head`. Each descriptor is read once. */
  #walk(chain: DescriptorChain, head: number): boolean {
    let words = this.#desc32;
    let base = this.#descWord;
    let entries = this.size;
    let index = head;
    for (;;) {
      const at = base + (index << 2);
      const lo = le32(words[at] as number);
      const hi = le32(words[at + 1] as number);
      const length = le32(words[at + 2] as number);
      const flagsNext = le32(words[at + 3] as number);
      const flags = flagsNext & 0xffff;
      if ((flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
        if (!this.options.indirectDesc) return this.fail("indirect-not-negotiated", head, flags);
        if (chain.indirect) return this.fail("indirect-nested", head, flags);
        // [split-ring.driver.indirect-descriptors.4]
        if ((flags & VIRTQ_DESC_F_NEXT) !== 0 && this.options.indirectWithNext === "fault") {
          return this.fail("indirect-with-next", head, flags);
        }
        // VIRTQ_DESC_F_WRITE means nothing here. [split-ring.device.indirect-descriptors.1]
        // Direct elements may come before the table. [split-ring.device.indirect-descriptors.2]
        if (!this.openTable(hi, lo, length, head)) return false;
        chain.indirect = true;
        words = this.table32;
        base = this.tableWord;
        entries = this.tableEntries;
        index = 0;
        continue;
      }
      if (!this.addElement(chain, hi, lo, length, flags, head)) return false;
      if ((flags & VIRTQ_DESC_F_NEXT) === 0) return true;
      index = flagsNext >>> 16;
      if (index >= entries) return this.fail("next-out-of-range", head, index);
    }
  }

  protected override writeUsed(id: number, writtenBytes: number, _slots: number, buffers: number): void {
    const at = this.#usedRingWord + ((this.#used & this.#mask) << 1);
    this.#used32[at] = le32(id);
    this.#used32[at + 1] = le32(writtenBytes);
    this.#used = (this.#used + buffers) & 0xffff;
  }

  protected override released(chain: DescriptorChain): void {
    this.#held[chain.head] = 0;
  }

  flush(): boolean {
    if (this.closed) return false;
    if (this.options.inOrder) this.writeInOrder();
    const used = this.#used;
    const old = this.#published;
    if (used === old) return false;
    // The entries are written before the index: the atomic store orders them for the other thread.
    // [split-ring.device.the-virtqueue-used-ring.1]
    const at = this.#usedFlags + 1;
    if (this.#usedShared) Atomics.store(this.#used16, at, le16(used));
    else this.#used16[at] = le16(used);
    this.#published = used;
    if (this.#onUsedWrite !== null) {
      this.#onUsedWrite(this.#usedOffset, 4 + 8 * this.size + (this.options.eventIdx ? 2 : 0));
    }
    if (this.options.eventIdx) {
      // [split-ring.device.used-buffer-notification-suppression.5]
      const event = this.#readAvail(this.#availRing + this.size);
      return ((used - event - 1) & 0xffff) < ((used - old) & 0xffff);
    }
    // [split-ring.device.used-buffer-notification-suppression.3]
    return (this.#readAvail(this.#availFlags) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
  }

  #readAvail(at: number): number {
    return le16(this.#availShared ? Atomics.load(this.#avail16, at) : (this.#avail16[at] as number));
  }

  #writeUsedHalf(at: number, value: number): void {
    if (this.#usedShared) Atomics.store(this.#used16, at, le16(value));
    else this.#used16[at] = le16(value);
  }

  beginDrain(): void {
    this.openDrain();
    // With EVENT_IDX flags stay 0; an event index left behind suppresses as well.
    // [split-ring.device.available-buffer-notification-suppression.3]
    if (this.options.suppressWhileDraining && !this.options.eventIdx && !this.#noNotify) {
      this.#noNotify = true;
      this.#writeUsedHalf(this.#usedFlags, VIRTQ_USED_F_NO_NOTIFY);
    }
  }

  endDrain(): boolean {
    this.closeDrain();
    if (this.fault !== null || this.closed) return false;
    if (this.options.eventIdx) {
      if (this.#availEvent !== this.#next) {
        this.#availEvent = this.#next;
        this.#writeUsedHalf(this.#usedRingWord * 2 + 4 * this.size, this.#next);
      }
    } else if (this.#noNotify) {
      this.#noNotify = false;
      this.#writeUsedHalf(this.#usedFlags, 0);
    }
    if (!this.sawEmpty) return false;
    this.sawEmpty = false;
    return this.#readAvailIdx();
  }

  progress(): QueueProgress {
    return { format: "split", nextAvail: this.#next, nextUsed: this.#used, availWrap: 0, usedWrap: 0 };
  }
}
