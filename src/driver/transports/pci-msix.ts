import {
  PCI_CAP_ID_MSIX,
  PCI_MSIX_ENTRY_DATA,
  PCI_MSIX_ENTRY_LOWER_ADDR,
  PCI_MSIX_ENTRY_SIZE,
  PCI_MSIX_ENTRY_UPPER_ADDR,
  PCI_MSIX_ENTRY_VECTOR_CTRL,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_MASKALL,
  PCI_MSIX_FLAGS_QSIZE,
  PCI_MSIX_TABLE,
  PCI_MSIX_TABLE_BIR,
  PCI_MSIX_TABLE_OFFSET,
} from "../../wire/pci.ts";
import { findCapabilities, type PciBus } from "./pci-function.ts";

/** What a vector shall write, and where: the platform's interrupt controller says so. */
export interface MsixTarget {
  readonly addressHi: number;
  readonly addressLo: number;
  readonly data: number;
}

/** The MSI-X capability and table of a function, as a driver programs them. */
export class MsixSetup {
  /** Number of entries of the table, 1 … 2048. */
  readonly vectors: number;
  readonly #bus: PciBus;
  readonly #capability: number;
  readonly #bar: number;
  readonly #offset: number;

  private constructor(bus: PciBus, capability: number) {
    this.#bus = bus;
    this.#capability = capability;
    this.vectors = (bus.configRead(capability + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
    const table = bus.configRead(capability + PCI_MSIX_TABLE, 4);
    this.#bar = table & PCI_MSIX_TABLE_BIR;
    this.#offset = (table & PCI_MSIX_TABLE_OFFSET) >>> 0;
  }

  /** Null when the function has no MSI-X. */
  static find(bus: PciBus): MsixSetup | null {
    const [capability] = findCapabilities(bus, PCI_CAP_ID_MSIX);
    return capability === undefined ? null : new MsixSetup(bus, capability);
  }

  /** Programs the first `count` vectors and lets messages through; the other vectors stay masked. */
  enable(count: number, target: (vector: number) => MsixTarget): void {
    const flags = this.#bus.configRead(this.#capability + PCI_MSIX_FLAGS, 2);
    // Nothing may leave before every entry is complete.
    this.#writeFlags(flags | PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    for (let vector = 0; vector < count; vector++) {
      const { addressHi, addressLo, data } = target(vector);
      this.#writeEntry(vector, PCI_MSIX_ENTRY_LOWER_ADDR, addressLo);
      this.#writeEntry(vector, PCI_MSIX_ENTRY_UPPER_ADDR, addressHi);
      this.#writeEntry(vector, PCI_MSIX_ENTRY_DATA, data);
      this.#writeEntry(vector, PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    }
    this.#writeFlags((flags | PCI_MSIX_FLAGS_ENABLE) & ~PCI_MSIX_FLAGS_MASKALL);
  }

  disable(): void {
    const flags = this.#bus.configRead(this.#capability + PCI_MSIX_FLAGS, 2);
    this.#writeFlags(flags & ~PCI_MSIX_FLAGS_ENABLE);
  }

  #writeFlags(value: number): void {
    this.#bus.configWrite(this.#capability + PCI_MSIX_FLAGS, 2, value);
  }

  #writeEntry(vector: number, field: number, value: number): void {
    this.#bus.barWrite(this.#bar, this.#offset + vector * PCI_MSIX_ENTRY_SIZE + field, 4, value >>> 0);
  }
}
