import { VIRTQ_AVAIL, VIRTQ_USED } from "../../../wire/split-ring.ts";
import {
  DESCRIPTOR_BYTES,
  hasNext,
  heldBuffer,
  isBlank,
  isIndirect,
  splitDescriptor,
  sumBytes,
  type WatchedChain,
  type WatchedDescriptor,
  type WatchedTable,
} from "../chain.ts";
import { hex, toHex } from "../violation.ts";
import { get16, get32 } from "../watched-memory.ts";
import { HeldBuffers } from "./held-buffers.ts";
import { NEW_DESCRIPTORS_PER_LOOK, type RingWatch, type RingWatcher } from "./ring-watcher.ts";
import { SplitSuppression } from "./split-suppression.ts";

/** Further on than this an index went back: 16 bits do not tell the two apart. */
const HALF_WAY = 0x8000;
/** Entries of the available ring that one look compares. */
const ENTRIES_PER_LOOK = 1024;

/** Watches a split virtqueue (virtio 1.4, section 2.7). */
export class SplitWatcher implements RingWatcher {
  readonly #watch: RingWatch;
  readonly #size: number;
  readonly #suppression: SplitSuppression;
  /** Available and used index as last seen. */
  #availIdx = 0;
  #usedIdx = 0;
  /** Buffers the device holds, by head. */
  readonly #buffers: HeldBuffers;
  /** Up to which position of the available ring the device has certainly read. */
  #consumed = 0;
  /** Some buffer was made available. */
  #everAvailable = false;
  /** Heads that were used before they were seen to be available, in this look. */
  readonly #unseen = new Map<number, number>();
  #unseenCount = 0;
  /** How many buffers were used since the last look. */
  #usedCount = 0;
  /** How many descriptors this look may still take in. */
  #newLeft = 0;
  readonly #pair = new Uint8Array(4);
  readonly #entry = new Uint8Array(8);

