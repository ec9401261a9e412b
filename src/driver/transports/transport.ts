import type { RingMemory } from "../rings/driver-ring.ts";

/** A cause of an interrupt: buffers were used. The bits are those of both transports' status registers. */
export const INTERRUPT_QUEUE = 1;
/** A cause of an interrupt: the configuration space changed, or the device needs a reset. */
export const INTERRUPT_CONFIG = 2;

/** Where the device exposes memory to the driver (virtio 1.4, section 2.10). Guest physical, in 32-bit halves. */
export interface SharedMemoryWindow {
  readonly id: number;
  readonly hi: number;
  readonly lo: number;
  readonly lengthBytes: bigint;
}

/** A width of a register access, in bytes. */
export type AccessWidth = 1 | 2 | 4;

/**
 * How a driver reaches the registers of a device, whatever the bus. The methods do what their names say and
 * nothing more: the order in which a device must be driven is `VirtioDriver`'s business. All values are unsigned.
 */
export interface DriverTransport {
  readonly kind: "mmio" | "pci" | "ccw";
  /** Virtio device id (virtio 1.4, chapter 5). */
  readonly deviceId: number;
  readonly vendorId: number;
  /** Feature bits that mean nothing on this transport: never to be accepted. */
  readonly unsupportedFeatures: readonly number[];

  /** The device status field. */
  readStatus(): number;
  /** Writing 0 resets the device. */
  writeStatus(value: number): void;
  /** Offered feature bits `word`·32 … `word`·32+31. */
  readDeviceFeatures(word: number): number;
  /** Accepts 32 feature bits, from bit `32 * word` on. */
  writeDriverFeatures(word: number, value: number): void;
  /** Tells the transport what was negotiated; it shapes notifications. Called once FEATURES_OK stands. */
  negotiated(hasFeature: (bit: number) => boolean): void;

  /** Largest size of a queue, 0 when there is none of this index. */
  queueMaxSize(index: number): number;
  /** Whether a queue is enabled. */
  queueEnabled(index: number): boolean;
  /**
   * Configures a queue that is not enabled, and enables it. Throws `DriverError` EIO when the device refuses the
   * interrupt vector.
   */
  enableQueue(index: number, size: number, memory: RingMemory): void;
  /** Takes a queue out of use. Only virtio-mmio can; throws `DriverError` EOPNOTSUPP elsewhere. */
  disableQueue(index: number): void;
  /** Begins the reset of a queue; VIRTIO_F_RING_RESET must be negotiated. */
  startQueueReset(index: number): void;
  /** True once the reset of the queue is complete. */
  queueResetDone(index: number): boolean;
  /** An available-buffer notification. `notificationData` is the ring's, used with VIRTIO_F_NOTIFICATION_DATA. */
  notify(index: number, notificationData: number): void;

  /** The version of the configuration space. */
  configGeneration(): number;
  /** Reads a field of the device-specific configuration space with its own width. */
  readConfig(offset: number, widthBytes: AccessWidth): number;
  /** Writes the configuration space. */
  writeConfig(offset: number, widthBytes: AccessWidth, value: number): void;
  /** A shared memory region by its id, null when the device has none of this id. */
  sharedMemory(id: number): SharedMemoryWindow | null;

  /** True when interrupts are messages, which tell their cause by their vector. */
  readonly usesMessages: boolean;
  /** Vector of a queue, or of configuration changes for -1; -1 when there is none. */
  vectorOf(index: number): number;
  /** What the interrupt line is asserted for: INTERRUPT_QUEUE, INTERRUPT_CONFIG, both or 0. */
  readInterruptCauses(): number;
  /** Acknowledges causes, so that the line goes down. */
  acknowledgeInterrupt(causes: number): void;
}
