import {
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_MAP_CACHE_MASK,
  VIRTIO_GPU_MAP_CACHE_WC,
  VIRTIO_GPU_RESP_MAP_INFO,
  VIRTIO_GPU_RESP_OK_MAP_INFO,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
  VIRTIO_GPU_SHM_ID_HOST_VISIBLE,
} from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import type { SharedMemoryWindow } from "../../guest/index.ts";
import {
  assignUuid,
  createBlob,
  ctxCreate,
  type GpuHeader,
  mapBlob,
  responseU32,
  unmapBlob,
  unref,
} from "../../models/gpu-commands.ts";
import { CLAUSE, GPU } from "./common.ts";
import { GpuSession } from "./session.ts";

const cases = new CaseList();
const HOST_BLOB = [VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_F_RESOURCE_BLOB];
const NEEDS = { ...GPU, features: HOST_BLOB };
const ALIGNED = [...HOST_BLOB, VIRTIO_GPU_F_BLOB_ALIGNMENT];
const SIZE = 16384;
const CTX: GpuHeader = { ctxId: 1 };
const MAP_BYTES = VIRTIO_GPU_RESP_MAP_INFO.sizeBytes;
/** Ids of regions have 8 bits. */
const REGION_IDS = 256;

cases.add({
  id: "gpu/shared-memory/ids",
  title: "Shared memory regions of a GPU have no other ids than the two there are",
  clauses: [CLAUSE.regionIds, CLAUSE.allRegions],
  needs: GPU,
  async run(t) {
    for (let id = VIRTIO_GPU_SHM_ID_HOST_VISIBLE + 1; id < REGION_IDS; id++) {
      const region = await t.guest.registers.sharedMemory(id);
      t.equal(region === null, true, `whether there is no region ${id}`);
    }
  },
});

cases.add({
  id: "gpu/shared-memory/query",
  title: "A driver may ask for all regions; the device goes on, and the answers stay the same",
  clauses: [CLAUSE.allRegions],
  needs: GPU,
  async run(t) {
    await t.guest.start();
    const found: string[] = [];
    for (const round of [0, 1]) {
      found[round] = "";
      for (let id = 0; id < 8; id++) {
        const region = await t.guest.registers.sharedMemory(id);
        if (region !== null) found[round] += `${region.id} ${region.address} ${region.lengthBytes};`;
      }
    }
    t.equal(found[1], found[0], "the regions found the second time");
    await t.serves();
  },
});

/** The host visible memory region; skips the case when there is none. */
async function hostVisible(gpu: GpuSession): Promise<SharedMemoryWindow> {
  const region = await gpu.t.guest.registers.sharedMemory(VIRTIO_GPU_SHM_ID_HOST_VISIBLE);
  return region ?? gpu.t.skip("the device has no host visible memory region");
}

/** Creates a mappable host-only blob; skips the case when the renderer has nothing to make one of. */
async function hostBlob(
  gpu: GpuSession,
  resourceId: number,
  sizeBytes = SIZE,
  blobFlags: number = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
): Promise<void> {
  const blob = {
    resourceId,
    blobMem: VIRTIO_GPU_BLOB_MEM_HOST3D,
    blobFlags,
    blobId: BigInt(resourceId),
    sizeBytes,
  };
  if (!(await gpu.either(createBlob(blob, CTX)))) {
    gpu.t.rejected = false;
    gpu.t.skip("the renderer makes no blobs of ids it was not told by a command stream");
  }
}

/** Starts with context 1. */
async function session(gpu: GpuSession): Promise<SharedMemoryWindow> {
  const window = await hostVisible(gpu);
  await gpu.ok(ctxCreate(0, "test", CTX), "CTX_CREATE");
  return window;
}

async function map(gpu: GpuSession, resourceId: number, offset: number | bigint): Promise<Uint8Array> {
  const request = mapBlob(resourceId, offset, CTX);
  return gpu.ok(request, `RESOURCE_MAP_BLOB at ${offset}`, VIRTIO_GPU_RESP_OK_MAP_INFO, MAP_BYTES);
}

cases.add({
  id: "gpu/map-blob/map-and-unmap",
  title: "With a host visible memory region, blobs are mapped and unmapped, again and again",
  clauses: [CLAUSE.mapBlob, CLAUSE.response],
  needs: NEEDS,
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    await hostBlob(gpu, 1);
    for (const offset of [0, 65536, 0]) {
      await map(gpu, 1, offset);
      await gpu.ok(unmapBlob(1, CTX), "RESOURCE_UNMAP_BLOB");
    }
  },
});

cases.add({
  id: "gpu/map-blob/map-info",
  title: "The response tells a kind of caching, and nothing besides",
  clauses: [CLAUSE.mapBlob],
  needs: NEEDS,
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    await hostBlob(gpu, 1);
    const bytes = await map(gpu, 1, 0);
    const info = responseU32(bytes, VIRTIO_GPU_RESP_MAP_INFO.map_info);
    t.ok((info & VIRTIO_GPU_MAP_CACHE_MASK) <= VIRTIO_GPU_MAP_CACHE_WC, `${info} is a kind of caching`);
    t.equal(responseU32(bytes, VIRTIO_GPU_RESP_MAP_INFO.padding), 0, "the padding");
  },
});

