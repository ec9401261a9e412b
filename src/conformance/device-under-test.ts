import type { MaybeLater } from "../base/later.ts";
import type { DeviceModel } from "./models/model.ts";

/** A width of a register access, in bytes. */
export type AccessWidth = 1 | 2 | 4;

/** The registers of a virtio-mmio device (virtio 1.4, section 4.2.2), by offset from their base. Values are unsigned. */
export interface MmioRegisters {
  /** Reads `widthBytes` bytes at `offset`. */
  read(offset: number, widthBytes: AccessWidth): MaybeLater<number>;
  /** Writes `widthBytes` bytes at `offset`. */
  write(offset: number, widthBytes: AccessWidth, value: number): MaybeLater<void>;
}

/** A PCI function: its configuration space and what lies behind its base address registers. Values are unsigned. */
export interface PciFunction {
  /** Reads the configuration space. */
  configRead(offset: number, widthBytes: AccessWidth): MaybeLater<number>;
  /** Writes the configuration space. */
  configWrite(offset: number, widthBytes: AccessWidth, value: number): MaybeLater<void>;
  /** Reads behind base address register `bar` (0–5), `offset` bytes from its start. */
  barRead(bar: number, offset: number, widthBytes: AccessWidth): MaybeLater<number>;
  /** Writes behind base address register `bar` (0–5). */
  barWrite(bar: number, offset: number, widthBytes: AccessWidth, value: number): MaybeLater<void>;
}

/** How the device is reached. */
export type DeviceBus =
  | { readonly kind: "mmio"; readonly mmio: MmioRegisters }
  | { readonly kind: "pci"; readonly pci: PciFunction };

/**
 * Memory the guest and the device share, from guest physical address 0 on. Unlike all others these methods answer at
 * once: a promise of them is refused.
 */
export interface GuestRam {
  /** At least 16 MiB. */
  readonly sizeBytes: number;
  /** A copy of what stands there now: all of the bytes asked for, which lie within `sizeBytes`. */
  read(address: number, lengthBytes: number): Uint8Array;
  /** Writes bytes; the device sees them at once. */
  write(address: number, bytes: Uint8Array): void;
}

/** A picture of a scanout: rows from the top, four bytes a pixel in the order red, green, blue, 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** What a tester does to a monitor from the host's side. */
export interface DisplayChange {
  /** Index of the scanout. */
  readonly scanout: number;
  /** Pixels; 0 × 0 unplugs the monitor. */
  readonly width: number;
  readonly height: number;
}

/**
 * One running device, as the kit sees it: registers, guest memory, interrupts, and what the host's side shows.
 * Every method but those of `ram` may answer at once or later, and rejects with {@link DeviceGoneError} when the device
 * crashed or hangs. What they give is checked: a result that the types do not allow ends the run with
 * {@link TargetError}.
 *
 * @example
 * ```ts
 * const dut: DeviceUnderTest = {
 *   device: "rng",
 *   bus: { kind: "mmio", mmio: transport },
 *   ram,
 *   interruptLine: () => asserted,
 *   settle: () => new Promise((done) => setTimeout(done, 1)),
 *   close: () => {},
 * };
 * ```
 */
export interface DeviceUnderTest {
  /** Which of the target's devices this is: `gpu`, `rng`, … */
  readonly device: string;
  readonly bus: DeviceBus;
  readonly ram: GuestRam;
  /** Whether the interrupt line (mmio, or INTx) is asserted now. Messages (MSI-X) are stores into `ram`. */
  interruptLine(): MaybeLater<boolean>;
  /**
   * Resolves when the device has done what it is going to do with what it was given so far. A device that cannot
   * tell waits as long as it usually takes.
   */
  settle(): MaybeLater<void>;
  /** What a scanout shows now; null when it is disabled. Left out when the device's pixels cannot be seen. */
  screenshot?(scanout: number): MaybeLater<Picture | null>;
  /** Changes a monitor. Left out when the host's side cannot be made to. */
  changeDisplay?(change: DisplayChange): MaybeLater<void>;
  /** Ends the device and frees what it holds. */
  close(): MaybeLater<void>;
}

/** A kind of device that can be put under test, started anew for as often as needed. */
export interface Target {
  /** A short name for reports: `builtin-mmio`, `qemu-pci`. */
  readonly name: string;
  /** What it is, with its version. */
  readonly description: string;
  readonly transport: "mmio" | "pci";
  /** The devices it can start: names of `DeviceModel`s. */
  readonly devices: readonly string[];
  /** Models of device types that the kit does not know, or knows in another way. Default: none. */
  readonly models?: readonly DeviceModel[];
  /** Starts a device, fresh from power-on. Rejects when it cannot be started. */
  open(device: string): MaybeLater<DeviceUnderTest>;
}

/**
 * The device is no longer there: it crashed, or does not answer. A finding, not a fault of the kit.
 *
 * @example
 * ```ts
 * // In each method that reaches a device in another process:
 * if (child.exitCode !== null) throw new DeviceGoneError("crash", `exit code ${child.exitCode}`);
 * ```
 */
export class DeviceGoneError extends Error {
  override readonly name: string = "DeviceGoneError";
  /** `crash`: its process ended. `hang`: it did not answer in time. */
  readonly how: "crash" | "hang";

  constructor(how: "crash" | "hang", message: string) {
    super(message);
    this.how = how;
  }
}

/**
 * The target itself does not work, so nothing can be said of its device: `open` fails or gives what is not a device, its
 * memory does not work, or a call gives what the interface does not allow.
 *
 * @example
 * ```ts
 * try {
 *   await runCases(target, CASES);
 * } catch (error) {
 *   if (error instanceof TargetError) console.error(`nothing was tested: ${error.message}`);
 * }
 * ```
 */
export class TargetError extends Error {
  override readonly name: string = "TargetError";
}
