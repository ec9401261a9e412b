// Drivers of the GPU that ask for what they should not: the driver model, told to.
import { GpuDriver, MemEntryList } from "../../../src/driver/index.ts";
import * as wire from "../../../src/wire/index.ts";
import { CheckedMachine } from "../checked-driver.ts";
import { makeGpu } from "./driver-sessions.ts";
import type { RawDriver } from "./raw-driver.ts";

interface Ready {
  readonly gpu: GpuDriver;
  readonly device: ReturnType<typeof makeGpu>;
}

function start(made: Parameters<RawDriver>[1]): Ready {
  const device = makeGpu();
  const machine = new CheckedMachine(device, { transport: "pci", device: { ringFeatures: [] } });
  made(machine);
  return { gpu: GpuDriver.start(machine.probe(), { permissive: true }), device };
}

/** The device may say no. */
function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // That is its right.
  }
}

function cursor(gpu: GpuDriver, side: number, backed = true): number {
  const id = gpu.newResourceId();
  gpu.resourceCreate2D(id, wire.VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, side, side);
  if (backed) gpu.resourceAttachBacking(id, MemEntryList.ofPages(gpu.allocator.allocatePages(16)));
  return id;
}

function transfer(gpu: GpuDriver, id: number, side: number, fenced: boolean): void {
  if (fenced) gpu.fenceNext();
  gpu.transferToHost2D(id, 0, 0, side, side, 0);
}

export const RAW_GPU: Readonly<Record<string, RawDriver>> = {
  "gpu-cursor-of-another-size": (broken, made) => {
    const { gpu } = start(made);
    const side = broken ? 32 : 64;
    const id = cursor(gpu, side);
    transfer(gpu, id, side, true);
    attempt(() => gpu.updateCursor(0, 0, 0, id, 0, 0));
  },
  "gpu-cursor-never-populated": (broken, made) => {
    const { gpu } = start(made);
    const id = cursor(gpu, 64);
    if (!broken) transfer(gpu, id, 64, true);
    attempt(() => gpu.updateCursor(0, 0, 0, id, 0, 0));
  },
  "gpu-cursor-without-a-fence": (broken, made) => {
    const { gpu } = start(made);
    const id = cursor(gpu, 64);
    transfer(gpu, id, 64, !broken);
    attempt(() => gpu.updateCursor(0, 0, 0, id, 0, 0));
  },
  "gpu-capset-beyond-the-last": (broken, made) => {
    const { gpu } = start(made);
    attempt(() => void gpu.getCapsetInfo(gpu.config.capsets - (broken ? 0 : 1)));
  },
  "gpu-blob-mapped-twice": (broken, made) => {
    const { gpu } = start(made);
    gpu.ctxCreate(1);
    const flags = wire.VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE;
    const mem = wire.VIRTIO_GPU_BLOB_MEM_HOST3D;
    gpu.resourceCreateBlob(1, { mem, flags, blobId: 1, contextId: 1, sizeBytes: 4096 });
    gpu.resourceMapBlob(1, 0);
    if (broken) attempt(() => void gpu.resourceMapBlob(1, 4096));
  },
  "gpu-blob-shared-without-a-flag": (broken, made) => {
    const { gpu } = start(made);
    const flags = broken ? 0 : wire.VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;
    const entries = MemEntryList.ofPages(gpu.allocator.allocatePages(1));
    gpu.resourceCreateBlob(1, { mem: wire.VIRTIO_GPU_BLOB_MEM_GUEST, flags, sizeBytes: 4096, entries });
    attempt(() => void gpu.resourceAssignUuid(1));
  },
  "gpu-display-event-ignored": (broken, made) => {
    const { gpu, device } = start(made);
    device.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
    if ((gpu.config.eventsRead & wire.VIRTIO_GPU_EVENT_DISPLAY) === 0) throw new Error("no event");
    if (!broken) {
      gpu.getDisplayInfo();
      gpu.getEdid(0);
    }
    gpu.clearEvents();
  },
};
