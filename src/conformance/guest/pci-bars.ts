import {
  PCI_BASE_ADDRESS_0,
  PCI_BASE_ADDRESS_IO_MASK,
  PCI_BASE_ADDRESS_MEM_MASK,
  PCI_BASE_ADDRESS_MEM_PREFETCH,
  PCI_BASE_ADDRESS_MEM_TYPE_64,
  PCI_BASE_ADDRESS_MEM_TYPE_MASK,
  PCI_BASE_ADDRESS_SPACE_IO,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MEMORY,
  PCI_STD_NUM_BARS,
} from "../../wire/pci.ts";
import type { PciFunction } from "../device-under-test.ts";

const ALL_ONES = 0xffffffff;

/** A base address register, as probing it shows it. */
export interface ProbedBar {
  readonly index: number;
  readonly kind: "memory" | "io";
  /** Takes the next register too. */
  readonly is64Bit: boolean;
  readonly prefetchable: boolean;
  /** The lower register as it was. */
  readonly register: number;
  /** The address bits that can be written, of all registers it takes. */
  readonly writable: bigint;
  /** What the lowest writable bit says; 0 when there is none. */
  readonly sizeBytes: bigint;
  /** The bits that say what kind it is stayed as they were. */
  readonly kindIsFixed: boolean;
}

/**
 * Sizes the BARs as firmware does: writes ones, reads back what sticks, restores. Decoding is off meanwhile. Registers
 * that are not implemented are left out.
 *
 * @example
 * ```ts
 * for (const bar of await probeBars(pci)) console.log(bar);
 * ```
 */
export async function probeBars(pci: PciFunction): Promise<ProbedBar[]> {
  const command = await pci.configRead(PCI_COMMAND, 2);
  await pci.configWrite(PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
  const bars: ProbedBar[] = [];
  try {
    for (let index = 0; index < PCI_STD_NUM_BARS; index++) {
      const bar = await probeBar(pci, index);
      if (bar === null) continue;
      bars.push(bar);
      if (bar.is64Bit) index++;
    }
  } finally {
    await pci.configWrite(PCI_COMMAND, 2, command);
  }
  return bars;
}

async function probeBar(pci: PciFunction, index: number): Promise<ProbedBar | null> {
  const at = PCI_BASE_ADDRESS_0 + 4 * index;
  const lower = await sticks(pci, at);
  const io = (lower.before & PCI_BASE_ADDRESS_SPACE_IO) !== 0;
  const is64Bit = !io && (lower.before & PCI_BASE_ADDRESS_MEM_TYPE_MASK) === PCI_BASE_ADDRESS_MEM_TYPE_64;
  const mask = io ? PCI_BASE_ADDRESS_IO_MASK : PCI_BASE_ADDRESS_MEM_MASK;
  let writable = BigInt((lower.bits & mask) >>> 0);
  if (is64Bit && index + 1 < PCI_STD_NUM_BARS) writable |= BigInt((await sticks(pci, at + 4)).bits) << 32n;
  if (writable === 0n && lower.before === 0) return null;
  return {
    index,
    kind: io ? "io" : "memory",
    is64Bit,
    prefetchable: !io && (lower.before & PCI_BASE_ADDRESS_MEM_PREFETCH) !== 0,
    register: lower.before,
    writable,
    sizeBytes: writable & -writable,
    kindIsFixed: ((lower.before ^ lower.bits) & ~mask) === 0,
  };
}

/** Which bits of a register come back as ones after ones were written, and what it was before, which it is again. */
async function sticks(pci: PciFunction, at: number): Promise<{ before: number; bits: number }> {
  const before = await pci.configRead(at, 4);
  await pci.configWrite(at, 4, ALL_ONES);
  const bits = await pci.configRead(at, 4);
  await pci.configWrite(at, 4, before);
  return { before, bits };
}
