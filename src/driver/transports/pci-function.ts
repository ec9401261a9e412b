import { toBigInt } from "../../base/u64.ts";
import {
  PCI_BASE_ADDRESS_0,
  PCI_BASE_ADDRESS_IO_MASK,
  PCI_BASE_ADDRESS_MEM_MASK,
  PCI_BASE_ADDRESS_MEM_TYPE_64,
  PCI_BASE_ADDRESS_MEM_TYPE_MASK,
  PCI_BASE_ADDRESS_SPACE_IO,
  PCI_CAP_ID_VNDR,
  PCI_CAP_LIST_ID,
  PCI_CAP_LIST_NEXT,
  PCI_CAPABILITY_LIST,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MEMORY,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  PCI_STD_HEADER_SIZEOF,
  PCI_STD_NUM_BARS,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_CAP64,
} from "../../wire/pci.ts";
import { DriverError } from "../errors.ts";
import type { AccessWidth } from "./transport.ts";

/** Access to one PCI function: its configuration space, and what lies behind its base address registers. */
export interface PciBus {
  /** Reads configuration space; unsigned. */
  configRead(offset: number, widthBytes: AccessWidth): number;
  /** Writes configuration space. */
  configWrite(offset: number, widthBytes: AccessWidth, value: number): void;
  /** Reads at an offset of a BAR; unsigned. */
  barRead(bar: number, offset: number, widthBytes: AccessWidth): number;
  /** Writes at an offset of a BAR. */
  barWrite(bar: number, offset: number, widthBytes: AccessWidth, value: number): void;
}

/** Address space from which base address registers without an address get one. */
export interface PciResources {
  /** Below 4 GiB: first address and end (exclusive). Default 0xe0000000 … 0xfec00000. */
  readonly memory32?: readonly [first: number, end: number];
  /** Above 4 GiB, for 64-bit registers. Default 64 GiB … 1 TiB. */
  readonly memory64?: readonly [first: bigint, end: bigint];
  /** I/O ports. Default 0xc000 … 0x10000. Null: there are none, and structures behind I/O registers are passed over. */
  readonly io?: readonly [first: number, end: number] | null;
}

/** One base address register of the function. */
export interface PciBarInfo {
  readonly index: number;
  readonly kind: "memory" | "io";
  readonly is64Bit: boolean;
  readonly sizeBytes: bigint;
  readonly address: bigint;
}

/** A virtio structure, found by its capability. Offset and length in bytes, inside the register's range. */
export interface VirtioPciStructure {
  readonly cfgType: number;
  readonly bar: number;
  readonly id: number;
  readonly offset: number;
  readonly lengthBytes: bigint;
  /** Where the capability lies in the configuration space. */
  readonly capability: number;
}

// Capabilities take at least 4 bytes each of the 192 behind the header: a longer list goes in circles.
const MAX_CAPABILITIES = (256 - PCI_STD_HEADER_SIZEOF) / 4;

const READABLE_TYPES: readonly number[] = [
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
];

/**
 * Offsets of the capabilities with this id, in the order of the list.
 *
 * @example
 * ```ts
 * const [msix] = findCapabilities(bus, PCI_CAP_ID_MSIX);
 * if (msix === undefined) console.log("INTx only");
 * ```
 */
