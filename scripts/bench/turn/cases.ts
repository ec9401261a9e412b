import { HostHeap } from "../../../src/devices/gpu/index.ts";
import type { AddressTranslator } from "../../../src/memory/index.ts";
import {
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_CMD_CTX_CREATE,
  VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
  VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from "../../../src/wire/index.ts";
import { canvas, recorder, terminal, type Viewed, vnc } from "./displays.ts";
import { IdleRenderer } from "./renderer.ts";
import { PIXELS_AT, type StageOptions, TurnStage } from "./stage.ts";

/** Something that a driver has a device do, in one notification if it can. */
export interface TurnCase {
  /** What the driver does before it notifies. */
  prepare?(): void;
  begin(): void;
  finished(): boolean;
  close?(): unknown;
}

const MIB = 1 << 20;
const PAGE_BYTES = 4096;
const RESOURCE = 1;
const EIGHT_K = { widthPixels: 7680, heightPixels: 4320 } as const;
const HUGE = { widthPixels: 8192, heightPixels: 8191 } as const;
const FRAME = { widthPixels: 1920, heightPixels: 1080 } as const;
const FLUSHES = 32;

/** What a turn is compared with: TRANSFER_TO_HOST_2D of 1920 × 1080 from pages that are nowhere adjacent. */
export async function plainTransfer(): Promise<TurnCase> {
  const stage = new TurnStage({ gpu: {}, pixelBytes: 32 * MIB });
  const { widthPixels, heightPixels } = FRAME;
  await stage.send(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, [
    RESOURCE,
    VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
    widthPixels,
    heightPixels,
  ]);
  const count = Math.ceil((widthPixels * heightPixels * 4) / PAGE_BYTES);
  // Coprime to the number of pages that there are.
  const pages = Array.from({ length: count }, (_, i) => PIXELS_AT + ((i * 1237) % 8192) * PAGE_BYTES);
  await stage.send(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, [
    RESOURCE,
    count,
    ...pages.flatMap((page) => [page, 0, PAGE_BYTES, 0]),
  ]);
  return requests(stage, () => stage.offerTransfer(RESOURCE, widthPixels, heightPixels));
}

/** The worst that is known, by name. */
export const TURN_CASES: Readonly<Record<string, () => Promise<TurnCase>>> = {
  "transfers-spec": () => overlappingTransfers({ gpu: {}, queueSize: 64 }),
  "transfers-crosvm": () => overlappingTransfers({ gpu: { profile: "crosvm" }, queueSize: 512 }),
  "transfers-iommu": translatedTransfers,
  "attach-iommu": translatedAttach,
  "flush-vnc": () => flushes(vnc),
  "flush-terminal": () => flushes(terminal),
  "flush-recorder": () => flushes(recorder),
  "flush-canvas": () => flushes(canvas),
  "map-unmap": mapUnmap,
  "reset-mapped": resetMapped,
  "reset-exports": () => resetExports(16384, 1),
  "reset-uuids": () => resetExports(4096, 16),
  "notify-full-ring": notifyFullRing,
  "indirect-tables": indirectTables,
};

function requests(stage: TurnStage, offer: () => void): TurnCase {
  return {
    prepare: offer,
    begin: () => stage.notify(),
    finished: () => stage.finished,
    close: () => stage.close(),
  };
}

/** Fills the ring with transfers of 256 MiB out of the same pages. */
async function overlappingTransfers(options: StageOptions): Promise<TurnCase> {
  const stage = new TurnStage(options);
  const { widthPixels, heightPixels } = HUGE;
  await stage.createOverlapping(RESOURCE, widthPixels, heightPixels, 16 * MIB);
  return requests(stage, () => {
    for (let i = 0; i < stage.queueSize; i++) stage.offerTransfer(RESOURCE, widthPixels, heightPixels);
  });
}

/** Every page of device memory is one of a few pages far away, and none adjoins the next. */
const SCATTERING: AddressTranslator = {
  translate(_hi, lo, lengthBytes, _write, result) {
    result.hi = 0;
    result.lo = lo;
    if (lo < PIXELS_AT) return lengthBytes;
    result.lo = PIXELS_AT + ((lo >>> 12) & 0xff) * 2 * PAGE_BYTES + (lo & (PAGE_BYTES - 1));
    return Math.min(lengthBytes, PAGE_BYTES - (lo & (PAGE_BYTES - 1)));
  },
};

const TRANSLATED: StageOptions = {
  gpu: { profile: "qemu" },
  device: { profile: "qemu", translator: SCATTERING },
  ringFeatures: [VIRTIO_F_ACCESS_PLATFORM],
};

async function translatedTransfers(): Promise<TurnCase> {
  const stage = new TurnStage(TRANSLATED);
  const { widthPixels, heightPixels } = HUGE;
  await stage.createOverlapping(RESOURCE, widthPixels, heightPixels, 16 * MIB);
  return requests(stage, () => {
    for (let i = 0; i < stage.queueSize; i++) stage.offerTransfer(RESOURCE, widthPixels, heightPixels);
  });
}

/** One ATTACH_BACKING whose few entries come to as many pieces as there may be. */
async function translatedAttach(): Promise<TurnCase> {
  const stage = new TurnStage(TRANSLATED);
  await stage.send(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, [RESOURCE, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 64, 64]);
  const entries = Array.from({ length: 15 }, () => [PIXELS_AT, 0, 64 * MIB, 0]).flat();
  return requests(stage, () =>
    stage.offer(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, [RESOURCE, entries.length / 4, ...entries]),
  );
}

/** Flushes of 7680 × 4320, each after a transfer that changes a little. */
async function flushes(view: () => Promise<Viewed>): Promise<TurnCase> {
  const viewed = await view();
  const stage = new TurnStage({ gpu: { display: viewed.display } });
  const { widthPixels, heightPixels } = EIGHT_K;
  await stage.createOverlapping(RESOURCE, widthPixels, heightPixels, 16 * MIB);
  stage.rig.memory.view(PIXELS_AT, 16 * MIB).forEach((_, i, bytes) => {
    bytes[i] = Math.imul(i >>> 4, 0x9e3779b1) >>> 24;
  });
  await stage.show(RESOURCE, widthPixels, heightPixels);
  stage.offerTransfer(RESOURCE, widthPixels, heightPixels);
  await stage.settle();
  await viewed.shown?.();
  const flush = requests(stage, () => {
    for (let i = 0; i < FLUSHES; i++) stage.offerFlush(RESOURCE, widthPixels, heightPixels);
  });
  return {
    ...flush,
    finished: () => flush.finished() && (viewed.idle?.() ?? true),
    close: () => {
      flush.close?.();
      return viewed.close?.();
    },
  };
}

const BLOB_BYTES = 128 * MIB;

async function mappable(): Promise<TurnStage> {
  const stage = new TurnStage({
    gpu: { renderer: new IdleRenderer(), hostHeap: new HostHeap(BLOB_BYTES) },
  });
  await stage.send(VIRTIO_GPU_CMD_CTX_CREATE, new Array<number>(18).fill(0), 1);
  await stage.send(
    VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
    [RESOURCE, VIRTIO_GPU_BLOB_MEM_HOST3D, VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE, 0, 0, 0, BLOB_BYTES, 0],
    1,
  );
  return stage;
}

async function mapUnmap(): Promise<TurnCase> {
  const stage = await mappable();
  return requests(stage, () => {
    for (let i = 0; i < 32; i++) {
      stage.offer(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, [RESOURCE, 0, 0, 0]);
      stage.offer(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, [RESOURCE, 0]);
    }
  });
}

async function resetMapped(): Promise<TurnCase> {
  const stage = await mappable();
  await stage.send(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, [RESOURCE, 0, 0, 0]);
  return reset(stage);
}

function reset({ rig }: TurnStage): TurnCase {
  let turns = 0;
  return {
    begin: () => rig.device.writeStatus(0),
    // What a reset puts off comes in the turns behind it.
    finished: () => turns++ > 20,
  };
}

async function resetExports(resources: number, uuids: number): Promise<TurnCase> {
  const stage = new TurnStage({ gpu: { uuidOnRepeat: "new" } });
  const { queueSize } = stage;
  let offered = 0;
  const offer = async (type: number, fields: readonly number[]): Promise<void> => {
    stage.offer(type, fields);
    if (++offered % queueSize === 0) await stage.settle();
  };
  for (let id = 1; id <= resources; id++) {
    await offer(VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, [
      id,
      VIRTIO_GPU_BLOB_MEM_GUEST,
      VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
      0,
      0,
      0,
      PAGE_BYTES,
      0,
    ]);
    for (let i = 0; i < uuids; i++) await offer(VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, [id, 0]);
  }
  await stage.settle();
  return reset(stage);
}

/** The driver offers again what comes back, as fast as it can, and notifies a thousand times. */
async function notifyFullRing(): Promise<TurnCase> {
  const stage = new TurnStage({ gpu: {} });
  const { widthPixels, heightPixels } = FRAME;
  await stage.createOverlapping(RESOURCE, widthPixels, heightPixels, 16 * MIB);
  const { rig } = stage;
  let left = 256;
  rig.onQueueInterrupt = () => {
    for (let free = rig.collect(VIRTIO_GPU_CONTROLQ).length; free > 0 && left > 0; free--, left--)
      stage.offerTransfer(RESOURCE, widthPixels, heightPixels);
  };
  return {
    prepare: () => {
      for (let i = 0; i < stage.queueSize; i++) stage.offerTransfer(RESOURCE, widthPixels, heightPixels);
    },
    begin: () => {
      for (let i = 0; i < 1000; i++) stage.notify();
    },
    finished: () => left === 0 && stage.finished,
    close: () => stage.close(),
  };
}

/** As many descriptors as a chain may have, in one table that every entry of a large ring refers to. */
async function indirectTables(): Promise<TurnCase> {
  const stage = new TurnStage({ gpu: { profile: "crosvm", controlQueueSize: 1024 }, queueSize: 1024 });
  const { rig } = stage;
  const request = rig.place([VIRTIO_GPU_CMD_GET_DISPLAY_INFO & 0xff, 1, ...new Array<number>(22).fill(0)]);
  const answer = rig.allocate(512);
  const buffers = [
    { address: request, length: 24, flags: 0 },
    ...Array.from({ length: 1023 }, (_, i) => ({ address: answer + 4 * (i % 100), length: 4, flags: 2 })),
  ];
  return requests(stage, () => {
    for (let i = 0; i < stage.queueSize; i++) {
      rig.offerBuffers(VIRTIO_GPU_CONTROLQ, buffers, [{ address: answer, length: 4 }], true);
    }
  });
}
