import type { CheckedPci } from "../../../src/conformance/driver-checker/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { CheckedMachine } from "../checked-driver.ts";
import type { RawDriver } from "./raw-driver.ts";
import {
  ACKNOWLEDGE,
  DRIVER,
  DRIVER_OK,
  FAILED,
  FEATURES_OK,
  RawGuest,
  RING,
  SUSPEND,
  WRITE,
} from "./raw-guest.ts";

const RING_RESET = 40;
const F_SUSPEND = 43;
const SR_IOV = 37;
const ORDER_PLATFORM = 36;

/** Offers a feature that the device does not have. */
function offering(bit: number, masked = 0) {
  return (bus: {
    read(offset: number, width: 1 | 2 | 4): number;
    write(offset: number, width: 1 | 2 | 4, value: number): void;
  }) => {
    let word = 0;
    return {
      read: (offset: number, width: 1 | 2 | 4) => {
        const value = bus.read(offset, width);
        return offset === 0x10 && word === bit >>> 5 ? ((value & ~masked) | (1 << (bit & 31))) >>> 0 : value;
      },
      write: (offset: number, width: 1 | 2 | 4, value: number) => {
        if (offset === 0x14) word = value;
        bus.write(offset, width, value);
      },
    };
  };
}

/** A function with a PCI Express capability and an SR-IOV capability behind the first 256 bytes. */
function withSriov(bus: CheckedPci): CheckedPci {
  const first = bus.configRead(0x34, 1);
  const control = { value: 0 };
  const bytes = new Map([
    [0x34, 0xf0],
    [0xf0, 0x10],
    [0xf1, first],
  ]);
  return {
    ...bus,
    configRead: (offset, width) => {
      if (offset === 0x100 && width === 4) return 0x0001_0010;
      if (offset === 0x108) return control.value;
      if (offset >= 0x100) return 0;
      return bytes.get(offset) ?? bus.configRead(offset, width);
    },
    configWrite: (offset, width, value) => {
      if (offset === 0x108) control.value = value;
      else if (offset < 0xf0) bus.configWrite(offset, width, value);
    },
    barRead: (bar, offset, width) => bus.barRead(bar, offset, width),
    barWrite: (bar, offset, width, value) => bus.barWrite(bar, offset, width, value),
  };
}

/** A buffer in flight, seen by the checker and not by the device. */
function hold(guest: RawGuest): void {
  guest.start();
  guest.split(0, { flags: WRITE });
  guest.offer(0, 0);
  guest.glance();
}

export const RAW_CONTENT: Readonly<Record<string, RawDriver>> = {
  "new-start-after-failed-without-reset": (broken, made) => {
    const guest = new RawGuest(made);
    guest.begin();
    guest.status(ACKNOWLEDGE | DRIVER | FAILED);
    if (broken) guest.status(ACKNOWLEDGE);
    else guest.begin();
    guest.status(ACKNOWLEDGE | DRIVER | FAILED);
  },
  "goes-on-after-failed": (broken, made) => {
    const guest = new RawGuest(made);
    guest.begin();
    guest.status(ACKNOWLEDGE | DRIVER | FAILED);
    if (broken) {
      guest.status(ACKNOWLEDGE | DRIVER | FAILED | FEATURES_OK);
      guest.status(ACKNOWLEDGE | DRIVER | FAILED | FEATURES_OK | DRIVER_OK);
    }
  },
  "gives-up-without-failed": (broken, made) => {
    const guest = new RawGuest(made);
    guest.begin();
    if (!broken) guest.status(ACKNOWLEDGE | DRIVER | FAILED);
    guest.status(0);
  },
  "goes-on-before-the-reset-is-complete": (broken, made) => {
    const guest = new RawGuest(made);
    for (const offset of [0, 4, 8]) guest.read(offset);
    guest.status(0);
    if (!broken) guest.readStatus();
    guest.status(ACKNOWLEDGE);
    guest.status(ACKNOWLEDGE | FAILED);
  },
  "enables-a-queue-again-without-its-addresses": (broken, made) => {
    const guest = new RawGuest(made, [RING_RESET]);
    guest.start([RING_RESET]);
    guest.write(0xc0, 1);
    guest.read(0xc0);
    guest.read(0x44);
    if (broken) {
      guest.write(0x38, 8);
      guest.write(0x44, 1);
    } else {
      guest.queue();
    }
  },
  "alters-a-descriptor-in-flight": (broken, made) => {
    const guest = new RawGuest(made);
    hold(guest);
    if (broken) guest.split(0, { flags: WRITE, length: 32 });
    guest.notify();
  },
  "alters-an-indirect-table-in-flight": (broken, made) => {
    const guest = new RawGuest(made, [28]);
    guest.start([28]);
    const table = RING.device + 0x1000;
    guest.split(0, { flags: WRITE }, table);
    guest.split(0, { flags: 4, address: table, length: 16 });
    guest.offer(0, 0);
    guest.glance();
    if (broken) guest.split(0, { flags: WRITE, length: 8 }, table);
    guest.notify();
  },
  "takes-buffers-back": (broken, made) => {
    const guest = new RawGuest(made);
    hold(guest);
    if (broken) guest.put16(RING.driver + 2, 0);
    guest.notify();
  },
  "suspends-without-the-feature": (broken, made) => {
    const guest = new RawGuest(made, [F_SUSPEND]);
    guest.start(broken ? [] : [F_SUSPEND]);
    guest.status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK | SUSPEND);
    guest.readStatus();
  },
  "relies-on-a-device-that-needs-a-reset": (broken, made) => {
    const guest = new RawGuest(made);
    guest.start();
    // A head beyond the table breaks the queue.
    guest.offer(9, 0);
    guest.notify();
    guest.readStatus();
    if (broken) guest.notify();
  },
  "accepts-sr-iov-without-the-capability": (broken, made) => {
    const guest = new RawGuest(made, [], new RngDevice(), { filterMmio: offering(SR_IOV) });
    guest.begin();
    guest.negotiate(broken ? [SR_IOV] : []);
    guest.status(guest.readStatus() | FAILED);
  },
  "refuses-version-1": (broken, made) => {
    const guest = new RawGuest(made);
    guest.begin();
    for (const word of [0, 1]) {
      guest.write(0x14, word);
      guest.read(0x10);
      guest.write(0x24, word);
      guest.write(0x20, broken ? 0 : word);
    }
    guest.status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    guest.status(guest.readStatus() | FAILED);
  },
  "refuses-order-platform": (broken, made) => {
    const guest = new RawGuest(made, [ORDER_PLATFORM]);
    guest.start(broken ? [] : [ORDER_PLATFORM]);
  },
  "enables-virtual-functions-too-early": (broken, made) => {
    const machine = new CheckedMachine(new RngDevice(), { transport: "pci", filterPci: withSriov });
    made(machine);
    machine.pci?.configWrite(0x108, 2, broken ? 1 : 8);
  },
};
