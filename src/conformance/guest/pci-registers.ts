import {
  PCI_CAP_ID_VNDR,
  PCI_CAP_LIST_ID,
  PCI_CAP_LIST_NEXT,
  PCI_CAPABILITY_LIST,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_DEVICE_ID,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  PCI_SUBSYSTEM_ID,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_CAP64,
  VIRTIO_PCI_COMMON_CFG,
  VIRTIO_PCI_DEVICE_ID_BASE,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
  VIRTIO_PCI_NOTIFY_CAP,
} from "../../wire/pci.ts";
import type { AccessWidth, PciFunction } from "../device-under-test.ts";
import { CaseFailure } from "../verdicts.ts";
import type { InterruptCauses, QueueAddresses, SharedMemoryWindow, VirtioRegisters } from "./registers.ts";

const MAX_CAPABILITIES = 64;

/** A capability of the configuration space. */
export interface FoundCapability {
  /** Where it stands in the configuration space. */
  readonly at: number;
  /** Its PCI capability id. */
  readonly id: number;
}

/** A virtio structure, as a struct virtio_pci_cap describes it. */
export interface FoundStructure {
  /** Where the capability stands in the configuration space. */
  readonly at: number;
  readonly lengthOfCapability: number;
  readonly type: number;
  readonly bar: number;
  readonly id: number;
  /** Offset of the structure from the start of the BAR, bytes. */
  readonly offset: number;
  readonly lengthBytes: number;
}

/**
 * virtio over PCI (virtio 1.4, section 4.1), found by walking the capabilities.
 *
 * @example
 * ```ts
 * const registers = await PciVirtioRegisters.find(transport);
 * const { bar, offset } = registers.structure(VIRTIO_PCI_CAP_COMMON_CFG);
 * ```
 */
export class PciVirtioRegisters implements VirtioRegisters {
  readonly transport = "pci";
  /** The function itself, for cases about it. */
  readonly raw: PciFunction;
  /** Every virtio structure, in the order of the list. */
  readonly structures: readonly FoundStructure[];
  /** Bytes between the notification registers of neighbouring values of queue_notify_off. */
  readonly notifyOffMultiplier: number;

  private constructor(raw: PciFunction, structures: readonly FoundStructure[], notifyOffMultiplier: number) {
    this.raw = raw;
    this.structures = structures;
    this.notifyOffMultiplier = notifyOffMultiplier;
  }

  /** Switches the function on and walks its capabilities. Throws {@link CaseFailure} when the list does not end. */
  static async find(raw: PciFunction): Promise<PciVirtioRegisters> {
    const command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    await raw.configWrite(PCI_COMMAND, 2, command);
    const structures: FoundStructure[] = [];
    for (const { at, id } of await capabilitiesOf(raw)) {
      if (id !== PCI_CAP_ID_VNDR) continue;
      structures.push({
        at,
        lengthOfCapability: await raw.configRead(at + VIRTIO_PCI_CAP.cap_len, 1),
        type: await raw.configRead(at + VIRTIO_PCI_CAP.cfg_type, 1),
        bar: await raw.configRead(at + VIRTIO_PCI_CAP.bar, 1),
        id: await raw.configRead(at + VIRTIO_PCI_CAP.id, 1),
        offset: await raw.configRead(at + VIRTIO_PCI_CAP.offset, 4),
        lengthBytes: await raw.configRead(at + VIRTIO_PCI_CAP.length, 4),
      });
    }
    const notify = structures.find(({ type }) => type === VIRTIO_PCI_CAP_NOTIFY_CFG);
    const multiplier =
      notify === undefined
        ? 0
        : await raw.configRead(notify.at + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier, 4);
    return new PciVirtioRegisters(raw, structures, multiplier);
  }

  /** The first structure of a type; throws {@link CaseFailure} when there is none. */
  structure(type: number): FoundStructure {
    const found = this.structures.find((structure) => structure.type === type && structure.bar < 6);
    if (found === undefined) throw new CaseFailure(`the device has no virtio structure of type ${type}`);
    return found;
  }

  /** Reads a field of the common configuration structure. */
  async common(offset: number, widthBytes: AccessWidth): Promise<number> {
    const { bar, offset: start } = this.structure(VIRTIO_PCI_CAP_COMMON_CFG);
    return this.raw.barRead(bar, start + offset, widthBytes);
  }

  /** Writes a field of the common configuration structure. */
  async setCommon(offset: number, widthBytes: AccessWidth, value: number): Promise<void> {
    const { bar, offset: start } = this.structure(VIRTIO_PCI_CAP_COMMON_CFG);
    await this.raw.barWrite(bar, start + offset, widthBytes, value);
  }

  async deviceId(): Promise<number> {
    const id = await this.raw.configRead(PCI_DEVICE_ID, 2);
    return id >= VIRTIO_PCI_DEVICE_ID_BASE
      ? id - VIRTIO_PCI_DEVICE_ID_BASE
      : this.raw.configRead(PCI_SUBSYSTEM_ID, 2);
  }

  status(): Promise<number> {
    return this.common(VIRTIO_PCI_COMMON_CFG.device_status, 1);
  }

  setStatus(value: number): Promise<void> {
    return this.setCommon(VIRTIO_PCI_COMMON_CFG.device_status, 1, value);
  }

  async deviceFeatures(word: number): Promise<number> {
    await this.setCommon(VIRTIO_PCI_COMMON_CFG.device_feature_select, 4, word);
    return this.common(VIRTIO_PCI_COMMON_CFG.device_feature, 4);
  }

  async setDriverFeatures(word: number, value: number): Promise<void> {
    await this.setCommon(VIRTIO_PCI_COMMON_CFG.driver_feature_select, 4, word);
    await this.setCommon(VIRTIO_PCI_COMMON_CFG.driver_feature, 4, value >>> 0);
  }

