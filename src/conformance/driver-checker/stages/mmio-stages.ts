import {
  VIRTIO_MMIO_DEVICE_ID,
  VIRTIO_MMIO_INT_CONFIG,
  VIRTIO_MMIO_INT_VRING,
  VIRTIO_MMIO_INTERRUPT_ACK,
  VIRTIO_MMIO_INTERRUPT_STATUS,
  VIRTIO_MMIO_MAGIC_VALUE,
  VIRTIO_MMIO_QUEUE_NUM_MAX,
  VIRTIO_MMIO_QUEUE_RESET,
  VIRTIO_MMIO_VERSION,
} from "../../../wire/mmio.ts";
import type { CheckedMmio } from "../mmio-decoder.ts";
import type { MmioStage } from "./stage.ts";

const LAYOUT = "transport-mmio.driver.mmio-device-register-layout";
const INITIALIZATION = "transport-mmio.driver.device-initialization";
const DEFINED = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG;
/** Bits of InterruptStatus that no version of the specification defines, among them the highest. */
const UNDEFINED = 0x8000_00a4;
const SMALL_QUEUE = 4;
const RESET_LOOKS = 3;

/** A register that reads as something else. */
function register(offset: number, change: (value: number) => number): (bus: CheckedMmio) => CheckedMmio {
  return (bus) => ({
    read: (at, width) => {
      const value = bus.read(at, width);
      return at === offset ? change(value) >>> 0 : value;
    },
    write: (at, width, value) => bus.write(at, width, value),
  });
}

/** Interrupts with causes of which nobody knows; acknowledging them has no effect. */
function undefinedCauses(bus: CheckedMmio): CheckedMmio {
  return {
    read: (at, width) => {
      const value = bus.read(at, width);
      return at === VIRTIO_MMIO_INTERRUPT_STATUS && value !== 0 ? (value | UNDEFINED) >>> 0 : value;
    },
    write: (at, width, value) => {
      bus.write(at, width, at === VIRTIO_MMIO_INTERRUPT_ACK ? value & DEFINED : value);
    },
  };
}

/** Queue resets that take a few looks. */
function slowQueueReset(bus: CheckedMmio): CheckedMmio {
  let looks = 0;
  return {
    read: (at, width) => {
      const value = bus.read(at, width);
      if (looks === 0 || at !== VIRTIO_MMIO_QUEUE_RESET) return value;
      looks--;
      return 1;
    },
    write: (at, width, value) => {
      if (at === VIRTIO_MMIO_QUEUE_RESET && value === 1) looks = RESET_LOOKS;
      bus.write(at, width, value);
    },
  };
}

/** The stages for drivers over virtio-mmio. */
export const MMIO_STAGES: readonly MmioStage[] = [
  {
    id: "as-it-is",
    description: "The device as it is.",
    clauses: [`${INITIALIZATION}.4`],
    expects: "drives",
    present: (bus) => bus,
  },
  {
    id: "wrong-magic-value",
    description: "MagicValue is in the other byte order.",
    clauses: [`${LAYOUT}.4`],
    expects: "ignores",
    present: register(VIRTIO_MMIO_MAGIC_VALUE, () => 0x76697274),
  },
  {
    id: "version-3",
    description: "Version is 3, of which nobody knows what it means.",
    clauses: [`${LAYOUT}.5`],
    expects: "ignores",
    present: register(VIRTIO_MMIO_VERSION, () => 3),
  },
  {
    id: "version-1",
    description:
      "Version is 1, a legacy device, which only transitional drivers may drive, and not by these registers.",
    clauses: [`${LAYOUT}.5`],
    expects: "legacy",
    present: register(VIRTIO_MMIO_VERSION, () => 1),
  },
  {
    id: "no-device",
    description: "DeviceID is 0: a slot without a device.",
    clauses: [`${LAYOUT}.6`, `${INITIALIZATION}.2`],
    expects: "ignores",
    present: register(VIRTIO_MMIO_DEVICE_ID, () => 0),
  },
  {
    id: "undefined-interrupt-causes",
    description: "InterruptStatus has bits that are not defined.",
    clauses: [`${LAYOUT}.12`],
    expects: "drives",
    present: undefinedCauses,
  },
  {
    id: "small-queues",
    description: "QueueSizeMax is 4.",
    clauses: [`${LAYOUT}.9`],
    expects: "drives",
    present: register(VIRTIO_MMIO_QUEUE_NUM_MAX, (value) => Math.min(value, SMALL_QUEUE)),
  },
  {
    id: "slow-queue-reset",
    description: "QueueReset stays 1 for a few reads.",
    clauses: [`${LAYOUT}.14`],
    expects: "drives",
    present: slowQueueReset,
  },
];
