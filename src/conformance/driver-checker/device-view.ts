import {
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FAILED,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_SUSPEND,
} from "../../wire/common.ts";
import type { DriverEvent, QueueArea } from "./events.ts";

const MOST_QUEUES = 1024;
const MOST_FEATURE_WORDS = 8;
const TWO_32 = 4294967296;

/** A virtqueue as the driver configured it. */
export class QueueView {
  readonly index: number;
  /** Entries: as the driver wrote, or as the device proposed; 0 when neither is known. */
  size = 0;
  /** As the device reports; 0 when the driver never asked. */
  sizeMax = 0;
  /** Guest physical addresses, by area. */
  readonly addresses: Record<QueueArea, number> = { descriptors: 0, driver: 0, device: 0 };
  /** What was configured since the device's or the queue's last reset. */
  readonly written: Record<QueueArea | "size", boolean> = {
    descriptors: false,
    driver: false,
    device: false,
    size: false,
  };
  enabled = false;
  /** It was enabled before, and a queue reset took it out of use. */
  wasReset = false;
  /** A queue reset was asked for, and the driver has not yet read that it is complete. */
  resetPending = false;
  /** Last values the driver read of queue_notify_off and queue_notif_config_data; -1 when it did not. */
  notifyOffset = -1;
  notifyData = -1;
  notifications = 0;

  constructor(index: number) {
    this.index = index;
  }

  /** Forgets what a reset of the device or of the queue undoes. */
  forget(): void {
    this.enabled = false;
    for (const area of ["descriptors", "driver", "device"] as const) {
      this.addresses[area] = 0;
      this.written[area] = false;
    }
    this.written.size = false;
    this.size = 0;
    this.notifyOffset = -1;
    this.notifyData = -1;
  }
}

/**
 * The device as its driver knows it: made of what the driver wrote and of what it read. Rules look at the state
 * before an event; the event is applied afterwards.
 */
export class DeviceView {
  readonly transport: "mmio" | "pci";
  /** Virtio device id; -1 when unknown. */
  deviceId = -1;
  /** Bytes of the device-specific configuration space; -1 when unknown. */
  configLengthBytes = -1;
  /** What the driver last wrote to the status field, or read from it. */
  status = 0;
  /** True once the driver wrote 0 to the status field, until it read 0 from it. */
  resetPending = false;
  /** Whether the driver wrote 0 at least once. */
  everReset = false;
  /** Whether the driver wrote a non-zero status since the last reset. */
  begun = false;
  /** Words of offered features as the driver read them since the last reset; undefined when it did not. */
  offered: (number | undefined)[] = [];
  /** Words of offered features as ever read. */
  everOffered: (number | undefined)[] = [];
  /** Words of accepted features, as written since the last reset. */
  accepted: number[] = [];
  /** The driver read FEATURES_OK back: `yes`, `refused`, or it did not look since it wrote it. */
  featuresOk: "unread" | "yes" | "refused" = "unread";
  /** The driver wrote FAILED since the last reset. */
  failed = false;
  /** The driver read DEVICE_NEEDS_RESET since the last reset. */
  sawNeedsReset = false;
  selectedQueue = -1;
  readonly queues = new Map<number, QueueView>();

  constructor(transport: "mmio" | "pci") {
    this.transport = transport;
  }

