// What drivers do in front of the checker: sessions that use as much of a driver as there is.

import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import { GpuDevice, type GpuDeviceOptions, HostHeap } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { DriverError, GpuDriver, MemEntryList, RngDriver } from "../../../src/driver/index.ts";
import {
  GUEST_PROGRAMS,
  KmsCard,
  type LinuxProfileName,
  VirtualClock,
} from "../../../src/driver/kms/index.ts";
import * as wire from "../../../src/wire/index.ts";
import { CheckedMachine, type CheckedTransport } from "../checked-driver.ts";
import { RecordingRenderer } from "../recording-renderer.ts";

/** Ring features, by short names. */
export const RING_FEATURES = {
  indirect: wire.VIRTIO_F_INDIRECT_DESC,
  event: wire.VIRTIO_F_EVENT_IDX,
  packed: wire.VIRTIO_F_RING_PACKED,
  order: wire.VIRTIO_F_IN_ORDER,
  data: wire.VIRTIO_F_NOTIFICATION_DATA,
  configData: wire.VIRTIO_F_NOTIF_CONFIG_DATA,
  reset: wire.VIRTIO_F_RING_RESET,
  suspend: wire.VIRTIO_F_SUSPEND,
} as const;
export type RingFeatureName = keyof typeof RING_FEATURES;

/** Where and how a session runs. */
export interface SessionOptions {
  readonly transport: CheckedTransport;
  /** What the device offers besides VIRTIO_F_VERSION_1. */
  readonly ring: readonly RingFeatureName[];
}

/** Hands out the machine as soon as there is one: the driver may give up at any moment. */
export type Made = (machine: CheckedMachine) => void;

/** What sessions differ in. */
export interface ScenarioOptions extends SessionOptions {
  /** For `kms`. Default `linux-6.1`. */
  readonly profile?: LinuxProfileName;
  /** For `staged`: the id of a stage of the transport. */
  readonly stage?: string;
  /** For `staged`: which device and driver. Default `rng`. */
  readonly device?: "rng" | "gpu" | "kms";
}

export function ringFeatures({ ring, transport }: SessionOptions): number[] {
  return ring
    .filter((name) => name !== "configData" || transport !== "mmio")
    .map((name) => RING_FEATURES[name]);
}

export function makeGpu(options: GpuDeviceOptions = {}): GpuDevice {
  return new GpuDevice({
    renderer: new RecordingRenderer(),
    hostHeap: new HostHeap(1 << 20),
    blobAlignmentBytes: 4096,
    displays: [{ widthPixels: 320, heightPixels: 200 }],
    ...options,
  });
}

const SHAREABLE = wire.VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE;
const MAPPABLE = wire.VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE;

/** 2D, cursor, blobs, contexts, displays; everything that the driver of the GPU can do. */
export function useGpu(gpu: GpuDriver, device: GpuDevice): void {
  gpu.getDisplayInfo();
  gpu.getEdid(0);
  const { allocator } = gpu;
  const picture = gpu.newResourceId();
  const pages = allocator.allocatePages(16);
  gpu.resourceCreate2D(picture, wire.VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 128, 128);
  gpu.resourceAttachBacking(picture, MemEntryList.ofPages(pages));
  gpu.setScanout(0, picture, 0, 0, 128, 128);
  for (let i = 0; i < 40; i++) {
    gpu.requests.transferToHost2D(picture, 0, i, 128, 1, i * 512);
    if (i % 4 === 3) gpu.fenceNext();
    gpu.requests.resourceFlush(picture, 0, i, 128, 1);
    if (i % 5 === 4) gpu.drain();
  }
  gpu.drain();
  const cursor = gpu.newResourceId();
  gpu.resourceCreate2D(cursor, wire.VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 64, 64);
  gpu.resourceAttachBacking(cursor, MemEntryList.ofPages(allocator.allocatePages(4)));
  gpu.fenceNext();
  gpu.transferToHost2D(cursor, 0, 0, 64, 64, 0);
  gpu.updateCursor(0, 10, 10, cursor, 1, 2);
  for (let x = 0; x < 20; x++) gpu.moveCursor(0, x, x);
  gpu.updateCursor(0, 0, 0, 0, 0, 0);
  useBlobs(gpu);
  device.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
  if ((gpu.config.eventsRead & wire.VIRTIO_GPU_EVENT_DISPLAY) !== 0) {
    gpu.getEdid(0);
    gpu.getDisplayInfo();
    gpu.clearEvents();
  }
  gpu.setScanout(0, 0, 0, 0, 0, 0);
  gpu.resourceDetachBacking(picture);
  gpu.resourceUnref(picture);
}

