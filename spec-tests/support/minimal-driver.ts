// The shortest drivers that make no mistake, written from the specification without the driver model: what an author of an
// operating system has after the first week. Numbers are the specification's.
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import type {
  CheckedMmio,
  CheckedPci,
  DriverCheckerOptions,
} from "../../src/conformance/driver-checker/index.ts";
import { GpuDevice } from "../../src/devices/gpu/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { CheckedMachine } from "./checked-driver.ts";

export type MinimalTransport = "mmio" | "pci-intx" | "pci-msix" | "pci-legacy";

export interface MinimalSetup {
  readonly transport: MinimalTransport;
  readonly device: "gpu" | "rng";
  readonly packed: boolean;
  /** The driver polls: whatever interrupts there are, the processor does not take them. */
  readonly polls: boolean;
  /** What the checker is told of that; null for nothing. */
  readonly polled: DriverCheckerOptions["polled"] | null;
}

const BASE = 0x8000_0000;
const SIZE = 8;
const NEXT = 1;
const WRITE = 2;
const AVAIL = 0x80;
const USED = 0x8000;

/** Registers by their meaning. */
interface Registers {
  status(): number;
  setStatus(value: number): void;
  features(word: number): number;
  accept(word: number, value: number): void;
  /** Sets up queue 0 and enables it; returns where its areas are. */
  queue(): Areas;
  notify(): void;
  handleInterrupt(): void;
}

interface Areas {
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
  readonly size: number;
}

const AREAS: Areas = { descriptors: BASE + 0x1000, driver: BASE + 0x2000, device: BASE + 0x3000, size: SIZE };

function mmioRegisters(bus: CheckedMmio): Registers {
  const read = (offset: number) => bus.read(offset, 4);
  const write = (offset: number, value: number) => bus.write(offset, 4, value >>> 0);
  for (const offset of [0, 4, 8]) read(offset);
  return {
    status: () => read(0x70),
    setStatus: (value) => write(0x70, value),
    features(word) {
      write(0x14, word);
      return read(0x10);
    },
    accept(word, value) {
      write(0x24, word);
      write(0x20, value);
    },
    queue() {
      write(0x30, 0);
      write(0x38, Math.min(SIZE, read(0x34)));
      for (const [offset, address] of [
        [0x80, AREAS.descriptors],
        [0x90, AREAS.driver],
        [0xa0, AREAS.device],
      ] as const) {
        write(offset, address);
        write(offset + 4, 0);
      }
      write(0x44, 1);
      return AREAS;
    },
    notify: () => write(0x50, 0),
    handleInterrupt: () => write(0x64, read(0x60)),
  };
}

/** Where a structure of a type is, as its capability says. */
interface Place {
  readonly at: number;
  readonly bar: number;
  readonly offset: number;
}

function capabilities(bus: CheckedPci): {
  readonly virtio: ReadonlyMap<number, Place>;
  readonly msix: number;
} {
  const virtio = new Map<number, Place>();
  let msix = 0;
  for (let at = bus.configRead(0x34, 1); at !== 0; at = bus.configRead(at + 1, 1)) {
    const id = bus.configRead(at, 1);
    if (id === 0x11) msix = at;
    if (id !== 9) continue;
    const type = bus.configRead(at + 3, 1);
    if (type < 1 || type > 4 || virtio.has(type)) continue;
    virtio.set(type, { at, bar: bus.configRead(at + 4, 1), offset: bus.configRead(at + 8, 4) });
  }
  return { virtio, msix };
}