  /** Reads back accepted features; only pci has this register. */
  async driverFeatures(word: number): Promise<number> {
    await this.setCommon(VIRTIO_PCI_COMMON_CFG.driver_feature_select, 4, word);
    return this.common(VIRTIO_PCI_COMMON_CFG.driver_feature, 4);
  }

  async queueSize(queue: number): Promise<number> {
    await this.selectQueue(queue);
    return this.common(VIRTIO_PCI_COMMON_CFG.queue_size, 2);
  }

  async setQueueSize(queue: number, size: number): Promise<void> {
    await this.selectQueue(queue);
    await this.setCommon(VIRTIO_PCI_COMMON_CFG.queue_size, 2, size);
  }

  async setQueueAddresses(queue: number, addresses: QueueAddresses): Promise<void> {
    await this.selectQueue(queue);
    await this.#set64(VIRTIO_PCI_COMMON_CFG.queue_desc, addresses.descriptors);
    await this.#set64(VIRTIO_PCI_COMMON_CFG.queue_driver, addresses.driver);
    await this.#set64(VIRTIO_PCI_COMMON_CFG.queue_device, addresses.device);
  }

  async queueEnabled(queue: number): Promise<number> {
    await this.selectQueue(queue);
    return this.common(VIRTIO_PCI_COMMON_CFG.queue_enable, 2);
  }

  async setQueueEnabled(queue: number, value: number): Promise<void> {
    await this.selectQueue(queue);
    await this.setCommon(VIRTIO_PCI_COMMON_CFG.queue_enable, 2, value);
  }

  async queueReset(queue: number): Promise<number> {
    await this.selectQueue(queue);
    return this.common(VIRTIO_PCI_COMMON_CFG.queue_reset, 2);
  }

  async setQueueReset(queue: number, value: number): Promise<void> {
    await this.selectQueue(queue);
    await this.setCommon(VIRTIO_PCI_COMMON_CFG.queue_reset, 2, value);
  }

  async notify(queue: number, data?: number): Promise<void> {
    const { bar, offset } = this.structure(VIRTIO_PCI_CAP_NOTIFY_CFG);
    await this.selectQueue(queue);
    const notifyOff = await this.common(VIRTIO_PCI_COMMON_CFG.queue_notify_off, 2);
    const register = offset + notifyOff * this.notifyOffMultiplier;
    if (data === undefined) await this.raw.barWrite(bar, register, 2, queue);
    else await this.raw.barWrite(bar, register, 4, data);
  }

  configGeneration(): Promise<number> {
    return this.common(VIRTIO_PCI_COMMON_CFG.config_generation, 1);
  }

  async config(offset: number, widthBytes: AccessWidth): Promise<number> {
    const { bar, offset: start } = this.structure(VIRTIO_PCI_CAP_DEVICE_CFG);
    return this.raw.barRead(bar, start + offset, widthBytes);
  }

  async setConfig(offset: number, widthBytes: AccessWidth, value: number): Promise<void> {
    const { bar, offset: start } = this.structure(VIRTIO_PCI_CAP_DEVICE_CFG);
    await this.raw.barWrite(bar, start + offset, widthBytes, value);
  }

  async takeInterrupts(): Promise<InterruptCauses> {
    const { bar, offset } = this.structure(VIRTIO_PCI_CAP_ISR_CFG);
    const isr = await this.raw.barRead(bar, offset, 1);
    return { queue: (isr & VIRTIO_PCI_ISR_QUEUE) !== 0, config: (isr & VIRTIO_PCI_ISR_CONFIG) !== 0 };
  }

  async sharedMemory(id: number): Promise<SharedMemoryWindow | null> {
    const found = this.structures.find(
      (structure) => structure.type === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG && structure.id === id,
    );
    if (found === undefined) return null;
    const offsetHi = await this.raw.configRead(found.at + VIRTIO_PCI_CAP64.offset_hi, 4);
    const lengthHi = await this.raw.configRead(found.at + VIRTIO_PCI_CAP64.length_hi, 4);
    return {
      id,
      address: (BigInt(offsetHi) << 32n) | BigInt(found.offset),
      lengthBytes: (BigInt(lengthHi) << 32n) | BigInt(found.lengthBytes),
      bar: found.bar,
    };
  }

  /** Writes queue_select. */
  selectQueue(queue: number): Promise<void> {
    return this.setCommon(VIRTIO_PCI_COMMON_CFG.queue_select, 2, queue);
  }

  async #set64(offset: number, address: number): Promise<void> {
    await this.setCommon(offset, 4, address % 2 ** 32);
    await this.setCommon(offset + 4, 4, Math.floor(address / 2 ** 32));
  }
}

/**
 * The capability list, in its order. Throws {@link CaseFailure} when it does not end.
 *
 * @example
 * ```ts
 * const hasMsix = (await capabilitiesOf(transport)).some(({ id }) => id === PCI_CAP_ID_MSIX);
 * ```
 */
export async function capabilitiesOf(pci: PciFunction): Promise<FoundCapability[]> {
  const found: FoundCapability[] = [];
  if (((await pci.configRead(PCI_STATUS, 2)) & PCI_STATUS_CAP_LIST) === 0) return found;
  let at = await pci.configRead(PCI_CAPABILITY_LIST, 1);
  while (at !== 0) {
    if (found.length === MAX_CAPABILITIES) throw new CaseFailure("the list of PCI capabilities does not end");
    found.push({ at, id: await pci.configRead(at + PCI_CAP_LIST_ID, 1) });
    at = (await pci.configRead(at + PCI_CAP_LIST_NEXT, 1)) & 0xfc;
  }
  return found;
}
