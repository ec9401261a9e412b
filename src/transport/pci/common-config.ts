import type { VirtioDevice } from "../../device/virtio-device.ts";
import type { QueueConfig } from "../../virtqueue/config.ts";
import {
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_MSI_NO_VECTOR,
} from "../../wire/common.ts";
import { VIRTIO_PCI_COMMON_CFG, virtio_pci_common_cfg } from "../../wire/pci.ts";
import { fieldsOf } from "../../wire/schema.ts";
import type { MsixTable } from "./msix.ts";
import type { PciPolicy } from "./policy.ts";
import type { SavedCommonConfig } from "./saved-state.ts";

const CFG = VIRTIO_PCI_COMMON_CFG;

/** By offset: the width of the register that begins there, 0 where none does. 64-bit fields are two registers. */
const WIDTHS: Uint8Array = /* @__PURE__ */ registerWidths();

function registerWidths(): Uint8Array {
  const widths = new Uint8Array(CFG.sizeBytes);
  for (const { offsetBytes, sizeBytes } of fieldsOf(virtio_pci_common_cfg)) {
    const width = Math.min(sizeBytes, 4);
    for (let at = 0; at < sizeBytes; at += width) widths[offsetBytes + at] = width;
  }
  return widths;
}

/** Width in bytes of the register that `offset` is part of. */
export function commonRegisterWidth(offset: number): number {
  for (let start = offset; start >= 0; start--) {
    const width = WIDTHS[start] as number;
    if (width !== 0) return width;
  }
  return 0;
}

/**
 * The common configuration structure (virtio 1.4, section 4.1.4.3). Every register takes accesses of its own width,
 * the halves of 64-bit ones on their own; all others are without effect.
 */
export class CommonConfig {
  readonly #device: VirtioDevice;
  readonly #msix: MsixTable | null;
  readonly #notifConfigData: readonly number[];
  readonly #queueVectors: Uint16Array;
  readonly #policy: PciPolicy;
  #configVector = VIRTIO_MSI_NO_VECTOR;
  #deviceFeatureSelect = 0;
  #driverFeatureSelect = 0;
  #queueSelect = 0;
  /** Queue that is being reset this moment, -1 when none is. */
  #resetting = -1;

  constructor(
    device: VirtioDevice,
    msix: MsixTable | null,
    notifConfigData: readonly number[],
    policy: PciPolicy,
  ) {
    this.#device = device;
    this.#policy = policy;
    this.#msix = msix;
    this.#notifConfigData = notifConfigData;
    this.#queueVectors = new Uint16Array(device.queueCount).fill(VIRTIO_MSI_NO_VECTOR);
  }

  get configVector(): number {
    return this.#configVector;
  }

  queueVector(index: number): number {
    return this.#queueVectors[index] ?? VIRTIO_MSI_NO_VECTOR;
  }

  read(offset: number, widthBytes: number): number {
    if (!this.#takes(offset, widthBytes)) {
      this.#device.ignored("pci-common-read-width", offset);
      return 0;
    }
    const value = this.#readRegister(offset);
    return widthBytes === 4 ? value : value & (widthBytes === 2 ? 0xffff : 0xff);
  }

  /** Whether a register begins at the offset that may be accessed so. */
  #takes(offset: number, widthBytes: number): boolean {
    const width = WIDTHS[offset] ?? 0;
    return width === widthBytes || (width !== 0 && this.#policy.registerWidth === "any");
  }

