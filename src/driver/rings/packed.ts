import { le16, le32 } from "../../base/endian.ts";
import {
  RING_EVENT_DESC_OFF_MASK,
  RING_EVENT_DESC_WRAP_SHIFT,
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  RING_EVENT_FLAGS_MASK,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "../../wire/packed-ring.ts";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../wire/split-ring.ts";
import type { DmaBuffer } from "../allocator.ts";
import { type DriverRing, type DriverRingOptions, type RingContext, SHAPE_AUTO } from "./driver-ring.ts";
import type { ElementList } from "./elements.ts";
import { NONE16, NONE32, RingBase } from "./ring-base.ts";

const AVAIL_USED = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;

/**
 * The driver's side of a packed virtqueue (virtio 1.4, section 2.8). Tokens are buffer ids.
 *
 * @example
 * ```ts
 * const ring = new PackedDriverRing({ format: "packed", size: 7 }, { allocator });
 * const token = ring.add(elements);
 * ring.publish();
 * if (ring.shouldNotify()) transport.notify(0, ring.notificationData());
 * ```
 */
export class PackedDriverRing extends RingBase implements DriverRing {
  readonly format = "packed";

  #desc16 = NONE16;
  #desc32 = NONE32;
  #descHalf = 0;
  #descWord = 0;
  #descShared = false;
  #driver16 = NONE16;
  #driverHalf = 0;
  #driverShared = false;
  #device16 = NONE16;
  #deviceHalf = 0;
  #deviceShared = false;

  /** Free buffer ids, linked; -1 ends the list. */
  readonly #nextId: Int16Array<ArrayBuffer>;
  #freeId = 0;

  /** Position of the next descriptor to fill, and the flags that make it available in this lap. */
  #next = 0;
  #availBits: number = VIRTQ_DESC_F_AVAIL;
  /** Position of the next used descriptor, and the flags that mark it used in this lap. */
  #nextUsed = 0;
  #usedBits: number = AVAIL_USED;

  // Buffers added but not published: the flags of the first descriptor are held back, so that the device, which
  // looks only at its next one, sees none of them. [packed-ring.driver.scatter-gather-support.6]
  #firstPending = -1;
  #firstFlags = 0;
  #slotsPending = 0;

  /** Where the ring stood when {@link shouldNotify} was last asked, and how many slots were published since. */
  #askedAt = 0;
  #askedWrap = 1;
  #slotsSinceAsked = 0;

  constructor(options: DriverRingOptions, context: RingContext) {
    super(options, context);
    this.#nextId = new Int16Array(this.size);
    this.openViews();
    this.#linkAll();
  }

  protected override openViews(): void {
    const { desc, driver, device } = this.memory;
    this.#desc16 = desc.region.u16;
    this.#desc32 = desc.region.u32;
    this.#descHalf = desc.offset >>> 1;
    this.#descWord = desc.offset >>> 2;
    this.#descShared = desc.region.shared;
    this.#driver16 = driver.region.u16;
    this.#driverHalf = driver.offset >>> 1;
    this.#driverShared = driver.region.shared;
    this.#device16 = device.region.u16;
    this.#deviceHalf = device.offset >>> 1;
    this.#deviceShared = device.region.shared;
  }

  #linkAll(): void {
    for (let id = 0; id < this.size; id++) this.#nextId[id] = id + 1 === this.size ? -1 : id + 1;
    this.#freeId = 0;
  }

  add(elements: ElementList, shape: number = SHAPE_AUTO): number {
    const { count, readableCount, his, los, lengths } = elements;
    const direct = this.directCount(elements, shape);
    const slots = direct === count ? count : 1;
    // Room for the whole list, before its first descriptor is touched.
    // [packed-ring.driver.scatter-gather-support.5]
    if (slots > this.freeSlots) return -1;
    if (this.growable) this.follow();
    const id = this.#freeId;
    if (direct === count) {
      for (let i = 0; i < count; i++) {
        let flags = i < readableCount ? 0 : VIRTQ_DESC_F_WRITE;
        if (i + 1 < count) flags |= VIRTQ_DESC_F_NEXT;
        this.#write(los[i] as number, his[i] as number, lengths[i] as number, flags, id);
      }
    } else {
      const table = this.tableFor(id, count);
      this.#fillTable(table, elements);
      this.#write(table.lo, table.hi, count << 4, VIRTQ_DESC_F_INDIRECT, id);
    }
    this.#freeId = this.#nextId[id] as number;
    this.#slotsPending += slots;
    this.noteAdded(id, slots, elements.writableBytes);
    return id;
  }

  /** Writes the next descriptor; its flags only when it is not the first of what is pending. */
  #write(lo: number, hi: number, lengthBytes: number, flags: number, id: number): void {
    const position = this.#next;
    const at = this.#descWord + (position << 2);
    const words = this.#desc32;
    words[at] = le32(lo);
    words[at + 1] = le32(hi);
    words[at + 2] = le32(lengthBytes);
    if (this.#firstPending < 0) {
      this.#firstPending = position;
      this.#firstFlags = flags | this.#availBits;
      this.#desc16[this.#descHalf + (position << 3) + 6] = le16(id);
    } else {
      words[at + 3] = le32(((flags | this.#availBits) << 16) | id);
    }
    if (position + 1 === this.size) {
      this.#next = 0;
      this.#availBits ^= AVAIL_USED;
    } else {
      this.#next = position + 1;
    }
  }

  /** Of the flags only VIRTQ_DESC_F_WRITE. [packed-ring.driver.indirect-descriptors.2] */
  #fillTable(table: DmaBuffer, elements: ElementList): void {
    const { count, readableCount, his, los, lengths } = elements;
    const words = this.table32;
    let at = table.offset >>> 2;
    for (let i = 0; i < count; i++, at += 4) {
      words[at] = le32(los[i] as number);
      words[at + 1] = le32(his[i] as number);
      words[at + 2] = le32(lengths[i] as number);
      words[at + 3] = le32(i < readableCount ? 0 : VIRTQ_DESC_F_WRITE << 16);
    }
  }

  publish(): void {
    const first = this.#firstPending;
    if (first < 0) return;
    // Whatever the memory: here, once a batch, it turns out when the embedder took it away.
    this.follow();
    // The store orders everything written before it for the other thread. [packed-ring.driver.updating-flags.1]
    const at = this.#descHalf + (first << 3) + 7;
    if (this.#descShared) Atomics.store(this.#desc16, at, le16(this.#firstFlags));
    else this.#desc16[at] = le16(this.#firstFlags);
    this.#firstPending = -1;
    this.#slotsSinceAsked += this.#slotsPending;
    this.#slotsPending = 0;
    this.noteShown();
  }

  shouldNotify(): boolean {
    const passed = this.#slotsSinceAsked;
    if (passed === 0) return false;
    if (this.growable) this.follow();
    const from = this.#askedAt;
    const fromWrap = this.#askedWrap;
    this.#slotsSinceAsked = 0;
    const now = this.notificationData();
    this.#askedAt = now & RING_EVENT_DESC_OFF_MASK;
    this.#askedWrap = now >>> RING_EVENT_DESC_WRAP_SHIFT;
    const flags = this.#readDevice(1) & RING_EVENT_FLAGS_MASK;
    if (flags === RING_EVENT_FLAGS_DISABLE) return false;
    if (flags !== RING_EVENT_FLAGS_DESC || !this.eventIdx) return true;
    // Distance from the first slot published to the slot the device asked about, both counted over two laps.
    const offWrap = this.#readDevice(0);
    const lap = this.size;
    const event =
      (offWrap & RING_EVENT_DESC_OFF_MASK) + (offWrap >>> RING_EVENT_DESC_WRAP_SHIFT === fromWrap ? 0 : lap);
    return (event - from + 2 * lap) % (2 * lap) < passed;
  }

  /** [packed-ring.driver.the-virtqueue-descriptor-table.3] */
  notificationData(): number {
    const held = this.#firstPending;
    const position = held < 0 ? this.#next : held;
    const bits = held < 0 ? this.#availBits : this.#firstFlags;
    return position | ((bits & VIRTQ_DESC_F_AVAIL) !== 0 ? 1 << RING_EVENT_DESC_WRAP_SHIFT : 0);
  }

  pollUsed(): number {
    if (this.batchEnd < 0) {
      if (this.violation !== null) throw this.violationError();
      if (!this.#nextIsUsed()) return -1;
      const at = this.#descWord + (this.#nextUsed << 2);
      const idFlags = le32(this.#desc32[at + 3] as number);
      const id = idFlags & 0xffff;
      // Without VIRTQ_DESC_F_WRITE the length is reserved.
      const written = (idFlags & (VIRTQ_DESC_F_WRITE << 16)) !== 0 ? le32(this.#desc32[at + 2] as number) : 0;
      this.check(id, written, this.inFlight - this.unpublished);
      if (!this.inOrder) {
        this.#pass(id);
        return id;
      }
    }
    const token = this.nextOfBatch();
    this.#pass(token);
    return token;
  }

  /** Frees the slots and the id of a buffer, and moves on to where the next used descriptor will be. */
  #pass(id: number): void {
    const slots = this.slotsOf[id] as number;
    this.freeSlots += slots;
    this.#nextUsed += slots;
    if (this.#nextUsed >= this.size) {
      this.#nextUsed -= this.size;
      this.#usedBits ^= AVAIL_USED;
    }
    this.#nextId[id] = this.#freeId;
    this.#freeId = id;
  }

  #nextIsUsed(): boolean {
    if (this.released) return false;
    if (this.growable) this.follow();
    const at = this.#descHalf + (this.#nextUsed << 3) + 7;
    const flags = le16(this.#descShared ? Atomics.load(this.#desc16, at) : (this.#desc16[at] as number));
    return (flags & AVAIL_USED) === this.#usedBits;
  }

  hasUsed(): boolean {
    return this.batchEnd >= 0 || this.#nextIsUsed();
  }

  enableNotifications(buffers = 1): boolean {
    if (this.released) return false;
    if (this.growable) this.follow();
    if (this.eventIdx) {
      // A buffer takes at least one slot: the notification may come early, never late.
      let position = this.#nextUsed + Math.max(0, Math.min(buffers, this.inFlight) - 1);
      let wrap = this.#usedBits === 0 ? 0 : 1;
      if (position >= this.size) {
        position -= this.size;
        wrap ^= 1;
      }
      this.#writeDriver(0, position | (wrap << RING_EVENT_DESC_WRAP_SHIFT));
      this.#writeDriver(1, RING_EVENT_FLAGS_DESC);
    } else {
      this.#writeDriver(1, RING_EVENT_FLAGS_ENABLE);
    }
    return this.hasUsed();
  }

  disableNotifications(): void {
    if (this.released) return;
    if (this.growable) this.follow();
    this.#writeDriver(1, RING_EVENT_FLAGS_DISABLE);
  }

  reset(): void {
    this.resetBase();
    this.#next = 0;
    this.#availBits = VIRTQ_DESC_F_AVAIL;
    this.#nextUsed = 0;
    this.#usedBits = AVAIL_USED;
    this.#firstPending = -1;
    this.#slotsPending = 0;
    this.#askedAt = 0;
    this.#askedWrap = 1;
    this.#slotsSinceAsked = 0;
    this.#linkAll();
  }

  override release(): void {
    super.release();
    this.#firstPending = -1;
  }

  #readDevice(half: number): number {
    const at = this.#deviceHalf + half;
    return le16(this.#deviceShared ? Atomics.load(this.#device16, at) : (this.#device16[at] as number));
  }

  #writeDriver(half: number, value: number): void {
    const at = this.#driverHalf + half;
    if (this.#driverShared) Atomics.store(this.#driver16, at, le16(value));
    else this.#driver16[at] = le16(value);
  }
}