  constructor(watch: RingWatch) {
    this.#watch = watch;
    this.#buffers = new HeldBuffers(watch);
    this.#size = Math.max(1, Math.min(watch.queue.size, 32768));
    this.#suppression = new SplitSuppression(watch, this.#size);
    const { memory } = watch.context;
    // What is in the rings when the queue is enabled is the driver's first state, not a change.
    if (memory.read(watch.queue.addresses.device, this.#pair))
      this.#usedIdx = get16(this.#pair, VIRTQ_USED.idx);
  }

  get inFlight(): number {
    return this.#buffers.chains.size;
  }

  look(): void {
    this.#newLeft = NEW_DESCRIPTORS_PER_LOOK;
    const altered = this.#buffers.compare();
    const overwritten = this.#overwrittenEntries();
    this.#takeUsed();
    for (const index of altered) this.#reportAltered(index);
    for (const chain of overwritten) this.#reportOverwritten(chain);
    this.#takeAvailable();
    this.#suppression.look(this.#availIdx);
  }

  notified(_value: number): void {
    this.#suppression.notified(this.#availIdx);
    if (!this.#everAvailable && this.#watch.context.view.live) this.#reportNothing();
  }

  touches(address: number, lengthBytes: number): boolean {
    const { descriptors, driver, device } = this.#watch.queue.addresses;
    const end = address + lengthBytes;
    return (
      (end > descriptors && address < descriptors + DESCRIPTOR_BYTES * this.#size) ||
      (end > driver && address < driver + VIRTQ_AVAIL.ring + 2 * this.#size + 2) ||
      (end > device && address < device + VIRTQ_USED.ring + 8 * this.#size + 2) ||
      this.#buffers.tablesTouch(address, end)
    );
  }

  gone(): void {
    this.#suppression.gone(this.#availIdx);
    this.#buffers.giveBack();
  }

  /** A notification, and the ring has never held anything. */
  #reportNothing(): void {
    const { context, queue } = this.#watch;
    const at = queue.addresses.driver + VIRTQ_AVAIL.idx;
    context.hint(
      "nothing-available",
      queue.index,
      `queue ${queue.index} was notified, and its available index still is 0: a buffer counts once its head is in the ` +
        "available ring and idx, the second 16-bit word of that ring, has been raised by one",
      [{ what: "idx of the available ring", address: at, after: "0000" }],
      { lasting: "nothing-available" },
    );
  }

  // What the device holds

  /** Buffers the device may still have to fetch whose entry of the available ring is another one by now. */
  #overwrittenEntries(): WatchedChain[] {
    const { context, queue } = this.#watch;
    const found: WatchedChain[] = [];
    let budget = ENTRIES_PER_LOOK;
    for (const chain of this.#buffers.chains.values()) {
      if (budget-- === 0) break;
      const { position, token } = chain;
      if (((position - this.#consumed) & 0xffff) >= HALF_WAY) continue;
      const at = queue.addresses.driver + VIRTQ_AVAIL.ring + 2 * (position % this.#size);
      if (context.memory.read(at, this.#pair.subarray(0, 2)) && get16(this.#pair, 0) !== token)
        found.push(chain);
    }
    return found;
  }

  #reportOverwritten(chain: WatchedChain): void {
    const { context, queue } = this.#watch;
    const { position, token } = chain;
    // Used meanwhile, or fetched, since a later one was used: the driver may have written the next lap's.
    if (this.#buffers.chains.get(token) !== chain || ((position - this.#consumed) & 0xffff) >= HALF_WAY)
      return;
    const slot = position % this.#size;
    const at = queue.addresses.driver + VIRTQ_AVAIL.ring + 2 * slot;
    const head = context.memory.read(at, this.#pair.subarray(0, 2)) ? get16(this.#pair, 0) : 0;
    if (head === token) return;
    context.report(
      "content.driver.device-cleanup.1",
      queue.index,
      `entry ${slot} of the available ring of queue ${queue.index} was changed after the available index had been raised ` +
        "over it: the device may have fetched the old one. First the descriptors, then the entry, then the index",
      [{ what: `entry ${slot} of the available ring`, address: at, before: hex(token), after: hex(head) }],
    );
    this.#buffers.drop(token);
    for (const { index } of chain.direct) this.#buffers.shadow.delete(index);
    this.#publish(head, position);
  }

  #reportAltered(index: number): void {
    const bytes = this.#buffers.shadow.get(index);
    if (bytes === undefined) return;
    const { context, queue } = this.#watch;
    const at = queue.addresses.descriptors + DESCRIPTOR_BYTES * index;
    const now = new Uint8Array(DESCRIPTOR_BYTES);
    context.memory.read(at, now);
    // Once is enough: from here on it is what it is.
    this.#buffers.shadow.set(index, now);
    let owner: WatchedChain | null = null;
    for (const chain of this.#buffers.chains.values()) {
      if (chain.direct.some((descriptor) => descriptor.index === index)) owner = chain;
    }
    context.report(
      "content.driver.device-cleanup.1",
      queue.index,
      owner?.incomplete === true
        ? `descriptor ${index} of queue ${queue.index} was filled only after the available index had been raised: the device ` +
            "may have read it before. First the descriptors, then the entry of the available ring, then its index"
        : `descriptor ${index} was altered while the device held its buffer: it belongs to the device from the moment the ` +
            "available index is raised until its head is in the used ring",
      [{ what: `descriptor ${index}`, address: at, before: toHex(bytes), after: toHex(now) }],
      owner === null ? `descriptor ${index}` : heldBuffer(owner),
    );
  }

  #takeUsed(): void {
    const { context, queue, inOrder } = this.#watch;
    const at = queue.addresses.device;
    if (context.memory.read(at, this.#pair)) {
      const idx = get16(this.#pair, VIRTQ_USED.idx);
      let count = (idx - this.#usedIdx) & 0xffff;
      this.#unseen.clear();
      this.#unseenCount = 0;
      if (count > this.#size) {
        // Devices only go forward: memory that is cleared or given to others on a live queue says nothing of any use.
        if (count >= HALF_WAY) count = 0;
        // The entries of a whole lap are gone: nobody can say what was used.
        else this.#lose();
      }
      this.#usedCount = count;
      if (count > this.#size) count = 0;
      for (; count > 0; count--) {
        const entry = at + VIRTQ_USED.ring + 8 * (this.#usedIdx % this.#size);
        this.#usedIdx = (this.#usedIdx + 1) & 0xffff;
        if (!context.memory.read(entry, this.#entry)) continue;
        // With IN_ORDER one entry may stand for several buffers: the oldest ones, whatever the others say.
        const first = this.#buffers.chains.keys().next();
        const head = inOrder && first.done !== true ? first.value : get32(this.#entry, 0);
        if (this.#release(head, get32(this.#entry, 4))) continue;
        // Made available and used since the last look: by a device that works when nobody notifies it.
        this.#unseenCount++;
        this.#unseen.set(head, (this.#unseen.get(head) ?? 0) + 1);
      }
      this.#usedIdx = idx;
    }
    this.#buffers.reportTables();
  }

  /** Forgets everything in flight, because too much happened between two looks. */
  #lose(): void {
    const { context, queue } = this.#watch;
    context.note(`queue ${queue.index}: more was used between two looks than can be told`);
    this.#buffers.clear();
    const at = queue.addresses.driver;
    if (context.memory.read(at, this.#pair)) this.#availIdx = get16(this.#pair, VIRTQ_AVAIL.idx);
    this.#suppression.restart(this.#availIdx);
  }

  #release(head: number, writtenBytes: number): boolean {
    const chain = this.#buffers.chains.get(head);
    if (chain === undefined) return false;
    this.#buffers.drop(head);
    for (const { index } of chain.direct) this.#buffers.shadow.delete(index);
    const next = (chain.position + 1) & 0xffff;
    if (((next - this.#consumed) & 0xffff) < HALF_WAY) this.#consumed = next;
    this.#watch.listener.used(this.#watch.queue, chain, writtenBytes);
    return true;
  }

  // What the driver makes available

  #takeAvailable(): void {
    const { context, queue } = this.#watch;
    const at = queue.addresses.driver;
    if (!context.memory.read(at, this.#pair)) return;
    const flags = get16(this.#pair, VIRTQ_AVAIL.flags);
    const idx = get16(this.#pair, VIRTQ_AVAIL.idx);
    this.#suppression.flags(flags);
    const count = (idx - this.#availIdx) & 0xffff;
    if (count === 0) return;
    if (count > this.#size) {
      this.#everAvailable = true;
      // Many buffers may have come and gone, but of those that came all but what the queue holds have to be used.
      if (count > this.#usedCount + this.#size) {
        this.#reportBackwards(idx, at);
        this.#suppression.restart(idx);
      } else this.#lose();
      this.#availIdx = idx;
      return;
    }
    for (let i = 0; i < count; i++) {
      const position = (this.#availIdx + i) & 0xffff;
      const entry = at + VIRTQ_AVAIL.ring + 2 * (position % this.#size);
      if (!context.memory.read(entry, this.#pair)) continue;
      const head = get16(this.#pair, 0);
      if (!this.#cameAndWent(head)) this.#publish(head, position);
    }
    this.#availIdx = idx;
  }

  /** Whether this buffer is used already: its descriptors may belong to others by now. */
  #cameAndWent(head: number): boolean {
    if (this.#watch.inOrder) return this.#unseenCount-- > 0;
    const times = this.#unseen.get(head) ?? 0;
    if (times > 0) this.#unseen.set(head, times - 1);
    return times > 0;
  }

  #reportBackwards(idx: number, at: number): void {
    const { context, queue } = this.#watch;
    const before = this.#availIdx;
    const count = (idx - before) & 0xffff;
    const evidence = [
      {
        what: "idx of the available ring",
        address: at + VIRTQ_AVAIL.idx,
        before: before.toString(16).padStart(4, "0"),
        after: idx.toString(16).padStart(4, "0"),
      },
    ];
    if (count < HALF_WAY) {
      context.hint(
        "available-index-jumps",
        queue.index,
        `the available index of queue ${queue.index} jumped from ${hex(before)} to ${hex(idx)}, by ${count}, where the queue ` +
          `has ${this.#size} descriptors: it counts buffers, one for each, and is 16 bits wide`,
        evidence,
      );
      return;
    }
    context.report(
      "split-ring.driver.the-virtqueue-available-ring.1",
      queue.index,
      `the available index of queue ${queue.index} went back from ${hex(before)} to ${hex(idx)}: it only ever grows, modulo 65536`,
      evidence,
      "index",
    );
    if (this.#buffers.chains.size === 0) return;
    context.report(
      "content.driver.device-cleanup.2",
      queue.index,
      `${this.#buffers.chains.size} buffers were taken back by the available index without a reset`,
      evidence,
      "index",
    );
  }

  #publish(head: number, position: number): void {
    const { queue, context } = this.#watch;
    const direct: WatchedDescriptor[] = [];
    const elements: WatchedDescriptor[] = [];
    const tables: WatchedTable[] = [];
    let endless = false;
    this.#everAvailable = true;
    const visited = new Set<number>();
    for (let index = head; ; ) {
      if (visited.has(index)) {
        endless = true;
        break;
      }
      if (this.#newLeft-- <= 0) return;
      if (index >= this.#size) {
        this.#reportNoDescriptor(index, position, direct.at(-1));
        break;
      }
      visited.add(index);
      const at = queue.addresses.descriptors + DESCRIPTOR_BYTES * index;
      const raw = new Uint8Array(DESCRIPTOR_BYTES);
      if (!context.memory.read(at, raw)) break;
      const descriptor = splitDescriptor(raw, 0, at, index);
      direct.push(descriptor);
      this.#buffers.shadow.set(index, raw);
      if (isIndirect(descriptor.flags)) {
        const table = this.#table(descriptor);
        tables.push(table);
        for (const element of table.descriptors) elements.push(element);
        endless ||= table.endless;
      } else {
        elements.push(descriptor);
      }
      if (!hasNext(descriptor.flags)) break;
      index = descriptor.extra;
    }
    const [first] = direct;
    const chain: WatchedChain = {
      queue: queue.index,
      format: "split",
      token: head,
      position,
      direct,
      tables,
      elements,
      endless,
      // Nothing in it at all: it is still to be filled, or never will be.
      incomplete: first !== undefined && isBlank(first),
      readableBytes: sumBytes(elements, false),
      writableBytes: sumBytes(elements, true),
    };
    if (this.#buffers.chains.has(head) && !this.#usedMeanwhile()) this.#reportInFlight(head, position);
    this.#watch.listener.available(queue, chain);
    // A head that is in flight already goes to the end of the line.
    this.#buffers.remember(chain);
  }

  #reportNoDescriptor(index: number, position: number, before: WatchedDescriptor | undefined): void {
    const { context, queue } = this.#watch;
    const last = this.#size - 1;
    if (before === undefined) {
      const at = queue.addresses.driver + VIRTQ_AVAIL.ring + 2 * (position % this.#size);
      context.hint(
        "head-out-of-range",
        queue.index,
        `entry ${position % this.#size} of the available ring of queue ${queue.index} names descriptor ${index}, and the ` +
          `queue has the descriptors 0 to ${last}`,
        [{ what: `entry ${position % this.#size} of the available ring`, address: at, after: hex(index) }],
      );
      return;
    }
    context.hint(
      "next-out-of-range",
      queue.index,
      `next of descriptor ${before.index} of queue ${queue.index} is ${index}, and the queue has the descriptors 0 to ${last}`,
      [{ what: `next of descriptor ${before.index}`, address: before.at + 14, after: hex(index) }],
    );
  }

  /** The device used some since this look began: the driver may know of it already. */
  #usedMeanwhile(): boolean {
    const { context, queue } = this.#watch;
    return (
      context.memory.read(queue.addresses.device, this.#pair) &&
      get16(this.#pair, VIRTQ_USED.idx) !== this.#usedIdx
    );
  }

  #reportInFlight(head: number, position: number): void {
    const { context, queue } = this.#watch;
    context.hint(
      "buffer-in-flight",
      queue.index,
      `descriptor ${head} of queue ${queue.index} was made available again while the device still holds it: a head comes ` +
        "back in the used ring, and only then may it be offered again",
      [
        {
          what: `entry ${position % this.#size} of the available ring`,
          address: queue.addresses.driver + VIRTQ_AVAIL.ring + 2 * (position % this.#size),
          after: hex(head),
        },
      ],
    );
  }

  /** The descriptors of an indirect table, as far as they are chained; never more than the queue has entries and one. */
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
    const visited = new Set<number>();
    let endless = false;
    for (let index = 0; index < count; ) {
      if (visited.has(index)) {
        endless = true;
        break;
      }
      visited.add(index);
      const from = DESCRIPTOR_BYTES * index;
      const element = splitDescriptor(bytes, from, descriptor.address + from, index);
      descriptors.push(element);
      if (!hasNext(element.flags)) break;
      index = element.extra;
    }
    return { address: descriptor.address, bytes, descriptors, endless };
  }
}
