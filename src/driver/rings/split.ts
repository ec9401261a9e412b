import { le16, le32 } from "../../base/endian.ts";
import {
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
} from "../../wire/split-ring.ts";
import type { DmaBuffer } from "../allocator.ts";
import { type DriverRing, type DriverRingOptions, type RingContext, SHAPE_AUTO } from "./driver-ring.ts";
import type { ElementList } from "./elements.ts";
import { NONE16, NONE32, RingBase } from "./ring-base.ts";

/**
 * The driver's side of a split virtqueue (virtio 1.4, section 2.7). Tokens are descriptor indexes of heads.
 *
 * @example
 * ```ts
 * const ring = new SplitDriverRing({ format: "split", size: 64 }, { allocator });
 * const token = ring.add(elements);
 * ring.publish();
 * if (ring.shouldNotify()) transport.notify(0, ring.notificationData());
 * ```
 */
export class SplitDriverRing extends RingBase implements DriverRing {
  readonly format = "split";
  readonly #mask: number;

  // Ring memory: views and the indexes of its parts in units of the view.
  #desc32 = NONE32;
  #descWord = 0;
  #avail16 = NONE16;
  #availFlags = 0;
  #availRing = 0;
  #availShared = false;
  #used16 = NONE16;
  #used32 = NONE32;
  #usedFlags = 0;
  #usedWord = 0;
  #usedShared = false;

  /** Successor of each descriptor: of a free one in the free list, of a used one in its chain. */
  readonly #link: Uint16Array<ArrayBuffer>;
  /** Last descriptor of each chain, by head. */
  readonly #tail: Uint16Array<ArrayBuffer>;
  #freeHead = 0;

  /** Where the next head goes in the available ring; free-running. */
  #availIdx = 0;
  /** Next used entry to take, and how far the device's index was when last read. */
  #nextUsed = 0;
  #usedIdx = 0;
  /** Buffers the device had been shown when {@link shouldNotify} was last asked. */
  #asked = 0;

  constructor(options: DriverRingOptions, context: RingContext) {
    super(options, context);
    this.#mask = this.size - 1;
    this.#link = new Uint16Array(this.size);
    this.#tail = new Uint16Array(this.size);
    this.openViews();
    this.#linkAll();
  }

  protected override openViews(): void {
    const { desc, driver, device } = this.memory;
    this.#desc32 = desc.region.u32;
    this.#descWord = desc.offset >>> 2;
    this.#avail16 = driver.region.u16;
    this.#availFlags = driver.offset >>> 1;
    this.#availRing = this.#availFlags + 2;
    this.#availShared = driver.region.shared;
    this.#used16 = device.region.u16;
    this.#used32 = device.region.u32;
    this.#usedFlags = device.offset >>> 1;
    this.#usedWord = (device.offset >>> 2) + 1;
    this.#usedShared = device.region.shared;
  }