  /** Whether the driver wrote DRIVER_OK and neither side took it back. */
  get live(): boolean {
    return (this.status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0;
  }

  /** Whether a driver may notify the device at all. */
  get mayNotify(): boolean {
    return this.live && (this.status & VIRTIO_CONFIG_S_SUSPEND) === 0 && !this.sawNeedsReset && !this.failed;
  }

  /** Whether a feature was accepted, as far as written. */
  hasFeature(bit: number): boolean {
    return (((this.accepted[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) !== 0;
  }

  /** Whether a feature was offered; undefined when the driver never looked. */
  offers(bit: number): boolean | undefined {
    const word = this.offered[bit >>> 5] ?? this.everOffered[bit >>> 5];
    return word === undefined ? undefined : ((word >>> (bit & 31)) & 1) !== 0;
  }

  /** All accepted feature bits. */
  acceptedBits(): number[] {
    const bits: number[] = [];
    for (const [index, word] of this.accepted.entries()) {
      for (let bit = 0; bit < 32; bit++) if ((((word ?? 0) >>> bit) & 1) !== 0) bits.push(32 * index + bit);
    }
    return bits;
  }

  /** The view of a queue, made when first needed; beyond 1024 queues one that nobody remembers. */
  queue(index: number): QueueView {
    let queue = this.queues.get(index);
    if (queue === undefined) {
      queue = new QueueView(index);
      if (this.queues.size < MOST_QUEUES) this.queues.set(index, queue);
    }
    return queue;
  }

  /** Takes an event into account. */
  apply(event: DriverEvent): void {
    switch (event.kind) {
      case "status-read":
        if (event.value === 0) this.resetPending = false;
        this.#statusRead(event.value);
        break;
      case "status-write":
        this.#statusWritten(event.value);
        break;
      case "device-features-read":
        if (event.word < MOST_FEATURE_WORDS) {
          this.offered[event.word] = event.value;
          this.everOffered[event.word] = event.value;
        }
        break;
      case "driver-features-write":
        if (event.word < MOST_FEATURE_WORDS) {
          while (this.accepted.length < event.word) this.accepted.push(0);
          this.accepted[event.word] = event.value;
        }
        break;
      case "queue-select":
        this.selectedQueue = event.queue;
        break;
      case "queue-size-read": {
        const queue = this.queue(event.queue);
        if (this.transport === "mmio" || !queue.written.size) {
          queue.sizeMax = event.value;
          if (!queue.written.size) queue.size = event.value;
        }
        break;
      }
      case "queue-size-write": {
        const queue = this.queue(event.queue);
        queue.size = event.value;
        queue.written.size = true;
        break;
      }
      case "queue-address-write": {
        const queue = this.queue(event.queue);
        const old = queue.addresses[event.area];
        queue.addresses[event.area] =
          event.half === "low"
            ? Math.floor(old / TWO_32) * TWO_32 + (event.value >>> 0)
            : (old % TWO_32) + (event.value >>> 0) * TWO_32;
        queue.written[event.area] = true;
        break;
      }
      case "queue-enable-write": {
        const queue = this.queue(event.queue);
        if (event.value === 1) {
          queue.enabled = true;
          queue.wasReset = false;
          queue.notifications = 0;
        } else if (event.value === 0) {
          queue.enabled = false;
        }
        break;
      }
      case "queue-reset-write": {
        if (event.value !== 1) break;
        const queue = this.queue(event.queue);
        queue.wasReset ||= queue.enabled;
        queue.forget();
        queue.resetPending = true;
        break;
      }
      case "queue-reset-read":
        if (event.value === 0) this.queue(event.queue).resetPending = false;
        break;
      case "notify-offset-read":
        this.queue(event.queue).notifyOffset = event.value;
        break;
      case "notify-data-read":
        this.queue(event.queue).notifyData = event.value;
        break;
      case "notify":
        if (this.queues.has(event.queue)) this.queue(event.queue).notifications++;
        break;
      case "queue-enable-read":
      case "vector-read":
      case "vector-write":
      case "config-read":
      case "config-write":
      case "generation-read":
      case "interrupt-status-read":
      case "interrupt-acknowledge":
      case "line":
      case "message":
      case "mmio-read":
      case "mmio-write":
      case "pci-config-read":
      case "pci-config-write":
      case "pci-bar-read":
      case "pci-bar-write":
        break;
    }
  }

  #statusRead(value: number): void {
    if ((this.status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 && this.featuresOk === "unread") {
      this.featuresOk = (value & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 ? "yes" : "refused";
    }
    if ((value & 0x40) !== 0) this.sawNeedsReset = true;
    // Until a reset is complete the old status may still show.
    if (!this.resetPending) this.status = value;
  }

  #statusWritten(value: number): void {
    if (value === 0) {
      this.reset();
      return;
    }
    this.begun = true;
    this.resetPending = false;
    if ((value & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 && (this.status & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {
      this.featuresOk = "unread";
    }
    if ((value & VIRTIO_CONFIG_S_FAILED) !== 0) this.failed = true;
    this.status = value;
  }

  /** The device is reset. */
  reset(): void {
    this.status = 0;
    this.resetPending = true;
    this.everReset = true;
    this.begun = false;
    this.offered = [];
    this.accepted = [];
    this.featuresOk = "unread";
    this.failed = false;
    this.sawNeedsReset = false;
    this.selectedQueue = -1;
    this.queues.clear();
  }
}
