import { checkArgument, type OptionRule } from "../../base/options.ts";
import { toBigInt } from "../../base/u64.ts";
import {
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_SR_IOV,
} from "../../wire/common.ts";
import {
  VIRTIO_MMIO_CONFIG,
  VIRTIO_MMIO_CONFIG_GENERATION,
  VIRTIO_MMIO_DEVICE_FEATURES,
  VIRTIO_MMIO_DEVICE_FEATURES_SEL,
  VIRTIO_MMIO_DEVICE_ID,
  VIRTIO_MMIO_DRIVER_FEATURES,
  VIRTIO_MMIO_DRIVER_FEATURES_SEL,
  VIRTIO_MMIO_INT_CONFIG,
  VIRTIO_MMIO_INT_VRING,
  VIRTIO_MMIO_INTERRUPT_ACK,
  VIRTIO_MMIO_INTERRUPT_STATUS,
  VIRTIO_MMIO_MAGIC,
  VIRTIO_MMIO_MAGIC_VALUE,
  VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
  VIRTIO_MMIO_QUEUE_AVAIL_LOW,
  VIRTIO_MMIO_QUEUE_DESC_HIGH,
  VIRTIO_MMIO_QUEUE_DESC_LOW,
  VIRTIO_MMIO_QUEUE_NOTIFY,
  VIRTIO_MMIO_QUEUE_NUM,
  VIRTIO_MMIO_QUEUE_NUM_MAX,
  VIRTIO_MMIO_QUEUE_READY,
  VIRTIO_MMIO_QUEUE_RESET,
  VIRTIO_MMIO_QUEUE_SEL,
  VIRTIO_MMIO_QUEUE_USED_HIGH,
  VIRTIO_MMIO_QUEUE_USED_LOW,
  VIRTIO_MMIO_SHM_BASE_HIGH,
  VIRTIO_MMIO_SHM_BASE_LOW,
  VIRTIO_MMIO_SHM_LEN_HIGH,
  VIRTIO_MMIO_SHM_LEN_LOW,
  VIRTIO_MMIO_SHM_SEL,
  VIRTIO_MMIO_STATUS,
  VIRTIO_MMIO_VENDOR_ID,
  VIRTIO_MMIO_VERSION,
  VIRTIO_MMIO_VERSION_2,
} from "../../wire/mmio.ts";
import { DriverError } from "../errors.ts";
import type { RingMemory } from "../rings/driver-ring.ts";
import type { AccessWidth, DriverTransport, SharedMemoryWindow } from "./transport.ts";

/** Access to the registers of one virtio-mmio device, by offset from its base. */
export interface MmioBus {
  /** Reads a register; unsigned. */
  read(offset: number, widthBytes: AccessWidth): number;
  /** Writes a register. */
  write(offset: number, widthBytes: AccessWidth, value: number): void;
}

const BUS_RULE: OptionRule = { like: "an MmioBus, such as an MmioTransport", has: ["read", "write"] };

const DEFINED_INTERRUPTS = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG;
const NO_LENGTH = 0xffffffffffffffffn;

/**
 * The driver's side of virtio over MMIO, version 2 (virtio 1.4, section 4.2).
 *
 * @example
 * ```ts
 * const transport = MmioDriverTransport.probe(bus);
 * if (transport !== null) new VirtioDriver(transport, { allocator });
 * ```
 */
export class MmioDriverTransport implements DriverTransport {
  readonly kind = "mmio";
  readonly deviceId: number;
  readonly vendorId: number;
  readonly unsupportedFeatures: readonly number[] = [
    VIRTIO_F_NOTIF_CONFIG_DATA,
    VIRTIO_F_SR_IOV,
    VIRTIO_F_ADMIN_VQ,
  ];
  readonly usesMessages = false;
  readonly #bus: MmioBus;
  #notificationData = false;
  /** The queue QueueSel points to, -1 when unknown. */
  #selected = -1;

  private constructor(bus: MmioBus, deviceId: number) {
    this.#bus = bus;
    this.deviceId = deviceId;
    this.vendorId = this.#read(VIRTIO_MMIO_VENDOR_ID);
  }

  /**
   * Looks for a device. Null for a placeholder (device id 0), of which nothing else is read; throws
   * {@link DriverError} ENODEV for anything that is not a virtio-mmio device of version 2.
   * [transport-mmio.driver.device-initialization.1] [transport-mmio.driver.device-initialization.2]
   */
  static probe(bus: MmioBus): MmioDriverTransport | null {
    checkArgument("MmioDriverTransport", "bus", bus, BUS_RULE);
    // [transport-mmio.driver.mmio-device-register-layout.4]
    const magic = bus.read(VIRTIO_MMIO_MAGIC_VALUE, 4);
    if (magic !== VIRTIO_MMIO_MAGIC)
      throw new DriverError("ENODEV", `magic value is 0x${magic.toString(16)}`);
    // [transport-mmio.driver.mmio-device-register-layout.5]
    const version = bus.read(VIRTIO_MMIO_VERSION, 4);
    if (version !== VIRTIO_MMIO_VERSION_2) throw new DriverError("ENODEV", `virtio-mmio version ${version}`);
    // [transport-mmio.driver.mmio-device-register-layout.6]
    const deviceId = bus.read(VIRTIO_MMIO_DEVICE_ID, 4);
    return deviceId === 0 ? null : new MmioDriverTransport(bus, deviceId);
  }

  /** As {@link probe}, where a device has to be: a placeholder is {@link DriverError} ENODEV, too. */
  static open(bus: MmioBus): MmioDriverTransport {
    const transport = MmioDriverTransport.probe(bus);
    if (transport === null) throw new DriverError("ENODEV", "the registers are those of a placeholder");
    return transport;
  }

