// Rings written by hand, field by field from the text of sections 2.7 and 2.8, without src/wire and src/driver:
// what the device side is held against.

import type { GuestMemory } from "../memory/guest-memory.ts";
import type { QueueConfig } from "../virtqueue/config.ts";

/** VIRTQ_DESC_F_NEXT */
export const NEXT = 1;
/** VIRTQ_DESC_F_WRITE */
export const WRITE = 2;
/** VIRTQ_DESC_F_INDIRECT */
export const INDIRECT = 4;

/** A descriptor of either ring format, or an entry of an indirect table; flags and next are 0 when left out. */
export interface RawDescriptor {
  readonly addr: bigint | number;
  readonly len: number;
  readonly flags?: number;
  readonly next?: number;
  /** Packed only. */
  readonly id?: number;
}

function viewOf(memory: GuestMemory, address: number, length: number): DataView {
  const bytes = memory.view(address, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Writes a split descriptor, or an entry of an indirect table, at `address`.
 *
 * @example
 * ```ts
 * writeSplitDescriptor(memory, table, { addr: 0x2000, len: 64, flags: VIRTQ_DESC_F_WRITE });
 * ```
 */
export function writeSplitDescriptor(memory: GuestMemory, address: number, d: RawDescriptor): void {
  const view = viewOf(memory, address, 16);
  view.setBigUint64(0, BigInt(d.addr), true);
  view.setUint32(8, d.len, true);
  view.setUint16(12, d.flags ?? 0, true);
  view.setUint16(14, d.next ?? 0, true);
}

/**
 * A split virtqueue laid out at `base`: descriptor table, then available ring, then used ring. Legacy queues have the
 * used ring on a page of its own.
 *
 * @example
 * ```ts
 * const ring = new RawSplitRing(memory, 0x1000, 8);
 * ring.descriptor(0, { addr: 0x2000, len: 64, flags: VIRTQ_DESC_F_WRITE });
 * ring.offer(0);
 * ```
 */
export class RawSplitRing {
  readonly memory: GuestMemory;
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  availIdx = 0;

  constructor(memory: GuestMemory, base: number, size: number, usedAlign = 4) {
    this.memory = memory;
    this.size = size;
    this.desc = base;
    this.avail = base + 16 * size;
    this.used = (this.avail + 6 + 2 * size + usedAlign - 1) & -usedAlign;
  }

  get end(): number {
    return this.used + 6 + 8 * this.size;
  }

  /** The queue as a driver writes it into registers. */
  config(): QueueConfig {
    return {
      size: this.size,
      descHi: 0,
      descLo: this.desc,
      driverHi: 0,
      driverLo: this.avail,
      deviceHi: 0,
      deviceLo: this.used,
    };
  }

  /** Writes an entry of the descriptor table. */
  descriptor(index: number, d: RawDescriptor): void {
    writeSplitDescriptor(this.memory, this.desc + 16 * index, d);
  }

  /** Puts a head into the available ring and, unless `publish` is false, moves the index on. */
  offer(head: number, publish = true): void {
    viewOf(this.memory, this.avail + 4 + 2 * (this.availIdx % this.size), 2).setUint16(0, head, true);
    this.availIdx = (this.availIdx + 1) & 0xffff;
    if (publish) this.publish();
  }

  /** Sets the available index. */
  publish(idx = this.availIdx): void {
    viewOf(this.memory, this.avail + 2, 2).setUint16(0, idx, true);
  }

  /** Sets `flags` of the available ring. */
  setAvailFlags(flags: number): void {
    viewOf(this.memory, this.avail, 2).setUint16(0, flags, true);
  }

  /** Sets `used_event`, where the driver says which used buffer it wants to hear of. */
  setUsedEvent(value: number): void {
    viewOf(this.memory, this.avail + 4 + 2 * this.size, 2).setUint16(0, value, true);
  }

  get availEvent(): number {
    return viewOf(this.memory, this.used + 4 + 8 * this.size, 2).getUint16(0, true);
  }

  get usedFlags(): number {
    return viewOf(this.memory, this.used, 2).getUint16(0, true);
  }

  get usedIdx(): number {
    return viewOf(this.memory, this.used + 2, 2).getUint16(0, true);
  }

  /** An element of the used ring, by index modulo the size. */
  usedElement(index: number): { id: number; len: number } {
    const view = viewOf(this.memory, this.used + 4 + 8 * (index % this.size), 8);
    return { id: view.getUint32(0, true), len: view.getUint32(4, true) };
  }
}

const AVAIL = 1 << 7;
const USED = 1 << 15;

/**
 * A packed virtqueue laid out at `base`: descriptor ring, driver event suppression, device event suppression.
 *
 * @example
 * ```ts
 * const ring = new RawPackedRing(memory, 0x1000, 8);
 * ring.offer([{ addr: 0x2000, len: 64, flags: VIRTQ_DESC_F_WRITE }], 0);
 * ```
 */
export class RawPackedRing {
  readonly memory: GuestMemory;
  readonly size: number;
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
  next = 0;
  wrap = 1;
  usedNext = 0;
  usedWrap = 1;

  constructor(memory: GuestMemory, base: number, size: number) {
    this.memory = memory;
    this.size = size;
    this.desc = base;
    this.driver = base + 16 * size;
    this.device = this.driver + 4;
  }

  /** The queue as a driver writes it into registers. */
  config(): QueueConfig {
    return {
      size: this.size,
      descHi: 0,
      descLo: this.desc,
      driverHi: 0,
      driverLo: this.driver,
      deviceHi: 0,
      deviceLo: this.device,
    };
  }

  /** Writes a list of descriptors at the driver's position and makes it available, the first one last. */
  offer(list: readonly RawDescriptor[], id: number): void {
    const flagsAt: { address: number; flags: number }[] = [];
    for (const [i, d] of list.entries()) {
      const address = this.desc + 16 * this.next;
      const view = viewOf(this.memory, address, 16);
      view.setBigUint64(0, BigInt(d.addr), true);
      view.setUint32(8, d.len, true);
      view.setUint16(12, i === list.length - 1 ? id : (d.id ?? 0), true);
      const chain = i === list.length - 1 ? 0 : NEXT;
      flagsAt.push({ address, flags: (d.flags ?? 0) | chain | (this.wrap === 1 ? AVAIL : USED) });
      if (++this.next === this.size) {
        this.next = 0;
        this.wrap ^= 1;
      }
    }
    for (const { address, flags } of flagsAt.reverse()) {
      viewOf(this.memory, address + 14, 2).setUint16(0, flags, true);
    }
  }

  /** The `flags` of a descriptor as they are. */
  rawFlags(index: number): number {
    return viewOf(this.memory, this.desc + 16 * index + 14, 2).getUint16(0, true);
  }

  /** The used descriptor at the driver's position, or null; `slots` descriptors are then skipped. */
  takeUsed(slots: number): { id: number; len: number; write: boolean } | null {
    const view = viewOf(this.memory, this.desc + 16 * this.usedNext, 16);
    const flags = view.getUint16(14, true);
    const used = (flags & USED) !== 0 ? 1 : 0;
    const avail = (flags & AVAIL) !== 0 ? 1 : 0;
    if (used !== this.usedWrap || avail !== this.usedWrap) return null;
    this.usedNext += slots;
    if (this.usedNext >= this.size) {
      this.usedNext -= this.size;
      this.usedWrap ^= 1;
    }
    return { id: view.getUint16(12, true), len: view.getUint32(8, true), write: (flags & WRITE) !== 0 };
  }

  /** Writes the driver event suppression structure. */
  setDriverEvent(offWrap: number, flags: number): void {
    const view = viewOf(this.memory, this.driver, 4);
    view.setUint16(0, offWrap, true);
    view.setUint16(2, flags, true);
  }

  get deviceEvent(): { offWrap: number; flags: number } {
    const view = viewOf(this.memory, this.device, 4);
    return { offWrap: view.getUint16(0, true), flags: view.getUint16(2, true) };
  }
}
