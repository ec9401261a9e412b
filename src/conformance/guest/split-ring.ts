import {
  VIRTQ_AVAIL,
  VIRTQ_AVAIL_ALIGN,
  VIRTQ_AVAIL_ELEM_BYTES,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC,
  VIRTQ_DESC_ALIGN,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_EVENT_BYTES,
  VIRTQ_USED,
  VIRTQ_USED_ALIGN,
  VIRTQ_USED_ELEM,
} from "../../wire/split-ring.ts";
import type { RingSnapshot } from "../result.ts";
import { CaseFailure } from "../verdicts.ts";
import { type Arena, toHex } from "./arena.ts";
import type { QueueAddresses } from "./registers.ts";
import { type Element, type Placed, type PlaceOptions, Ring, type Used } from "./ring.ts";

/** One descriptor, every field free. */
export interface SplitDescriptor {
  readonly address: number | bigint;
  readonly lengthBytes: number;
  /** VIRTQ_DESC_F_*. Default 0. */
  readonly flags?: number;
  /** Default 0. */
  readonly next?: number;
}

/**
 * A split virtqueue (virtio 1.4, section 2.7).
 *
 * @example
 * ```ts
 * const ring = new SplitRing(arena, 0, "requestq", 16);
 * ring.place([{ address: buffer, lengthBytes: 64, writable: true }]);
 * ring.publish();
 * ```
 */
export class SplitRing extends Ring {
  readonly format = "split";
  readonly addresses: QueueAddresses;
  /** The available ring's idx as the driver counts it; {@link publish} writes it. */
  availIdx = 0;
  /** The used ring's idx up to which the driver has looked. */
  lastUsedIdx = 0;
  #nextSlot = 0;
  readonly #taken: boolean[];

  /** Allocates its areas unless told where they lie. */
  constructor(arena: Arena, index: number, name: string, size: number, addresses?: QueueAddresses) {
    super(arena, index, name, size);
    const availBytes = VIRTQ_AVAIL.ring + VIRTQ_AVAIL_ELEM_BYTES * size + VIRTQ_EVENT_BYTES;
    const usedBytes = VIRTQ_USED.ring + VIRTQ_USED_ELEM.sizeBytes * size + VIRTQ_EVENT_BYTES;
    this.addresses = addresses ?? {
      descriptors: arena.allocate(VIRTQ_DESC.sizeBytes * size, VIRTQ_DESC_ALIGN),
      driver: arena.allocate(availBytes, VIRTQ_AVAIL_ALIGN),
      device: arena.allocate(usedBytes, VIRTQ_USED_ALIGN),
    };
    this.#taken = new Array<boolean>(size).fill(false);
  }

  /** Writes a descriptor into the descriptor table, or into an indirect table. */
  writeDescriptor(slot: number, descriptor: SplitDescriptor, table = this.addresses.descriptors): void {
    const view = new DataView(new ArrayBuffer(VIRTQ_DESC.sizeBytes));
    view.setBigUint64(VIRTQ_DESC.addr, BigInt(descriptor.address), true);
    view.setUint32(VIRTQ_DESC.len, descriptor.lengthBytes, true);
    view.setUint16(VIRTQ_DESC.flags, descriptor.flags ?? 0, true);
    view.setUint16(VIRTQ_DESC.next, descriptor.next ?? 0, true);
    this.arena.ram.write(table + slot * VIRTQ_DESC.sizeBytes, new Uint8Array(view.buffer));
  }

  /** An indirect table of `entries` zeroed descriptors; returns its address. */
  createTable(entries: number): number {
    const table = this.arena.allocate(entries * VIRTQ_DESC.sizeBytes, VIRTQ_DESC_ALIGN);
    this.tables.set(table, entries);
    return table;
  }