cases.add({
  id: "gpu/map-blob/places",
  title: "Blobs are mapped side by side, up to the end of the region",
  clauses: [CLAUSE.mapBlob],
  needs: NEEDS,
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    const { lengthBytes } = await session(gpu);
    await hostBlob(gpu, 1);
    await hostBlob(gpu, 2);
    await hostBlob(gpu, 3);
    await map(gpu, 1, 0);
    await map(gpu, 2, SIZE);
    await map(gpu, 3, lengthBytes - BigInt(SIZE));
  },
});

cases.add({
  id: "gpu/map-blob/outside",
  title: "A blob that would reach beyond the region is not mapped",
  clauses: [CLAUSE.mapBlob, CLAUSE.response],
  needs: NEEDS,
  parameters: [
    { place: "across-the-end" },
    { place: "at-the-end" },
    { place: "wraps" },
    { place: "largest" },
  ],
  async run(t, { place }) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    const { lengthBytes } = await session(gpu);
    await hostBlob(gpu, 1);
    const offset = {
      "across-the-end": lengthBytes - BigInt(SIZE) + 4096n,
      "at-the-end": lengthBytes,
      wraps: 0x1_0000_0000_0000_0000n - BigInt(SIZE),
      largest: 0xffff_ffff_ffff_f000n,
    }[place as "wraps"];
    await gpu.refuse(mapBlob(1, offset, CTX), `an offset of ${offset}`, MAP_BYTES);
    await map(gpu, 1, 0);
  },
});

cases.add({
  id: "gpu/map-blob/overlap",
  title: "A blob that would lie over another is refused, or mapped there instead of it",
  clauses: [CLAUSE.mapBlob],
  needs: NEEDS,
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    await hostBlob(gpu, 1);
    await hostBlob(gpu, 2);
    await map(gpu, 1, 0);
    await gpu.either(mapBlob(2, 4096, CTX), MAP_BYTES);
    await t.serves();
  },
});

cases.add({
  id: "gpu/map-blob/twice",
  title: "A blob that is mapped already is not mapped once more",
  clauses: [CLAUSE.mapTwice],
  needs: NEEDS,
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    await hostBlob(gpu, 1);
    await map(gpu, 1, 0);
    await gpu.refuse(mapBlob(1, 65536, CTX), "RESOURCE_MAP_BLOB once more", MAP_BYTES);
    await gpu.ok(unmapBlob(1, CTX), "RESOURCE_UNMAP_BLOB");
    await map(gpu, 1, 65536);
  },
});

cases.add({
  id: "gpu/map-blob/not-a-host-blob",
  title: "Only host-only blobs can be mapped",
  clauses: [CLAUSE.mapBlob, CLAUSE.response],
  needs: NEEDS,
  parameters: [{ kind: "2d" }, { kind: "guest-blob" }, { kind: "none" }],
  async run(t, { kind }) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    if (kind === "2d") await gpu.resource(1);
    if (kind === "guest-blob") {
      const entries = [{ address: t.guest.arena.allocate(SIZE, 4096), lengthBytes: SIZE }];
      const blob = { resourceId: 1, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes: SIZE, entries };
      await gpu.ok(createBlob(blob), "RESOURCE_CREATE_BLOB");
    }
    await gpu.refuse(mapBlob(1, 0, CTX), `RESOURCE_MAP_BLOB of ${kind}`, MAP_BYTES);
    await hostBlob(gpu, 2);
    t.rejected = true;
    await map(gpu, 2, 0);
  },
});

cases.add({
  id: "gpu/map-blob/without-flag",
  title: "A blob that was not announced for memory access is mapped or refused",
  clauses: [CLAUSE.blobFlags],
  needs: NEEDS,
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    await hostBlob(gpu, 1, SIZE, 0);
    await gpu.either(mapBlob(1, 0, CTX), MAP_BYTES);
    await t.serves();
  },
});

cases.add({
  id: "gpu/map-blob/not-aligned",
  title: "With BLOB_ALIGNMENT an offset that is not a multiple of blob_alignment is refused",
  clauses: [CLAUSE.mapBlob, CLAUSE.config],
  needs: { ...GPU, features: ALIGNED },
  async run(t) {
    const gpu = await GpuSession.start(t, ALIGNED);
    const alignment = await t.guest.registers.config(VIRTIO_GPU_CONFIG.blob_alignment, 4);
    await session(gpu);
    await hostBlob(gpu, 1, alignment);
    if (alignment > 1) await gpu.refuse(mapBlob(1, alignment / 2, CTX), "an offset between", MAP_BYTES);
    await map(gpu, 1, alignment);
  },
});

