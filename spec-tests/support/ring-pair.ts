import { VirtioDevice } from "../../src/device/index.ts";
import {
  createDriverRing,
  type DmaBuffer,
  type DriverRing,
  ElementList,
  GuestAllocator,
} from "../../src/driver/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { EchoDevice, type EchoDeviceOptions } from "../../src/testing/index.ts";
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from "../../src/wire/index.ts";

/** Which ring, between which features. */
export interface RingKind {
  readonly format: "split" | "packed";
  readonly indirectDesc: boolean;
  readonly eventIdx: boolean;
  readonly inOrder: boolean;
}

export const RING_KINDS: readonly RingKind[] = (["split", "packed"] as const).flatMap((format) =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => ({
    format,
    indirectDesc: (bits & 1) !== 0,
    eventIdx: (bits & 2) !== 0,
    inOrder: (bits & 4) !== 0,
  })),
);

export function kindName(kind: RingKind): string {
  const parts: string[] = [kind.format];
  if (kind.indirectDesc) parts.push("indirect");
  if (kind.eventIdx) parts.push("event-idx");
  if (kind.inOrder) parts.push("in-order");
  return parts.join("+");
}

/** A driver ring on one side, an echo device on the other, and no transport between them. */
export class RingPair {
  readonly memory: GuestMemory;
  readonly allocator: GuestAllocator;
  readonly echo: EchoDevice;
  readonly device: VirtioDevice;
  readonly ring: DriverRing;
  readonly elements = new ElementList();
  interrupts = 0;

  constructor(
    kind: RingKind,
    size: number,
    {
      shared,
      memoryBytes,
      inOrderBatching,
      maxIndirectElements,
      suspend,
      ...echo
    }: EchoDeviceOptions & {
      readonly shared?: boolean;
      readonly memoryBytes?: number;
      readonly inOrderBatching?: boolean;
      readonly maxIndirectElements?: number;
      readonly suspend?: boolean;
    } = {},
  ) {
    const bytes = memoryBytes ?? 4 << 20;
    this.memory = new GuestMemory([
      {
        base: 0x8000_0000,
        memory: shared === true ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes),
      },
    ]);
    this.allocator = new GuestAllocator(this.memory);
    this.echo = new EchoDevice({ ...echo, maxSize: size });
    const features = [VIRTIO_F_RING_RESET];
    if (suspend === true) features.push(VIRTIO_F_SUSPEND);
    if (kind.format === "packed") features.push(VIRTIO_F_RING_PACKED);
    if (kind.indirectDesc) features.push(VIRTIO_F_INDIRECT_DESC);
    if (kind.eventIdx) features.push(VIRTIO_F_EVENT_IDX);
    if (kind.inOrder) features.push(VIRTIO_F_IN_ORDER);
    this.device = new VirtioDevice(this.echo, {
      memory: this.memory,
      ringFeatures: features,
      ...(inOrderBatching === undefined ? {} : { inOrderBatching: inOrderBatching }),
      schedule: (task) => this.scheduled.push(task),
    });
    this.device.connect({
      queueInterrupt: () => {
        this.interrupts++;
      },
      configInterrupt: () => {},
      deviceReset: () => {},
    });
    this.ring = createDriverRing(
      {
        ...kind,
        size,
        ...(maxIndirectElements === undefined ? {} : { maxIndirectElements: maxIndirectElements }),
      },
      { allocator: this.allocator },
    );
    this.start([VIRTIO_F_VERSION_1, ...features]);
  }

  readonly scheduled: (() => void)[] = [];

  start(features: readonly number[]): void {
    const { device } = this;
    device.writeStatus(0);
    let status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    device.writeStatus(status);
    for (let word = 0; word < 2; word++) {
      let value = 0;
      for (const bit of features) if (bit >>> 5 === word) value |= 1 << (bit & 31);
      device.writeDriverFeatureWord(word, value >>> 0);
    }
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    device.writeStatus(status);
    this.configureQueue();
    status |= VIRTIO_CONFIG_S_DRIVER_OK;
    device.writeStatus(status);
  }

  configureQueue(): void {
    const { desc, driver, device } = this.ring.memory;
    this.device.writeQueueConfig(0, {
      size: this.ring.size,
      descHi: desc.hi,
      descLo: desc.lo,
      driverHi: driver.hi,
      driverLo: driver.lo,
      deviceHi: device.hi,
      deviceLo: device.lo,
    });
    this.device.enableQueue(0);
  }

  /** Publishes, and notifies if the device wants it. */
  kick(): boolean {
    this.ring.publish();
    const notify = this.ring.shouldNotify();
    if (notify) this.device.notify(0);
    return notify;
  }

  /** A buffer filled with bytes. */
  bufferOf(bytes: Uint8Array): DmaBuffer {
    const buffer = this.allocator.allocate(Math.max(1, bytes.length));
    buffer.region.u8.set(bytes, buffer.offset);
    return buffer;
  }
}

/** A copy of the bytes in a buffer. */
export function bytesOf(buffer: DmaBuffer, lengthBytes = buffer.lengthBytes): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.region.u8.slice(buffer.offset, buffer.offset + lengthBytes));
}
