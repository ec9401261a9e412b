import {
  PCI_CAP_ID_MSIX,
  PCI_MSIX_ENTRY_CTRL_MASKBIT,
  PCI_MSIX_ENTRY_DATA,
  PCI_MSIX_ENTRY_LOWER_ADDR,
  PCI_MSIX_ENTRY_SIZE,
  PCI_MSIX_ENTRY_UPPER_ADDR,
  PCI_MSIX_ENTRY_VECTOR_CTRL,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_QSIZE,
  PCI_MSIX_PBA,
  PCI_MSIX_PBA_BIR,
  PCI_MSIX_PBA_OFFSET,
  PCI_MSIX_TABLE,
  PCI_MSIX_TABLE_BIR,
  PCI_MSIX_TABLE_OFFSET,
} from "../../wire/pci.ts";
import type { Guest } from "./guest.ts";
import { capabilitiesOf } from "./pci-registers.ts";

/** Where the messages go: below everything the arena hands out. */
const MESSAGES = 0x8000;
const MESSAGE_DATA = 0x5a00;

/**
 * MSI-X of a function: its messages are stores into guest memory, one word for each vector.
 *
 * @example
 * ```ts
 * const msix = await Msix.find(t.guest);
 * if (msix === null) throw new CaseSkip("the function has no MSI-X");
 * await msix.enable();
 * ```
 */
export class Msix {
  /** Where the capability stands in the configuration space. */
  readonly at: number;
  /** Table Size, as a number of vectors. */
  readonly vectors: number;
  /** BAR of the table, and offset in it. */
  readonly table: { readonly bar: number; readonly offset: number };
  /** BAR of the pending bits, and offset in it. */
  readonly pending: { readonly bar: number; readonly offset: number };
  readonly #guest: Guest;

  private constructor(guest: Guest, at: number, vectors: number, table: number, pending: number) {
    this.#guest = guest;
    this.at = at;
    this.vectors = vectors;
    this.table = { bar: table & PCI_MSIX_TABLE_BIR, offset: (table & PCI_MSIX_TABLE_OFFSET) >>> 0 };
    this.pending = { bar: pending & PCI_MSIX_PBA_BIR, offset: (pending & PCI_MSIX_PBA_OFFSET) >>> 0 };
  }

  /** The capability; null when there is none. */
  static async find(guest: Guest): Promise<Msix | null> {
    const { raw } = guest.pci;
    const found = (await capabilitiesOf(raw)).find(({ id }) => id === PCI_CAP_ID_MSIX);
    if (found === undefined) return null;
    const { at } = found;
    const vectors = ((await raw.configRead(at + PCI_MSIX_FLAGS, 2)) & PCI_MSIX_FLAGS_QSIZE) + 1;
    const table = await raw.configRead(at + PCI_MSIX_TABLE, 4);
    return new Msix(guest, at, vectors, table, await raw.configRead(at + PCI_MSIX_PBA, 4));
  }

  /** Lets every vector store a word of its own, and enables MSI-X. */
  async enable(): Promise<void> {
    for (let vector = 0; vector < this.vectors; vector++) {
      await this.write(vector, PCI_MSIX_ENTRY_LOWER_ADDR, MESSAGES + 4 * vector);
      await this.write(vector, PCI_MSIX_ENTRY_UPPER_ADDR, 0);
      await this.write(vector, PCI_MSIX_ENTRY_DATA, MESSAGE_DATA + vector);
      await this.write(vector, PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    }
    this.forget();
    await this.setControl(PCI_MSIX_FLAGS_ENABLE);
  }

  /** Disables MSI-X and masks every vector, as after power-on. */
  async disable(): Promise<void> {
    await this.setControl(0);
    for (let vector = 0; vector < this.vectors; vector++) {
      await this.write(vector, PCI_MSIX_ENTRY_VECTOR_CTRL, PCI_MSIX_ENTRY_CTRL_MASKBIT);
    }
  }

  /** Writes Message Control: PCI_MSIX_FLAGS_ENABLE, PCI_MSIX_FLAGS_MASKALL. */
  async setControl(flags: number): Promise<void> {
    this.#guest.timeline.add("driver", `MSI-X message control ← 0x${flags.toString(16)}`);
    await this.#guest.pci.raw.configWrite(this.at + PCI_MSIX_FLAGS, 2, flags);
  }

  /** Reads 32 bits of a vector's table entry. */
  async read(vector: number, field: number): Promise<number> {
    const { bar, offset } = this.table;
    return this.#guest.pci.raw.barRead(bar, offset + vector * PCI_MSIX_ENTRY_SIZE + field, 4);
  }

  /** Writes 32 bits of a vector's table entry. */
  async write(vector: number, field: number, value: number): Promise<void> {
    const { bar, offset } = this.table;
    await this.#guest.pci.raw.barWrite(bar, offset + vector * PCI_MSIX_ENTRY_SIZE + field, 4, value);
  }

  /** Whether the vector's message is on hold. */
  async isPending(vector: number): Promise<boolean> {
    const { bar, offset } = this.pending;
    const bits = await this.#guest.pci.raw.barRead(bar, offset + 4 * Math.floor(vector / 32), 4);
    return ((bits >>> (vector % 32)) & 1) !== 0;
  }

  /** Forgets the messages that came so far. */
  forget(): void {
    this.#guest.dut.ram.write(MESSAGES, new Uint8Array(4 * this.vectors));
  }

  /** Lets the device settle; the vectors whose message came since, which are forgotten. */
  async take(): Promise<number[]> {
    await this.#guest.dut.settle();
    const came: number[] = [];
    for (let vector = 0; vector < this.vectors; vector++) {
      const word = this.#guest.arena.read(MESSAGES + 4 * vector, 4);
      if (word === 0) continue;
      came.push(vector);
      this.#guest.timeline.add("device", `MSI-X message of vector ${vector}, 0x${word.toString(16)}`);
    }
    this.forget();
    return came;
  }
}
