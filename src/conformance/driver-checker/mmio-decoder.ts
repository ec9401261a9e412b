import * as reg from "../../wire/mmio.ts";
import type { DriverEvent, QueueArea } from "./events.ts";

/** Access to the registers of a virtio-mmio device, as drivers have it and devices give it. */
export interface CheckedMmio {
  /** Reads a register; unsigned. */
  read(offset: number, widthBytes: 1 | 2 | 4): number;
  /** Writes a register. */
  write(offset: number, widthBytes: 1 | 2 | 4, value: number): void;
}

const ADDRESSES: ReadonlyMap<number, readonly [QueueArea, "low" | "high"]> = new Map([
  [reg.VIRTIO_MMIO_QUEUE_DESC_LOW, ["descriptors", "low"]],
  [reg.VIRTIO_MMIO_QUEUE_DESC_HIGH, ["descriptors", "high"]],
  [reg.VIRTIO_MMIO_QUEUE_AVAIL_LOW, ["driver", "low"]],
  [reg.VIRTIO_MMIO_QUEUE_AVAIL_HIGH, ["driver", "high"]],
  [reg.VIRTIO_MMIO_QUEUE_USED_LOW, ["device", "low"]],
  [reg.VIRTIO_MMIO_QUEUE_USED_HIGH, ["device", "high"]],
]);

/** Tells what accesses to the registers of virtio over MMIO stand for (virtio 1.4, section 4.2.2). */
export class MmioDecoder {
  #deviceFeaturesWord = 0;
  #driverFeaturesWord = 0;
  #queue = 0;

  /** What a read stands for; null for nothing more than itself. */
  read(offset: number, widthBytes: number, value: number): DriverEvent | null {
    if (offset >= reg.VIRTIO_MMIO_CONFIG) {
      return { kind: "config-read", offset: offset - reg.VIRTIO_MMIO_CONFIG, widthBytes, value };
    }
    if (widthBytes !== 4) return null;
    switch (offset) {
      case reg.VIRTIO_MMIO_STATUS:
        return { kind: "status-read", value };
      case reg.VIRTIO_MMIO_DEVICE_FEATURES:
        return { kind: "device-features-read", word: this.#deviceFeaturesWord, value };
      case reg.VIRTIO_MMIO_QUEUE_NUM_MAX:
        return { kind: "queue-size-read", queue: this.#queue, value };
      case reg.VIRTIO_MMIO_QUEUE_READY:
        return { kind: "queue-enable-read", queue: this.#queue, value };
      case reg.VIRTIO_MMIO_QUEUE_RESET:
        return { kind: "queue-reset-read", queue: this.#queue, value };
      case reg.VIRTIO_MMIO_INTERRUPT_STATUS:
        return { kind: "interrupt-status-read", value };
      case reg.VIRTIO_MMIO_CONFIG_GENERATION:
        return { kind: "generation-read", value };
      default:
        return null;
    }
  }

  /** What a write stands for; null for nothing more than itself. */
  write(offset: number, widthBytes: number, value: number): DriverEvent | null {
    if (offset >= reg.VIRTIO_MMIO_CONFIG) {
      return { kind: "config-write", offset: offset - reg.VIRTIO_MMIO_CONFIG, widthBytes, value };
    }
    if (widthBytes !== 4) return null;
    const address = ADDRESSES.get(offset);
    if (address !== undefined) {
      return { kind: "queue-address-write", queue: this.#queue, area: address[0], half: address[1], value };
    }
    switch (offset) {
      case reg.VIRTIO_MMIO_STATUS:
        return { kind: "status-write", value };
      case reg.VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        this.#deviceFeaturesWord = value;
        return null;
      case reg.VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        this.#driverFeaturesWord = value;
        return null;
      case reg.VIRTIO_MMIO_DRIVER_FEATURES:
        return { kind: "driver-features-write", word: this.#driverFeaturesWord, value };
      case reg.VIRTIO_MMIO_QUEUE_SEL:
        this.#queue = value;
        return { kind: "queue-select", queue: value };
      case reg.VIRTIO_MMIO_QUEUE_NUM:
        return { kind: "queue-size-write", queue: this.#queue, value };
      case reg.VIRTIO_MMIO_QUEUE_READY:
        return { kind: "queue-enable-write", queue: this.#queue, value };
      case reg.VIRTIO_MMIO_QUEUE_RESET:
        return { kind: "queue-reset-write", queue: this.#queue, value };
      case reg.VIRTIO_MMIO_QUEUE_NOTIFY:
        return { kind: "notify", queue: value & 0xffff, value, widthBytes };
      case reg.VIRTIO_MMIO_INTERRUPT_ACK:
        return { kind: "interrupt-acknowledge", value };
      default:
        return null;
    }
  }
}