  /** Takes free entries of the descriptor table. Throws {@link CaseFailure} when there are not as many. */
  takeSlots(count: number): number[] {
    const slots: number[] = [];
    for (let looked = 0; looked < this.size && slots.length < count; looked++) {
      const slot = this.#nextSlot;
      this.#nextSlot = (slot + 1) % this.size;
      if (this.#taken[slot]) continue;
      this.#taken[slot] = true;
      slots.push(slot);
    }
    if (slots.length < count) throw new CaseFailure(`${this.name} has no ${count} free descriptors`);
    return slots;
  }

  /** Writes a head into the available ring and counts it; {@link publish} shows it to the device. */
  offer(head: number): void {
    const entry =
      this.addresses.driver + VIRTQ_AVAIL.ring + VIRTQ_AVAIL_ELEM_BYTES * (this.availIdx % this.size);
    this.arena.write(entry, 2, head);
    this.availIdx = (this.availIdx + 1) & 0xffff;
  }

  place(elements: readonly Element[], options: PlaceOptions = {}): Placed {
    const { indirectFrom } = options;
    const direct = indirectFrom === undefined ? elements : elements.slice(0, indirectFrom);
    const indirect = indirectFrom === undefined ? [] : elements.slice(indirectFrom);
    const slots = this.takeSlots(direct.length + (indirectFrom === undefined ? 0 : 1));
    let table = 0;
    direct.forEach((element, i) => {
      const last = i === slots.length - 1;
      this.writeDescriptor(slots[i] as number, {
        ...element,
        flags: (element.writable ? VIRTQ_DESC_F_WRITE : 0) | (last ? 0 : VIRTQ_DESC_F_NEXT),
        next: last ? 0 : (slots[i + 1] as number),
      });
    });
    if (indirectFrom !== undefined) {
      table = this.createTable(indirect.length);
      indirect.forEach((element, i) => {
        const last = i === indirect.length - 1;
        const flags = (element.writable ? VIRTQ_DESC_F_WRITE : 0) | (last ? 0 : VIRTQ_DESC_F_NEXT);
        this.writeDescriptor(i, { ...element, flags, next: last ? 0 : i + 1 }, table);
      });
      const lengthBytes = indirect.length * VIRTQ_DESC.sizeBytes;
      this.writeDescriptor(slots.at(-1) as number, {
        address: table,
        lengthBytes,
        flags: VIRTQ_DESC_F_INDIRECT,
      });
    }
    const placed = { id: slots[0] as number, slots, table };
    this.inFlight.set(placed.id, placed);
    this.highlight = slots;
    this.offer(placed.id);
    return placed;
  }

  publish(): void {
    this.arena.write(this.addresses.driver + VIRTQ_AVAIL.idx, 2, this.availIdx);
  }

  takeUsed(): Used | null {
    if (this.usedIdx === this.lastUsedIdx) return null;
    const used = this.usedElement(this.lastUsedIdx % this.size);
    this.lastUsedIdx = (this.lastUsedIdx + 1) & 0xffff;
    const placed = this.inFlight.get(used.id);
    for (const slot of placed?.slots ?? []) this.#taken[slot] = false;
    this.inFlight.delete(used.id);
    return used;
  }

  /** Takes every entry for free again and forgets what was placed: for cases that read the used ring themselves. */
  freeAll(): void {
    this.#taken.fill(false);
    this.inFlight.clear();
  }

  /** The used ring's idx, as the device wrote it. */
  get usedIdx(): number {
    return this.arena.read(this.addresses.device + VIRTQ_USED.idx, 2);
  }

  /** An element of the used ring. */
  usedElement(slot: number): Used {
    const at = this.addresses.device + VIRTQ_USED.ring + VIRTQ_USED_ELEM.sizeBytes * slot;
    return {
      id: this.arena.read(at + VIRTQ_USED_ELEM.id, 4),
      lengthBytes: this.arena.read(at + VIRTQ_USED_ELEM.len, 4),
    };
  }

  /** The used ring's flags: VIRTQ_USED_F_NO_NOTIFY. */
  get usedFlags(): number {
    return this.arena.read(this.addresses.device + VIRTQ_USED.flags, 2);
  }

  /** The used ring's avail_event. */
  get availEvent(): number {
    return this.arena.read(
      this.addresses.device + VIRTQ_USED.ring + VIRTQ_USED_ELEM.sizeBytes * this.size,
      2,
    );
  }

  /** Writes the available ring's flags: VIRTQ_AVAIL_F_NO_INTERRUPT. */
  setAvailFlags(flags: number): void {
    this.arena.write(this.addresses.driver + VIRTQ_AVAIL.flags, 2, flags);
  }

  /** Writes the available ring's used_event. */
  setUsedEvent(value: number): void {
    this.arena.write(
      this.addresses.driver + VIRTQ_AVAIL.ring + VIRTQ_AVAIL_ELEM_BYTES * this.size,
      2,
      value & 0xffff,
    );
  }

  setInterruptsWanted(wanted: boolean): void {
    this.setAvailFlags(wanted ? 0 : VIRTQ_AVAIL_F_NO_INTERRUPT);
  }

  notificationData(): number {
    return (this.index | (this.availIdx << 16)) >>> 0;
  }

  snapshot(): RingSnapshot {
    const { ram } = this.arena;
    const { descriptors, driver, device } = this.addresses;
    return {
      queue: this.name,
      format: this.format,
      size: this.size,
      addresses: this.addresses,
      descriptors: toHex(ram.read(descriptors, VIRTQ_DESC.sizeBytes * this.size)),
      driver: toHex(
        ram.read(driver, VIRTQ_AVAIL.ring + VIRTQ_AVAIL_ELEM_BYTES * this.size + VIRTQ_EVENT_BYTES),
      ),
      device: toHex(
        ram.read(device, VIRTQ_USED.ring + VIRTQ_USED_ELEM.sizeBytes * this.size + VIRTQ_EVENT_BYTES),
      ),
      tables: this.snapshotTables(VIRTQ_DESC.sizeBytes, toHex),
      highlight: this.highlight,
    };
  }
}
