import { checkArgument, checkOptions, type OptionRules } from "../../base/options.ts";
import { VIRTIO_DEVICE_RULE } from "../../device/device-options.ts";
import type { SharedMemoryRegion } from "../../device/device-type.ts";
import { inside } from "../../device/state/schema.ts";
import type { VirtioDevice } from "../../device/virtio-device.ts";
import type { QueueConfig } from "../../virtqueue/config.ts";
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
import { MMIO_POLICIES, type MmioPolicy } from "./policy.ts";
import { MMIO_STATE_VERSION, readSavedMmio, type SavedMmioTransport } from "./saved-state.ts";
import { locateSharedMemory, NO_SHARED_MEMORY, type ShmLocation } from "./shared-memory.ts";

/** Choices for a {@link MmioTransport}. */
export interface MmioTransportOptions {
  /** Register VendorID, 32 bits. Default 0x1af4; with the profile `qemu` 0x554d4551. */
  readonly vendorId?: number;
  /**
   * Guest physical address of each of the device's shared memory regions, by id. Required when the device has any;
   * that the guest finds the region's buffer there is the embedder's part.
   */
  readonly sharedMemoryBases?: Readonly<Record<number, bigint | number>>;
  /**
   * The interrupt line changed; level-triggered, not asserted at first. May call back into the transport: the
   * register state is up to date when it is called.
   */
  readonly onInterrupt?: (asserted: boolean) => void;
}

const RULES: OptionRules<MmioTransportOptions> = {
  vendorId: [0, 0xffffffff],
  sharedMemoryBases: "object",
  onInterrupt: "function",
};

// Not defined for this transport, or reserved for it (section 4.2.5), so that it must not be offered.
const UNSUPPORTED_FEATURES = [VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_ADMIN_VQ, VIRTIO_F_SR_IOV];

const INTERRUPT_BITS = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG;

/**
 * Virtio over MMIO, version 2 (virtio 1.4, section 4.2): the registers of one device. The embedder decodes guest
 * accesses to the device's range and passes on offset, width and value; it reflects `onInterrupt` in its
 * interrupt controller.
 *
 * Accesses the specification does not allow (another width or alignment, reads of write-only registers, writes of
 * read-only ones, offsets without a register) read as 0, have no effect, and are counted and traced by the device.
 *
 * @example
 * ```ts
 * const device = new VirtioDevice(type, { memory });
 * const transport = new MmioTransport(device, { onInterrupt: (asserted) => controller.set(5, asserted) });
 * transport.read(0x000, 4); // 0x74726976
 * ```
 */
export class MmioTransport {
  readonly device: VirtioDevice;
  /** Bytes of address space to reserve: a power of two, at least 512, that holds all registers. */
  readonly sizeBytes: number;

  readonly #policy: MmioPolicy;
  readonly #vendorId: number;
  readonly #onInterrupt: ((asserted: boolean) => void) | null;
  readonly #sharedMemory: ReadonlyMap<number, ShmLocation>;

  #deviceFeaturesSel = 0;
  #driverFeaturesSel = 0;
  #queueSel = 0;
  #shmSel = 0;
  #interruptStatus = 0;
  #asserted = false;
  /** Queue that is being reset this moment, -1 when none is. */
  #resetting = -1;
  /** During the reset that begins a restore: what the driver sees goes from what it was to what was saved. */
  #restoring = false;

  /** Throws `VirtioUsageError` when the device has a transport already or its shared memory has no address. */
  constructor(device: VirtioDevice, options: MmioTransportOptions = {}) {
    checkOptions("MmioTransport", options, RULES);
    checkArgument("MmioTransport", "device", device, VIRTIO_DEVICE_RULE);
    this.device = device;
    this.#policy = MMIO_POLICIES[device.profile];
    this.#vendorId = (options.vendorId ?? this.#policy.vendorId) >>> 0;
    this.#onInterrupt = options.onInterrupt ?? null;
    this.#sharedMemory = locateSharedMemory(device.type.sharedMemory, options.sharedMemoryBases ?? {});
    let size = 0x200;
    while (size < VIRTIO_MMIO_CONFIG + device.type.configLengthBytes) size *= 2;
    this.sizeBytes = size;
    device.connect(
      {
        // Each event shows from the moment it takes place. [transport-mmio.device.mmio-device-register-layout.3]
        queueInterrupt: () => this.#raise(VIRTIO_MMIO_INT_VRING),
        configInterrupt: () => this.#raise(VIRTIO_MMIO_INT_CONFIG),
        deviceReset: () => this.#deviceReset(),
      },
      UNSUPPORTED_FEATURES,
    );
  }

