import type { AccessWidth } from "../device-under-test.ts";

/** Why the device interrupted, as both transports' status registers say it. */
export interface InterruptCauses {
  /** A used-buffer notification. */
  readonly queue: boolean;
  /** A configuration change notification. */
  readonly config: boolean;
}

/** Where a queue's three areas lie: guest physical addresses. */
export interface QueueAddresses {
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
}

/** A shared memory region as the transport describes it. */
export interface SharedMemoryWindow {
  readonly id: number;
  /** Guest physical address (mmio), or offset from the start of `bar` (pci). */
  readonly address: bigint;
  readonly lengthBytes: bigint;
  /** The base address register it lies behind; null on mmio. */
  readonly bar: number | null;
}

/**
 * The registers of a device by their meaning, whatever the transport. Every method does what its name says, once, and
 * nothing besides: cases decide about order and about what is allowed.
 */
export interface VirtioRegisters {
  readonly transport: "mmio" | "pci";
  /** The virtio device id. */
  deviceId(): Promise<number>;
  /** Device status, 8 bits. */
  status(): Promise<number>;
  /** Writes the device status. */
  setStatus(value: number): Promise<void>;
  /** Offered feature bits `word`·32 … `word`·32+31. */
  deviceFeatures(word: number): Promise<number>;
  /** Accepts 32 feature bits. */
  setDriverFeatures(word: number, value: number): Promise<void>;
  /** Largest size of a queue, 0 when there is none. On pci this is queue_size, which the driver may have reduced. */
  queueSize(queue: number): Promise<number>;
  /** Sets the size of a queue. */
  setQueueSize(queue: number, size: number): Promise<void>;
  /** Sets the addresses of a queue's areas. */
  setQueueAddresses(queue: number, addresses: QueueAddresses): Promise<void>;
  /** QueueReady, or queue_enable. */
  queueEnabled(queue: number): Promise<number>;
  /** Writes QueueReady, or queue_enable. */
  setQueueEnabled(queue: number, value: number): Promise<void>;
  /** QueueReset, or queue_reset. */
  queueReset(queue: number): Promise<number>;
  /** Writes QueueReset, or queue_reset. */
  setQueueReset(queue: number, value: number): Promise<void>;
  /**
   * An available-buffer notification. `data` is what is written instead of the queue's index: the 32 bits of
   * VIRTIO_F_NOTIFICATION_DATA.
   */
  notify(queue: number, data?: number): Promise<void>;
  /** The generation of the configuration space. */
  configGeneration(): Promise<number>;
  /** Reads the device-specific configuration space. */
  config(offset: number, widthBytes: AccessWidth): Promise<number>;
  /** Writes the device-specific configuration space. */
  setConfig(offset: number, widthBytes: AccessWidth, value: number): Promise<void>;
  /** Reads why the device interrupts and acknowledges it, so that the line goes down. Not for use with MSI-X. */
  takeInterrupts(): Promise<InterruptCauses>;
  /** A shared memory region by its id; null when there is none. */
  sharedMemory(id: number): Promise<SharedMemoryWindow | null>;
}
