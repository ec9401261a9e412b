// A driver of the project and a device of the project, with the driver checker between the two.
import {
  type CheckedMmio,
  type CheckedPci,
  DriverChecker,
  type MmioStage,
  type PciStage,
  type Violation,
} from "../../src/conformance/driver-checker/index.ts";
import type { DeviceType } from "../../src/device/index.ts";
import { VirtioDevice, type VirtioDeviceOptions } from "../../src/device/index.ts";
import {
  type DriverTransport,
  GuestAllocator,
  MmioDriverTransport,
  PciDriverTransport,
  VirtioDriver,
} from "../../src/driver/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { MmioTransport, type MmioTransportOptions } from "../../src/transport/mmio/index.ts";
import { PciTransport, type PciTransportOptions } from "../../src/transport/pci/index.ts";

/** Ways to reach a device. `pci-window`: through the configuration access capability. */
export const CHECKED_TRANSPORTS = ["mmio", "pci", "pci-msix", "pci-window"] as const;
export type CheckedTransport = (typeof CHECKED_TRANSPORTS)[number];

export interface CheckedOptions {
  readonly transport: CheckedTransport;
  readonly device?: Partial<VirtioDeviceOptions>;
  readonly mmio?: MmioTransportOptions;
  readonly pci?: PciTransportOptions;
  readonly memoryBytes?: number;
  /** Stands between the device and the checker: to change what the device seems to be. */
  readonly filterMmio?: (bus: CheckedMmio) => CheckedMmio;
  readonly filterPci?: (bus: CheckedPci) => CheckedPci;
  /** How the device is presented to the driver, and what is expected of it. */
  readonly mmioStage?: MmioStage;
  readonly pciStage?: PciStage;
  readonly transitional?: boolean;
  /** How often a driver looks before it gives up waiting. Default 2000. */
  readonly looks?: number;
  readonly patience?: number;
  readonly deviceElsewhere?: boolean;
  /** Default true: the drivers of these tests drive what has no peculiarity. */
  readonly drivesOthers?: boolean;
  /** Default false: interrupts are taken. Null for nothing said. */
  readonly polled?: boolean | null;
  readonly legacyOnly?: boolean;
}

const BASE = 0x8000_0000;
const MSIX_ADDRESS = 0xfee0_0000;

/** A device behind a checker, and what a driver of it needs. */
export class CheckedMachine {
  readonly memory: GuestMemory;
  readonly allocator: GuestAllocator;
  readonly device: VirtioDevice;
  readonly checker: DriverChecker;
  /** The registers, the checker in front; one of the two. */
  readonly mmio: CheckedMmio | null;
  readonly pci: CheckedPci | null;
  readonly #options: CheckedOptions;
  readonly #tasks: (() => void)[] = [];
  #driver: VirtioDriver | null = null;
  /** Interrupts since the start, whoever handles them. */
  interrupts = 0;
  onInterrupt: ((vector: number) => void) | null = null;

  constructor(type: DeviceType, options: CheckedOptions) {
    this.#options = options;
    this.memory = new GuestMemory([{ base: BASE, memory: new ArrayBuffer(options.memoryBytes ?? 16 << 20) }]);
    this.allocator = new GuestAllocator(this.memory);
    this.device = new VirtioDevice(type, {
      memory: this.memory,
      schedule: (task) => this.#tasks.push(task),
      ...options.device,
    });
    const checker = new DriverChecker({
      memory: this.memory,
      transitional: options.transitional ?? false,
      deviceElsewhere: options.deviceElsewhere ?? false,
      drivesOthers: options.drivesOthers ?? true,
      ...(options.polled === null ? {} : { polled: options.polled ?? false }),
      ...(options.legacyOnly === undefined ? {} : { legacyOnly: options.legacyOnly }),
      ...(options.patience === undefined ? {} : { notificationPatience: options.patience }),
    });
    this.checker = checker;
    const onInterrupt = checker.line((asserted) => {
      if (asserted) this.#interrupt(-1);
    });
    if (options.transport === "mmio") {
      const bus = new MmioTransport(this.device, { onInterrupt, ...options.mmio });
      this.mmio = checker.mmio(options.filterMmio?.(bus) ?? bus, options.mmioStage);
      this.pci = null;
    } else {
      const bus = new PciTransport(this.device, {
        onInterrupt,
        onMsix: checker.messages(({ data }: { readonly vector: number; readonly data: number }) =>
          this.#interrupt(data & 0xff),
        ),
        ...options.pci,
      });
      this.pci = checker.pci(options.filterPci?.(bus) ?? bus, options.pciStage);
      this.mmio = null;
    }
  }

  #interrupt(vector: number): void {
    this.interrupts++;
    if (this.onInterrupt !== null) this.onInterrupt(vector);
    else this.#driver?.handleInterrupt(vector);
  }

  /** Finds the device and makes a driver for it. Throws when there is none. */
  probe(): VirtioDriver {
    const { transport } = this.#options;
    let found: DriverTransport | null = null;
    if (this.mmio !== null) {
      found = MmioDriverTransport.probe(this.mmio);
    } else if (this.pci !== null) {
      found = PciDriverTransport.probe(this.pci, {
        ...(transport === "pci-window" ? { access: "window" as const } : {}),
        ...(transport === "pci-msix"
          ? { msix: (vector: number) => ({ addressHi: 0, addressLo: MSIX_ADDRESS, data: 0x4000 | vector }) }
          : {}),
      });
    }
    if (found === null) throw new Error("no device found");
    this.#driver = new VirtioDriver(found, {
      allocator: this.allocator,
      maxAttempts: this.#options.looks ?? 2000,
      wait: () => this.run(),
    });
    return this.#driver;
  }

  /** Runs what the device put off. */
  run(): void {
    for (const task of this.#tasks.splice(0)) task();
  }

  /** Ends the watch: what the checker found. */
  finish(): readonly Violation[] {
    this.run();
    this.checker.finish();
    return this.checker.violations;
  }
}
