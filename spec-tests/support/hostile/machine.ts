// A machine with an arrangement of memory, transport, features and limits of its own for each seed.
import { VirtioDevice } from "../../../src/device/index.ts";
import {
  type AddressTranslator,
  GuestMemory,
  type MemoryRegion,
  type RegionOptions,
  type Translation,
} from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import { PciTransport, type PciTransportOptions } from "../../../src/transport/pci/index.ts";
import type { QueueConfig } from "../../../src/virtqueue/index.ts";
import { GpuSubject } from "./gpu-subject.ts";
import type { Mood } from "./moody-backends.ts";
import type { Numbers } from "./numbers.ts";
import { RenderSubject } from "./render-subject.ts";
import { RngSubject } from "./rng-subject.ts";
import type { Subject, Surroundings } from "./subject.ts";
import { VdmabufSubject } from "./vdmabuf-subject.ts";
import { type Piece, WatchedType, type Watcher } from "./watched-type.ts";

/** Ordinary memory at 0, never removed; rings and buffers are here. */
export const MAIN_BYTES = 96 << 10;
export const HIGH_BASE = 0x1_0000_0000n;
export const ROM_BASE = 0x80000n;
export const PLUG_BASE = 0x100000n;
/** Device addresses are this far from physical ones when there is a translator. */
export const IOVA_BASE = 0x10_0000_0000n;
/** Pages whose translation is scattered, in device addresses. */
export const SCATTER_BASE = 0x20_0000_0000n;
const SCATTER_PAGES = 16;
const PAGE = 4096;

/** Memory whose buffer becomes another one, as that of a WebAssembly memory does when it grows. */
export class GrowingMemory {
  buffer: ArrayBuffer;

  constructor(lengthBytes: number) {
    this.buffer = new ArrayBuffer(lengthBytes);
  }

  grow(): void {
    this.buffer = structuredClone(this.buffer, { transfer: [this.buffer] });
  }
}

interface Bank {
  readonly options: RegionOptions;
  readonly memory: GrowingMemory | ArrayBufferLike;
  region: MemoryRegion | null;
}

function bytesOf(bank: Bank): Uint8Array {
  const { memory } = bank;
  return new Uint8Array(memory instanceof GrowingMemory ? memory.buffer : memory);
}

/** What the guest of one seed finds, and how the embedder made it. */
export class HostileMachine implements Surroundings {
  readonly numbers: Numbers;
  readonly mood: Mood;
  readonly memory = new GuestMemory();
  readonly banks: Bank[];
  readonly growing: GrowingMemory[] = [];
  readonly subject: Subject;
  readonly pci: boolean;
  readonly profile: "spec" | "qemu" | "crosvm";
  readonly scheduled: (() => void)[] = [];
  readonly translator: AddressTranslator | null;
  readonly events: string[] = [];
  /** The device is being taken out of the machine, for one that goes on in its place. */
  replacing = false;
  onInterrupt: () => void = () => {};
  // What the guest knows and a subject asks for.
  chooseMemory: (lengthBytes: number) => bigint = () => 0n;
  deviceAddress: (address: number) => bigint = BigInt;
  allow: (piece: Piece) => void = () => {};
  allowAddress: (address: bigint, lengthBytes: number) => void = () => {};
  device!: VirtioDevice;
  transport!: MmioTransport | PciTransport;
  readonly #watcher: Watcher;
  readonly #ringFeatures: number[];
  readonly #pciOptions: PciTransportOptions;
  readonly #suppress: boolean;
  readonly #batching: boolean;
  readonly #scatter: number[];
  readonly #refused = new Set<number>();

  constructor(numbers: Numbers, mood: Mood, watcher: Watcher) {
    const n = numbers;
    this.numbers = n;
    this.mood = mood;
    this.#watcher = watcher;
    this.banks = [
      this.#bank(0n, MAIN_BYTES),
      this.#bank(HIGH_BASE, 16 << 10),
      this.#bank(ROM_BASE, 8 << 10, "read-only"),
      this.#bank(PLUG_BASE, 16 << 10),
    ];
    this.pci = n.chance(50);
    this.profile = n.pick(["spec", "spec", "qemu", "crosvm"]);
    this.#ringFeatures = [28, 29, 34, 35, 38, 40, 43, ...(this.pci ? [39] : [])].filter(() => n.chance(75));
    this.#scatter = Array.from({ length: SCATTER_PAGES }, () => n.below(MAIN_BYTES / PAGE));
    for (let i = 0; i < SCATTER_PAGES; i++) if (n.chance(10)) this.#refused.add(i);
    this.translator = n.chance(25) ? { translate: (...args) => this.#translate(...args) } : null;
    this.#suppress = n.chance(50);
    this.#batching = n.chance(50);
    this.subject = this.#makeSubject(n.below(100));
    this.#pciOptions = {
      express: n.chance(30),
      ...(n.chance(30) && { msix: false as const }),
      ...(n.chance(30) && { layout: { ioNotifyBar: 5 } }),
      notifyOffMultiplier: n.pick([0, 4]),
    };
    this.build();
  }