export function findCapabilities(bus: PciBus, id: number): number[] {
  const found: number[] = [];
  if ((bus.configRead(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST) === 0) return found;
  let at = bus.configRead(PCI_CAPABILITY_LIST, 1) & 0xfc;
  for (let i = 0; i < MAX_CAPABILITIES && at >= PCI_STD_HEADER_SIZEOF; i++) {
    if (bus.configRead(at + PCI_CAP_LIST_ID, 1) === id) found.push(at);
    at = bus.configRead(at + PCI_CAP_LIST_NEXT, 1) & 0xfc;
  }
  return found;
}

/** Sizes every base address register; decoding is off meanwhile, and the registers keep their values. */
export function readBars(bus: PciBus): PciBarInfo[] {
  const command = bus.configRead(PCI_COMMAND, 2);
  bus.configWrite(PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
  const bars: PciBarInfo[] = [];
  for (let index = 0; index < PCI_STD_NUM_BARS; index++) {
    const at = PCI_BASE_ADDRESS_0 + 4 * index;
    const lo = bus.configRead(at, 4);
    const maskLo = probe(bus, at, lo);
    if (maskLo === 0) continue;
    if ((lo & PCI_BASE_ADDRESS_SPACE_IO) !== 0) {
      const mask = (maskLo & PCI_BASE_ADDRESS_IO_MASK) >>> 0;
      // The upper half of an I/O register may be hardwired to 0.
      const sizeBytes = BigInt(((~mask & 0xffff) + 1) & 0xffff);
      const address = BigInt((lo & PCI_BASE_ADDRESS_IO_MASK) >>> 0);
      bars.push({ index, kind: "io", is64Bit: false, sizeBytes, address });
      continue;
    }
    const is64Bit = (lo & PCI_BASE_ADDRESS_MEM_TYPE_MASK) === PCI_BASE_ADDRESS_MEM_TYPE_64;
    const hi = is64Bit ? bus.configRead(at + 4, 4) : 0;
    const maskHi = is64Bit ? probe(bus, at + 4, hi) : 0xffffffff;
    const mask = toBigInt(maskHi, (maskLo & PCI_BASE_ADDRESS_MEM_MASK) >>> 0);
    const sizeBytes = (~mask & 0xffffffffffffffffn) + 1n;
    const address = toBigInt(hi, (lo & PCI_BASE_ADDRESS_MEM_MASK) >>> 0);
    bars.push({ index, kind: "memory", is64Bit, sizeBytes, address });
    if (is64Bit) index++;
  }
  bus.configWrite(PCI_COMMAND, 2, command);
  return bars;
}

function probe(bus: PciBus, at: number, value: number): number {
  bus.configWrite(at, 4, 0xffffffff);
  const mask = bus.configRead(at, 4);
  bus.configWrite(at, 4, value);
  return mask;
}

/**
 * Gives an address to every register that has none. Throws {@link DriverError} ENOSPC when the address space does
 * not suffice.
 */
export function assignBars(bus: PciBus, bars: readonly PciBarInfo[], resources: PciResources): PciBarInfo[] {
  const memory32 = resources.memory32 ?? [0xe000_0000, 0xfec0_0000];
  const spaces = {
    io: resources.io === null ? null : range(resources.io ?? [0xc000, 0x1_0000]),
    memory32: range(memory32),
    memory64: range(resources.memory64 ?? [0x10_0000_0000n, 0x100_0000_0000n]),
  };
  return bars.map((bar) => {
    if (bar.address !== 0n) return bar;
    const space =
      bar.kind === "io"
        ? spaces.io
        : bar.is64Bit && bar.sizeBytes >= 1n << 28n
          ? spaces.memory64
          : spaces.memory32;
    if (space === null) return bar;
    const address = (space.next + bar.sizeBytes - 1n) & ~(bar.sizeBytes - 1n);
    if (address + bar.sizeBytes > space.end) {
      throw new DriverError("ENOSPC", `no address space for base address register ${bar.index}`);
    }
    space.next = address + bar.sizeBytes;
    const at = PCI_BASE_ADDRESS_0 + 4 * bar.index;
    bus.configWrite(at, 4, Number(address & 0xffffffffn));
    if (bar.is64Bit) bus.configWrite(at + 4, 4, Number(address >> 32n));
    return { ...bar, address };
  });
}

function range([first, end]: readonly [number | bigint, number | bigint]): { next: bigint; end: bigint } {
  return { next: BigInt(first), end: BigInt(end) };
}

/**
 * The virtio structures of a function, in the order of the list. Passed over are those of reserved type or register
 * [transport-pci.driver.virtio-structure-pci-capabilities.1] [transport-pci.driver.virtio-structure-pci-capabilities.4]
 * and those that don't lie inside a register the driver can use.
 */
export function findStructures(
  bus: PciBus,
  bars: readonly PciBarInfo[],
  ioUsable: boolean,
): VirtioPciStructure[] {
  const structures: VirtioPciStructure[] = [];
  for (const capability of findCapabilities(bus, PCI_CAP_ID_VNDR)) {
    const cfgType = bus.configRead(capability + VIRTIO_PCI_CAP.cfg_type, 1);
    const capLength = bus.configRead(capability + VIRTIO_PCI_CAP.cap_len, 1);
    if (cfgType === VIRTIO_PCI_CAP_PCI_CFG) {
      structures.push({ cfgType, bar: 0, id: 0, offset: 0, lengthBytes: 0n, capability });
      continue;
    }
    if (!READABLE_TYPES.includes(cfgType)) continue;
    const bar = bars.find(({ index }) => index === bus.configRead(capability + VIRTIO_PCI_CAP.bar, 1));
    if (bar === undefined || (bar.kind === "io" && !ioUsable)) continue;
    // A longer capability is fine. [transport-pci.driver.virtio-structure-pci-capabilities.3]
    const wide = cfgType === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG;
    if (capLength < (wide ? VIRTIO_PCI_CAP64.sizeBytes : VIRTIO_PCI_CAP.sizeBytes)) continue;
    const offset = toBigInt(
      wide ? bus.configRead(capability + VIRTIO_PCI_CAP64.offset_hi, 4) : 0,
      bus.configRead(capability + VIRTIO_PCI_CAP.offset, 4),
    );
    const lengthBytes = toBigInt(
      wide ? bus.configRead(capability + VIRTIO_PCI_CAP64.length_hi, 4) : 0,
      bus.configRead(capability + VIRTIO_PCI_CAP.length, 4),
    );
    if (offset + lengthBytes > bar.sizeBytes) continue;
    structures.push({
      cfgType,
      bar: bar.index,
      id: bus.configRead(capability + VIRTIO_PCI_CAP.id, 1),
      offset: Number(offset),
      lengthBytes,
      capability,
    });
  }
  return structures;
}

/** Reads and writes what lies behind base address registers; two ways lead there. */
export interface BarAccess {
  read(bar: number, offset: number, widthBytes: AccessWidth): number;
  write(bar: number, offset: number, widthBytes: AccessWidth, value: number): void;
}

/** Through the PCI configuration access capability (virtio 1.4, section 4.1.4.9): slow, but needs no BAR mapped. */
export class ConfigWindowAccess implements BarAccess {
  readonly #bus: PciBus;
  readonly #capability: number;

  constructor(bus: PciBus, capability: number) {
    this.#bus = bus;
    this.#capability = capability;
  }

  // Offsets of virtio structures are aligned to the widths of their fields.
  // [transport-pci.driver.pci-configuration-access-capability.1]
  #aim(bar: number, offset: number, widthBytes: AccessWidth): number {
    const at = this.#capability;
    this.#bus.configWrite(at + VIRTIO_PCI_CAP.bar, 1, bar);
    this.#bus.configWrite(at + VIRTIO_PCI_CAP.length, 4, widthBytes);
    this.#bus.configWrite(at + VIRTIO_PCI_CAP.offset, 4, offset);
    return at + VIRTIO_PCI_CAP.sizeBytes;
  }

  read(bar: number, offset: number, widthBytes: AccessWidth): number {
    return this.#bus.configRead(this.#aim(bar, offset, widthBytes), widthBytes);
  }

  write(bar: number, offset: number, widthBytes: AccessWidth, value: number): void {
    this.#bus.configWrite(this.#aim(bar, offset, widthBytes), widthBytes, value);
  }
}

/** Straight through the registers' ranges. */
export class MappedAccess implements BarAccess {
  readonly #bus: PciBus;

  constructor(bus: PciBus) {
    this.#bus = bus;
  }

  read(bar: number, offset: number, widthBytes: AccessWidth): number {
    return this.#bus.barRead(bar, offset, widthBytes);
  }

  write(bar: number, offset: number, widthBytes: AccessWidth, value: number): void {
    this.#bus.barWrite(bar, offset, widthBytes, value);
  }
}