  // Control registers are 32 bits wide. [transport-mmio.driver.mmio-device-register-layout.2]
  #read(offset: number): number {
    return this.#bus.read(offset, 4);
  }

  #write(offset: number, value: number): void {
    this.#bus.write(offset, 4, value >>> 0);
  }

  readStatus(): number {
    return this.#read(VIRTIO_MMIO_STATUS) & 0xff;
  }

  writeStatus(value: number): void {
    if (value === 0) {
      this.#notificationData = false;
      this.#selected = -1;
    }
    this.#write(VIRTIO_MMIO_STATUS, value);
  }

  readDeviceFeatures(word: number): number {
    // [transport-mmio.driver.mmio-device-register-layout.7]
    this.#write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
    return this.#read(VIRTIO_MMIO_DEVICE_FEATURES);
  }

  writeDriverFeatures(word: number, value: number): void {
    // [transport-mmio.driver.mmio-device-register-layout.8]
    this.#write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
    this.#write(VIRTIO_MMIO_DRIVER_FEATURES, value);
  }

  negotiated(hasFeature: (bit: number) => boolean): void {
    this.#notificationData = hasFeature(VIRTIO_F_NOTIFICATION_DATA);
  }

  #select(index: number): void {
    if (this.#selected === index) return;
    this.#write(VIRTIO_MMIO_QUEUE_SEL, index);
    this.#selected = index;
  }

  queueMaxSize(index: number): number {
    this.#select(index);
    return this.#read(VIRTIO_MMIO_QUEUE_NUM_MAX);
  }

  queueEnabled(index: number): boolean {
    this.#select(index);
    return this.#read(VIRTIO_MMIO_QUEUE_READY) !== 0;
  }

  enableQueue(index: number, size: number, { desc, driver, device }: RingMemory): void {
    // [transport-mmio.driver.mmio-device-register-layout.10]
    if (this.queueEnabled(index)) throw new DriverError("EINVAL", `queue ${index} is in use`);
    // [transport-mmio.driver.mmio-device-register-layout.9]
    const limit = this.#read(VIRTIO_MMIO_QUEUE_NUM_MAX);
    if (size > limit)
      throw new DriverError("EINVAL", `queue ${index} has at most ${limit} entries, not ${size}`);
    this.#write(VIRTIO_MMIO_QUEUE_NUM, size);
    this.#write(VIRTIO_MMIO_QUEUE_DESC_LOW, desc.lo);
    this.#write(VIRTIO_MMIO_QUEUE_DESC_HIGH, desc.hi);
    this.#write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, driver.lo);
    this.#write(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, driver.hi);
    this.#write(VIRTIO_MMIO_QUEUE_USED_LOW, device.lo);
    this.#write(VIRTIO_MMIO_QUEUE_USED_HIGH, device.hi);
    this.#write(VIRTIO_MMIO_QUEUE_READY, 1);
  }

  disableQueue(index: number): void {
    this.#select(index);
    this.#write(VIRTIO_MMIO_QUEUE_READY, 0);
    // [transport-mmio.driver.mmio-device-register-layout.11]
    if (this.#read(VIRTIO_MMIO_QUEUE_READY) !== 0) {
      throw new DriverError("EIO", `queue ${index} stays in use`);
    }
  }

  startQueueReset(index: number): void {
    this.#select(index);
    this.#write(VIRTIO_MMIO_QUEUE_RESET, 1);
  }

  queueResetDone(index: number): boolean {
    this.#select(index);
    // [transport-mmio.driver.mmio-device-register-layout.14]
    return this.#read(VIRTIO_MMIO_QUEUE_RESET) === 0 && this.#read(VIRTIO_MMIO_QUEUE_READY) === 0;
  }

  notify(index: number, notificationData: number): void {
    this.#bus.write(
      VIRTIO_MMIO_QUEUE_NOTIFY,
      4,
      this.#notificationData ? ((notificationData << 16) | index) >>> 0 : index,
    );
  }

  configGeneration(): number {
    return this.#read(VIRTIO_MMIO_CONFIG_GENERATION);
  }

  // [transport-mmio.driver.mmio-device-register-layout.3]
  readConfig(offset: number, widthBytes: AccessWidth): number {
    return this.#bus.read(VIRTIO_MMIO_CONFIG + offset, widthBytes);
  }

  writeConfig(offset: number, widthBytes: AccessWidth, value: number): void {
    this.#bus.write(VIRTIO_MMIO_CONFIG + offset, widthBytes, value >>> 0);
  }

  sharedMemory(id: number): SharedMemoryWindow | null {
    this.#write(VIRTIO_MMIO_SHM_SEL, id);
    const lengthBytes = toBigInt(this.#read(VIRTIO_MMIO_SHM_LEN_HIGH), this.#read(VIRTIO_MMIO_SHM_LEN_LOW));
    if (lengthBytes === NO_LENGTH || lengthBytes === 0n) return null;
    return {
      id,
      hi: this.#read(VIRTIO_MMIO_SHM_BASE_HIGH),
      lo: this.#read(VIRTIO_MMIO_SHM_BASE_LOW),
      lengthBytes,
    };
  }

  vectorOf(_index: number): number {
    return -1;
  }

  readInterruptCauses(): number {
    // [transport-mmio.driver.mmio-device-register-layout.12]
    return this.#read(VIRTIO_MMIO_INTERRUPT_STATUS) & DEFINED_INTERRUPTS;
  }

  acknowledgeInterrupt(causes: number): void {
    // [transport-mmio.driver.mmio-device-register-layout.13]
    this.#write(VIRTIO_MMIO_INTERRUPT_ACK, causes & DEFINED_INTERRUPTS);
  }
}
