import { hi32, lo32, toBigInt } from "../../base/u64.ts";
import type { SharedMemoryRegion } from "../../device/device-type.ts";
import {
  PCI_BASE_ADDRESS_0,
  PCI_BASE_ADDRESS_IO_MASK,
  PCI_BASE_ADDRESS_MEM_MASK,
  PCI_BASE_ADDRESS_MEM_PREFETCH,
  PCI_BASE_ADDRESS_MEM_TYPE_32,
  PCI_BASE_ADDRESS_MEM_TYPE_64,
  PCI_BASE_ADDRESS_SPACE_IO,
  PCI_BASE_ADDRESS_SPACE_MEMORY,
} from "../../wire/pci.ts";
import type { PciConfigSpace } from "./config-space.ts";
import type { SharedMemoryWindow } from "./shared-memory.ts";

/** What lies in a piece of a BAR. */
export type PciStructure =
  | "common"
  | "notify"
  | "isr"
  | "device"
  | "msix-table"
  | "msix-pba"
  | "shared-memory"
  | "legacy";

/** A piece of a BAR that something answers for; the rest of the BAR reads as 0. */
export interface PciWindow {
  readonly structure: PciStructure;
  /** Offset in the BAR, in bytes. */
  readonly offset: number;
  readonly lengthBytes: number;
  /**
   * For `shared-memory`; else null.
   * @internal
   */
  readonly memory: SharedMemoryWindow | null;
}

/** What a BAR is, apart from where it lies. */
export interface PciBarPlan {
  readonly index: number;
  readonly kind: "memory" | "io";
  readonly is64Bit: boolean;
  readonly prefetchable: boolean;
  /** A power of two. */
  readonly sizeBytes: number;
  /** Base address after a reset. */
  readonly address: bigint | number;
  readonly windows: readonly PciWindow[];
}

const TWO_32 = 4294967296;

/** One base address register of the function, or two that hold one 64-bit address. */
export class PciBar {
  /** Number of the register, 0 … 5; the lower one of a 64-bit address. */
  readonly index: number;
  readonly kind: "memory" | "io";
  readonly is64Bit: boolean;
  readonly prefetchable: boolean;
  /** A power of two. */
  readonly sizeBytes: number;
  readonly windows: readonly PciWindow[];

  readonly #register: number;
  #hi = 0;
  #lo = 0;
  #enabled = false;

  /** @internal */
  constructor(plan: PciBarPlan, space: PciConfigSpace) {
    this.index = plan.index;
    this.kind = plan.kind;
    this.is64Bit = plan.is64Bit;
    this.prefetchable = plan.prefetchable;
    this.sizeBytes = plan.sizeBytes;
    this.windows = plan.windows;
    this.#register = PCI_BASE_ADDRESS_0 + 4 * plan.index;
    // Address bits below the size read as 0 whatever is written: this is how software learns the size.
    const mask = (plan.sizeBytes < TWO_32 ? -plan.sizeBytes : 0) & this.#addressBits;
    const flags =
      this.kind === "io"
        ? PCI_BASE_ADDRESS_SPACE_IO
        : PCI_BASE_ADDRESS_SPACE_MEMORY |
          (this.is64Bit ? PCI_BASE_ADDRESS_MEM_TYPE_64 : PCI_BASE_ADDRESS_MEM_TYPE_32) |
          (this.prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
    space.set(this.#register, 4, lo32(plan.address) | flags);
    space.allow(this.#register, 4, mask);
    if (this.is64Bit) {
      space.set(this.#register + 4, 4, hi32(plan.address));
      space.allow(this.#register + 4, 4, -Math.max(1, Math.floor(plan.sizeBytes / TWO_32)));
    }
  }

  get #addressBits(): number {
    return this.kind === "io" ? PCI_BASE_ADDRESS_IO_MASK : PCI_BASE_ADDRESS_MEM_MASK;
  }

  /** Base address as software programmed it. */
  get address(): bigint {
    return toBigInt(this.#hi, this.#lo);
  }

  /**
   * True when the function answers at the address: the Command register lets it, and the address is neither 0 nor
   * the pattern of ones by which software asks for the size.
   */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** The region behind a shared memory BAR, for embedders that map its buffer directly; else null. */
  get sharedMemory(): SharedMemoryRegion | null {
    return this.windows[0]?.memory?.region ?? null;
  }

  /** Offset of an address in the BAR, or -1 when the BAR is not there. The address in unsigned 32-bit halves. */
  offsetOf(hi: number, lo: number): number {
    if (!this.#enabled) return -1;
    // Exact below 2^53, and beyond any size above.
    const offset = hi === this.#hi ? lo - this.#lo : (hi - this.#hi) * TWO_32 + (lo - this.#lo);
    return offset >= 0 && offset < this.sizeBytes ? offset : -1;
  }

  /**
   * Reads the register again; true when something changed.
   * @internal
   */
  update(space: PciConfigSpace, decoding: boolean): boolean {
    const lo = (space.get(this.#register, 4) & this.#addressBits) >>> 0;
    const hi = this.is64Bit ? space.get(this.#register + 4, 4) : 0;
    const lastLo = (lo | (Math.min(this.sizeBytes, TWO_32) - 1)) >>> 0;
    const lastHi = this.is64Bit ? (hi | (Math.ceil(this.sizeBytes / TWO_32) - 1)) >>> 0 : 0xffffffff;
    const usable = (lo !== 0 || hi !== 0) && (lastLo !== 0xffffffff || lastHi !== 0xffffffff);
    const enabled = decoding && usable;
    const changed = lo !== this.#lo || hi !== this.#hi || enabled !== this.#enabled;
    this.#lo = lo;
    this.#hi = hi;
    this.#enabled = enabled;
    return changed;
  }
}