function pciRegisters(bus: CheckedPci, withMsix: boolean): Registers {
  bus.configWrite(4, 2, bus.configRead(4, 2) | 6);
  const { virtio, msix } = capabilities(bus);
  const place = (type: number): Place => {
    const found = virtio.get(type);
    if (found === undefined) throw new Error(`no structure ${type}`);
    return found;
  };
  const common = place(1);
  const notification = place(2);
  const isr = place(3);
  const multiplier = bus.configRead(notification.at + 16, 4);
  const read = (field: number, width: 1 | 2 | 4) => bus.barRead(common.bar, common.offset + field, width);
  const write = (field: number, width: 1 | 2 | 4, value: number) =>
    bus.barWrite(common.bar, common.offset + field, width, value >>> 0);
  let doorbell = 0;
  if (withMsix) {
    const table = bus.configRead(msix + 4, 4);
    for (const vector of [0, 1]) {
      const entry = (table & ~7) + 16 * vector;
      [0xfee0_0000, 0, 0x40 + vector, 0].forEach((word, i) => {
        bus.barWrite(table & 7, entry + 4 * i, 4, word);
      });
    }
    bus.configWrite(msix + 2, 2, 0x8000);
  }
  return {
    status: () => read(20, 1),
    setStatus: (value) => write(20, 1, value),
    features(word) {
      write(0, 4, word);
      return read(4, 4);
    },
    accept(word, value) {
      write(8, 4, word);
      write(12, 4, value);
    },
    queue() {
      if (withMsix) {
        write(16, 2, 0);
        read(16, 2);
      }
      write(22, 2, 0);
      write(24, 2, Math.min(SIZE, read(24, 2)));
      for (const [field, address] of [
        [32, AREAS.descriptors],
        [40, AREAS.driver],
        [48, AREAS.device],
      ] as const) {
        write(field, 4, address);
        write(field + 4, 4, 0);
      }
      if (withMsix) {
        write(26, 2, 1);
        read(26, 2);
      }
      doorbell = notification.offset + read(30, 2) * multiplier;
      write(28, 2, 1);
      return AREAS;
    },
    notify: () => bus.barWrite(notification.bar, doorbell, 2, 0),
    handleInterrupt: () => void (withMsix || bus.barRead(isr.bar, isr.offset, 1)),
  };
}

/** The header in BAR 0 that there was before virtio 1.0. */
function legacyRegisters(bus: CheckedPci): Registers {
  bus.configWrite(4, 2, bus.configRead(4, 2) | 5);
  const ring = BASE + 0x1000;
  return {
    status: () => bus.barRead(0, 18, 1),
    setStatus: (value) => bus.barWrite(0, 18, 1, value),
    features: (word) => (word === 0 ? bus.barRead(0, 0, 4) : 0),
    accept(word, value) {
      if (word === 0) bus.barWrite(0, 4, 4, value);
    },
    queue() {
      bus.barWrite(0, 14, 2, 0);
      const size = bus.barRead(0, 12, 2);
      bus.barWrite(0, 8, 4, ring / 4096);
      const driver = ring + 16 * size;
      return { descriptors: ring, driver, device: Math.ceil((driver + 6 + 2 * size) / 4096) * 4096, size };
    },
    notify: () => bus.barWrite(0, 16, 2, 0),
    handleInterrupt: () => void bus.barRead(0, 19, 1),
  };
}

interface Piece {
  readonly address: number;
  readonly length: number;
  readonly writable: boolean;
}

/** One virtqueue with one request at a time. */
class Ring {
  readonly #machine: CheckedMachine;
  readonly #areas: Areas;
  readonly #packed: boolean;
  #count = 0;
  #slot = 0;
  #wrap = 1;
  /** Packed: slot of the request under way, and what AVAIL and USED are there once it is used. */
  #first = 0;
  #expected = 0;

  constructor(machine: CheckedMachine, areas: Areas, packed: boolean) {
    this.#machine = machine;
    this.#areas = areas;
    this.#packed = packed;
  }

  get #view(): DataView {
    return new DataView(this.#machine.memory.view(BASE, 0x10000).buffer);
  }

  #put16(at: number, value: number): void {
    this.#view.setUint16(at - BASE, value, true);
  }

  #get16(at: number): number {
    return this.#view.getUint16(at - BASE, true);
  }

  #descriptor(index: number, { address, length }: Piece, third: number, fourth: number): void {
    const at = this.#areas.descriptors + 16 * index - BASE;
    this.#view.setUint32(at, address, true);
    this.#view.setUint32(at + 4, 0, true);
    this.#view.setUint32(at + 8, length, true);
    this.#view.setUint16(at + 12, third, true);
    this.#view.setUint16(at + 14, fourth, true);
  }

  offer(pieces: readonly Piece[]): void {
    if (this.#packed) this.#offerPacked(pieces);
    else this.#offerSplit(pieces);
  }

  #offerSplit(pieces: readonly Piece[]): void {
    pieces.forEach((piece, i) => {
      const next = i + 1 < pieces.length;
      this.#descriptor(i, piece, (piece.writable ? WRITE : 0) | (next ? NEXT : 0), next ? i + 1 : 0);
    });
    const { driver, size } = this.#areas;
    this.#put16(driver + 4 + 2 * (this.#count % size), 0);
    this.#count++;
    this.#put16(driver + 2, this.#count);
  }

  #offerPacked(pieces: readonly Piece[]): void {
    const first = this.#slot;
    let flagsOfFirst = 0;
    pieces.forEach((piece, i) => {
      const flags =
        (piece.writable ? WRITE : 0) | (i + 1 < pieces.length ? NEXT : 0) | (this.#wrap === 1 ? AVAIL : USED);
      if (i === 0) flagsOfFirst = flags;
      // The first one is not available yet: its flags are as they were a lap ago.
      const old = this.#get16(this.#areas.descriptors + 16 * this.#slot + 14);
      this.#descriptor(this.#slot, piece, 0, i === 0 ? old : flags);
      if (++this.#slot === this.#areas.size) {
        this.#slot = 0;
        this.#wrap ^= 1;
      }
    });
    this.#first = first;
    this.#put16(this.#areas.descriptors + 16 * first + 14, flagsOfFirst);
    this.#expected = (flagsOfFirst & AVAIL) !== 0 ? AVAIL | USED : 0;
  }

  get isUsed(): boolean {
    if (!this.#packed) return this.#get16(this.#areas.device + 2) === this.#count;
    const flags = this.#get16(this.#areas.descriptors + 16 * this.#first + 14);
    return (flags & (AVAIL | USED)) === this.#expected;
  }
}

