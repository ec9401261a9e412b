import { checkArgument, checkOptions, type OptionRule, type OptionRules } from "../../base/options.ts";
import {
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_SR_IOV,
  VIRTIO_ID_9P,
  VIRTIO_ID_BALLOON,
  VIRTIO_ID_BLOCK,
  VIRTIO_ID_CONSOLE,
  VIRTIO_ID_NET,
  VIRTIO_ID_RNG,
  VIRTIO_ID_SCSI,
  VIRTIO_MSI_NO_VECTOR,
} from "../../wire/common.ts";
import {
  PCI_COMMAND,
  PCI_COMMAND_INTX_DISABLE,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_DEVICE_ID,
  PCI_VENDOR_ID,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_COMMON_CFG,
  VIRTIO_PCI_DEVICE_ID_BASE,
  VIRTIO_PCI_DEVICE_ID_FIRST,
  VIRTIO_PCI_DEVICE_ID_LAST,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
  VIRTIO_PCI_NOTIFY_CAP,
  VIRTIO_PCI_VENDOR_ID,
  VIRTIO_TRANS_ID_9P,
  VIRTIO_TRANS_ID_BALLOON,
  VIRTIO_TRANS_ID_BLOCK,
  VIRTIO_TRANS_ID_CONSOLE,
  VIRTIO_TRANS_ID_NET,
  VIRTIO_TRANS_ID_RNG,
  VIRTIO_TRANS_ID_SCSI,
} from "../../wire/pci.ts";
import { DriverError } from "../errors.ts";
import type { RingMemory } from "../rings/driver-ring.ts";
import {
  assignBars,
  type BarAccess,
  ConfigWindowAccess,
  findStructures,
  MappedAccess,
  type PciBarInfo,
  type PciBus,
  type PciResources,
  readBars,
  type VirtioPciStructure,
} from "./pci-function.ts";
import { MsixSetup, type MsixTarget } from "./pci-msix.ts";
import type { AccessWidth, DriverTransport, SharedMemoryWindow } from "./transport.ts";

/** Choices for a {@link PciDriverTransport}. */
export interface PciDriverOptions {
  /** Where to put base address registers that have no address. */
  readonly resources?: PciResources;
  /** `mapped`: through base address registers; `window`: through the configuration access capability. Default `mapped`. */
  readonly access?: "mapped" | "window";
  /**
   * What the interrupt controller wants written for each vector. With it MSI-X is used where the function has it;
   * without it, or where it hasn't, the interrupt line.
   */
  readonly msix?: (vector: number) => MsixTarget;
  /**
   * MSI-X vectors of queues; configuration changes have vector 0. `each`: one for each queue where there are enough
   * (default); `shared`: vector 1 for all, as Linux does where it does not get one for each.
   */
  readonly queueVectors?: "each" | "shared";
}

const BUS_RULE: OptionRule = {
  like: "a PciBus, such as a PciTransport",
  has: ["configRead", "configWrite", "barRead", "barWrite"],
};

const RULES: OptionRules<PciDriverOptions> = {
  resources: "object",
  access: { oneOf: ["mapped", "window"] },
  msix: "function",
  queueVectors: { oneOf: ["each", "shared"] },
};

const COMMON = VIRTIO_PCI_COMMON_CFG;
/** The part of the common configuration every device has; what follows depends on features. */
const COMMON_MIN_BYTES = VIRTIO_PCI_COMMON_CFG.queue_notif_config_data;

/** Virtio device ids of transitional PCI device ids. [transport-pci.driver.pci-device-discovery.2] */
const TRANSITIONAL_IDS: Readonly<Record<number, number>> = {
  [VIRTIO_TRANS_ID_NET]: VIRTIO_ID_NET,
  [VIRTIO_TRANS_ID_BLOCK]: VIRTIO_ID_BLOCK,
  [VIRTIO_TRANS_ID_BALLOON]: VIRTIO_ID_BALLOON,
  [VIRTIO_TRANS_ID_CONSOLE]: VIRTIO_ID_CONSOLE,
  [VIRTIO_TRANS_ID_SCSI]: VIRTIO_ID_SCSI,
  [VIRTIO_TRANS_ID_RNG]: VIRTIO_ID_RNG,
  [VIRTIO_TRANS_ID_9P]: VIRTIO_ID_9P,
};

interface QueueNotification {
  /** Offset of the notification register in its base address register. */
  readonly offset: number;
  /** Queue index or queue_notif_config_data. */
  readonly value: number;
}

