import { VirtioUsageError } from "../../base/errors.ts";
import type { QtestClient, QtestWidth } from "./qtest-client.ts";

// Configuration mechanism #1 of the PCI Local Bus specification.
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const CONFIG_ENABLE = 0x80000000;
const CONFIG_BYTES = 256;
const EXTENDED_CONFIG_BYTES = 4096;

const PCI_COMMAND = 0x04;
const PCI_BASE_ADDRESS_0 = 0x10;
const PCI_BARS = 6;
const BARS_END = PCI_BASE_ADDRESS_0 + 4 * PCI_BARS;
const PCI_INTERRUPT_PIN = 0x3d;
const COMMAND_IO_MEMORY_MASTER = 7;
const BAR_IO = 1;
const BAR_TYPE = 6;
const BAR_TYPE_64 = 4;

// The memory controller of q35 (Intel 3 Series, registers PCIEXBAR, PAM0–6 and SMRAM).
const MCH_PCIEXBAR = 0x60;
const MCH_PAM0 = 0x90;
const MCH_PAMS = 7;
const MCH_SMRAM = 0x9d;
const PAM_ALL_RAM = 0x33;
const PAM0_ALL_RAM = 0x30;
const SMRAM_OPEN = 0x4a;
const ECAM_ADDRESS = 0xb0000000;

/** The part of the address space that is left for functions' registers. */
const LOW_MEMORY = { from: 0xc0000000, to: 0xfe000000 } as const;
const HIGH_MEMORY_FROM = 0x8_0000_0000;
const PORTS_FROM = 0xc000;

/** Interrupt lines of the I/O APIC that PIRQE … PIRQH of the ICH9 lead to; slots up to 24 use these in turn. */
const FIRST_PIRQ_LINE = 20;

/** A base address register. */
export interface QemuPciBar {
  readonly index: number;
  readonly kind: "io" | "memory";
  readonly is64Bit: boolean;
  /** A power of two. */
  readonly sizeBytes: number;
  /** Where it lies now. */
  readonly address: number;
}

/** The PCI bus of a q35 machine, as firmware sees it. */
export class QemuPciHost {
  readonly #qtest: QtestClient;
  #nextLow: number = LOW_MEMORY.from;
  #nextHigh = HIGH_MEMORY_FROM;
  #nextPort = PORTS_FROM;
  #ecam = false;

  constructor(qtest: QtestClient) {
    this.#qtest = qtest;
  }

  /**
   * What firmware does first: makes configuration space reachable as memory, and turns the holes that PCs have
   * between 640 KiB and 1 MiB into memory. To be repeated after a reset of the machine.
   */
  async initialize(): Promise<void> {
    this.#nextLow = LOW_MEMORY.from;
    this.#nextHigh = HIGH_MEMORY_FROM;
    this.#nextPort = PORTS_FROM;
    this.#ecam = false;
    const writes = [
      this.configWrite(0, MCH_PCIEXBAR + 4, 4, 0),
      this.configWrite(0, MCH_PCIEXBAR, 4, ECAM_ADDRESS | 1),
      this.configWrite(0, MCH_PAM0, 1, PAM0_ALL_RAM),
      this.configWrite(0, MCH_SMRAM, 1, SMRAM_OPEN),
    ];
    for (let i = 1; i < MCH_PAMS; i++) writes.push(this.configWrite(0, MCH_PAM0 + i, 1, PAM_ALL_RAM));
    await Promise.all(writes);
    this.#ecam = true;
  }