const REQUEST = BASE + 0x8000;
const RESPONSE = BASE + 0x9000;
const PIXELS = BASE + 0x20000;

/** What a driver of the GPU sends to show a picture: words of each request. */
const GPU_REQUESTS: readonly (readonly number[])[] = [
  [0x100, 0, 0, 0, 0, 0],
  [0x101, 0, 0, 0, 0, 0, 1, 2, 64, 64],
  [0x106, 0, 0, 0, 0, 0, 1, 1, PIXELS, 0, 64 * 64 * 4, 0],
  [0x103, 0, 0, 0, 0, 0, 0, 0, 64, 64, 0, 1],
  [0x105, 0, 0, 0, 0, 0, 0, 0, 64, 64, 0, 0, 1, 0],
  [0x104, 0, 0, 0, 0, 0, 0, 0, 64, 64, 1, 0],
  [0x102, 0, 0, 0, 0, 0, 1, 0],
];

/** Drives a device from its discovery to its reset; returns the machine, with what the checker saw. */
export function driveMinimally(setup: MinimalSetup): CheckedMachine {
  const { transport, device, packed, polls, polled } = setup;
  const legacy = transport === "pci-legacy";
  const type = device === "gpu" ? new GpuDevice({ display: new MemoryDisplay() }) : new RngDevice();
  const machine: CheckedMachine = new CheckedMachine(type, {
    transport: transport === "mmio" ? "mmio" : transport === "pci-msix" ? "pci-msix" : "pci",
    device: { ringFeatures: packed ? [34] : [], trace: (event) => machine.checker.trace(event) },
    pci: { transitional: legacy },
    polled: polled ?? null,
    legacyOnly: legacy,
  });
  let handle = (): void => undefined;
  machine.onInterrupt = () => handle();
  const { mmio, pci } = machine;
  if (mmio === null && pci === null) throw new Error("no registers");
  const registers =
    mmio !== null
      ? mmioRegisters(mmio)
      : legacy
        ? legacyRegisters(pci as CheckedPci)
        : pciRegisters(pci as CheckedPci, transport === "pci-msix");
  if (!polls) handle = () => registers.handleInterrupt();
  registers.setStatus(0);
  while (registers.status() !== 0) machine.run();
  registers.setStatus(1);
  registers.setStatus(3);
  registers.features(0);
  const high = registers.features(1);
  registers.accept(0, 0);
  if (!legacy) {
    registers.accept(1, high & (packed ? 5 : 1));
    registers.setStatus(11);
    if ((registers.status() & 8) === 0) throw new Error("the features were refused");
  }
  const ring = new Ring(machine, registers.queue(), packed);
  registers.setStatus(legacy ? 7 : 15);
  const exchange = (pieces: readonly Piece[]) => {
    ring.offer(pieces);
    registers.notify();
    for (let looks = 0; !ring.isUsed; looks++) {
      if (looks > 100) throw new Error(`nothing was used: ${JSON.stringify(setup)}`);
      machine.run();
    }
  };
  if (device === "rng") {
    for (let i = 0; i < 20; i++) exchange([{ address: RESPONSE, length: 16 + i, writable: true }]);
  } else {
    for (const words of GPU_REQUESTS) {
      machine.memory.write(REQUEST, new Uint8Array(Uint32Array.from(words).buffer));
      exchange([
        { address: REQUEST, length: 4 * words.length, writable: false },
        { address: RESPONSE, length: 408, writable: true },
      ]);
    }
  }
  registers.setStatus(0);
  while (registers.status() !== 0) machine.run();
  machine.finish();
  return machine;
}
