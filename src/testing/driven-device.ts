import { COUNT_RULE, checkOptions, type OptionRules, withDefaults } from "../base/options.ts";
import type { DeviceType, RequestDeviceType } from "../device/index.ts";
import { VirtioDevice, type VirtioDeviceOptions } from "../device/index.ts";
import {
  type DriverPlatform,
  type DriverTransport,
  GuestAllocator,
  MmioDriverTransport,
  type PciDriverOptions,
  PciDriverTransport,
  VirtioDriver,
} from "../driver/index.ts";
import { GUEST_MEMORY_RULE } from "../memory/guest-memory.ts";
import { GuestMemory } from "../memory/index.ts";
import { MmioTransport, type MmioTransportOptions } from "../transport/mmio/index.ts";
import { type MsixMessage, PciTransport, type PciTransportOptions } from "../transport/pci/index.ts";

/** Choices for {@link drive}. */
export interface DrivenOptions {
  readonly transport: "mmio" | "pci";
  readonly device?: Partial<VirtioDeviceOptions>;
  readonly mmio?: MmioTransportOptions;
  readonly pci?: PciTransportOptions;
  readonly pciDriver?: PciDriverOptions;
  /** Use MSI-X on PCI. Default false. */
  readonly msix?: boolean;
  readonly memoryBytes?: number;
  /** Default: one region of `memoryBytes` bytes. */
  readonly memory?: GuestMemory;
  readonly platform?: Partial<DriverPlatform>;
  /** Deliver interrupts to the driver. Default true. */
  readonly interrupts?: boolean;
}

/** @internal */
export const DRIVEN_RULES: OptionRules<DrivenOptions> = {
  transport: { oneOf: ["mmio", "pci"] },
  device: "object",
  mmio: "object",
  pci: "object",
  pciDriver: "object",
  msix: "boolean",
  memoryBytes: COUNT_RULE,
  memory: GUEST_MEMORY_RULE,
  platform: "object",
  interrupts: "boolean",
};

/** Every access a driver makes to the registers of its device. */
export interface RegisterAccess {
  readonly space: "mmio" | "config" | "bar";
  readonly write: boolean;
  readonly bar: number;
  readonly offset: number;
  readonly widthBytes: number;
  readonly value: number;
}

/** A device with its transport, and a driver with its transport, in one memory. */
export interface Driven {
  readonly memory: GuestMemory;
  readonly allocator: GuestAllocator;
  readonly device: VirtioDevice;
  readonly transport: DriverTransport;
  readonly driver: VirtioDriver;
  readonly mmio: MmioTransport | null;
  readonly pci: PciTransport | null;
  readonly accesses: RegisterAccess[];
  /** What the device has put off to its next turns, in order. */
  readonly scheduled: (() => void)[];
}

const MSIX_ADDRESS = 0xfee0_0000;

/**
 * Puts a device type behind a transport and a driver in front of it, which has not begun: for tests of drivers. Throws
 * when the driver finds no device.
 *
 * @example
 * ```ts
 * const { driver, device } = drive(new RngDevice(), { transport: "mmio" });
 * const rng = RngDriver.start(driver);
 * ```
 */
export function drive(type: DeviceType | RequestDeviceType, options: DrivenOptions): Driven {
  checkOptions("drive", options, DRIVEN_RULES, ["transport"]);
  const memory =
    options.memory ??
    new GuestMemory([{ base: 0x8000_0000, memory: new ArrayBuffer(options.memoryBytes ?? 16 << 20) }]);
  const allocator = options.platform?.allocator ?? new GuestAllocator(memory);
  const scheduled: (() => void)[] = [];
  const own = { memory, schedule: (task: () => void) => scheduled.push(task) };
  const device = new VirtioDevice(type, withDefaults<VirtioDeviceOptions>(own, options.device));
  const accesses: RegisterAccess[] = [];
  let driver: VirtioDriver | null = null;
  const interrupt = (vector: number) => {
    if (options.interrupts !== false) driver?.handleInterrupt(vector);
  };
  const onInterrupt = (asserted: boolean) => {
    if (asserted) interrupt(-1);
  };
  const log = (
    space: RegisterAccess["space"],
    write: boolean,
    bar: number,
    offset: number,
    widthBytes: number,
    value: number,
  ): number => {
    accesses.push({ space, write, bar, offset, widthBytes, value });
    return value;
  };
  let transport: DriverTransport | null;
  let mmio: MmioTransport | null = null;
  let pci: PciTransport | null = null;
  if (options.transport === "mmio") {
    const target = new MmioTransport(
      device,
      withDefaults<MmioTransportOptions>({ onInterrupt }, options.mmio),
    );
    mmio = target;
    transport = MmioDriverTransport.probe({
      read: (offset, width) => log("mmio", false, 0, offset, width, target.read(offset, width)),
      write: (offset, width, value) => {
        log("mmio", true, 0, offset, width, value);
        target.write(offset, width, value);
      },
    });
  } else {
    const onMsix = ({ data }: MsixMessage) => interrupt(data & 0xff);
    const target = new PciTransport(
      device,
      withDefaults<PciTransportOptions>({ onInterrupt, onMsix }, options.pci),
    );
    pci = target;
    transport = PciDriverTransport.probe(
      {
        configRead: (offset, width) =>
          log("config", false, 0, offset, width, target.configRead(offset, width)),
        configWrite: (offset, width, value) => {
          log("config", true, 0, offset, width, value);
          target.configWrite(offset, width, value);
        },
        barRead: (bar, offset, width) =>
          log("bar", false, bar, offset, width, target.barRead(bar, offset, width)),
        barWrite: (bar, offset, width, value) => {
          log("bar", true, bar, offset, width, value);
          target.barWrite(bar, offset, width, value);
        },
      },
      withDefaults<PciDriverOptions>(
        options.msix === true
          ? { msix: (vector: number) => ({ addressHi: 0, addressLo: MSIX_ADDRESS, data: 0x4000 | vector }) }
          : {},
        options.pciDriver,
      ),
    );
  }
  if (transport === null) throw new Error("no device found");
  driver = new VirtioDriver(transport, withDefaults<DriverPlatform>({ allocator }, options.platform));
  return { memory, allocator, device, transport, driver, mmio, pci, accesses, scheduled };
}
