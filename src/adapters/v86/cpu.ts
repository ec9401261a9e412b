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
  /** Instructions executed so far, modulo 2^32. */
  readonly instruction_counter: { readonly [index: number]: number };
  /** EFLAGS. */
  get_eflags(): number;
  /** Drops compiled code made from bytes `start` … `end`-1 of guest memory. */
  jit_dirty_cache(start: number, end: number): void;
  /** Raises an interrupt line of the machine, 0 … 15; calls the vector at once when the guest takes interrupts. */
  device_raise_irq(irq: number): void;
  /** Lowers it; calls the vector of what is still pending. */
  device_lower_irq(irq: number): void;
  /** Called between pieces of guest code, outside of all of them. Returns milliseconds until the next timer. */
  run_hardware_timers(acpi: unknown, now: number): number;
  /** The machine's reset, by the guest or by `restart()`. */
  reboot_internal(): void;
  /** Restores what `restore_state()` was given. */
  set_state(state: unknown): void;
  /** The device that answers for each 128 KiB of the memory space. */
  readonly memory_map_read8: { readonly [block: number]: unknown };
  readonly io: {
    /** The device that answers at each I/O port, if any. */
    readonly ports: { readonly [port: number]: { readonly device?: unknown } | undefined };
    /** Answers reads of an I/O port from now on. */
    register_read(port: number, device: object, r8: V86PortRead, r16: V86PortRead, r32: V86PortRead): void;
    /** Receives writes to an I/O port from now on. */
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
      /** The guest's last value of the configuration address port, bytes. */
      readonly pci_addr: Uint8Array;
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

const USED_METHODS = [
  "get_eflags",
  "jit_dirty_cache",
  "device_raise_irq",
  "device_lower_irq",
  "run_hardware_timers",
  "reboot_internal",
  "set_state",
] as const;

/**
 * The CPU of a `V86` instance; throws {@link VirtioUsageError} before its event `emulator-ready`, and for a build of
 * v86 that has other names.
 */
export function cpuOf(emulator: object): V86Cpu {
  const cpu = (emulator as { readonly v86?: { readonly cpu?: V86Cpu } } | null | undefined)?.v86?.cpu;
  if (cpu?.devices?.pci === undefined || cpu.mem8 === undefined) {
    throw new VirtioUsageError(
      "no running v86: wait for the event `emulator-loaded` before attaching a device",
    );
  }
  const missing = USED_METHODS.find((name) => typeof cpu[name] !== "function");
  if (missing !== undefined) {
    throw new VirtioUsageError(`this build of v86 has no cpu.${missing}; 0.5.462 is known to work`);
  }
  return cpu;
}
