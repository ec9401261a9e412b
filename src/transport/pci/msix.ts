import {
  PCI_MSIX_ENTRY_CTRL_MASKBIT,
  PCI_MSIX_ENTRY_DATA,
  PCI_MSIX_ENTRY_LOWER_ADDR,
  PCI_MSIX_ENTRY_SIZE,
  PCI_MSIX_ENTRY_UPPER_ADDR,
  PCI_MSIX_ENTRY_VECTOR_CTRL,
} from "../../wire/pci.ts";

/** A message-signalled interrupt: a 32-bit write of `data` to an address. All values are unsigned. */
export interface MsixMessage {
  /** Entry of the MSI-X table. */
  readonly vector: number;
  readonly addressHi: number;
  readonly addressLo: number;
  readonly data: number;
}

type Entry = { -readonly [K in keyof MsixMessage]: MsixMessage[K] } & { masked: boolean };

const ENTRY_WORDS = PCI_MSIX_ENTRY_SIZE / 4;

/**
 * MSI-X table and pending bits. A message that may not be sent (its vector or the function is masked, or the function
 * may not write to memory) leaves its pending bit set and follows as soon as it may.
 */
export class MsixTable {
  readonly vectorCount: number;
  readonly #entries: readonly Entry[];
  readonly #pending: Uint32Array;
  readonly #send: ((message: MsixMessage) => void) | null;
  #open = false;

  constructor(vectorCount: number, send: ((message: MsixMessage) => void) | null) {
    this.vectorCount = vectorCount;
    // Each entry is the message itself, so that raising one allocates nothing.
    this.#entries = Array.from({ length: vectorCount }, (_, vector) => ({
      vector,
      addressHi: 0,
      addressLo: 0,
      data: 0,
      masked: true,
    }));
    this.#pending = new Uint32Array(pendingWords(vectorCount));
    this.#send = send;
  }

  /** Whether messages may leave: enabled, function not masked, bus master. Opening delivers what is pending. */
  setOpen(open: boolean): void {
    if (open === this.#open) return;
    this.#open = open;
    if (!open) return;
    for (let vector = 0; vector < this.vectorCount; vector++) this.#deliverPending(vector);
  }

  /** Sends the vector's message, now or when it may be sent. */
  raise(vector: number): void {
    const entry = this.#entries[vector] as Entry;
    if (!this.#open || entry.masked) {
      this.#pending[vector >>> 5] = (this.#pending[vector >>> 5] as number) | (1 << (vector & 31));
      return;
    }
    this.#send?.(entry);
  }

  #deliverPending(vector: number): void {
    // Asked for each vector: the handler of the one before may have masked it.
    if (!this.#open || !this.isPending(vector)) return;
    const entry = this.#entries[vector] as Entry;
    if (entry.masked) return;
    this.clearPending(vector);
    this.#send?.(entry);
  }

  isPending(vector: number): boolean {
    return (((this.#pending[vector >>> 5] as number) >>> (vector & 31)) & 1) !== 0;
  }

  clearPending(vector: number): void {
    this.#pending[vector >>> 5] = (this.#pending[vector >>> 5] as number) & ~(1 << (vector & 31));
  }

  clearAllPending(): void {
    this.#pending.fill(0);
  }

  /** Reads 32 bits of the table. */
  readTable(offset: number): number {
    const entry = this.#entries[Math.floor(offset / PCI_MSIX_ENTRY_SIZE)] as Entry;
    switch (offset % PCI_MSIX_ENTRY_SIZE) {
      case PCI_MSIX_ENTRY_LOWER_ADDR:
        return entry.addressLo;
      case PCI_MSIX_ENTRY_UPPER_ADDR:
        return entry.addressHi;
      case PCI_MSIX_ENTRY_DATA:
        return entry.data;
      default:
        return entry.masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0;
    }
  }

  /** Writes 32 bits of the table; clearing a mask bit delivers the vector if it is pending. */
  writeTable(offset: number, value: number): void {
    const vector = Math.floor(offset / PCI_MSIX_ENTRY_SIZE);
    const entry = this.#entries[vector] as Entry;
    switch (offset % PCI_MSIX_ENTRY_SIZE) {
      case PCI_MSIX_ENTRY_LOWER_ADDR:
        entry.addressLo = (value & ~3) >>> 0;
        return;
      case PCI_MSIX_ENTRY_UPPER_ADDR:
        entry.addressHi = value >>> 0;
        return;
      case PCI_MSIX_ENTRY_DATA:
        entry.data = value >>> 0;
        return;
      case PCI_MSIX_ENTRY_VECTOR_CTRL:
        entry.masked = (value & PCI_MSIX_ENTRY_CTRL_MASKBIT) !== 0;
        this.#deliverPending(vector);
    }
  }

  /** Reads 32 pending bits. */
  readPending(offset: number): number {
    return this.#pending[offset >>> 2] as number;
  }

  /** As after a reset of the function: everything masked, nothing pending. */
  reset(): void {
    this.#open = false;
    this.#pending.fill(0);
    for (const entry of this.#entries) {
      entry.addressHi = entry.addressLo = entry.data = 0;
      entry.masked = true;
    }
  }

  /** Four words for each vector, as in the table. */
  saveTable(): number[] {
    return this.#entries.flatMap(({ addressLo, addressHi, data, masked }) => [
      addressLo,
      addressHi,
      data,
      masked ? 1 : 0,
    ]);
  }

  savePending(): number[] {
    return [...this.#pending];
  }

  /** Takes over what was saved. Nothing is delivered before the next `setOpen`. */
  adopt(table: readonly number[], pending: readonly number[]): void {
    for (const entry of this.#entries) {
      const at = entry.vector * ENTRY_WORDS;
      entry.addressLo = table[at] ?? 0;
      entry.addressHi = table[at + 1] ?? 0;
      entry.data = table[at + 2] ?? 0;
      entry.masked = table[at + 3] !== 0;
    }
    this.#pending.set(pending);
    this.#open = false;
  }
}

/** 32-bit words of the pending bit array, which comes in units of 64 bits. */
export function pendingWords(vectorCount: number): number {
  return 2 * Math.ceil(vectorCount / 64);
}
