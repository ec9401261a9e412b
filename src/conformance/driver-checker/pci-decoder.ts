import {
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CFG_CAP,
  VIRTIO_PCI_COMMON_CFG,
} from "../../wire/pci.ts";
import type { DeviceView } from "./device-view.ts";
import type { DriverEvent, QueueArea } from "./events.ts";
import {
  type CheckedPci,
  type PciLayout,
  type PciStructure,
  readPciLayout,
  structureAt,
} from "./pci-layout.ts";

const COMMON = VIRTIO_PCI_COMMON_CFG;
const DECODED = [
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
];

const ADDRESSES: ReadonlyMap<number, readonly [QueueArea, "low" | "high"]> = new Map([
  [COMMON.queue_desc, ["descriptors", "low"]],
  [COMMON.queue_desc + 4, ["descriptors", "high"]],
  [COMMON.queue_driver, ["driver", "low"]],
  [COMMON.queue_driver + 4, ["driver", "high"]],
  [COMMON.queue_device, ["device", "low"]],
  [COMMON.queue_device + 4, ["device", "high"]],
]);

/** Tells what accesses to a virtio PCI function stand for (virtio 1.4, section 4.1.4). */
export class PciDecoder {
  readonly #bus: CheckedPci;
  readonly #view: DeviceView;
  #layout: PciLayout | null = null;
  #deviceFeaturesWord = 0;
  #driverFeaturesWord = 0;
  #queue = 0;

  constructor(bus: CheckedPci, view: DeviceView) {
    this.#bus = bus;
    this.#view = view;
  }

  /** The function's capabilities, read when first asked for. */
  get layout(): PciLayout {
    this.#layout ??= readPciLayout(this.#bus);
    return this.#layout;
  }

  /**
   * The access behind pci_cfg_data: what the configuration access capability points to, and null when the offset is
   * another one. Only reads fields of the capability.
   */
  window(
    offset: number,
  ): { readonly bar: number; readonly offset: number; readonly widthBytes: number } | null {
    const found = this.layout.structures.find(({ type }) => type === VIRTIO_PCI_CAP_PCI_CFG);
    if (found === undefined || offset !== found.at + VIRTIO_PCI_CFG_CAP.pci_cfg_data) return null;
    return {
      bar: this.#bus.configRead(found.at + VIRTIO_PCI_CAP.bar, 1),
      offset: this.#bus.configRead(found.at + VIRTIO_PCI_CAP.offset, 4),
      widthBytes: this.#bus.configRead(found.at + VIRTIO_PCI_CAP.length, 4),
    };
  }

