// A driver written by hand, step by step, for statements about which the driver model has no code to break: it does what
// it is told, in whatever order. Numbers are the specification's.

import type { DeviceType } from "../../../src/device/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { CheckedMachine, type CheckedOptions } from "../checked-driver.ts";

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;
export const AVAIL = 0x80;
export const USED = 0x8000;

export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const SUSPEND = 16;
export const FAILED = 128;
const VERSION_1 = 32;

const BASE = 0x8000_0000;
/** Where the areas of queue 0 lie: descriptors, driver area, device area. */
export const RING = { descriptors: BASE + 0x1000, driver: BASE + 0x3000, device: BASE + 0x4000 } as const;
export const BUFFERS: number = BASE + 0x10000;
export const TABLE: number = BASE + 0x8000;

export interface RawDescriptor {
  readonly address?: number;
  readonly length?: number;
  readonly flags: number;
  /** Split: next. Packed: id. */
  readonly extra?: number;
}

/** A machine whose driver is written by hand, over virtio-mmio. */
export class RawGuest {
  readonly machine: CheckedMachine;

  constructor(
    made: (machine: CheckedMachine) => void,
    features: readonly number[] = [],
    type: DeviceType = new RngDevice(),
    more: Partial<CheckedOptions> = {},
  ) {
    this.machine = new CheckedMachine(type, {
      transport: "mmio",
      device: { ringFeatures: features },
      ...more,
    });
    this.machine.onInterrupt = () => this.handleInterrupt();
    this.machine.onInterrupt = () => this.interrupt();
    made(this.machine);
  }

  /** Asks for the causes of an interrupt, and acknowledges them. */
  interrupt(): void {
    this.write(0x64, this.read(0x60));
  }

  /** Reads what an interrupt is for and acknowledges it; used buffers are left where they are. */
  handleInterrupt(): void {
    const causes = this.read(0x60) & 3;
    if (causes !== 0) this.write(0x64, causes);
  }

  read(offset: number): number {
    return this.machine.mmio?.read(offset, 4) ?? 0;
  }

  write(offset: number, value: number): void {
    this.machine.mmio?.write(offset, 4, value >>> 0);
  }

  status(value: number): void {
    this.write(0x70, value);
  }

  readStatus(): number {
    return this.read(0x70);
  }

  /** Magic, version and id, then reset, ACKNOWLEDGE and DRIVER. */
  begin(): void {
    for (const offset of [0, 4, 8]) this.read(offset);
    this.status(0);
    this.readStatus();
    this.status(ACKNOWLEDGE);
    this.status(ACKNOWLEDGE | DRIVER);
  }

  /** Reads the offered features and accepts VERSION_1 and `bits`; FEATURES_OK, read back. */
  negotiate(bits: readonly number[] = []): void {
    for (const word of [0, 1]) {
      this.write(0x14, word);
      this.read(0x10);
      let value = 0;
      for (const bit of [VERSION_1, ...bits]) if (bit >>> 5 === word) value |= 1 << (bit & 31);
      this.write(0x24, word);
      this.write(0x20, value);
    }
    this.status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    this.readStatus();
  }

  /** Sets up queue 0. */
  queue(size = 8, areas: { descriptors: number; driver: number; device: number } = RING): void {
    this.write(0x30, 0);
    this.read(0x34);
    this.read(0x44);
    this.write(0x38, size);
    this.addresses(areas);
    this.write(0x44, 1);
  }

  addresses({ descriptors, driver, device }: typeof RING | Record<keyof typeof RING, number>): void {
    for (const [offset, value] of [
      [0x80, descriptors],
      [0x90, driver],
      [0xa0, device],
    ] as const) {
      this.write(offset, value);
      this.write(offset + 4, 0);
    }
  }

  live(): void {
    this.status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  }

  /** All steps up to DRIVER_OK, with queue 0. */
  start(bits: readonly number[] = [], size = 8): void {
    this.begin();
    this.negotiate(bits);
    this.queue(size);
    this.live();
  }

  /** Something harmless, so that the checker has a look. */
  glance(): void {
    this.readStatus();
  }

  notify(value = 0): void {
    this.write(0x50, value);
  }

  put16(address: number, value: number): void {
    this.machine.memory.write(address, [value & 0xff, (value >>> 8) & 0xff]);
  }

  put32(address: number, value: number): void {
    this.put16(address, value & 0xffff);
    this.put16(address + 2, value >>> 16);
  }

  #descriptor(at: number, { address = BUFFERS, length = 16 }: RawDescriptor): void {
    this.put32(at, address);
    this.put32(at + 4, Math.floor(address / 4294967296));
    this.put32(at + 8, length);
  }

  /** Writes an entry of a split descriptor table, by default of the ring's. */
  split(index: number, descriptor: RawDescriptor, table: number = RING.descriptors): void {
    const at = table + 16 * index;
    this.#descriptor(at, descriptor);
    this.put16(at + 12, descriptor.flags);
    this.put16(at + 14, descriptor.extra ?? 0);
  }

  /** Makes a head available as number `position`, counted from 0. */
  offer(head: number, position: number, size = 8): void {
    this.put16(RING.driver + 4 + 2 * (position % size), head);
    this.put16(RING.driver + 2, position + 1);
  }

  /** Writes an entry of a packed descriptor ring, by default of queue 0's. */
  packed(slot: number, descriptor: RawDescriptor, table: number = RING.descriptors): void {
    const at = table + 16 * slot;
    this.#descriptor(at, descriptor);
    this.put16(at + 12, descriptor.extra ?? 0);
    this.put16(at + 14, descriptor.flags);
  }
}