  /** Reads the configuration space of function 0 in `slot` of bus 0. */
  configRead(slot: number, offset: number, widthBytes: QtestWidth): Promise<number> {
    if (this.#ecam) return this.#qtest.read(configAddress(slot, offset), widthBytes);
    this.#aim(slot, offset);
    return this.#qtest.in(CONFIG_DATA + (offset & 3), widthBytes);
  }

  /** Writes the configuration space of function 0 in `slot` of bus 0. */
  configWrite(slot: number, offset: number, widthBytes: QtestWidth, value: number): Promise<void> {
    if (this.#ecam) return this.#qtest.write(configAddress(slot, offset), widthBytes, value);
    this.#aim(slot, offset);
    return this.#qtest.out(CONFIG_DATA + (offset & 3), widthBytes, value);
  }

  /**
   * Finds the sizes of all base address registers of a function, gives each a place, and turns on decoding and bus
   * mastering.
   */
  async place(slot: number): Promise<QemuPciBar[]> {
    const bars: QemuPciBar[] = [];
    for (let index = 0; index < PCI_BARS; index++) {
      const bar = await this.#placeBar(slot, index);
      if (bar === undefined) continue;
      bars.push(bar);
      if (bar.is64Bit) index++;
    }
    await this.configWrite(slot, PCI_COMMAND, 2, COMMAND_IO_MEMORY_MASTER);
    return bars;
  }

  async #placeBar(slot: number, index: number): Promise<QemuPciBar | undefined> {
    const at = PCI_BASE_ADDRESS_0 + 4 * index;
    // One write to the socket: commands are carried out in order.
    const [, mask] = await Promise.all([
      this.configWrite(slot, at, 4, 0xffffffff),
      this.configRead(slot, at, 4),
    ]);
    if (mask === 0) return undefined;
    if ((mask & BAR_IO) !== 0) {
      const sizeBytes = (~(mask & 0xfffc) & 0xffff) + 1;
      const address = alignUp(this.#nextPort, sizeBytes);
      this.#nextPort = address + sizeBytes;
      await this.configWrite(slot, at, 4, address);
      return { index, kind: "io", is64Bit: false, sizeBytes, address };
    }
    const is64Bit = (mask & BAR_TYPE) === BAR_TYPE_64;
    let highMask = 0xffffffff;
    if (is64Bit) {
      const [, high] = await Promise.all([
        this.configWrite(slot, at + 4, 4, 0xffffffff),
        this.configRead(slot, at + 4, 4),
      ]);
      highMask = high;
    }
    const sizeBytes = Number((1n << 64n) - ((BigInt(highMask) << 32n) | BigInt((mask & 0xfffffff0) >>> 0)));
    const address = this.#allocate(sizeBytes, is64Bit);
    await Promise.all([
      this.configWrite(slot, at, 4, address % 2 ** 32),
      ...(is64Bit ? [this.configWrite(slot, at + 4, 4, Math.floor(address / 2 ** 32))] : []),
    ]);
    return { index, kind: "memory", is64Bit, sizeBytes, address };
  }

  #allocate(sizeBytes: number, is64Bit: boolean): number {
    const low = alignUp(this.#nextLow, sizeBytes);
    if (low + sizeBytes <= LOW_MEMORY.to) {
      this.#nextLow = low + sizeBytes;
      return low;
    }
    if (!is64Bit) throw new VirtioUsageError(`no room below 4 GiB for ${sizeBytes} bytes; use fewer devices`);
    const high = alignUp(this.#nextHigh, sizeBytes);
    this.#nextHigh = high + sizeBytes;
    return high;
  }

  #aim(slot: number, offset: number): void {
    if (offset >= CONFIG_BYTES) {
      throw new VirtioUsageError("only the first 256 bytes of configuration space can be reached so early");
    }
    // Its failure is that of the access which follows.
    this.#qtest.out(CONFIG_ADDRESS, 4, CONFIG_ENABLE + slot * 0x800 + (offset & 0xfc)).catch(() => {});
  }
}

/** One function of a q35 machine: its configuration space and what lies behind its base address registers. */
export class QemuPciFunction {
  /** Its device number on bus 0. */
  readonly slot: number;
  readonly #qtest: QtestClient;
  readonly #host: QemuPciHost;
  #bars: readonly QemuPciBar[];
  /** How often the driver wrote to base address registers, and how many of these writes `#bars` knows of. */
  #writes = 0;
  #seen = 0;

  constructor(qtest: QtestClient, host: QemuPciHost, slot: number, bars: readonly QemuPciBar[]) {
    this.#qtest = qtest;
    this.#host = host;
    this.slot = slot;
    this.#bars = bars;
  }

  /** The base address registers the function has, and where they lie. */
  get bars(): readonly QemuPciBar[] {
    return this.#bars;
  }

  /** Reads 1, 2 or 4 bytes of the configuration space, 4096 bytes large. Unsigned. */
  configRead(offset: number, widthBytes: QtestWidth): Promise<number> {
    return this.#host.configRead(this.slot, offset, widthBytes);
  }

  /** Writes 1, 2 or 4 bytes of the configuration space. */
  configWrite(offset: number, widthBytes: QtestWidth, value: number): Promise<void> {
    if (offset < BARS_END && offset + widthBytes > PCI_BASE_ADDRESS_0) this.#writes++;
    return this.#host.configWrite(this.slot, offset, widthBytes, value);
  }

  /** Reads 1, 2 or 4 bytes `offset` bytes behind base address register `bar`. All ones where there is none. */
  barRead(bar: number, offset: number, widthBytes: QtestWidth): Promise<number> {
    if (this.#writes !== this.#seen)
      return this.#findBars().then(() => this.barRead(bar, offset, widthBytes));
    const found = this.#bars.find(({ index }) => index === bar);
    if (found === undefined) return Promise.resolve(2 ** (8 * widthBytes) - 1);
    return found.kind === "io"
      ? this.#qtest.in(found.address + offset, widthBytes)
      : this.#qtest.read(found.address + offset, widthBytes);
  }

  /** Writes 1, 2 or 4 bytes `offset` bytes behind base address register `bar`. Ignored where there is none. */
  barWrite(bar: number, offset: number, widthBytes: QtestWidth, value: number): Promise<void> {
    if (this.#writes !== this.#seen)
      return this.#findBars().then(() => this.barWrite(bar, offset, widthBytes, value));
    const found = this.#bars.find(({ index }) => index === bar);
    if (found === undefined) return Promise.resolve();
    return found.kind === "io"
      ? this.#qtest.out(found.address + offset, widthBytes, value)
      : this.#qtest.write(found.address + offset, widthBytes, value);
  }

  /** The line of the I/O APIC that INTx is wired to, undefined when the function has none. */
  async interruptLine(): Promise<number | undefined> {
    const pin = await this.configRead(PCI_INTERRUPT_PIN, 1);
    return pin === 0 ? undefined : FIRST_PIRQ_LINE + ((this.slot + pin - 1) & 3);
  }

  async #findBars(): Promise<void> {
    const writes = this.#writes;
    const words = await Promise.all(
      Array.from({ length: PCI_BARS }, (_, i) => this.configRead(PCI_BASE_ADDRESS_0 + 4 * i, 4)),
    );
    this.#bars = this.#bars.map((bar) => {
      const low = words[bar.index] as number;
      const high = bar.is64Bit ? (words[bar.index + 1] as number) : 0;
      const address = bar.kind === "io" ? low & 0xfffc : high * 2 ** 32 + ((low & 0xfffffff0) >>> 0);
      return { ...bar, address };
    });
    this.#seen = writes;
  }
}

function configAddress(slot: number, offset: number): number {
  if (!(offset >= 0 && offset < EXTENDED_CONFIG_BYTES)) {
    throw new VirtioUsageError(`configuration space has no byte ${offset}; use 0 … 4095`);
  }
  return ECAM_ADDRESS + slot * 0x8000 + offset;
}

function alignUp(address: number, alignment: number): number {
  return Math.ceil(address / alignment) * alignment;
}
