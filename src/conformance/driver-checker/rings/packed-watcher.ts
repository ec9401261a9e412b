import { VIRTIO_F_NOTIFICATION_DATA } from "../../../wire/common.ts";
import {
  RING_EVENT_DESC_OFF_MASK,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "../../../wire/packed-ring.ts";
import {
  DESCRIPTOR_BYTES,
  hasNext,
  isIndirect,
  packedDescriptor,
  splitDescriptor,
  sumBytes,
  type WatchedChain,
  type WatchedDescriptor,
  type WatchedTable,
} from "../chain.ts";
import { hex, registerEvidence, toHex } from "../violation.ts";
import { get16, get32, sameBytes } from "../watched-memory.ts";
import { HeldBuffers } from "./held-buffers.ts";
import { NEW_DESCRIPTORS_PER_LOOK, type RingWatch, type RingWatcher } from "./ring-watcher.ts";

const AVAIL_USED = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
const FLAGS_AT = 14;
/** Bytes of an event suppression structure. */
const EVENT_BYTES = 4;

/** Watches a packed virtqueue (virtio 1.4, section 2.8). */
export class PackedWatcher implements RingWatcher {
  readonly #watch: RingWatch;
  readonly #size: number;
  /** Next slot to become available, and the driver's wrap counter there. */
  #next = 0;
  #wrap = 1;
  /** Next slot to be used, and the device's wrap counter there. */
  #nextUsed = 0;
  #usedWrap = 1;
  /** Slots between the two: what the device holds. */
  #held = 0;
  /** Buffers the device holds, by id. */
  readonly #buffers: HeldBuffers;
  /** Nothing but this thread's own accesses happened since the last look. */
  #undisturbed = false;
  #moment = -1;
  #lost = false;
  /** Some buffer was made available. */
  #everAvailable = false;
  /** How many descriptors this look may still take in. */
  #newLeft = 0;
  readonly #raw = new Uint8Array(DESCRIPTOR_BYTES);

  constructor(watch: RingWatch) {
    this.#watch = watch;
    this.#buffers = new HeldBuffers(watch);
    this.#size = Math.max(1, Math.min(watch.queue.size, 32768));
  }

  get inFlight(): number {
    return this.#buffers.chains.size;
  }

  look(): void {
    const moment = this.#watch.moment();
    this.#undisturbed = moment === this.#moment;
    this.#moment = moment;
    if (this.#lost) return;
    this.#newLeft = NEW_DESCRIPTORS_PER_LOOK;
    const altered = this.#buffers.compare();
    this.#takeUsed();
    for (const slot of altered) this.#reportAltered(slot);
    this.#buffers.reportTables();
    if (!this.#lost) this.#takeAvailable();
  }

  notified(value: number): void {
    const { context, queue } = this.#watch;
    if (!this.#everAvailable && context.view.live) this.#reportNothing();
    if (this.#lost || !context.view.hasFeature(VIRTIO_F_NOTIFICATION_DATA)) return;
    const nextOff = (value >>> 16) & RING_EVENT_DESC_OFF_MASK;
    const nextWrap = value >>> 31;
    if (nextOff === this.#next && nextWrap === this.#wrap) return;
    context.report(
      "packed-ring.driver.the-virtqueue-descriptor-table.3",
      queue.index,
      `a notification says offset ${nextOff}, wrap counter ${nextWrap}; the next descriptor is ${this.#next}, ${this.#wrap}`,
      [registerEvidence("notification", value)],
    );
  }

  gone(): void {
    this.#buffers.giveBack();
  }

  touches(address: number, lengthBytes: number): boolean {
    const { descriptors, driver, device } = this.#watch.queue.addresses;
    const end = address + lengthBytes;
    return (
      (end > descriptors && address < descriptors + DESCRIPTOR_BYTES * this.#size) ||
      (end > driver && address < driver + EVENT_BYTES) ||
      (end > device && address < device + EVENT_BYTES) ||
      this.#buffers.tablesTouch(address, end)
    );
  }

  /** A notification, and the ring has never held anything. */
  #reportNothing(): void {
    const { context, queue } = this.#watch;
    const at = this.#slotAddress(0);
    const raw = new Uint8Array(DESCRIPTOR_BYTES);
    context.memory.read(at, raw);
    const event = new Uint8Array(EVENT_BYTES);
    context.memory.read(queue.addresses.driver, event);
    const { lengthBytes, flags, extra } = splitDescriptor(raw, 0, at, 0);
    // Flags of split descriptors are small, next is an index, and the available index is where packed rings have flags.
    const split = lengthBytes > 0 && flags < 8 && extra < this.#size && get16(event, 2) > 0;
    context.hint(
      split ? "split-ring-where-packed" : "nothing-available",
      queue.index,
      split
        ? `queue ${queue.index} was notified, and what lies there is a split ring, although VIRTIO_F_RING_PACKED was accepted: ` +
            "the device takes it for a packed one and finds nothing. Accept only the features that the driver implements"
        : `queue ${queue.index} was notified, and no descriptor is available: in the flags of the first one AVAIL has to be ` +
            "1 and USED 0 on the first lap through the ring, and the other way round on the second",
      [{ what: "descriptor 0", address: at, after: toHex(raw) }],
      { lasting: "nothing-available" },
    );
  }

  #slotAddress(slot: number): number {
    return this.#watch.queue.addresses.descriptors + DESCRIPTOR_BYTES * slot;
  }

  // What the device holds

  /**
   * A used descriptor stays only until the driver reuses its slot. Where the device may have used some in between, and
   * the driver have reused them, nobody can tell any more what is in flight.
   */
  #lose(): void {
    const { context, queue } = this.#watch;
    context.note(`queue ${queue.index}: buffers were used unseen; the watch over this ring ends`);
    this.#lost = true;
    this.#buffers.clear();
  }

  #reportAltered(slot: number): void {
    const bytes = this.#buffers.shadow.get(slot);
    if (bytes === undefined) return;
    const { context, queue } = this.#watch;
    const now = new Uint8Array(DESCRIPTOR_BYTES);
    context.memory.read(this.#slotAddress(slot), now);
    const before = get16(bytes, FLAGS_AT);
    const after = get16(now, FLAGS_AT);
    const lap = before & AVAIL_USED;
    const bits = after & AVAIL_USED;
    this.#buffers.shadow.set(slot, now);
    // A used descriptor behind others that are not yet complete: the device's doing.
    if (bits === ((before & VIRTQ_DESC_F_AVAIL) !== 0 ? AVAIL_USED : 0)) return;
    // Made available for the next lap: the driver took for used what was not.
    const reused = bits === (lap ^ AVAIL_USED);
    // Length and id: a device may write those of a used descriptor long before its flags.
    const asDevices = after === before && sameBytes(now.subarray(0, 8), bytes.subarray(0, 8));
    if ((reused || asDevices) && !this.#undisturbed) {
      if (reused) this.#lose();
      return;
    }
    const evidence = [
      {
        what: `descriptor ${slot}`,
        address: this.#slotAddress(slot),
        before: toHex(bytes),
        after: toHex(now),
      },
    ];
    context.report(
      reused
        ? "packed-ring.driver.the-virtqueue-descriptor-table.1"
        : "packed-ring.driver.the-virtqueue-descriptor-table.2",
      queue.index,
      reused
        ? `descriptor ${slot} was reused before the device had used it`
        : `descriptor ${slot} was changed after it was made available`,
      evidence,
      `descriptor ${slot}`,
    );
    context.report(
      "content.driver.device-cleanup.1",
      queue.index,
      `descriptor ${slot} was altered while the device held its buffer`,
      evidence,
      `descriptor ${slot}`,
    );
    if (toHex(now) === "00".repeat(DESCRIPTOR_BYTES)) {
      context.report(
        "content.driver.device-cleanup.2",
        queue.index,
        `descriptor ${slot} was removed from a live queue while the device held its buffer`,
        evidence,
        `descriptor ${slot}`,
      );
    }
  }

  #takeUsed(): void {
    const { context, queue, inOrder } = this.#watch;
    for (let budget = this.#size; budget > 0; budget--) {
      if (!context.memory.read(this.#slotAddress(this.#nextUsed), this.#raw)) return;
      const flags = get16(this.#raw, FLAGS_AT);
      const used = this.#usedWrap === 1 ? AVAIL_USED : 0;
      if ((flags & AVAIL_USED) !== used) return;
      const id = get16(this.#raw, 12);
      const written = get32(this.#raw, 8);
      const last = this.#buffers.chains.get(id);
      if (last === undefined) {
        this.#lose();
        return;
      }
      if (!inOrder) {
        this.#release(last, written);
        continue;
      }
      // One used descriptor may stand for several buffers: all up to this one.
      for (const chain of this.#buffers.chains.values()) {
        this.#release(chain, chain === last ? written : chain.writableBytes);
        if (chain === last) break;
      }
    }
    if (this.#held < 0) context.note(`queue ${queue.index}: more was used than was available`);
  }

  #release(chain: WatchedChain, writtenBytes: number): void {
    this.#buffers.drop(chain.token);
    for (let i = 0; i < chain.direct.length; i++) {
      this.#buffers.shadow.delete(this.#nextUsed);
      if (++this.#nextUsed === this.#size) {
        this.#nextUsed = 0;
        this.#usedWrap ^= 1;
      }
    }
    this.#held -= chain.direct.length;
    this.#watch.listener.used(this.#watch.queue, chain, writtenBytes);
  }

  // What the driver makes available

  #isAvailable(flags: number, wrap: number): boolean {
    return (flags & AVAIL_USED) === (wrap === 1 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED);
  }

  #takeAvailable(): void {
    for (let budget = this.#size; budget > 0; budget--) {
      if (!this.#takeBuffer()) return;
    }
  }

  /** Takes one buffer; false when there is none. */
  #takeBuffer(): boolean {
    const { context, queue } = this.#watch;
    if (this.#newLeft <= 0) return false;
    if (!context.memory.read(this.#slotAddress(this.#next), this.#raw)) return false;
    if (!this.#isAvailable(get16(this.#raw, FLAGS_AT), this.#wrap)) return false;
    // A full ring holds nothing new: what looks like the next lap's was reported as a change.
    if (this.#held >= this.#size) return false;
    const free = this.#size - this.#held;
    const direct: WatchedDescriptor[] = [];
    const elements: WatchedDescriptor[] = [];
    const tables: WatchedTable[] = [];
    const position = this.#next;
    let slot = this.#next;
    let wrap = this.#wrap;
    let early = -1;
    let endless = false;
    for (;;) {
      const raw = new Uint8Array(DESCRIPTOR_BYTES);
      this.#newLeft--;
      const at = this.#slotAddress(slot);
      if (!context.memory.read(at, raw)) break;
      const descriptor = packedDescriptor(raw, 0, at, slot);
      if (early < 0 && !this.#isAvailable(descriptor.flags, wrap)) early = slot;
      direct.push(descriptor);
      // What is not available yet is the driver's to write.
      if (direct.length <= free && this.#isAvailable(descriptor.flags, wrap))
        this.#buffers.shadow.set(slot, raw);
      if (isIndirect(descriptor.flags)) {
        const table = this.#table(descriptor);
        tables.push(table);
        for (const element of table.descriptors) elements.push(element);
      } else {
        elements.push(descriptor);
      }
      if (++slot === this.#size) {
        slot = 0;
        wrap ^= 1;
      }
      if (!hasNext(descriptor.flags)) break;
      if (direct.length >= this.#size) {
        endless = true;
        break;
      }
    }
    const last = direct[direct.length - 1];
    if (last === undefined) return false;
    this.#everAvailable = true;
    this.#next = slot;
    this.#wrap = wrap;
    this.#held += Math.min(direct.length, free);
    if (early >= 0) this.#reportEarly(position, direct.find(({ index }) => index === early) ?? last);
    if (direct.length > free || endless)
      this.#reportSpace(position, direct.length, free, endless, early >= 0);
    const chain: WatchedChain = {
      queue: queue.index,
      format: "packed",
      token: last.extra,
      position,
      direct: direct.length > free ? direct.slice(0, free) : direct,
      tables,
      elements,
      endless,
      incomplete: early >= 0,
      readableBytes: sumBytes(elements, false),
      writableBytes: sumBytes(elements, true),
    };
    if (this.#buffers.chains.has(chain.token) && this.#undisturbed && early < 0) this.#reportInFlight(chain);
    this.#watch.listener.available(queue, chain);
    this.#buffers.remember(chain);
    return true;
  }

  #reportInFlight({ token, direct }: WatchedChain): void {
    const { context, queue } = this.#watch;
    const last = direct.at(-1);
    context.hint(
      "buffer-in-flight",
      queue.index,
      `buffer id ${token} of queue ${queue.index} was made available again while the device still holds one with that id`,
      last === undefined
        ? []
        : [{ what: `id of descriptor ${last.index}`, address: last.at + 12, after: hex(token) }],
    );
  }

  #reportEarly(first: number, late: WatchedDescriptor): void {
    const { context, queue } = this.#watch;
    context.report(
      "packed-ring.driver.scatter-gather-support.6",
      queue.index,
      `descriptor ${first} is available before descriptor ${late.index} of the same list`,
      [
        {
          what: `flags of descriptor ${late.index}`,
          address: late.at + FLAGS_AT,
          after: late.flags.toString(16).padStart(4, "0"),
        },
      ],
      "list",
    );
  }

  #reportSpace(first: number, count: number, free: number, endless: boolean, early: boolean): void {
    const { context, queue } = this.#watch;
    if (free === this.#size && endless) return;
    // Descriptors that are still to come can only follow once the device used others.
    if (early) {
      context.report(
        "packed-ring.driver.scatter-gather-support.4",
        queue.index,
        `the list from descriptor ${first} on can be completed only once the device used more descriptors`,
        [],
        "list",
      );
    }
    context.report(
      "packed-ring.driver.scatter-gather-support.5",
      queue.index,
      `a list of ${endless ? "more than " : ""}${count} descriptors from ${first} on, where ${free} were free`,
      [],
      "list",
    );
  }

  #table(descriptor: WatchedDescriptor): WatchedTable {
    const { memory } = this.#watch.context;
    const wanted = Math.min(Math.floor(descriptor.lengthBytes / DESCRIPTOR_BYTES), this.#size + 1);
    const count = Math.max(0, Math.min(wanted, this.#newLeft));
    this.#newLeft -= count;
    const bytes = new Uint8Array(count * DESCRIPTOR_BYTES);
    if (count === 0 || !memory.read(descriptor.address, bytes)) {
      return { address: descriptor.address, bytes: null, descriptors: [], endless: false };
    }
    const descriptors: WatchedDescriptor[] = [];
    for (let index = 0; index < count; index++) {
      const from = DESCRIPTOR_BYTES * index;
      descriptors.push(packedDescriptor(bytes, from, descriptor.address + from, index));
    }
    return { address: descriptor.address, bytes, descriptors, endless: false };
  }
}