  #makeSubject(roll: number): Subject {
    if (roll < 55) return new GpuSubject(this);
    if (roll < 75) return new RenderSubject(this);
    return roll < 92 ? new VdmabufSubject(this) : new RngSubject(this);
  }

  schedule(task: () => void): void {
    this.scheduled.push(task);
  }

  #bank(base: bigint, byteLength: number, kind: "ram" | "read-only" = "ram"): Bank {
    const n = this.numbers;
    let memory: Bank["memory"];
    if (n.chance(40)) {
      memory = new GrowingMemory(byteLength);
      this.growing.push(memory);
    } else {
      memory = n.chance(40) ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength);
    }
    const options = { base, memory, byteLength, kind, ...(n.chance(20) && { onDeviceWrite: () => {} }) };
    return { options, memory, region: this.memory.addRegion(options) };
  }

  #translate(hi: number, lo: number, lengthBytes: number, _write: boolean, result: Translation): number {
    const address = (BigInt(hi) << 32n) | BigInt(lo);
    const inPage = PAGE - (lo % PAGE);
    let target = -1n;
    if (address >= SCATTER_BASE && address < SCATTER_BASE + BigInt(SCATTER_PAGES * PAGE)) {
      const page = Number((address - SCATTER_BASE) / BigInt(PAGE));
      if (this.#refused.has(page)) return 0;
      target = BigInt((this.#scatter[page] as number) * PAGE + (lo % PAGE));
    } else if (address >= IOVA_BASE && address < SCATTER_BASE) {
      target = address - IOVA_BASE;
    }
    if (target < 0n) return 0;
    result.hi = Number(target >> 32n);
    result.lo = Number(target & 0xffffffffn);
    return Math.min(inPage, lengthBytes);
  }

  /** Where a device address leads, in pieces: physical address and length. */
  physical(address: bigint, lengthBytes: number): [bigint, number][] {
    if (this.translator === null || !this.device.hasFeature(33)) return [[address, lengthBytes]];
    const pieces: [bigint, number][] = [];
    const result = { hi: 0, lo: 0 };
    let at = address;
    let left = lengthBytes;
    while (left > 0) {
      const run = this.translator.translate(Number(at >> 32n), Number(at & 0xffffffffn), left, true, result);
      if (run === 0) break;
      pieces.push([(BigInt(result.hi) << 32n) | BigInt(result.lo), run]);
      at += BigInt(run);
      left -= run;
    }
    return pieces;
  }

  /** Makes the device and its transport; what was there before is forgotten. */
  build(): void {
    const device = new VirtioDevice(new WatchedType(this.subject.make(), this.#watcher), {
      memory: this.memory,
      ringFeatures: this.#ringFeatures,
      profile: this.profile,
      schedule: (task) => this.scheduled.push(task),
      suppressWhileDraining: this.#suppress,
      inOrderBatching: this.#batching,
      maxChainElements: 40,
      ...(this.translator !== null && { translator: this.translator }),
      trace: ({ kind, detail }) => this.note(`${kind} ${JSON.stringify(detail)}`),
    });
    this.device = device;
    const onInterrupt = (): void => this.onInterrupt();
    const sharedMemoryBases = { 1: 0x2_0000_0000n };
    this.transport = this.pci
      ? new PciTransport(device, {
          ...this.#pciOptions,
          onInterrupt,
          onMsix: onInterrupt,
          onBarChange: onInterrupt,
          command: 7,
        })
      : new MmioTransport(device, {
          onInterrupt,
          ...(device.type.sharedMemory.length > 0 && { sharedMemoryBases }),
        });
  }

  /** Remembers what happened, for the report of a failure. */
  note(line: string): void {
    this.events.push(line);
    if (this.events.length > 60) this.events.shift();
  }

  // Memory

  /** The bytes of every bank, those of removed ones included. */
  images(): Uint8Array[] {
    return this.banks.map((bank) => bytesOf(bank));
  }

  /** The bank of a region, -1 for one that is gone. */
  bankOf(region: MemoryRegion): number {
    return this.banks.findIndex((bank) => bank.region === region);
  }

  bankAt(address: bigint): { bank: number; offset: number } | null {
    for (const [bank, { options, region }] of this.banks.entries()) {
      const offset = address - BigInt(options.base);
      if (region !== null && offset >= 0n && offset < BigInt(options.byteLength ?? 0)) {
        return { bank, offset: Number(offset) };
      }
    }
    return null;
  }

  /** Takes a bank away or puts it back, or makes memory grow. The first bank stays. */
  changeMemory(): void {
    const n = this.numbers;
    if (n.chance(60) && this.growing.length > 0) {
      n.pick(this.growing).grow();
      return;
    }
    const bank = this.banks[1 + n.below(this.banks.length - 1)] as Bank;
    if (bank.region === null) {
      bank.region = this.memory.addRegion(bank.options);
    } else {
      const { region } = bank;
      bank.region = null;
      this.memory.removeRegion(region);
    }
  }

  // Registers

  #common(offset: number): [bar: number, offset: number] {
    const { bars } = this.transport as PciTransport;
    for (const bar of bars) {
      const window = bar.windows.find(({ structure }) => structure === "common");
      if (window !== undefined) return [bar.index, window.offset + offset];
    }
    throw new Error("no common configuration");
  }

  #set(mmioOffset: number, pciOffset: number, widthBytes: number, value: number): void {
    const { transport } = this;
    if (transport instanceof MmioTransport) transport.write(mmioOffset, 4, value);
    else transport.barWrite(...this.#common(pciOffset), widthBytes, value);
  }

  setStatus(value: number): void {
    this.#set(0x70, 0x14, 1, value);
  }

  acceptFeatures(bits: readonly number[]): void {
    for (let word = 0; word < 4; word++) {
      let value = 0;
      for (const bit of bits) if (bit >>> 5 === word) value |= 1 << (bit & 31);
      this.#set(0x24, 0x08, 4, word);
      this.#set(0x20, 0x0c, 4, value >>> 0);
    }
  }

  select(queue: number): void {
    this.#set(0x30, 0x16, 2, queue);
  }

  setUpQueue(index: number, config: QueueConfig): void {
    this.select(index);
    this.#set(0x38, 0x18, 2, config.size);
    const addresses = [
      config.descLo,
      config.descHi,
      config.driverLo,
      config.driverHi,
      config.deviceLo,
      config.deviceHi,
    ];
    const mmio = [0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4];
    for (const [i, value] of addresses.entries()) this.#set(mmio[i] as number, 0x20 + 4 * i, 4, value);
    this.#set(0x44, 0x1c, 2, 1);
  }

  resetQueue(index: number): void {
    this.select(index);
    this.#set(0xc0, 0x3a, 2, 1);
  }

  notify(index: number): void {
    const { transport } = this;
    if (transport instanceof MmioTransport) {
      transport.write(0x50, 4, index);
      return;
    }
    for (const bar of transport.bars) {
      for (const window of bar.windows) {
        if (window.structure !== "notify") continue;
        const width = this.device.hasFeature(38) ? 4 : 2;
        const at = window.lengthBytes > 4 ? (this.#pciOptions.notifyOffMultiplier ?? 4) * index : 0;
        transport.barWrite(bar.index, window.offset + at, width, index);
        return;
      }
    }
  }

  /** Any access at all. */
  poke(): void {
    const n = this.numbers;
    const { transport } = this;
    const width = n.chance(90) ? n.pick([1, 2, 4]) : n.pick([0, 3, 8]);
    if (transport instanceof MmioTransport) {
      const offset = n.chance(85) ? 4 * n.below(0x50) : n.chance(50) ? n.below(0x220) : n.weird();
      const wide = n.chance(85) ? 4 : width;
      if (n.chance(40)) checkValue(transport.read(offset, wide), wide);
      else transport.write(offset, wide, n.weird());
      return;
    }
    if (n.chance(40)) {
      const offset = n.chance(90) ? n.below(0x108) : n.weird();
      if (n.chance(50)) checkValue(transport.configRead(offset, width), width);
      else transport.configWrite(offset, width, n.weird());
      return;
    }
    const bar = n.chance(95) ? n.below(7) : n.weird();
    const windows = transport.bar(bar)?.windows ?? [];
    const start = windows.length > 0 && n.chance(80) ? n.pick(windows).offset : 0;
    const offset = n.chance(90) ? start + n.below(0x48) : n.weird();
    if (n.chance(40)) checkValue(transport.barRead(bar, offset, width), width);
    else transport.barWrite(bar, offset, width, n.weird());
  }

  /** Goes on with the saved state in a device made anew. False when it could not be saved now. */
  saveAndRestore(isRefusal: (error: unknown) => boolean): boolean {
    const { transport } = this;
    let state: ReturnType<typeof transport.save>;
    try {
      state = transport.save();
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
    const text = JSON.stringify(state);
    // The device of before is taken out of the machine: nothing it is still waiting for may reach the guest.
    const { badness } = this.mood;
    const { onInterrupt } = this;
    this.mood.badness = 0;
    this.onInterrupt = () => {};
    this.replacing = true;
    this.device.reset();
    this.build();
    (this.transport as { restore(state: unknown): void }).restore(JSON.parse(text));
    this.replacing = false;
    this.mood.badness = badness;
    this.onInterrupt = onInterrupt;
    return true;
  }
}

function checkValue(value: number, widthBytes: number): void {
  if (!(value >= 0 && value < 2 ** (8 * Math.max(widthBytes, 4))))
    throw new Error(`a register read as ${value}`);
}
