import { VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { DmaSpace, GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import { activateQueue, DEFAULT_QUEUE_OPTIONS } from "../../../src/virtqueue/index.ts";
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
  VIRTIO_MMIO_DRIVER_FEATURES,
  VIRTIO_MMIO_DRIVER_FEATURES_SEL,
  VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
  VIRTIO_MMIO_QUEUE_AVAIL_LOW,
  VIRTIO_MMIO_QUEUE_DESC_HIGH,
  VIRTIO_MMIO_QUEUE_DESC_LOW,
  VIRTIO_MMIO_QUEUE_NUM,
  VIRTIO_MMIO_QUEUE_READY,
  VIRTIO_MMIO_QUEUE_SEL,
  VIRTIO_MMIO_QUEUE_USED_HIGH,
  VIRTIO_MMIO_QUEUE_USED_LOW,
  VIRTIO_MMIO_STATUS,
} from "../../../src/wire/index.ts";
import type { Workload } from "../workload.ts";
import { createRing, RING_SIZE, type RingFormat, type RingPlace, startDevice } from "./ring.ts";

const MEMORY_BYTES = 0x20000;
const RING: RingPlace = { descAt: 0x1000, driverAt: 0x2000, deviceAt: 0x3000 };
const SECOND_RING: RingPlace = { descAt: 0x4000, driverAt: 0x5000, deviceAt: 0x6000 };
const BUFFERS_AT = 0x8000;
const BUFFER_BYTES = 64;
/** Requests with one notification. */
export const RNG_BATCH = 4;

/** Requests to the entropy device for {@link BUFFER_BYTES} each, from a source that answers at once. */
export function entropy(format: RingFormat, shared: boolean): Workload {
  const memory = shared ? new SharedArrayBuffer(MEMORY_BYTES) : new ArrayBuffer(MEMORY_BYTES);
  let filled = 0;
  const rng = new RngDevice({
    source: (target) => {
      target[0] = ++filled;
    },
    queueSize: RING_SIZE,
  });
  const device = new VirtioDevice(rng, {
    memory: new GuestMemory([{ base: 0, memory }]),
    ringFeatures: [VIRTIO_F_RING_PACKED],
  });
  device.connect({ queueInterrupt() {}, configInterrupt() {}, deviceReset() {} });
  startDevice(device, 0, format, [RING]);
  const ring = createRing(format, memory, RING);
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        for (let slot = 0; slot < RNG_BATCH; slot++) {
          ring.add(slot, 0, 0, 0, 0, BUFFERS_AT + slot * BUFFER_BYTES, BUFFER_BYTES);
        }
        ring.publish();
        device.notify(0);
        if (!ring.finished) throw new Error("a request was not answered");
      }
    },
    digest: () => "",
  };
}

/** Bringing one queue to life and closing it again. */
export function activations(format: RingFormat): Workload {
  const dma = new DmaSpace(new GuestMemory([{ base: 0, memory: new ArrayBuffer(MEMORY_BYTES) }]));
  const config = {
    size: RING_SIZE,
    descHi: 0,
    descLo: RING.descAt,
    driverHi: 0,
    driverLo: RING.driverAt,
    deviceHi: 0,
    deviceLo: RING.deviceAt,
  };
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        const queue = activateQueue(format, config, dma, DEFAULT_QUEUE_OPTIONS);
        if ("code" in queue) throw new Error(`the queue was refused: ${queue.code}`);
        queue.close();
      }
    },
    digest: () => "",
  };
}

/** The gpu from reset to DRIVER_OK with both of its queues, through the registers of virtio-mmio. */
export function resets(format: RingFormat): Workload {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(MEMORY_BYTES) }]);
  const device = new VirtioDevice(
    new GpuDevice({ controlQueueSize: RING_SIZE, cursorQueueSize: RING_SIZE }),
    { memory, ringFeatures: [VIRTIO_F_RING_PACKED] },
  );
  const registers = new MmioTransport(device, { onInterrupt() {} });
  const write = (offset: number, value: number): void => registers.write(offset, 4, value);
  const queue = (index: number, { descAt, driverAt, deviceAt }: RingPlace): void => {
    write(VIRTIO_MMIO_QUEUE_SEL, index);
    write(VIRTIO_MMIO_QUEUE_NUM, RING_SIZE);
    write(VIRTIO_MMIO_QUEUE_DESC_LOW, descAt);
    write(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
    write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, driverAt);
    write(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0);
    write(VIRTIO_MMIO_QUEUE_USED_LOW, deviceAt);
    write(VIRTIO_MMIO_QUEUE_USED_HIGH, 0);
    write(VIRTIO_MMIO_QUEUE_READY, 1);
  };
  const packed = format === "packed" ? 1 << (VIRTIO_F_RING_PACKED - 32) : 0;
  const begun = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
  const agreed = begun | VIRTIO_CONFIG_S_FEATURES_OK;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        write(VIRTIO_MMIO_STATUS, 0);
        write(VIRTIO_MMIO_STATUS, begun);
        write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
        write(VIRTIO_MMIO_DRIVER_FEATURES, (1 << (VIRTIO_F_VERSION_1 - 32)) | packed);
        write(VIRTIO_MMIO_STATUS, agreed);
        queue(0, RING);
        queue(1, SECOND_RING);
        write(VIRTIO_MMIO_STATUS, agreed | VIRTIO_CONFIG_S_DRIVER_OK);
        if (device.activeQueue(1) === null) throw new Error("a queue did not come to life");
      }
    },
    digest: () => "",
  };
}