cases.add({
  id: "gpu/unmap-blob/not-mapped",
  title: "RESOURCE_UNMAP_BLOB of something that is not mapped, or does not exist, is refused",
  clauses: [CLAUSE.mapBlob, CLAUSE.response],
  needs: NEEDS,
  parameters: [{ state: "never" }, { state: "no-longer" }, { state: "none" }],
  async run(t, { state }) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    await hostBlob(gpu, 1);
    if (state === "no-longer") {
      await map(gpu, 1, 0);
      await gpu.ok(unmapBlob(1, CTX), "RESOURCE_UNMAP_BLOB");
    }
    await gpu.refuse(unmapBlob(state === "none" ? 9 : 1, CTX), "RESOURCE_UNMAP_BLOB");
    await map(gpu, 1, 0);
  },
});

cases.add({
  id: "gpu/map-blob/unref-while-mapped",
  title: "A blob that is destroyed while it is mapped leaves its place to another",
  clauses: [CLAUSE.mapBlob],
  needs: NEEDS,
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await session(gpu);
    await hostBlob(gpu, 1);
    await map(gpu, 1, 0);
    if (!(await gpu.either(unref(1, gpu.fence())))) return;
    await hostBlob(gpu, 2);
    await map(gpu, 2, 0);
  },
});

cases.add({
  id: "gpu/map-blob/same-bytes",
  title:
    "What the guest writes to a mapped blob is in it wherever it is mapped next, and other blobs have their own",
  clauses: [CLAUSE.mapBlob],
  needs: { ...NEEDS, transport: "pci" },
  async run(t) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    const window = await session(gpu);
    await hostBlob(gpu, 1);
    await hostBlob(gpu, 2);
    const { raw } = t.guest.pci;
    const bar = window.bar as number;
    const at = (offset: number): number => Number(window.address) + offset;
    await map(gpu, 1, 0);
    await map(gpu, 2, 65536);
    await raw.barWrite(bar, at(SIZE - 4), 4, 0x12345678);
    await raw.barWrite(bar, at(65536 + SIZE - 4), 4, 0x9abcdef0);
    await gpu.ok(unmapBlob(1, CTX), "RESOURCE_UNMAP_BLOB");
    await map(gpu, 1, 4 * SIZE + 65536);
    t.equal(await raw.barRead(bar, at(5 * SIZE + 65536 - 4), 4), 0x12345678, "the last word of blob 1");
    t.equal(await raw.barRead(bar, at(65536 + SIZE - 4), 4), 0x9abcdef0, "the last word of blob 2");
  },
});

const UUID = [VIRTIO_GPU_F_RESOURCE_UUID];
const WITH_UUID = { ...GPU, features: UUID };
const UUID_BYTES = VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes;

async function uuidOf(gpu: GpuSession, resourceId: number): Promise<string> {
  const what = `RESOURCE_ASSIGN_UUID ${resourceId}`;
  const bytes = await gpu.ok(assignUuid(resourceId), what, VIRTIO_GPU_RESP_OK_RESOURCE_UUID, UUID_BYTES);
  return bytes.slice(VIRTIO_GPU_RESP_RESOURCE_UUID.uuid).join();
}

cases.add({
  id: "gpu/uuid/different",
  title:
    "RESOURCE_ASSIGN_UUID identifies the exported object: resources have different UUIDs, none of them zero",
  clauses: [CLAUSE.response],
  needs: WITH_UUID,
  async run(t) {
    const gpu = await GpuSession.start(t, UUID);
    const uuids = new Set([new Uint8Array(16).join()]);
    for (let id = 1; id <= 8; id++) {
      await gpu.create(id, 16, 16);
      uuids.add(await uuidOf(gpu, id));
    }
    t.equal(uuids.size, 9, "the number of different UUIDs, and zero");
  },
});

cases.add({
  id: "gpu/uuid/again",
  title: "RESOURCE_ASSIGN_UUID of the same resource is answered again",
  clauses: [CLAUSE.response],
  needs: WITH_UUID,
  async run(t) {
    const gpu = await GpuSession.start(t, UUID);
    await gpu.create(1, 16, 16);
    await uuidOf(gpu, 1);
    await gpu.either(assignUuid(1), UUID_BYTES);
    await gpu.ok(unref(1), "RESOURCE_UNREF of an exported resource");
  },
});

cases.add({
  id: "gpu/uuid/no-such-resource",
  title: "RESOURCE_ASSIGN_UUID of a resource that is not there, or no longer, is refused",
  clauses: [CLAUSE.response],
  needs: WITH_UUID,
  parameters: [{ resource: "never" }, { resource: "gone" }, { resource: "zero" }],
  async run(t, { resource }) {
    const gpu = await GpuSession.start(t, UUID);
    await gpu.create(1, 16, 16);
    await gpu.create(2, 16, 16);
    await uuidOf(gpu, 1);
    await gpu.ok(unref(1), "RESOURCE_UNREF");
    const id = { never: 9, gone: 1, zero: 0 }[resource as "never"];
    await gpu.refuse(assignUuid(id), `RESOURCE_ASSIGN_UUID ${id}`, UUID_BYTES);
    await uuidOf(gpu, 2);
  },
});

/** Shared memory, blobs in it, and what is exported. */
export const HOST_VISIBLE_CASES: readonly CaseDefinition[] = cases.all;
