import type { VirtioDevice } from "../../device/virtio-device.ts";
import {
  VIRTIO_PCI_COMMON_CFG,
  VIRTIO_PCI_LEGACY_CFG,
  VIRTIO_PCI_QUEUE_ADDR_SHIFT,
  VIRTIO_PCI_VRING_ALIGN,
  virtio_pci_legacy_cfg,
} from "../../wire/pci.ts";
import { fieldsOf } from "../../wire/schema.ts";
import { descTableBytes, legacyUsedOffset } from "../../wire/split-ring.ts";
import type { CommonConfig } from "./common-config.ts";
import type { PciInterrupts } from "./interrupts.ts";

const LEGACY = VIRTIO_PCI_LEGACY_CFG;
const COMMON = VIRTIO_PCI_COMMON_CFG;

/** Length of the header without MSI-X. */
const SHORT_HEADER_BYTES = LEGACY.config_msix_vector;

/** Width in bytes of the register at each offset of the header, 0 where none begins. */
const WIDTHS: Uint8Array = /* @__PURE__ */ registerWidths();

function registerWidths(): Uint8Array {
  const widths = new Uint8Array(LEGACY.sizeBytes);
  for (const { offsetBytes, sizeBytes } of fieldsOf(virtio_pci_legacy_cfg)) widths[offsetBytes] = sizeBytes;
  return widths;
}

/**
 * The legacy interface of a transitional device (virtio 1.4, section 4.1.4.10): a header of registers, each of which
 * takes accesses of its own width, and right behind it the device-specific configuration, in the byte order of a
 * little-endian guest and at any width. MSI-X, once enabled, makes the header four bytes longer.
 *
 * Selected queue and vectors are those of the modern interface.
 */
export class LegacyConfig {
  readonly #device: VirtioDevice;
  readonly #common: CommonConfig;
  readonly #interrupts: PciInterrupts;

  constructor(device: VirtioDevice, common: CommonConfig, interrupts: PciInterrupts) {
    this.#device = device;
    this.#common = common;
    this.#interrupts = interrupts;
  }

  /** [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.5] */
  get #headerBytes(): number {
    return this.#interrupts.msixEnabled ? LEGACY.sizeBytes : SHORT_HEADER_BYTES;
  }

  /** Width in bytes of the register that `at` is part of; 0 behind the header. */
  registerWidth(at: number): number {
    if (at >= this.#headerBytes) return 0;
    let start = at;
    while (WIDTHS[start] === 0) start--;
    return WIDTHS[start] as number;
  }

  /** The queue address as the driver wrote it; 0 when the selected queue has none. */
  get #page(): number {
    const index = this.#queueSelect;
    const config = this.#device.queueEnabled(index) ? this.#device.queueConfig(index) : null;
    if (config === null) return 0;
    return (
      ((config.descHi << (32 - VIRTIO_PCI_QUEUE_ADDR_SHIFT)) |
        (config.descLo >>> VIRTIO_PCI_QUEUE_ADDR_SHIFT)) >>>
      0
    );
  }

  get #queueSelect(): number {
    return this.#common.read(COMMON.queue_select, 2);
  }

  /** What the device demands: the largest size, which no driver can change. */
  get #queueSize(): number {
    return this.#device.queueMaxSize(this.#queueSelect);
  }

  read(at: number, widthBytes: number): number {
    const device = this.#device;
    if (at >= this.#headerBytes) {
      // [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.3]
      return device.readConfig(at - this.#headerBytes, widthBytes);
    }
    if (WIDTHS[at] !== widthBytes) {
      device.ignored("pci-legacy-read-width", at);
      return 0;
    }
    switch (at) {
      case LEGACY.device_features:
        return device.legacyFeatureWord;
      case LEGACY.driver_features:
        return device.driverFeatureWord(0);
      case LEGACY.queue_address:
        return this.#page;
      case LEGACY.queue_size:
        return this.#queueSize;
      case LEGACY.queue_select:
        return this.#queueSelect;
      case LEGACY.device_status:
        return device.pollStatus();
      case LEGACY.isr_status:
        return this.#interrupts.readIsr();
      case LEGACY.config_msix_vector:
        return this.#common.read(COMMON.config_msix_vector, 2);
      case LEGACY.queue_msix_vector:
        return this.#common.read(COMMON.queue_msix_vector, 2);
      default:
        // queue_notify keeps nothing.
        return 0;
    }
  }

  write(at: number, widthBytes: number, value: number): void {
    const device = this.#device;
    if (at >= this.#headerBytes) {
      // At any time. [content.legacy.legacy-interface-device-initialization.2]
      device.writeConfig(at - this.#headerBytes, widthBytes, value);
      return;
    }
    if (WIDTHS[at] !== widthBytes) {
      device.ignored("pci-legacy-write-width", at);
      return;
    }
    switch (at) {
      case LEGACY.driver_features:
        if (this.#claim(at)) device.writeDriverFeatureWord(0, value);
        return;
      case LEGACY.queue_address:
        if (this.#claim(at)) this.#writePage(value);
        return;
      case LEGACY.queue_select:
        this.#common.write(COMMON.queue_select, 2, value);
        return;
      case LEGACY.queue_notify:
        device.notify(value);
        return;
      case LEGACY.device_status:
        if (value === 0 || this.#claim(at)) device.writeStatus(value);
        return;
      case LEGACY.config_msix_vector:
        this.#common.write(COMMON.config_msix_vector, 2, value);
        return;
      case LEGACY.queue_msix_vector:
        this.#common.write(COMMON.queue_msix_vector, 2, value);
        return;
      default:
        device.ignored("pci-legacy-write-of-read-only", at);
    }
  }

  #claim(at: number): boolean {
    if (this.#device.claimLegacy()) return true;
    this.#device.ignored("pci-legacy-write-by-modern-driver", at);
    return false;
  }

  /** One number places the whole queue. [split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.2] */
  #writePage(page: number): void {
    const device = this.#device;
    const index = this.#queueSelect;
    const size = this.#queueSize;
    if (device.queueEnabled(index)) device.disableQueue(index);
    if (page === 0 || size === 0) return;
    const descHi = page >>> (32 - VIRTIO_PCI_QUEUE_ADDR_SHIFT);
    const descLo = (page << VIRTIO_PCI_QUEUE_ADDR_SHIFT) >>> 0;
    const half = (offset: number): { hi: number; lo: number } => {
      const lo = descLo + offset;
      return { hi: lo > 0xffffffff ? descHi + 1 : descHi, lo: lo >>> 0 };
    };
    const driver = half(descTableBytes(size));
    const used = half(legacyUsedOffset(size, VIRTIO_PCI_VRING_ALIGN));
    device.writeQueueConfig(index, {
      size,
      descHi,
      descLo,
      driverHi: driver.hi,
      driverLo: driver.lo,
      deviceHi: used.hi,
      deviceLo: used.lo,
    });
    device.enableQueue(index);
  }
}
