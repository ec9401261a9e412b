import { VirtioUsageError } from "../../base/errors.ts";

/** Reads a port; 32-bit values are signed. */
export type V86PortRead = () => number;
/** Writes a port. */
export type V86PortWrite = (value: number) => void;

/** A PCI device as v86's bus wants it. */
export interface V86PciDevice {
  /** Slot and function: slot << 3. */
  readonly pci_id: number;
  readonly name: string;
  /** Configuration space, 256 bytes; v86 copies it and keeps it as plain memory. */
  readonly pci_space: readonly number[];
  readonly pci_bars: readonly ({ readonly size: number } | undefined)[];
}

/**
 * What the adapter uses of v86's CPU. The package's types end at the `V86` class; these names have been stable in its
 * builds, and `attachToV86` checks that they are there.
 */
export interface V86Cpu {
  readonly wasm_memory: { readonly buffer: ArrayBufferLike };
  readonly mem8: { readonly byteOffset: number; readonly length: number };
  /** Drops compiled code made from bytes `start` … `end`-1 of guest memory. */
  jit_dirty_cache(start: number, end: number): void;
  readonly io: {
    /** Takes over reads of an I/O port. */
    register_read(port: number, device: object, r8: V86PortRead, r16: V86PortRead, r32: V86PortRead): void;
    /** Takes over writes of an I/O port. */
    register_write(
      port: number,
      device: object,
      w8: V86PortWrite,
      w16: V86PortWrite,
      w32: V86PortWrite,
    ): void;
    /** Takes over a range of the memory space, in units of 128 KiB. */
    mmap_register(
      address: number,
      size: number,
      read8: (address: number) => number,
      write8: (address: number, value: number) => void,
      read32: (address: number) => number,
      write32: (address: number, value: number) => void,
    ): void;
  };
  readonly devices: {
    readonly pci: {
      readonly device_spaces: readonly (Int32Array | undefined)[];
      /** Puts a device on the bus; its configuration space is copied. */
      register_device(device: V86PciDevice): unknown;
      /** Asserts the INTx line of a function. */
      raise_irq(pciId: number): void;
      /** Deasserts it. */
      lower_irq(pciId: number): void;
    };
  };
}

/** The CPU of a `V86` instance; throws {@link VirtioUsageError} before its event `emulator-loaded`. */
export function cpuOf(emulator: object): V86Cpu {
  const cpu = (emulator as { readonly v86?: { readonly cpu?: V86Cpu } }).v86?.cpu;
  if (cpu?.devices?.pci === undefined || cpu.mem8 === undefined) {
    throw new VirtioUsageError(
      "no running v86: wait for the event `emulator-loaded` before attaching a device",
    );
  }
  return cpu;
}