  #readRegister(offset: number): number {
    const device = this.#device;
    const queue = device.queueConfig(this.#queueSelect);
    switch (offset) {
      case CFG.device_feature_select:
        return this.#deviceFeatureSelect;
      case CFG.device_feature:
        // [transport-pci.device.common-configuration-structure-layout.3]
        return device.deviceFeatureWord(this.#deviceFeatureSelect);
      case CFG.driver_feature_select:
        return this.#driverFeatureSelect;
      case CFG.driver_feature:
        // [transport-pci.device.common-configuration-structure-layout.4] [transport-pci.device.common-configuration-structure-layout.5]
        return device.driverFeatureWord(this.#driverFeatureSelect);
      case CFG.config_msix_vector:
        return this.#configVector;
      case CFG.num_queues:
        return device.queueCount;
      case CFG.device_status:
        return device.pollStatus();
      case CFG.config_generation:
        return device.configGeneration & 0xff;
      case CFG.queue_select:
        return this.#queueSelect;
      case CFG.queue_size:
        return this.#presentedSize(this.#queueSelect);
      case CFG.queue_msix_vector:
        return this.queueVector(this.#queueSelect);
      case CFG.queue_enable:
        // [transport-pci.device.common-configuration-structure-layout.8]
        return device.queueEnabled(this.#queueSelect) ? 1 : 0;
      case CFG.queue_notify_off:
        return queue === null ? 0 : this.#queueSelect;
      case CFG.queue_desc:
        return queue?.descLo ?? 0;
      case CFG.queue_desc + 4:
        return queue?.descHi ?? 0;
      case CFG.queue_driver:
        return queue?.driverLo ?? 0;
      case CFG.queue_driver + 4:
        return queue?.driverHi ?? 0;
      case CFG.queue_device:
        return queue?.deviceLo ?? 0;
      case CFG.queue_device + 4:
        return queue?.deviceHi ?? 0;
      case CFG.queue_notif_config_data:
        if (!device.hasFeature(VIRTIO_F_NOTIF_CONFIG_DATA)) return 0;
        return this.#notifConfigData[this.#queueSelect] ?? 0;
      case CFG.queue_reset:
        // 1 only while the reset runs. [transport-pci.device.common-configuration-structure-layout.12]
        return this.#resetting === this.#queueSelect ? 1 : 0;
      default:
        // admin_queue_index and admin_queue_num: VIRTIO_F_ADMIN_VQ is never offered.
        return 0;
    }
  }

  write(offset: number, widthBytes: number, written: number): void {
    const device = this.#device;
    if (!this.#takes(offset, widthBytes)) {
      device.ignored("pci-common-write-width", offset);
      return;
    }
    const width = WIDTHS[offset] as number;
    const value = width === 4 ? written : written & (width === 2 ? 0xffff : 0xff);
    switch (offset) {
      case CFG.device_feature_select:
        this.#deviceFeatureSelect = value;
        return;
      case CFG.driver_feature_select:
        this.#driverFeatureSelect = value;
        return;
      case CFG.driver_feature:
        device.writeDriverFeatureWord(this.#driverFeatureSelect, value);
        return;
      case CFG.config_msix_vector:
        this.#configVector = this.#acceptVector(value);
        return;
      case CFG.device_status:
        device.writeStatus(value); // [transport-pci.device.common-configuration-structure-layout.7]
        return;
      case CFG.queue_select:
        if (value < this.#policy.queueSelectEnd) this.#queueSelect = value;
        return;
      case CFG.queue_size:
        this.#writeSize(value);
        return;
      case CFG.queue_msix_vector:
        this.#writeQueueVector(value);
        return;
      case CFG.queue_enable:
        if (value === 1) this.#enable();
        else device.ignored("pci-queue-enable-value", value);
        return;
      case CFG.queue_desc:
        this.#writeQueue({ descLo: value });
        return;
      case CFG.queue_desc + 4:
        this.#writeQueue({ descHi: value });
        return;
      case CFG.queue_driver:
        this.#writeQueue({ driverLo: value });
        return;
      case CFG.queue_driver + 4:
        this.#writeQueue({ driverHi: value });
        return;
      case CFG.queue_device:
        this.#writeQueue({ deviceLo: value });
        return;
      case CFG.queue_device + 4:
        this.#writeQueue({ deviceHi: value });
        return;
      case CFG.queue_reset:
        if (value === 1) this.#resetQueue();
        else device.ignored("pci-queue-reset-value", value);
        return;
      default:
        device.ignored("pci-common-write-of-read-only", offset);
    }
  }

  #writeQueue(fields: Partial<QueueConfig>): void {
    this.#device.writeQueueConfig(this.#queueSelect, fields);
  }

  /** [transport-pci.device.common-configuration-structure-layout.14] [transport-pci.device.common-configuration-structure-layout.15] */
  #presentedSize(index: number): number {
    const size = this.#device.queueConfig(index)?.size ?? 0;
    if (size === 0 || !this.#demandsPowerOfTwo) return size;
    return 2 ** (31 - Math.clz32(size));
  }

  get #demandsPowerOfTwo(): boolean {
    return this.#policy.queueSize === "power-of-two" && !this.#device.hasFeature(VIRTIO_F_RING_PACKED);
  }

  #writeSize(value: number): void {
    const device = this.#device;
    const powerOfTwo = (value & (value - 1)) === 0;
    if (
      value === 0 ||
      value > device.queueSizeLimit(this.#queueSelect) ||
      !(powerOfTwo || !this.#demandsPowerOfTwo)
    ) {
      // The driver reads back what it was, as it does when a size is refused.
      device.ignored("pci-queue-size-value", value);
      return;
    }
    this.#writeQueue({ size: value });
  }

  #enable(): void {
    const index = this.#queueSelect;
    const config = this.#device.queueConfig(index);
    const size = this.#presentedSize(index);
    // A driver that never wrote a size goes by the one it was shown.
    if (config !== null && config.size !== size) this.#writeQueue({ size });
    this.#device.enableQueue(index);
  }

  /** [transport-pci.device.common-configuration-structure-layout.11] [transport-pci.device.common-configuration-structure-layout.13] */
  #resetQueue(): void {
    const index = this.#queueSelect;
    const outer = this.#resetting;
    const vector = this.queueVector(index);
    this.#resetting = index;
    // All of the queue's state goes, a message on hold included if it can be from this queue only; before anybody hears
    // of it, who may set the queue up again at once. [content.device.virtqueue-reset.1] [content.device.virtqueue-reset.2]
    if (index < this.#queueVectors.length && this.#device.hasFeature(VIRTIO_F_RING_RESET))
      this.#queueVectors[index] = VIRTIO_MSI_NO_VECTOR;
    try {
      this.#device.resetQueue(index);
    } finally {
      this.#resetting = outer;
    }
    if (vector === VIRTIO_MSI_NO_VECTOR) return;
    if (this.#configVector !== vector && !this.#queueVectors.includes(vector))
      this.#msix?.clearPending(vector);
  }

  /** [transport-pci.device.msi-x-vector-configuration.4] [transport-pci.device.msi-x-vector-configuration.9] */
  #acceptVector(value: number): number {
    if (value < (this.#msix?.vectorCount ?? 0)) return value;
    if (value !== VIRTIO_MSI_NO_VECTOR) this.#device.ignored("pci-no-such-vector", value);
    return VIRTIO_MSI_NO_VECTOR;
  }

  #writeQueueVector(value: number): void {
    if (this.#queueSelect >= this.#queueVectors.length) {
      this.#device.ignored("pci-vector-of-no-queue", this.#queueSelect);
      return;
    }
    this.#queueVectors[this.#queueSelect] = this.#acceptVector(value);
  }

  /** [transport-pci.device.msi-x-vector-configuration.7] */
  reset(): void {
    this.#configVector = VIRTIO_MSI_NO_VECTOR;
    this.#queueVectors.fill(VIRTIO_MSI_NO_VECTOR);
    this.#deviceFeatureSelect = 0;
    this.#driverFeatureSelect = 0;
    this.#queueSelect = 0;
  }

  save(): SavedCommonConfig {
    return {
      deviceFeatureSelect: this.#deviceFeatureSelect,
      driverFeatureSelect: this.#driverFeatureSelect,
      queueSelect: this.#queueSelect,
      configVector: this.#configVector,
      queueVectors: [...this.#queueVectors],
    };
  }

  adopt(saved: SavedCommonConfig): void {
    this.#deviceFeatureSelect = saved.deviceFeatureSelect;
    this.#driverFeatureSelect = saved.driverFeatureSelect;
    this.#queueSelect = saved.queueSelect;
    this.#configVector = saved.configVector;
    this.#queueVectors.set(saved.queueVectors);
  }
}
