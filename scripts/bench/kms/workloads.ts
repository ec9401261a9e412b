import { VirtioDevice } from "../../../src/device/index.ts";
import { type Display, GpuDevice } from "../../../src/devices/gpu/index.ts";
import { GuestAllocator, MmioDriverTransport, VirtioDriver } from "../../../src/driver/index.ts";
import { DRM_FORMAT_XRGB8888, type DrmFile, KmsCard } from "../../../src/driver/kms/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC } from "../../../src/wire/index.ts";
import { MAX_TURN_WORK, type Workload } from "../workload.ts";

const MEMORY_BYTES = 192 << 20;
const BUFFERS = 2;
const DAMAGE = { x1: 64, y1: 64, x2: 128, y2: 128 } as const;

/** A display that only takes the reference, and counts. */
class CountingDisplay implements Display {
  shown = 0;
  flushed = 0;

  setScanout(): void {
    this.shown++;
  }

  flush(): void {
    this.flushed++;
  }
}

interface Desk {
  readonly file: DrmFile;
  readonly display: CountingDisplay;
  readonly crtcId: number;
  readonly fbIds: readonly number[];
}

/** The whole stack in one thread: KMS model, split ring, virtio-mmio, device, display. */
function desk(widthPixels: number, heightPixels: number, blobs: boolean): Desk {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(MEMORY_BYTES) }]);
  const display = new CountingDisplay();
  const gpu = new GpuDevice({
    display,
    displays: [{ widthPixels, heightPixels }],
    features: { resourceBlob: blobs },
  });
  const device = new VirtioDevice(gpu, {
    memory,
    ringFeatures: [VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX],
    maxTurnWork: MAX_TURN_WORK,
  });
  const interrupts: { handle: (() => void) | null } = { handle: null };
  const registers = new MmioTransport(device, {
    onInterrupt: (asserted) => {
      if (asserted) interrupts.handle?.();
    },
  });
  const transport = MmioDriverTransport.probe(registers);
  if (transport === null) throw new Error("the device was not found");
  const driver = new VirtioDriver(transport, { allocator: new GuestAllocator(memory) });
  interrupts.handle = () => driver.handleInterrupt();
  const card = KmsCard.bind(driver);
  const file = card.open();
  const { crtcs, connectors } = file.getResources();
  const [crtcId] = crtcs;
  const [connectorId] = connectors;
  if (crtcId === undefined || connectorId === undefined) throw new Error("the card has no head");
  const [mode] = file.getConnector(connectorId).modes;
  if (mode === undefined) throw new Error("the display has no mode");
  const fbIds = Array.from({ length: BUFFERS }, () => {
    const dumb = file.createDumb({ width: widthPixels, height: heightPixels, bpp: 32 });
    return file.addFb2({ width: widthPixels, height: heightPixels, format: DRM_FORMAT_XRGB8888, ...dumb });
  });
  file.setCrtc({ crtcId, fbId: fbIds[0] as number, connectors: [connectorId], mode });
  return { file, display, crtcId, fbIds };
}

/** DRM_IOCTL_MODE_PAGE_FLIP between two dumb buffers that are blobs. */
export function kmsFlips(widthPixels: number, heightPixels: number): Workload {
  const { file, display, crtcId, fbIds } = desk(widthPixels, heightPixels, true);
  let next = 1;
  return {
    run(count) {
      const before = display.shown;
      for (let i = 0; i < count; i++) {
        file.pageFlip({ crtcId, fbId: fbIds[next & 1] as number });
        next ^= 1;
      }
      if (display.shown - before !== count) throw new Error("the display was not told of every flip");
    },
    digest: () => "",
  };
}

/** DRM_IOCTL_MODE_DIRTYFB with one clip of 64 × 64 pixels on a 1080p buffer without blobs. */
export function kmsDirty(): Workload {
  const { file, display, fbIds } = desk(1920, 1080, false);
  const clips = [DAMAGE];
  return {
    run(count) {
      const before = display.flushed;
      for (let i = 0; i < count; i++) file.dirtyFb(fbIds[0] as number, clips);
      if (display.flushed - before !== count) throw new Error("the display was not told of every rectangle");
    },
    digest: () => "",
  };
}