  /** Level of the interrupt line. */
  get interruptAsserted(): boolean {
    return this.#asserted;
  }

  /** The device's shared memory regions, for the embedder to map. */
  get sharedMemory(): readonly SharedMemoryRegion[] {
    return this.device.type.sharedMemory;
  }

  /** The machine is reset: as a driver's write of 0 to Status. */
  reset(): void {
    this.device.reset();
  }

  /**
   * The guest reads. `offset` in bytes from the device's base. The result is unsigned; little-endian registers
   * come as numbers.
   */
  read(offset: number, widthBytes: number): number {
    if (offset >= VIRTIO_MMIO_CONFIG) return this.#readConfig(offset - VIRTIO_MMIO_CONFIG, widthBytes);
    if (widthBytes !== 4 || offset % 4 !== 0) return this.#ignoredRead("mmio-read-width", offset);
    const device = this.device;
    switch (offset) {
      case VIRTIO_MMIO_MAGIC_VALUE:
        return VIRTIO_MMIO_MAGIC; // [transport-mmio.device.mmio-device-register-layout.1]
      case VIRTIO_MMIO_VERSION:
        return VIRTIO_MMIO_VERSION_2; // [transport-mmio.device.mmio-device-register-layout.2]
      case VIRTIO_MMIO_DEVICE_ID:
        return device.type.deviceId;
      case VIRTIO_MMIO_VENDOR_ID:
        return this.#vendorId;
      case VIRTIO_MMIO_DEVICE_FEATURES:
        return device.deviceFeatureWord(this.#deviceFeaturesSel);
      case VIRTIO_MMIO_QUEUE_NUM_MAX:
        return device.queueSizeLimit(this.#queueSel);
      case VIRTIO_MMIO_QUEUE_READY:
        return device.queueEnabled(this.#queueSel) ? 1 : 0;
      case VIRTIO_MMIO_INTERRUPT_STATUS:
        return this.#interruptStatus;
      case VIRTIO_MMIO_STATUS:
        return device.pollStatus();
      case VIRTIO_MMIO_SHM_LEN_LOW:
        return this.#shm.lengthLo;
      case VIRTIO_MMIO_SHM_LEN_HIGH:
        return this.#shm.lengthHi;
      case VIRTIO_MMIO_SHM_BASE_LOW:
        return this.#hidesBase ? 0 : this.#shm.baseLo;
      case VIRTIO_MMIO_SHM_BASE_HIGH:
        return this.#hidesBase ? 0 : this.#shm.baseHi;
      case VIRTIO_MMIO_QUEUE_RESET:
        // 1 only while the reset runs. [transport-mmio.device.mmio-device-register-layout.11]
        return this.#resetting === this.#queueSel ? 1 : 0;
      case VIRTIO_MMIO_CONFIG_GENERATION:
        return device.configGeneration; // [transport-mmio.device.mmio-device-register-layout.6]
      case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
      case VIRTIO_MMIO_DRIVER_FEATURES:
      case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
      case VIRTIO_MMIO_QUEUE_SEL:
      case VIRTIO_MMIO_QUEUE_NUM:
      case VIRTIO_MMIO_QUEUE_NOTIFY:
      case VIRTIO_MMIO_INTERRUPT_ACK:
      case VIRTIO_MMIO_QUEUE_DESC_LOW:
      case VIRTIO_MMIO_QUEUE_DESC_HIGH:
      case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
      case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
      case VIRTIO_MMIO_QUEUE_USED_LOW:
      case VIRTIO_MMIO_QUEUE_USED_HIGH:
      case VIRTIO_MMIO_SHM_SEL:
        return this.#ignoredRead("mmio-read-of-write-only", offset);
      default:
        return this.#ignoredRead("mmio-read-of-nothing", offset);
    }
  }

  /** The guest writes. `offset` in bytes from the device's base; bits of `value` beyond the width are dropped. */
  write(offset: number, widthBytes: number, value: number): void {
    // First, because it is the only write on the way of a request.
    if (offset === VIRTIO_MMIO_QUEUE_NOTIFY && widthBytes === 4) {
      this.#notify(value >>> 0);
      return;
    }
    if (offset >= VIRTIO_MMIO_CONFIG) {
      this.#writeConfig(offset - VIRTIO_MMIO_CONFIG, widthBytes, value);
      return;
    }
    if (widthBytes !== 4 || offset % 4 !== 0) {
      this.device.ignored("mmio-write-width", offset);
      return;
    }
    this.#writeRegister(offset, value >>> 0);
  }

  #writeRegister(offset: number, value: number): void {
    switch (offset) {
      case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        this.#deviceFeaturesSel = this.#featureWord(value);
        return;
      case VIRTIO_MMIO_DRIVER_FEATURES:
        this.device.writeDriverFeatureWord(this.#driverFeaturesSel, value);
        return;
      case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        this.#driverFeaturesSel = this.#featureWord(value);
        return;
      case VIRTIO_MMIO_QUEUE_SEL:
        if (value < this.#policy.queueSelectEnd) this.#queueSel = value;
        return;
      case VIRTIO_MMIO_QUEUE_NUM:
        // The driver can't read it back, so that a size out of range is kept and refused when the queue is enabled.
        // No size above 16 bits can be right; 0xffff is as wrong as any.
        this.#writeQueue({ size: Math.min(value, 0xffff) });
        return;
      case VIRTIO_MMIO_QUEUE_READY:
        this.#writeQueueReady(value);
        return;
      case VIRTIO_MMIO_INTERRUPT_ACK:
        this.#acknowledge(value);
        return;
      case VIRTIO_MMIO_STATUS:
        this.#writeStatus(value);
        return;
      case VIRTIO_MMIO_QUEUE_DESC_LOW:
        this.#writeQueue({ descLo: value });
        return;
      case VIRTIO_MMIO_QUEUE_DESC_HIGH:
        this.#writeQueue({ descHi: value });
        return;
      case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
        this.#writeQueue({ driverLo: value });
        return;
      case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
        this.#writeQueue({ driverHi: value });
        return;
      case VIRTIO_MMIO_QUEUE_USED_LOW:
        this.#writeQueue({ deviceLo: value });
        return;
      case VIRTIO_MMIO_QUEUE_USED_HIGH:
        this.#writeQueue({ deviceHi: value });
        return;
      case VIRTIO_MMIO_SHM_SEL:
        this.#shmSel = value;
        return;
      case VIRTIO_MMIO_QUEUE_RESET:
        this.#resetQueue(value);
        return;
      case VIRTIO_MMIO_MAGIC_VALUE:
      case VIRTIO_MMIO_VERSION:
      case VIRTIO_MMIO_DEVICE_ID:
      case VIRTIO_MMIO_VENDOR_ID:
      case VIRTIO_MMIO_DEVICE_FEATURES:
      case VIRTIO_MMIO_QUEUE_NUM_MAX:
      case VIRTIO_MMIO_INTERRUPT_STATUS:
      case VIRTIO_MMIO_SHM_LEN_LOW:
      case VIRTIO_MMIO_SHM_LEN_HIGH:
      case VIRTIO_MMIO_SHM_BASE_LOW:
      case VIRTIO_MMIO_SHM_BASE_HIGH:
      case VIRTIO_MMIO_CONFIG_GENERATION:
        this.device.ignored("mmio-write-of-read-only", offset);
        return;
      default:
        this.device.ignored("mmio-write-of-nothing", offset);
    }
  }

  #featureWord(value: number): number {
    return this.#policy.featureSelect === "bit" ? Math.min(value, 1) : value;
  }

  #writeQueue(fields: Partial<QueueConfig>): void {
    this.device.writeQueueConfig(this.#queueSel, fields);
  }

  #writeQueueReady(value: number): void {
    if (value === 0) this.device.disableQueue(this.#queueSel);
    else if (value === 1 || this.#policy.queueReady === "non-zero") this.device.enableQueue(this.#queueSel);
    else this.device.ignored("mmio-queue-ready-value", value);
  }

  #resetQueue(value: number): void {
    if (value !== 1) {
      this.device.ignored("mmio-queue-reset-value", value);
      return;
    }
    const outer = this.#resetting;
    this.#resetting = this.#queueSel;
    try {
      this.device.resetQueue(this.#queueSel);
    } finally {
      this.#resetting = outer;
    }
  }

  #writeStatus(value: number): void {
    // Only 0 itself resets; what has bits in the reserved part alone is not 0.
    if (value > 0xff) this.device.ignored("mmio-status-value", value);
    const resets = value === 0 || this.#policy.statusBits === "low-byte";
    if (resets || (value & 0xff) !== 0) this.device.writeStatus(value & 0xff);
  }

  #notify(value: number): void {
    // next_off and next_wrap are hints: the ring itself is the truth, and reading it costs no more.
    const index = this.device.hasFeature(VIRTIO_F_NOTIFICATION_DATA) ? value & 0xffff : value;
    this.device.notify(index);
  }

  // Configuration space, accessed with byte alignment

  #readConfig(offset: number, widthBytes: number): number {
    if (!this.#inConfig(offset, widthBytes)) {
      const ignored = this.#ignoredRead("mmio-config-read", offset);
      return this.#policy.behindConfig === "zeros" ? ignored : 2 ** (8 * widthBytes) - 1;
    }
    return this.device.readConfig(offset, widthBytes);
  }

  #writeConfig(offset: number, widthBytes: number, value: number): void {
    if (!this.#inConfig(offset, widthBytes)) {
      this.device.ignored("mmio-config-write", offset);
      return;
    }
    const bits = widthBytes === 4 ? value >>> 0 : value & (widthBytes === 2 ? 0xffff : 0xff);
    this.device.writeConfig(offset, widthBytes, bits);
  }