/**
 * The driver's side of virtio over PCI (virtio 1.4, section 4.1), with the part of the firmware that sizes base
 * address registers and gives them addresses.
 *
 * @example
 * ```ts
 * const transport = PciDriverTransport.probe(bus);
 * if (transport !== null) new VirtioDriver(transport, { allocator });
 * ```
 */
export class PciDriverTransport implements DriverTransport {
  readonly kind = "pci";
  readonly deviceId: number;
  readonly vendorId: number;
  readonly unsupportedFeatures: readonly number[] = [VIRTIO_F_SR_IOV, VIRTIO_F_ADMIN_VQ];
  readonly bars: readonly PciBarInfo[];
  readonly structures: readonly VirtioPciStructure[];
  readonly #bus: PciBus;
  readonly #access: BarAccess;
  readonly #common: VirtioPciStructure;
  readonly #notify: VirtioPciStructure;
  readonly #notifyMultiplier: number;
  readonly #isr: VirtioPciStructure;
  readonly #device: VirtioPciStructure | null;
  readonly #msix: MsixSetup | null;
  readonly #queueVectors: "each" | "shared";
  #notificationData = false;
  #notifConfigData = false;
  readonly #notifications: (QueueNotification | undefined)[] = [];
  readonly #vectors = new Map<number, number>();
  #selected = -1;

  private constructor(bus: PciBus, deviceId: number, options: PciDriverOptions) {
    this.#bus = bus;
    this.deviceId = deviceId;
    this.#queueVectors = options.queueVectors ?? "each";
    this.vendorId = bus.configRead(PCI_VENDOR_ID, 2);
    const resources = options.resources ?? {};
    const ioUsable = resources.io !== null;
    this.bars = assignBars(bus, readBars(bus), resources);
    this.structures = findStructures(bus, this.bars, ioUsable);
    const command = bus.configRead(PCI_COMMAND, 2) & ~PCI_COMMAND_INTX_DISABLE;
    bus.configWrite(
      PCI_COMMAND,
      2,
      command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | (ioUsable ? PCI_COMMAND_IO : 0),
    );
    // [transport-pci.driver.virtio-structure-pci-capabilities.5]
    this.#common = this.#first(VIRTIO_PCI_CAP_COMMON_CFG, COMMON_MIN_BYTES);
    this.#notify = this.#first(VIRTIO_PCI_CAP_NOTIFY_CFG, 2);
    this.#isr = this.#first(VIRTIO_PCI_CAP_ISR_CFG, 1);
    this.#device = this.structures.find(({ cfgType }) => cfgType === VIRTIO_PCI_CAP_DEVICE_CFG) ?? null;
    this.#notifyMultiplier = bus.configRead(
      this.#notify.capability + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier,
      4,
    );
    this.#access =
      options.access === "window"
        ? new ConfigWindowAccess(bus, this.#first(VIRTIO_PCI_CAP_PCI_CFG, 0).capability)
        : new MappedAccess(bus);
    this.#msix = options.msix === undefined ? null : MsixSetup.find(bus);
    if (this.#msix !== null && options.msix !== undefined) {
      this.#msix.enable(this.#msix.vectors, options.msix);
      bus.configWrite(PCI_COMMAND, 2, bus.configRead(PCI_COMMAND, 2) | PCI_COMMAND_INTX_DISABLE);
    }
  }

  /**
   * Looks for a virtio device: null when the function is none. Revision and subsystem ids don't matter
   * [transport-pci.driver.pci-device-discovery.3]. Throws {@link DriverError} ENODEV for a legacy device, ENOSPC
   * when its registers find no address space.
   */
  static probe(bus: PciBus, options: PciDriverOptions = {}): PciDriverTransport | null {
    checkOptions("PciDriverTransport.probe", options, RULES);
    checkArgument("PciDriverTransport", "bus", bus, BUS_RULE);
    // [transport-pci.driver.pci-device-discovery.1]
    if (bus.configRead(PCI_VENDOR_ID, 2) !== VIRTIO_PCI_VENDOR_ID) return null;
    const id = bus.configRead(PCI_DEVICE_ID, 2);
    if (id < VIRTIO_PCI_DEVICE_ID_FIRST || id > VIRTIO_PCI_DEVICE_ID_LAST) return null;
    const deviceId = id >= VIRTIO_PCI_DEVICE_ID_BASE ? id - VIRTIO_PCI_DEVICE_ID_BASE : TRANSITIONAL_IDS[id];
    return deviceId === undefined ? null : new PciDriverTransport(bus, deviceId, options);
  }

