// Drivers written by hand for statements about virtio over PCI of which the driver model has no code to break.
import { type CheckedPci, PCI_STAGES } from "../../../src/conformance/driver-checker/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { CheckedMachine, type CheckedOptions } from "../checked-driver.ts";
import { TransportType } from "../transport-device.ts";
import type { RawDriver } from "./raw-driver.ts";
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FAILED, FEATURES_OK, RING } from "./raw-guest.ts";

type Width = 1 | 2 | 4;
type Made = (machine: CheckedMachine) => void;

const BALLOON = 5;
const ADMIN_VQ = 41;
const VERSION_1 = 32;
const READY = ACKNOWLEDGE | DRIVER | FEATURES_OK;

/** A PCI machine whose driver is written by hand. */
class RawPci {
  readonly machine: CheckedMachine;
  readonly bus: CheckedPci;
  /** Where the structures are, by type, as the driver found them. */
  readonly found = new Map<number, { at: number; bar: number; offset: number }>();

  constructor(
    made: Made,
    stage: string,
    more: Partial<CheckedOptions> = {},
    type = new RngDevice() as TransportType | RngDevice,
  ) {
    const pciStage = PCI_STAGES.find(({ id }) => id === stage);
    if (pciStage === undefined) throw new Error(`no stage ${stage}`);
    this.machine = new CheckedMachine(type, {
      transport: "pci",
      pciStage,
      device: { ringFeatures: [] },
      ...more,
    });
    if (this.machine.pci === null) throw new Error("no PCI function");
    this.bus = this.machine.pci;
    made(this.machine);
  }

  /** Walks the capability list, of vendor data only as far as the type. */
  look(): void {
    for (let at = this.bus.configRead(0x34, 1); at !== 0; at = this.bus.configRead(at + 1, 1)) {
      if (this.bus.configRead(at, 1) !== 9) continue;
      const type = this.bus.configRead(at + 3, 1);
      const place =
        type === 9
          ? { at, bar: 0, offset: 0 }
          : { at, bar: this.bus.configRead(at + 4, 1), offset: this.bus.configRead(at + 8, 4) };
      if (!this.found.has(type)) this.found.set(type, place);
    }
  }

  read(field: number, width: Width): number {
    const { bar, offset } = this.found.get(1) ?? { bar: 0, offset: 0 };
    return this.bus.barRead(bar, offset + field, width);
  }

  write(field: number, width: Width, value: number): void {
    const { bar, offset } = this.found.get(1) ?? { bar: 0, offset: 0 };
    this.bus.barWrite(bar, offset + field, width, value);
  }

  status(value: number): void {
    this.write(0x14, 1, value);
  }

  /** Up to FEATURES_OK. */
  negotiate(bits: readonly number[]): void {
    this.status(0);
    this.read(0x14, 1);
    this.status(ACKNOWLEDGE);
    this.status(ACKNOWLEDGE | DRIVER);
    for (const word of [0, 1]) {
      this.write(0, 4, word);
      this.read(4, 4);
      let value = 0;
      for (const bit of [VERSION_1, ...bits]) if (bit >>> 5 === word) value |= 1 << (bit & 31);
      this.write(8, 4, word);
      this.write(12, 4, value >>> 0);
    }
    this.status(READY);
    this.read(0x14, 1);
  }

  queue(index: number): void {
    this.write(0x16, 2, index);
    this.read(0x18, 2);
    for (const [field, address] of [
      [0x20, RING.descriptors],
      [0x28, RING.driver],
      [0x30, RING.device],
    ] as const) {
      this.write(field, 4, address + 0x8000 * index);
      this.write(field + 4, 4, 0);
    }
    this.write(0x1c, 2, 1);
  }

  live(): void {
    this.status(READY | DRIVER_OK);
  }
}

