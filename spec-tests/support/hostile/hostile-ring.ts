// The driver's end of one queue, in the hands of somebody who does not keep to the rules.

import type { GuestMemory } from "../../../src/memory/index.ts";
import {
  INDIRECT,
  NEXT,
  type RawDescriptor,
  RawPackedRing,
  RawSplitRing,
  WRITE,
} from "../../../src/testing/index.ts";
import type { QueueConfig } from "../../../src/virtqueue/index.ts";
import type { Numbers } from "./numbers.ts";

/** One element of a chain. */
export interface Element {
  readonly address: bigint;
  readonly length: number;
  readonly write: boolean;
}

export interface ChainStyle {
  /** Guest memory for an indirect table, null for a chain in the ring itself. */
  readonly table: { readonly address: number; readonly deviceAddress: bigint } | null;
  /** Spoil the descriptors. */
  readonly spoil: boolean;
}

export class HostileRing {
  readonly format: "split" | "packed";
  readonly size: number;
  readonly config: QueueConfig;
  /** Where it begins and ends in guest memory. */
  readonly start: number;
  readonly end: number;
  /** Chains made available. */
  offered = 0;
  readonly #n: Numbers;
  readonly #memory: GuestMemory;
  readonly #split: RawSplitRing | null;
  readonly #packed: RawPackedRing | null;
  #next = 0;
  #slots = 0;
  #id = 0;

  constructor(numbers: Numbers, memory: GuestMemory, format: "split" | "packed", base: number, size: number) {
    this.#n = numbers;
    this.#memory = memory;
    this.format = format;
    this.size = size;
    this.start = base;
    const ring =
      format === "split" ? new RawSplitRing(memory, base, size) : new RawPackedRing(memory, base, size);
    this.end = ring instanceof RawSplitRing ? ring.end : ring.device + 4;
    memory.view(base, this.end - base).fill(0);
    this.#split = ring instanceof RawSplitRing ? ring : null;
    this.#packed = ring instanceof RawPackedRing ? ring : null;
    this.config = ring.config();
  }

  /** The parts of the queue that its device may write, in guest memory. */
  get deviceParts(): [address: number, lengthBytes: number][] {
    if (this.#split !== null) return [[this.#split.used, 6 + 8 * this.size]];
    const { desc, device } = this.#packed as RawPackedRing;
    return [
      [desc, 16 * this.size],
      [device, 4],
    ];
  }

  /** Makes a chain available if there is room, `outstanding` being what the device still has. False without room. */
  offer(elements: readonly Element[], outstanding: number, style: ChainStyle): boolean {
    const needed = style.table === null ? elements.length : 1;
    if (outstanding === 0) this.#slots = 0;
    if (needed === 0 || this.#slots + needed > this.size) return false;
    this.#slots += needed;
    this.offered++;
    const list = style.table === null ? this.#direct(elements) : this.#indirect(elements, style.table);
    if (style.spoil) this.#spoil(list);
    if (this.#split !== null) this.#offerSplit(this.#split, list);
    else {
      this.#packed?.offer(list, this.#id);
      this.#id = (this.#id + 1) % (2 * this.size);
    }
    return true;
  }

  #direct(elements: readonly Element[]): RawDescriptor[] {
    return elements.map(({ address, length, write }) => ({
      addr: address,
      len: length,
      flags: write ? WRITE : 0,
    }));
  }

  #indirect(
    elements: readonly Element[],
    { address, deviceAddress }: { address: number; deviceAddress: bigint },
  ): RawDescriptor[] {
    const table = this.#direct(elements);
    if (this.#n.chance(5)) this.#spoil(table);
    const bytes = this.#memory.view(address, 16 * table.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const [i, { addr, len, flags = 0 }] of table.entries()) {
      view.setBigUint64(16 * i, BigInt.asUintN(64, BigInt(addr)), true);
      view.setUint32(16 * i + 8, len, true);
      const last = i + 1 === table.length;
      view.setUint16(16 * i + (this.format === "split" ? 12 : 14), flags | (last ? 0 : NEXT), true);
      view.setUint16(16 * i + (this.format === "split" ? 14 : 12), i + 1, true);
    }
    return [{ addr: deviceAddress, len: bytes.length, flags: INDIRECT }];
  }

  #spoil(list: RawDescriptor[]): void {
    const n = this.#n;
    const at = n.below(list.length);
    const d = list[at] as RawDescriptor;
    const change: Partial<RawDescriptor>[] = [
      { addr: n.weird() },
      { addr: (BigInt(n.weird()) << 32n) | BigInt(n.weird()) },
      { len: n.weird() },
      { flags: (d.flags ?? 0) ^ n.pick([WRITE, INDIRECT, NEXT, 8, 0xffff]) },
      { len: 0 },
      { next: n.below(4 * this.size), id: n.below(4 * this.size) },
    ];
    list[at] = { ...d, ...n.pick(change) };
  }

  #offerSplit(ring: RawSplitRing, list: readonly RawDescriptor[]): void {
    const head = this.#next;
    for (const [i, d] of list.entries()) {
      const index = this.#next;
      this.#next = (this.#next + 1) % this.size;
      const last = i + 1 === list.length;
      ring.descriptor(index, { ...d, flags: (d.flags ?? 0) | (last ? 0 : NEXT), next: d.next ?? this.#next });
    }
    ring.offer(head);
  }

  /** Changes something in the ring's own memory that the driver has no business with. */
  vandalise(): void {
    const n = this.#n;
    if (this.#split !== null && n.chance(40)) {
      vandaliseSplit(n, this.#split);
      return;
    }
    if (this.#packed !== null && n.chance(40)) {
      this.#packed.setDriverEvent(n.below(0x10000), n.below(4));
      return;
    }
    const bytes = this.#memory.view(this.start, this.end - this.start);
    for (let i = n.below(4); i >= 0; i--) bytes[n.below(bytes.length)] = n.below(256);
  }
}

function vandaliseSplit(n: Numbers, ring: RawSplitRing): void {
  switch (n.below(4)) {
    case 0:
      ring.setAvailFlags(n.below(4));
      break;
    case 1:
      ring.setUsedEvent(n.below(0x10000));
      break;
    case 2:
      ring.publish((ring.availIdx + n.pick([1, -1, 2, ring.size, ring.size + 1, 0x8000])) & 0xffff);
      break;
    default:
      ring.offer(n.pick([0, 1, ring.size - 1, ring.size, 0xffff]));
  }
}