  #inConfig(offset: number, widthBytes: number): boolean {
    return (
      (widthBytes === 1 || widthBytes === 2 || widthBytes === 4) &&
      offset + widthBytes <= this.device.type.configLengthBytes
    );
  }

  get #shm(): ShmLocation {
    return this.#sharedMemory.get(this.#shmSel) ?? NO_SHARED_MEMORY;
  }

  get #hidesBase(): boolean {
    return this.#shm === NO_SHARED_MEMORY && this.#policy.noSharedMemory === "length-only";
  }

  #ignoredRead(what: string, offset: number): number {
    this.device.ignored(what, offset);
    return 0;
  }

  // Interrupts

  #raise(bit: number): void {
    this.#interruptStatus |= bit;
    if (bit === VIRTIO_MMIO_INT_CONFIG && this.#policy.configChange === "both-bits") {
      this.#interruptStatus |= VIRTIO_MMIO_INT_VRING;
    }
    this.#updateLine();
  }

  #acknowledge(value: number): void {
    if ((value & ~INTERRUPT_BITS) !== 0) this.device.ignored("mmio-interrupt-ack-value", value);
    this.#interruptStatus &= ~value;
    this.#updateLine();
  }

  // State first, callback last: the handler may read and write registers.
  #updateLine(): void {
    const asserted = this.#interruptStatus !== 0;
    if (asserted === this.#asserted) return;
    this.#asserted = asserted;
    this.#onInterrupt?.(asserted);
  }

  // Reset, save, restore

  #deviceReset(): void {
    if (this.#restoring) return;
    this.#deviceFeaturesSel = 0;
    this.#driverFeaturesSel = 0;
    this.#queueSel = 0;
    this.#shmSel = 0;
    // [transport-mmio.device.mmio-device-register-layout.5]
    this.#interruptStatus = 0;
    this.#updateLine();
  }

  /** Device and registers as one plain object. Throws `VirtioUsageError` while chains are in flight. */
  save(): SavedMmioTransport {
    return {
      transport: "mmio",
      version: MMIO_STATE_VERSION,
      device: this.device.save(),
      deviceFeaturesSel: this.#deviceFeaturesSel,
      driverFeaturesSel: this.#driverFeaturesSel,
      queueSel: this.#queueSel,
      shmSel: this.#shmSel,
      interruptStatus: this.#interruptStatus,
    };
  }

  /**
   * Takes over a saved state, of this version or an older one; guest memory must be restored already. Throws
   * `VirtioUsageError`, which names what is wrong, when the state does not fit; then everything stays as it was, unless
   * a back end refused its part of a good state: then the device is reset. `onInterrupt` is called when the level
   * differs from what it was before.
   */
  restore(state: SavedMmioTransport): void {
    const saved = readSavedMmio(state);
    const takeOver = inside("device", () => this.device.prepareRestore(saved.device));
    this.#restoring = true;
    try {
      takeOver({
        takeOver: () => {
          this.#restoring = false;
          this.#deviceFeaturesSel = saved.deviceFeaturesSel;
          this.#driverFeaturesSel = saved.driverFeaturesSel;
          this.#queueSel = saved.queueSel;
          this.#shmSel = saved.shmSel;
          this.#interruptStatus = saved.interruptStatus;
        },
        resume: () => this.#updateLine(),
      });
    } catch (error) {
      this.#restoring = false;
      this.device.reset();
      throw error;
    }
  }
}