  // With IN_ORDER nothing ever changes these links, so that chains take descriptors in ring order and the last one
  // is followed by 0. [split-ring.driver.the-virtqueue-descriptor-table.2]
  #linkAll(): void {
    for (let i = 0; i < this.size; i++) this.#link[i] = (i + 1) & this.#mask;
    this.#freeHead = 0;
  }

  add(elements: ElementList, shape: number = SHAPE_AUTO): number {
    const { count, readableCount, his, los, lengths } = elements;
    const direct = this.directCount(elements, shape);
    const slots = direct === count ? count : direct + 1;
    if (slots > this.freeSlots) return -1;
    if (this.growable) this.follow();
    const head = this.#freeHead;
    const table = direct === count ? null : this.tableFor(head, count - direct);
    const link = this.#link;
    const words = this.#desc32;
    let index = head;
    let last = head;
    for (let i = 0; i < direct; i++) {
      const next = link[index] as number;
      const at = this.#descWord + (index << 2);
      words[at] = le32(los[i] as number);
      words[at + 1] = le32(his[i] as number);
      words[at + 2] = le32(lengths[i] as number);
      let flags = i < readableCount ? 0 : VIRTQ_DESC_F_WRITE;
      if (i + 1 < slots) flags |= VIRTQ_DESC_F_NEXT | (next << 16);
      words[at + 3] = le32(flags);
      last = index;
      index = next;
    }
    if (table !== null) {
      this.#fillTable(table, elements, direct);
      const at = this.#descWord + (index << 2);
      words[at] = le32(table.lo);
      words[at + 1] = le32(table.hi);
      words[at + 2] = le32((count - direct) << 4);
      // Always the end of its chain. [split-ring.driver.indirect-descriptors.4]
      words[at + 3] = le32(VIRTQ_DESC_F_INDIRECT);
      last = index;
      index = link[index] as number;
    }
    this.#freeHead = index;
    this.#tail[head] = last;
    this.#avail16[this.#availRing + (this.#availIdx & this.#mask)] = le16(head);
    this.#availIdx = (this.#availIdx + 1) & 0xffff;
    this.noteAdded(head, slots, elements.writableBytes);
    return head;
  }

  /** Entries follow each other. [split-ring.driver.indirect-descriptors.2] [split-ring.driver.indirect-descriptors.5] */
  #fillTable(table: DmaBuffer, elements: ElementList, first: number): void {
    const { count, readableCount, his, los, lengths } = elements;
    const words = this.table32;
    let at = table.offset >>> 2;
    for (let i = first; i < count; i++, at += 4) {
      words[at] = le32(los[i] as number);
      words[at + 1] = le32(his[i] as number);
      words[at + 2] = le32(lengths[i] as number);
      let flags = i < readableCount ? 0 : VIRTQ_DESC_F_WRITE;
      if (i + 1 < count) flags |= VIRTQ_DESC_F_NEXT | ((i + 1 - first) << 16);
      words[at + 3] = le32(flags);
    }
  }

  publish(): void {
    if (this.unpublished === 0) return;
    // Whatever the memory: here, once a batch, it turns out when the embedder took it away.
    this.follow();
    // The store orders descriptors and heads before the index for the other thread; the index only grows.
    // [split-ring.driver.updating-idx.1] [split-ring.driver.the-virtqueue-available-ring.1]
    this.#writeAvail(this.#availFlags + 1, this.#availIdx);
    this.noteShown();
  }

  shouldNotify(): boolean {
    const passed = this.shown - this.#asked;
    if (passed === 0) return false;
    if (this.growable) this.follow();
    this.#asked = this.shown;
    // Sequentially consistent loads behind the sequentially consistent store of the index.
    // [split-ring.driver.notifying-the-device.1]
    if (this.eventIdx) {
      // [split-ring.driver.available-buffer-notification-suppression.5]
      // [split-ring.driver.available-buffer-notification-suppression.6]
      const event = this.#readUsed(this.#usedFlags + 2 + 4 * this.size);
      const idx = this.#availIdx - this.unpublished;
      return passed > 0xffff || ((idx - event - 1) & 0xffff) < passed;
    }
    // [split-ring.driver.available-buffer-notification-suppression.2]
    // [split-ring.driver.available-buffer-notification-suppression.3]
    // [split-ring.driver.available-buffer-notification-suppression.4]
    return (this.#readUsed(this.#usedFlags) & VIRTQ_USED_F_NO_NOTIFY) === 0;
  }

  notificationData(): number {
    return (this.#availIdx - this.unpublished) & 0xffff;
  }

  pollUsed(): number {
    if (this.batchEnd < 0) {
      if (this.#nextUsed === this.#usedIdx && !this.#readUsedIdx()) return -1;
      const at = this.#usedWord + ((this.#nextUsed & this.#mask) << 1);
      const id = le32(this.#used32[at] as number);
      this.check(id, le32(this.#used32[at + 1] as number), (this.#usedIdx - this.#nextUsed) & 0xffff);
      if (!this.inOrder) {
        this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
        this.#link[this.#tail[id] as number] = this.#freeHead;
        this.#freeHead = id;
        this.freeSlots += this.slotsOf[id] as number;
        return id;
      }
    }
    const token = this.nextOfBatch();
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    this.freeSlots += this.slotsOf[token] as number;
    return token;
  }

  #readUsedIdx(): boolean {
    if (this.violation !== null) throw this.violationError();
    if (this.released) return false;
    if (this.growable) this.follow();
    const idx = this.#readUsed(this.#usedFlags + 1);
    const pending = (idx - this.#nextUsed) & 0xffff;
    if (pending === 0) return false;
    if (pending > this.inFlight - this.unpublished) throw this.violate("used-idx-jump", idx);
    this.#usedIdx = idx;
    return true;
  }

  hasUsed(): boolean {
    if (this.batchEnd >= 0 || this.#nextUsed !== this.#usedIdx) return true;
    if (this.released) return false;
    if (this.growable) this.follow();
    return this.#readUsed(this.#usedFlags + 1) !== this.#nextUsed;
  }

  enableNotifications(buffers = 1): boolean {
    if (this.released) return false;
    if (this.growable) this.follow();
    if (this.eventIdx) {
      const ahead = Math.max(0, Math.min(buffers, this.inFlight) - 1);
      this.#writeAvail(this.#availRing + this.size, (this.#nextUsed + ahead) & 0xffff);
    } else {
      this.#writeAvail(this.#availFlags, 0);
    }
    return this.hasUsed();
  }

  disableNotifications(): void {
    if (this.released) return;
    if (this.growable) this.follow();
    // With EVENT_IDX flags stay 0, and an event index that was passed already is as far away as one can be.
    // [split-ring.driver.used-buffer-notification-suppression.1]
    // [split-ring.driver.used-buffer-notification-suppression.3]
    if (this.eventIdx) this.#writeAvail(this.#availRing + this.size, (this.#nextUsed - 1) & 0xffff);
    else this.#writeAvail(this.#availFlags, VIRTQ_AVAIL_F_NO_INTERRUPT);
  }

  reset(): void {
    this.resetBase();
    this.#availIdx = 0;
    this.#nextUsed = 0;
    this.#usedIdx = 0;
    this.#asked = 0;
    this.#linkAll();
  }

  override release(): void {
    super.release();
    this.#usedIdx = this.#nextUsed;
  }

  #readUsed(at: number): number {
    return le16(this.#usedShared ? Atomics.load(this.#used16, at) : (this.#used16[at] as number));
  }

  #writeAvail(at: number, value: number): void {
    if (this.#availShared) Atomics.store(this.#avail16, at, le16(value));
    else this.#avail16[at] = le16(value);
  }
}