/** A transitional balloon that shows its legacy interface only. */
function legacyBalloon(made: Made, msix = false): RawPci {
  return new RawPci(
    made,
    "without-capabilities",
    {
      transport: msix ? "pci-msix" : "pci",
      transitional: true,
      pci: { transitional: true },
    },
    new TransportType({ deviceId: BALLOON, configBytes: 8 }),
  );
}

/** What a legacy driver does with a balloon, whose configuration begins at `config`. */
function driveLegacy(guest: RawPci, bar: number, config: number): void {
  const out = (offset: number, width: Width, value: number) => guest.bus.barWrite(bar, offset, width, value);
  out(18, 1, 0);
  out(18, 1, ACKNOWLEDGE);
  out(18, 1, ACKNOWLEDGE | DRIVER);
  guest.bus.barRead(bar, 0, 4);
  out(4, 4, 0);
  guest.bus.barRead(bar, config, 4);
  out(config + 4, 4, 0);
  out(18, 1, ACKNOWLEDGE | DRIVER | FAILED);
}

export const RAW_PCI: Readonly<Record<string, RawDriver>> = {
  "pci-vendor-data-written-unread": (broken, made) => {
    const guest = new RawPci(made, "vendor-data");
    guest.look();
    const { at } = guest.found.get(9) ?? { at: 0 };
    if (broken) guest.bus.configWrite(at + 6, 2, 1);
    else guest.bus.configRead(at + 4, 2);
    guest.negotiate([]);
    guest.queue(0);
    guest.live();
  },
  "pci-vendor-data-interpreted-unread": (broken, made) => {
    const guest = new RawPci(made, "vendor-data");
    guest.look();
    const { at } = guest.found.get(9) ?? { at: 0 };
    if (!broken) guest.bus.configRead(at + 4, 2);
    guest.bus.configRead(at + 8, 4);
    guest.negotiate([]);
    guest.queue(0);
    guest.live();
  },
  "pci-administration-queue-at-another-index": (broken, made) => {
    const guest = new RawPci(made, "administration-queues");
    guest.look();
    guest.negotiate([ADMIN_VQ]);
    const queues = guest.read(0x12, 2);
    const first = guest.read(0x3c, 2);
    guest.read(0x3e, 2);
    guest.queue(0);
    guest.queue(broken ? queues : first);
    guest.live();
  },
  "pci-used-without-looking-at-capabilities": (broken, made) => {
    const guest = new RawPci(made, "as-it-is");
    if (!broken) guest.look();
    guest.negotiate([]);
    guest.queue(0);
    guest.live();
  },
  "pci-legacy-device-driven-as-another": (broken, made) => {
    const guest = new RawPci(made, "without-capabilities");
    guest.look();
    if (broken) guest.status(0);
  },
  "pci-transitional-driver-without-looking": (broken, made) => {
    const guest = legacyBalloon(made);
    if (!broken) guest.look();
    driveLegacy(guest, 0, 20);
  },
  "pci-transitional-driver-ignores-a-legacy-device": (broken, made) => {
    const guest = legacyBalloon(made);
    guest.look();
    if (!broken) driveLegacy(guest, 0, 20);
  },
  "pci-legacy-interface-in-another-bar": (broken, made) => {
    const guest = legacyBalloon(made);
    guest.look();
    driveLegacy(guest, 0, 20);
    if (broken) driveLegacy(guest, 1, 20);
  },
  "pci-legacy-configuration-in-a-gap": (broken, made) => {
    const guest = legacyBalloon(made);
    guest.look();
    driveLegacy(guest, 0, broken ? 24 : 20);
  },
  "pci-legacy-configuration-over-the-vectors": (broken, made) => {
    const guest = legacyBalloon(made, true);
    guest.look();
    // Message Control of MSI-X, the only capability left.
    const msix = guest.bus.configRead(0x34, 1);
    guest.bus.configWrite(msix + 2, 2, 0x8000);
    driveLegacy(guest, 0, broken ? 20 : 24);
  },
};
