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
} from "../../wire/mmio.ts";
import type { AccessWidth, MmioRegisters } from "../device-under-test.ts";
import type { InterruptCauses, QueueAddresses, SharedMemoryWindow, VirtioRegisters } from "./registers.ts";

const NO_LENGTH = 0xffffffffffffffffn;

/**
 * virtio over MMIO (virtio 1.4, section 4.2.2).
 *
 * @example
 * ```ts
 * const registers = new MmioVirtioRegisters(transport);
 * await registers.setStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE);
 * ```
 */
export class MmioVirtioRegisters implements VirtioRegisters {
  readonly transport = "mmio";
  /** The registers themselves, for cases about them. */
  readonly raw: MmioRegisters;

  constructor(raw: MmioRegisters) {
    this.raw = raw;
  }

  /** Reads a control register. */
  async read(offset: number): Promise<number> {
    return this.raw.read(offset, 4);
  }

  /** Writes a control register. */
  async write(offset: number, value: number): Promise<void> {
    await this.raw.write(offset, 4, value >>> 0);
  }

  deviceId(): Promise<number> {
    return this.read(VIRTIO_MMIO_DEVICE_ID);
  }

  status(): Promise<number> {
    return this.read(VIRTIO_MMIO_STATUS);
  }

  setStatus(value: number): Promise<void> {
    return this.write(VIRTIO_MMIO_STATUS, value);
  }

  async deviceFeatures(word: number): Promise<number> {
    await this.write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
    return this.read(VIRTIO_MMIO_DEVICE_FEATURES);
  }

  async setDriverFeatures(word: number, value: number): Promise<void> {
    await this.write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
    await this.write(VIRTIO_MMIO_DRIVER_FEATURES, value);
  }

  async queueSize(queue: number): Promise<number> {
    await this.#select(queue);
    return this.read(VIRTIO_MMIO_QUEUE_NUM_MAX);
  }

  async setQueueSize(queue: number, size: number): Promise<void> {
    await this.#select(queue);
    await this.write(VIRTIO_MMIO_QUEUE_NUM, size);
  }

  async setQueueAddresses(queue: number, addresses: QueueAddresses): Promise<void> {
    await this.#select(queue);
    await this.write(VIRTIO_MMIO_QUEUE_DESC_LOW, addresses.descriptors);
    await this.write(VIRTIO_MMIO_QUEUE_DESC_HIGH, upper(addresses.descriptors));
    await this.write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, addresses.driver);
    await this.write(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, upper(addresses.driver));
    await this.write(VIRTIO_MMIO_QUEUE_USED_LOW, addresses.device);
    await this.write(VIRTIO_MMIO_QUEUE_USED_HIGH, upper(addresses.device));
  }

  async queueEnabled(queue: number): Promise<number> {
    await this.#select(queue);
    return this.read(VIRTIO_MMIO_QUEUE_READY);
  }

  async setQueueEnabled(queue: number, value: number): Promise<void> {
    await this.#select(queue);
    await this.write(VIRTIO_MMIO_QUEUE_READY, value);
  }

  async queueReset(queue: number): Promise<number> {
    await this.#select(queue);
    return this.read(VIRTIO_MMIO_QUEUE_RESET);
  }

  async setQueueReset(queue: number, value: number): Promise<void> {
    await this.#select(queue);
    await this.write(VIRTIO_MMIO_QUEUE_RESET, value);
  }

  notify(queue: number, data = queue): Promise<void> {
    return this.write(VIRTIO_MMIO_QUEUE_NOTIFY, data);
  }

  configGeneration(): Promise<number> {
    return this.read(VIRTIO_MMIO_CONFIG_GENERATION);
  }

  async config(offset: number, widthBytes: AccessWidth): Promise<number> {
    return this.raw.read(VIRTIO_MMIO_CONFIG + offset, widthBytes);
  }

  async setConfig(offset: number, widthBytes: AccessWidth, value: number): Promise<void> {
    await this.raw.write(VIRTIO_MMIO_CONFIG + offset, widthBytes, value);
  }

  async takeInterrupts(): Promise<InterruptCauses> {
    const causes = await this.read(VIRTIO_MMIO_INTERRUPT_STATUS);
    if (causes !== 0) await this.write(VIRTIO_MMIO_INTERRUPT_ACK, causes);
    return { queue: (causes & VIRTIO_MMIO_INT_VRING) !== 0, config: (causes & VIRTIO_MMIO_INT_CONFIG) !== 0 };
  }

  async sharedMemory(id: number): Promise<SharedMemoryWindow | null> {
    await this.write(VIRTIO_MMIO_SHM_SEL, id);
    const lengthBytes = await this.#read64(VIRTIO_MMIO_SHM_LEN_LOW, VIRTIO_MMIO_SHM_LEN_HIGH);
    if (lengthBytes === NO_LENGTH) return null;
    const address = await this.#read64(VIRTIO_MMIO_SHM_BASE_LOW, VIRTIO_MMIO_SHM_BASE_HIGH);
    return { id, address, lengthBytes, bar: null };
  }

  #select(queue: number): Promise<void> {
    return this.write(VIRTIO_MMIO_QUEUE_SEL, queue);
  }

  async #read64(low: number, high: number): Promise<bigint> {
    const lo = await this.read(low);
    return (BigInt(await this.read(high)) << 32n) | BigInt(lo);
  }
}

function upper(address: number): number {
  return Math.floor(address / 2 ** 32);
}