  /** As {@link probe}, where a device has to be: another function is {@link DriverError} ENODEV, too. */
  static open(bus: PciBus, options: PciDriverOptions = {}): PciDriverTransport {
    const transport = PciDriverTransport.probe(bus, options);
    if (transport === null) throw new DriverError("ENODEV", "the function is not a virtio device");
    return transport;
  }

  /** The first structure of a type that is large enough. [transport-pci.driver.virtio-structure-pci-capabilities.2] */
  #first(cfgType: number, minBytes: number): VirtioPciStructure {
    const found = this.structures.find(
      (structure) => structure.cfgType === cfgType && structure.lengthBytes >= BigInt(minBytes),
    );
    if (found === undefined) throw new DriverError("ENODEV", `no usable virtio structure of type ${cfgType}`);
    return found;
  }

  #read(field: number, widthBytes: AccessWidth): number {
    return this.#access.read(this.#common.bar, this.#common.offset + field, widthBytes);
  }

  #write(field: number, widthBytes: AccessWidth, value: number): void {
    this.#access.write(this.#common.bar, this.#common.offset + field, widthBytes, value);
  }

  readStatus(): number {
    return this.#read(COMMON.device_status, 1);
  }

  writeStatus(value: number): void {
    if (value === 0) {
      this.#notificationData = false;
      this.#notifConfigData = false;
      this.#notifications.length = 0;
      this.#vectors.clear();
      this.#selected = -1;
    }
    this.#write(COMMON.device_status, 1, value);
  }

  readDeviceFeatures(word: number): number {
    this.#write(COMMON.device_feature_select, 4, word);
    return this.#read(COMMON.device_feature, 4);
  }

  writeDriverFeatures(word: number, value: number): void {
    this.#write(COMMON.driver_feature_select, 4, word);
    this.#write(COMMON.driver_feature, 4, value);
  }

  negotiated(hasFeature: (bit: number) => boolean): void {
    this.#notificationData = hasFeature(VIRTIO_F_NOTIFICATION_DATA);
    this.#notifConfigData = hasFeature(VIRTIO_F_NOTIF_CONFIG_DATA);
    // A queue's vector and notification address are read when it is enabled; configuration changes are mapped here.
    if (this.#msix !== null) this.#mapVector(COMMON.config_msix_vector, -1, 0);
  }

  #select(index: number): void {
    if (this.#selected === index) return;
    this.#write(COMMON.queue_select, 2, index);
    this.#selected = index;
  }

  /** Number of queues the device has at most, administration queues left out. */
  get queueCount(): number {
    return this.#read(COMMON.num_queues, 2);
  }

  queueMaxSize(index: number): number {
    this.#select(index);
    return this.#read(COMMON.queue_size, 2);
  }

  queueEnabled(index: number): boolean {
    this.#select(index);
    return this.#read(COMMON.queue_enable, 2) !== 0;
  }

  enableQueue(index: number, size: number, { desc, driver, device }: RingMemory): void {
    if (this.queueEnabled(index)) throw new DriverError("EINVAL", `queue ${index} is in use`);
    const limit = this.#read(COMMON.queue_size, 2);
    if (size > limit)
      throw new DriverError("EINVAL", `queue ${index} has at most ${limit} entries, not ${size}`);
    if (size !== limit) this.#write(COMMON.queue_size, 2, size);
    this.#writeAddress(COMMON.queue_desc, desc.hi, desc.lo);
    this.#writeAddress(COMMON.queue_driver, driver.hi, driver.lo);
    this.#writeAddress(COMMON.queue_device, device.hi, device.lo);
    if (this.#msix !== null) {
      // One for each queue where there are enough, else all share what is left.
      const wanted = Math.min(this.#queueVectors === "each" ? index + 1 : 1, this.#msix.vectors - 1);
      this.#mapVector(COMMON.queue_msix_vector, index, wanted);
    }
    this.#notifications[index] = this.#locateNotification(index);
    // Everything else comes first. [transport-pci.driver.common-configuration-structure-layout.4]
    this.#write(COMMON.queue_enable, 2, 1);
  }

  #writeAddress(field: number, hi: number, lo: number): void {
    this.#write(field, 4, lo);
    this.#write(field + 4, 4, hi);
  }

  /**
   * Maps an event to a vector inside the table and looks whether the device agreed, else to vector 0.
   * [transport-pci.driver.msi-x-vector-configuration.4] [transport-pci.driver.msi-x-vector-configuration.5]
   */
  #mapVector(field: number, event: number, wanted: number): void {
    for (const vector of wanted === 0 ? [0] : [wanted, 0]) {
      this.#write(field, 2, vector);
      if (this.#read(field, 2) === vector) {
        this.#vectors.set(event, vector);
        return;
      }
    }
    this.#write(field, 2, VIRTIO_MSI_NO_VECTOR);
    throw new DriverError("EIO", `the device refuses MSI-X vector ${wanted}`);
  }

  #locateNotification(index: number): QueueNotification {
    const { offset, lengthBytes } = this.#notify;
    const at = this.#read(COMMON.queue_notify_off, 2) * this.#notifyMultiplier;
    const width = this.#notificationData ? 4 : 2;
    if (BigInt(at + width) > lengthBytes) {
      throw new DriverError(
        "EIO",
        `the notification register of queue ${index} lies outside of its structure`,
      );
    }
    // [transport-pci.driver.available-buffer-notifications.5] [transport-pci.driver.available-buffer-notifications.6]
    const value = this.#notifConfigData ? this.#read(COMMON.queue_notif_config_data, 2) : index;
    return { offset: offset + at, value };
  }

  /** Not on PCI. [transport-pci.driver.common-configuration-structure-layout.6] */
  disableQueue(index: number): void {
    throw new DriverError("EOPNOTSUPP", `queue ${index} can be reset, but not disabled`);
  }

  startQueueReset(index: number): void {
    this.#select(index);
    this.#write(COMMON.queue_reset, 2, 1);
    this.#vectors.delete(index);
    this.#notifications[index] = undefined;
  }

  queueResetDone(index: number): boolean {
    this.#select(index);
    // [transport-pci.driver.common-configuration-structure-layout.7]
    return this.#read(COMMON.queue_reset, 2) === 0 && this.#read(COMMON.queue_enable, 2) === 0;
  }

  notify(index: number, notificationData: number): void {
    const notification = this.#notifications[index];
    if (notification === undefined) throw new DriverError("EINVAL", `queue ${index} is not enabled`);
    const { offset, value } = notification;
    // [transport-pci.driver.available-buffer-notifications.1] [transport-pci.driver.available-buffer-notifications.2]
    if (this.#notificationData) {
      this.#access.write(this.#notify.bar, offset, 4, ((notificationData << 16) | value) >>> 0);
    } else {
      this.#access.write(this.#notify.bar, offset, 2, value);
    }
  }

  configGeneration(): number {
    return this.#read(COMMON.config_generation, 1);
  }

  #deviceConfig(offset: number, widthBytes: number): VirtioPciStructure {
    const device = this.#device;
    if (device === null || BigInt(offset + widthBytes) > device.lengthBytes) {
      throw new DriverError("EINVAL", `the device has no configuration field at ${offset}`);
    }
    return device;
  }

  // [transport-pci.driver.pci-device-layout.1]
  readConfig(offset: number, widthBytes: AccessWidth): number {
    const device = this.#deviceConfig(offset, widthBytes);
    return this.#access.read(device.bar, device.offset + offset, widthBytes);
  }

  writeConfig(offset: number, widthBytes: AccessWidth, value: number): void {
    const device = this.#deviceConfig(offset, widthBytes);
    this.#access.write(device.bar, device.offset + offset, widthBytes, value);
  }

  sharedMemory(id: number): SharedMemoryWindow | null {
    const found = this.structures.find(
      (structure) => structure.cfgType === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG && structure.id === id,
    );
    const bar = this.bars.find(({ index }) => index === found?.bar);
    if (found === undefined || bar === undefined || found.lengthBytes === 0n) return null;
    const address = bar.address + BigInt(found.offset);
    return {
      id,
      hi: Number(address >> 32n),
      lo: Number(address & 0xffffffffn),
      lengthBytes: found.lengthBytes,
    };
  }

  get usesMessages(): boolean {
    return this.#msix !== null;
  }

  vectorOf(index: number): number {
    return this.#vectors.get(index) ?? -1;
  }

  /** Reading acknowledges. With MSI-X there is nothing to read. [transport-pci.driver.isr-status-capability.1] */
  readInterruptCauses(): number {
    if (this.#msix !== null) return 0;
    const isr = this.#access.read(this.#isr.bar, this.#isr.offset, 1);
    return isr & (VIRTIO_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG);
  }

  acknowledgeInterrupt(_causes: number): void {}

  /** Takes the function out of use: no interrupts, no access to memory. */
  disable(): void {
    this.#msix?.disable();
    const command = this.#bus.configRead(PCI_COMMAND, 2);
    this.#bus.configWrite(PCI_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
  }
}