  #find(bar: number, offset: number): { readonly found: PciStructure; readonly field: number } | null {
    const found = structureAt(this.layout, bar, offset, DECODED);
    return found === undefined ? null : { found, field: offset - found.offset };
  }

  /** What a read of a BAR stands for; null for nothing more than itself. */
  read(bar: number, offset: number, widthBytes: number, value: number): DriverEvent | null {
    const place = this.#find(bar, offset);
    if (place === null) return null;
    const { found, field } = place;
    switch (found.type) {
      case VIRTIO_PCI_CAP_COMMON_CFG:
        return this.#commonRead(field, widthBytes, value);
      case VIRTIO_PCI_CAP_ISR_CFG:
        return field === 0 ? { kind: "interrupt-status-read", value } : null;
      case VIRTIO_PCI_CAP_DEVICE_CFG:
        return { kind: "config-read", offset: field, widthBytes, value };
      default:
        return null;
    }
  }

  #commonRead(field: number, widthBytes: number, value: number): DriverEvent | null {
    const queue = this.#queue;
    switch (256 * widthBytes + field) {
      case 256 + COMMON.device_status:
        return { kind: "status-read", value };
      case 256 + COMMON.config_generation:
        return { kind: "generation-read", value };
      case 1024 + COMMON.device_feature:
        return { kind: "device-features-read", word: this.#deviceFeaturesWord, value };
      case 512 + COMMON.config_msix_vector:
        return { kind: "vector-read", queue: -1, value };
      case 512 + COMMON.queue_size:
        return { kind: "queue-size-read", queue, value };
      case 512 + COMMON.queue_msix_vector:
        return { kind: "vector-read", queue, value };
      case 512 + COMMON.queue_enable:
        return { kind: "queue-enable-read", queue, value };
      case 512 + COMMON.queue_notify_off:
        return { kind: "notify-offset-read", queue, value };
      case 512 + COMMON.queue_notif_config_data:
        return { kind: "notify-data-read", queue, value };
      case 512 + COMMON.queue_reset:
        return { kind: "queue-reset-read", queue, value };
      default:
        return null;
    }
  }

  /** What a write to a BAR stands for; null for nothing more than itself. */
  write(bar: number, offset: number, widthBytes: number, value: number): DriverEvent | null {
    const place = this.#find(bar, offset);
    if (place === null) return null;
    const { found, field } = place;
    switch (found.type) {
      case VIRTIO_PCI_CAP_COMMON_CFG:
        return this.#commonWrite(field, widthBytes, value);
      case VIRTIO_PCI_CAP_NOTIFY_CFG:
        return { kind: "notify", queue: this.#notified(found, field, value), value, widthBytes };
      case VIRTIO_PCI_CAP_DEVICE_CFG:
        return { kind: "config-write", offset: field, widthBytes, value };
      default:
        return null;
    }
  }

  #commonWrite(field: number, widthBytes: number, value: number): DriverEvent | null {
    const queue = this.#queue;
    const address = widthBytes === 4 ? ADDRESSES.get(field) : undefined;
    if (address !== undefined) {
      return { kind: "queue-address-write", queue, area: address[0], half: address[1], value };
    }
    switch (256 * widthBytes + field) {
      case 256 + COMMON.device_status:
        return { kind: "status-write", value };
      case 1024 + COMMON.device_feature_select:
        this.#deviceFeaturesWord = value;
        return null;
      case 1024 + COMMON.driver_feature_select:
        this.#driverFeaturesWord = value;
        return null;
      case 1024 + COMMON.driver_feature:
        return { kind: "driver-features-write", word: this.#driverFeaturesWord, value };
      case 512 + COMMON.config_msix_vector:
        return { kind: "vector-write", queue: -1, value };
      case 512 + COMMON.queue_select:
        this.#queue = value;
        return { kind: "queue-select", queue: value };
      case 512 + COMMON.queue_size:
        return { kind: "queue-size-write", queue, value };
      case 512 + COMMON.queue_msix_vector:
        return { kind: "vector-write", queue, value };
      case 512 + COMMON.queue_enable:
        this.#learnSize();
        return { kind: "queue-enable-write", queue, value };
      case 512 + COMMON.queue_reset:
        return { kind: "queue-reset-write", queue, value };
      default:
        return null;
    }
  }

  /** A driver that takes a queue as the device proposes it need not read its size; the checker has to know it. */
  #learnSize(): void {
    const queue = this.#view.queue(this.#queue);
    if (queue.size !== 0) return;
    const common = this.layout.structures.find(({ type }) => type === VIRTIO_PCI_CAP_COMMON_CFG);
    if (common !== undefined) {
      queue.size = this.#bus.barRead(common.bar, common.offset + COMMON.queue_size, 2);
    }
  }

  /** Which queue a notification is for: by its address when that tells, else by its value. */
  #notified(structure: PciStructure, field: number, value: number): number {
    let found = -1;
    let count = 0;
    for (const queue of this.#view.queues.values()) {
      if (queue.notifyOffset < 0 || queue.notifyOffset * structure.multiplier !== field) continue;
      found = queue.index;
      count++;
    }
    if (count === 1) return found;
    for (const queue of this.#view.queues.values()) {
      if (queue.notifyData >= 0 && queue.notifyData === (value & 0xffff)) return queue.index;
    }
    return value & 0xffff;
  }
}
