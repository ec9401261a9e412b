import {
  PVIRTQ_DESC,
  PVIRTQ_DESC_ALIGN,
  PVIRTQ_EVENT_SUPPRESS,
  PVIRTQ_EVENT_SUPPRESS_ALIGN,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "../../wire/packed-ring.ts";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../wire/split-ring.ts";
import type { RingSnapshot } from "../result.ts";
import { CaseFailure } from "../verdicts.ts";
import { type Arena, toHex } from "./arena.ts";
import type { QueueAddresses } from "./registers.ts";
import { type Element, type Placed, type PlaceOptions, Ring, type Used } from "./ring.ts";

/** One descriptor, every field free. */
export interface PackedDescriptor {
  readonly address: number | bigint;
  readonly lengthBytes: number;
  /** Buffer id. Default 0. */
  readonly id?: number;
  /** All flags, VIRTQ_DESC_F_AVAIL and VIRTQ_DESC_F_USED included. Default 0. */
  readonly flags?: number;
}

/** An event suppression structure. */
export interface EventSuppression {
  /** Descriptor event offset (bits 0–14) and wrap counter (bit 15). */
  readonly desc: number;
  /** RING_EVENT_FLAGS_*. */
  readonly flags: number;
}

/**
 * A packed virtqueue (virtio 1.4, section 2.8).
 *
 * @example
 * ```ts
 * const ring = new PackedRing(arena, 0, "requestq", 16);
 * ring.place([{ address: buffer, lengthBytes: 64, writable: true }]);
 * ring.publish();
 * ```
 */
export class PackedRing extends Ring {
  readonly format = "packed";
  readonly addresses: QueueAddresses;
  /** Where the next chain begins. */
  nextSlot = 0;
  /** The driver's ring wrap counter. */
  wrap = true;
  /** Where the driver looks for the next used descriptor, and the wrap counter it expects there. */
  usedSlot = 0;
  usedWrap = true;
  /** Flags of heads that are placed and not available yet. */
  #unpublished: { slot: number; flags: number }[] = [];
  #freeSlots: number;
  readonly #freeIds: number[];

  /** Allocates its areas unless told where they lie. */
  constructor(arena: Arena, index: number, name: string, size: number, addresses?: QueueAddresses) {
    super(arena, index, name, size);
    this.addresses = addresses ?? {
      descriptors: arena.allocate(PVIRTQ_DESC.sizeBytes * size, PVIRTQ_DESC_ALIGN),
      driver: arena.allocate(PVIRTQ_EVENT_SUPPRESS.sizeBytes, PVIRTQ_EVENT_SUPPRESS_ALIGN),
      device: arena.allocate(PVIRTQ_EVENT_SUPPRESS.sizeBytes, PVIRTQ_EVENT_SUPPRESS_ALIGN),
    };
    this.#freeSlots = size;
    this.#freeIds = Array.from({ length: size }, (_, id) => id);
  }

  /** Writes a descriptor into the ring, or into an indirect table. */
  writeDescriptor(slot: number, descriptor: PackedDescriptor, table = this.addresses.descriptors): void {
    const view = new DataView(new ArrayBuffer(PVIRTQ_DESC.sizeBytes));
    view.setBigUint64(PVIRTQ_DESC.addr, BigInt(descriptor.address), true);
    view.setUint32(PVIRTQ_DESC.len, descriptor.lengthBytes, true);
    view.setUint16(PVIRTQ_DESC.id, descriptor.id ?? 0, true);
    view.setUint16(PVIRTQ_DESC.flags, descriptor.flags ?? 0, true);
    this.arena.ram.write(table + slot * PVIRTQ_DESC.sizeBytes, new Uint8Array(view.buffer));
  }

  /** Reads a descriptor of the ring. */
  readDescriptor(slot: number): { address: bigint; lengthBytes: number; id: number; flags: number } {
    const bytes = this.arena.ram.read(
      this.addresses.descriptors + slot * PVIRTQ_DESC.sizeBytes,
      PVIRTQ_DESC.sizeBytes,
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      address: view.getBigUint64(PVIRTQ_DESC.addr, true),
      lengthBytes: view.getUint32(PVIRTQ_DESC.len, true),
      id: view.getUint16(PVIRTQ_DESC.id, true),
      flags: view.getUint16(PVIRTQ_DESC.flags, true),
    };
  }

  /** The flags that make a descriptor available in a round of the ring. Default: the driver's present one. */
  availableFlags(wrap = this.wrap): number {
    return wrap ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
  }

  /** An indirect table of `entries` zeroed descriptors; returns its address. */
  createTable(entries: number): number {
    const table = this.arena.allocate(entries * PVIRTQ_DESC.sizeBytes, PVIRTQ_DESC_ALIGN);
    this.tables.set(table, entries);
    return table;
  }

  /**
   * Takes the next slots of the ring, moving on; each with the wrap counter it has. Throws {@link CaseFailure} when
   * the ring is full.
   */
  takeSlots(count: number): { slot: number; wrap: boolean }[] {
    if (count > this.#freeSlots) throw new CaseFailure(`${this.name} has no ${count} free descriptors`);
    this.#freeSlots -= count;
    return Array.from({ length: count }, () => {
      const taken = { slot: this.nextSlot, wrap: this.wrap };
      this.nextSlot++;
      if (this.nextSlot === this.size) {
        this.nextSlot = 0;
        this.wrap = !this.wrap;
      }
      return taken;
    });
  }

  place(elements: readonly Element[], options: PlaceOptions = {}): Placed {
    const { indirectFrom } = options;
    if (indirectFrom !== undefined && indirectFrom !== 0) {
      throw new CaseFailure("a packed ring cannot chain an indirect table behind other descriptors");
    }
    const id = this.#freeIds.shift();
    if (id === undefined) throw new CaseFailure(`${this.name} has no free buffer id`);
    const slots = this.takeSlots(indirectFrom === undefined ? elements.length : 1);
    let table = 0;
    if (indirectFrom === undefined) {
      elements.forEach((element, i) => {
        const { slot, wrap } = slots[i] as { slot: number; wrap: boolean };
        const next = i < elements.length - 1 ? VIRTQ_DESC_F_NEXT : 0;
        const flags = this.availableFlags(wrap) | (element.writable ? VIRTQ_DESC_F_WRITE : 0) | next;
        this.#write(i === 0, slot, { ...element, id, flags });
      });
    } else {
      table = this.createTable(elements.length);
      elements.forEach((element, i) => {
        this.writeDescriptor(i, { ...element, flags: element.writable ? VIRTQ_DESC_F_WRITE : 0 }, table);
      });
      const { slot, wrap } = slots[0] as { slot: number; wrap: boolean };
      const lengthBytes = elements.length * PVIRTQ_DESC.sizeBytes;
      const flags = this.availableFlags(wrap) | VIRTQ_DESC_F_INDIRECT;
      this.#write(true, slot, { address: table, lengthBytes, id, flags });
    }
    const placed = { id, slots: slots.map(({ slot }) => slot), table };
    this.inFlight.set(id, placed);
    this.highlight = placed.slots;
    return placed;
  }

  /** Writes a descriptor; the flags of a chain's first one are kept back until {@link publish}. */
  #write(first: boolean, slot: number, descriptor: Required<PackedDescriptor>): void {
    if (!first) {
      this.writeDescriptor(slot, descriptor);
      return;
    }
    const before = this.readDescriptor(slot).flags;
    this.writeDescriptor(slot, { ...descriptor, flags: before });
    this.#unpublished.push({ slot, flags: descriptor.flags });
  }

  /** Writes the flags of one descriptor of the ring. */
  writeFlags(slot: number, flags: number): void {
    this.arena.write(this.addresses.descriptors + slot * PVIRTQ_DESC.sizeBytes + PVIRTQ_DESC.flags, 2, flags);
  }

  publish(): void {
    // The first of the batch last: the device must not see the others before it sees all.
    for (const { slot, flags } of this.#unpublished.reverse()) this.writeFlags(slot, flags);
    this.#unpublished = [];
  }

  takeUsed(): Used | null {
    const { flags, id, lengthBytes } = this.readDescriptor(this.usedSlot);
    const avail = (flags & VIRTQ_DESC_F_AVAIL) !== 0;
    const used = (flags & VIRTQ_DESC_F_USED) !== 0;
    if (avail !== this.usedWrap || used !== this.usedWrap) return null;
    const placed = this.inFlight.get(id);
    const taken = placed?.slots.length ?? 1;
    this.usedSlot += taken;
    if (this.usedSlot >= this.size) {
      this.usedSlot -= this.size;
      this.usedWrap = !this.usedWrap;
    }
    if (placed !== undefined) {
      this.#freeSlots += taken;
      this.#freeIds.push(id);
      this.inFlight.delete(id);
    }
    return { id, lengthBytes };
  }

  /** Takes every slot for free again and forgets what was placed: for cases that read used descriptors themselves. */
  freeAll(): void {
    this.#freeSlots = this.size;
    this.#freeIds.push(...this.inFlight.keys());
    this.inFlight.clear();
  }

  /** Writes the driver event suppression structure. */
  setDriverEvent(event: EventSuppression): void {
    this.arena.write(this.addresses.driver + PVIRTQ_EVENT_SUPPRESS.desc, 2, event.desc);
    this.arena.write(this.addresses.driver + PVIRTQ_EVENT_SUPPRESS.flags, 2, event.flags);
  }

  /** The device event suppression structure, as the device wrote it. */
  get deviceEvent(): EventSuppression {
    return {
      desc: this.arena.read(this.addresses.device + PVIRTQ_EVENT_SUPPRESS.desc, 2),
      flags: this.arena.read(this.addresses.device + PVIRTQ_EVENT_SUPPRESS.flags, 2),
    };
  }

  setInterruptsWanted(wanted: boolean): void {
    this.setDriverEvent({ desc: 0, flags: wanted ? RING_EVENT_FLAGS_ENABLE : RING_EVENT_FLAGS_DISABLE });
  }

  notificationData(): number {
    return (this.index | (this.nextSlot << 16) | (this.wrap ? 1 << 31 : 0)) >>> 0;
  }

  snapshot(): RingSnapshot {
    const { ram } = this.arena;
    return {
      queue: this.name,
      format: this.format,
      size: this.size,
      addresses: this.addresses,
      descriptors: toHex(ram.read(this.addresses.descriptors, PVIRTQ_DESC.sizeBytes * this.size)),
      driver: toHex(ram.read(this.addresses.driver, PVIRTQ_EVENT_SUPPRESS.sizeBytes)),
      device: toHex(ram.read(this.addresses.device, PVIRTQ_EVENT_SUPPRESS.sizeBytes)),
      tables: this.snapshotTables(PVIRTQ_DESC.sizeBytes, toHex),
      highlight: this.highlight,
    };
  }
}