function useBlobs(gpu: GpuDriver): void {
  if (!gpu.driver.hasFeature(wire.VIRTIO_GPU_F_RESOURCE_BLOB)) return;
  const entries = MemEntryList.ofPages(gpu.allocator.allocatePages(4));
  const guest = gpu.newResourceId();
  gpu.resourceCreateBlob(guest, {
    mem: wire.VIRTIO_GPU_BLOB_MEM_GUEST,
    flags: SHAREABLE,
    sizeBytes: 16384,
    entries,
  });
  gpu.resourceAssignUuid(guest);
  const format = wire.VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
  gpu.setScanoutBlob(0, guest, { width: 64, height: 64, format, strides: [256] });
  gpu.setScanout(0, 0, 0, 0, 0, 0);
  gpu.resourceUnref(guest);
  if (!gpu.driver.hasFeature(wire.VIRTIO_GPU_F_VIRGL)) return;
  for (let index = 0; index < gpu.config.capsets; index++) {
    const { id, maxVersion, maxSizeBytes } = gpu.getCapsetInfo(index);
    gpu.getCapset(id, maxVersion, maxSizeBytes);
  }
  gpu.ctxCreate(1, 0, "session");
  const host = gpu.newResourceId();
  gpu.resourceCreateBlob(host, {
    mem: wire.VIRTIO_GPU_BLOB_MEM_HOST3D,
    flags: MAPPABLE,
    blobId: 1,
    contextId: 1,
    sizeBytes: 8192,
  });
  if (gpu.hostVisibleMemory !== null) {
    gpu.resourceMapBlob(host, 4096);
    gpu.resourceUnmapBlob(host);
    gpu.resourceMapBlob(host, 0);
    gpu.resourceUnmapBlob(host);
  }
  gpu.resourceUnref(host);
  gpu.submit3D(1, new Uint8Array(5000));
  gpu.ctxDestroy(1);
}

/** What the driver refuses to do. */
function attempt(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
  }
}

/** A GPU with its driver, the whole life of it; twice. */
export function gpuSession(options: SessionOptions, made: Made): void {
  const device = makeGpu({ display: new MemoryDisplay() });
  const machine = new CheckedMachine(device, {
    transport: options.transport,
    mmio: { sharedMemoryBases: { [wire.VIRTIO_GPU_SHM_ID_HOST_VISIBLE]: 0x1_0000_0000 } },
    device: { ringFeatures: ringFeatures(options) },
  });
  made(machine);
  const driver = machine.probe();
  for (let life = 0; life < 2; life++) {
    const gpu = GpuDriver.start(driver);
    useGpu(gpu, device);
    if (driver.hasFeature(wire.VIRTIO_F_SUSPEND)) {
      driver.suspend();
      // A driver that knows its duty refuses all of these.
      for (const refused of [() => gpu.clearEvents(), () => driver.queue(0)?.notifyAnyway()]) {
        attempt(refused);
      }
      gpu.requests.getDisplayInfo();
      attempt(() => gpu.kick());
      driver.resume();
      gpu.drain();
    }
    gpu.close();
  }
}

/** An entropy device with its driver, queue reset and suspension included. */
export function rngSession(options: SessionOptions, made: Made): void {
  const machine = new CheckedMachine(new RngDevice(), {
    transport: options.transport,
    device: { ringFeatures: ringFeatures(options) },
  });
  made(machine);
  const driver = machine.probe();
  for (let life = 0; life < 2; life++) {
    const rng = RngDriver.start(driver);
    for (let i = 0; i < 150; i++) rng.read(1 + i * 50);
    if (driver.hasFeature(wire.VIRTIO_F_SUSPEND)) {
      driver.suspend();
      driver.resume();
      rng.read(10);
    }
    if (driver.hasFeature(wire.VIRTIO_F_RING_RESET)) {
      driver.resetQueue(0);
      driver.reEnableQueue(0, { size: 4 });
    }
    rng.close();
  }
}

/** The model of Linux' display driver with the programs that were captured from real kernels. */
export function kmsSession(
  options: SessionOptions & { readonly profile: LinuxProfileName },
  made: Made,
): void {
  const device = new GpuDevice({
    display: new MemoryDisplay(),
    displays: [{ widthPixels: 320, heightPixels: 200 }],
  });
  const machine = new CheckedMachine(device, {
    transport: options.transport,
    memoryBytes: 32 << 20,
    device: { ringFeatures: ringFeatures(options) },
  });
  made(machine);
  const card = KmsCard.bind(machine.probe(), { profile: options.profile, clock: new VirtualClock() });
  for (const program of GUEST_PROGRAMS) program.run(card, { flips: 4, draw: false });
  device.setDisplay(0, { widthPixels: 640, heightPixels: 400 });
  card.remove();
}
