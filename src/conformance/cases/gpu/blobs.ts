import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST,
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_VIRGL,
} from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import {
  attachBacking,
  createBlob,
  ctxCreate,
  detachBacking,
  flush,
  type GpuMemEntry,
  type SetScanoutBlob,
  setScanoutBlob,
  transferToHost2d,
  unref,
} from "../../models/gpu-commands.ts";
import { CLAUSE, GPU } from "./common.ts";
import { scanoutCount } from "./displays.ts";
import { encode, FORMATS, type FormatName, gradient, shows } from "./pictures.ts";
import { area, GpuSession } from "./session.ts";

const cases = new CaseList();
const BLOB = [VIRTIO_GPU_F_RESOURCE_BLOB];
const WITH_BLOB = { ...GPU, features: BLOB };
const HOST_BLOB = [VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_F_RESOURCE_BLOB];
const ALIGNED = [VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_F_BLOB_ALIGNMENT];
const W = 64;
const H = 48;
const STRIDE = W * 4;
const SIZE = 16384;
const FORMAT = FORMATS.B8G8R8X8;

/** A guest-only blob with memory. */
async function guestBlob(
  gpu: GpuSession,
  resourceId = 1,
  sizeBytes = SIZE,
  pieces = 1,
): Promise<GpuMemEntry[]> {
  const lengthBytes = sizeBytes / pieces;
  const entries = Array.from({ length: pieces }, () => ({
    address: gpu.t.guest.arena.allocate(lengthBytes + 4096, 4096),
    lengthBytes,
  })).reverse();
  await gpu.ok(
    createBlob({ resourceId, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes, entries }),
    `RESOURCE_CREATE_BLOB ${resourceId}`,
  );
  return entries;
}

function frame(fields: Partial<SetScanoutBlob> = {}): SetScanoutBlob {
  return {
    scanoutId: 0,
    resourceId: 1,
    rect: area(W, H),
    width: W,
    height: H,
    format: FORMAT,
    strideBytes: STRIDE,
    ...fields,
  };
}

cases.add({
  id: "gpu/create-blob/guest",
  title: "A guest-only blob is created with its memory, of any number of pieces",
  clauses: [CLAUSE.blobMem, CLAUSE.response],
  needs: WITH_BLOB,
  parameters: [{ pieces: 1 }, { pieces: 2 }, { pieces: 64 }],
  async run(t, { pieces }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu, 1, SIZE, pieces);
    await gpu.ok(unref(1), "RESOURCE_UNREF");
    await guestBlob(gpu, 1);
  },
});

cases.add({
  id: "gpu/create-blob/backing-later",
  title: "A guest-only blob may be created without memory, and be given some, and lose it",
  clauses: [CLAUSE.blobMem],
  needs: WITH_BLOB,
  async run(t) {
    const gpu = await GpuSession.start(t, BLOB);
    const blob = { resourceId: 1, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes: SIZE };
    await gpu.ok(createBlob(blob), "RESOURCE_CREATE_BLOB");
    await gpu.attach(1, SIZE);
    await gpu.ok(detachBacking(1), "RESOURCE_DETACH_BACKING");
    await gpu.attach(1, SIZE, 4);
  },
});

cases.add({
  id: "gpu/create-blob/flags",
  title: "All the blob_flags that there are can be set",
  clauses: [CLAUSE.blobFlags],
  needs: WITH_BLOB,
  parameters: [
    { flags: VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE },
    { flags: VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE },
    { flags: VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE },
    {
      flags:
        VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE |
        VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |
        VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
    },
  ],
  async run(t, { flags }) {
    const gpu = await GpuSession.start(t, BLOB);
    const entries = [{ address: t.guest.arena.allocate(SIZE, 4096), lengthBytes: SIZE }];
    await gpu.ok(
      createBlob({
        resourceId: 1,
        blobMem: VIRTIO_GPU_BLOB_MEM_GUEST,
        blobFlags: flags,
        sizeBytes: SIZE,
        entries,
      }),
      `RESOURCE_CREATE_BLOB with flags ${flags}`,
    );
  },
});

cases.add({
  id: "gpu/create-blob/blob-mem",
  title: "A blob_mem that is 0, or none of the three there are, is refused",
  clauses: [CLAUSE.blobMem, CLAUSE.response],
  needs: WITH_BLOB,
  parameters: [{ mem: 0 }, { mem: 4 }, { mem: 0xffffffff }],
  async run(t, { mem }) {
    const gpu = await GpuSession.start(t, BLOB);
    const entries = [{ address: t.guest.arena.allocate(SIZE, 4096), lengthBytes: SIZE }];
    await gpu.refuse(
      createBlob({ resourceId: 1, blobMem: mem, sizeBytes: SIZE, entries }),
      `blob_mem ${mem}`,
    );
    await guestBlob(gpu, 1);
  },
});

cases.add({
  id: "gpu/create-blob/host-without-virgl",
  title: "Blobs with host memory are refused when VIRGL is not supported",
  clauses: [CLAUSE.blobMem, CLAUSE.blobOfContext],
  needs: WITH_BLOB,
  parameters: [{ mem: VIRTIO_GPU_BLOB_MEM_HOST3D }, { mem: VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST }],
  async run(t, { mem }) {
    const gpu = await GpuSession.start(t, BLOB);
    await gpu.refuse(
      createBlob({ resourceId: 1, blobMem: mem, blobId: 1n, sizeBytes: SIZE }),
      `blob_mem ${mem}`,
    );
    await guestBlob(gpu, 1);
  },
});

cases.add({
  id: "gpu/create-blob/of-no-context",
  title: "A blob with host memory that names a context which does not exist is refused",
  clauses: [CLAUSE.blobOfContext],
  needs: { ...GPU, features: HOST_BLOB },
  parameters: [{ mem: VIRTIO_GPU_BLOB_MEM_HOST3D }, { mem: VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST }],
  async run(t, { mem }) {
    const gpu = await GpuSession.start(t, HOST_BLOB);
    await gpu.ok(ctxCreate(0, "test", { ctxId: 1 }), "CTX_CREATE");
    const blob = { resourceId: 1, blobMem: mem, blobId: 1n, sizeBytes: SIZE };
    await gpu.refuse(createBlob(blob, { ctxId: 2 }), `blob_mem ${mem} of context 2`);
    await guestBlob(gpu, 1);
  },
});

cases.add({
  id: "gpu/create-blob/ids",
  title: "RESOURCE_CREATE_BLOB of id 0 or of one in use is refused",
  clauses: [CLAUSE.blobMem, CLAUSE.response],
  needs: WITH_BLOB,
  parameters: [{ id: "zero" }, { id: "blob" }, { id: "2d" }],
  async run(t, { id }) {
    const gpu = await GpuSession.start(t, BLOB);
    const entries = await guestBlob(gpu, 1);
    await gpu.create(2, 16, 16);
    const resourceId = id === "zero" ? 0 : id === "blob" ? 1 : 2;
    await gpu.refuse(
      createBlob({ resourceId, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes: SIZE, entries }),
      `RESOURCE_CREATE_BLOB ${resourceId}`,
    );
    await guestBlob(gpu, 3);
  },
});

cases.add({
  id: "gpu/create-blob/missing-entries",
  title: "RESOURCE_CREATE_BLOB with fewer entries than nr_entries says is refused",
  clauses: [CLAUSE.blobMem, CLAUSE.response],
  needs: WITH_BLOB,
  parameters: [{ count: 2 }, { count: 16384 }, { count: 0xffffffff }],
  async run(t, { count }) {
    const gpu = await GpuSession.start(t, BLOB);
    const entries = [{ address: t.guest.arena.allocate(SIZE, 4096), lengthBytes: SIZE }];
    await gpu.refuse(
      createBlob({ resourceId: 1, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes: SIZE, entries, count }),
      `nr_entries ${count} with one entry`,
    );
    await guestBlob(gpu, 1);
  },
});

cases.add({
  id: "gpu/create-blob/odd-sizes",
  title:
    "A blob of no bytes, or larger than its memory, is accepted or refused, and nothing behind it is read",
  clauses: [CLAUSE.blobMem],
  needs: WITH_BLOB,
  parameters: [{ size: "0" }, { size: "20480" }, { size: "4294967296" }, { size: "18446744073709551615" }],
  async run(t, { size }) {
    const gpu = await GpuSession.start(t, BLOB);
    const entries = [{ address: t.guest.arena.allocate(SIZE, 4096), lengthBytes: SIZE }];
    const sizeBytes = BigInt(size);
    const blob = { resourceId: 1, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes, entries };
    if (await gpu.either(createBlob(blob))) {
      const height = 1024;
      await gpu.either(setScanoutBlob(frame({ height, rect: area(W, height) })));
      await gpu.either(flush(1, area(W, height)));
    }
    await guestBlob(gpu, 2);
  },
});

cases.add({
  id: "gpu/create-blob/aligned",
  title: "With BLOB_ALIGNMENT a size that is a multiple of blob_alignment is accepted",
  clauses: [CLAUSE.blobMem, CLAUSE.config],
  needs: { ...GPU, features: ALIGNED },
  async run(t) {
    const gpu = await GpuSession.start(t, ALIGNED);
    const alignment = await t.guest.registers.config(VIRTIO_GPU_CONFIG.blob_alignment, 4);
    await guestBlob(gpu, 1, alignment);
    await guestBlob(gpu, 2, 3 * alignment);
  },
});

cases.add({
  id: "gpu/create-blob/not-aligned",
  title: "With BLOB_ALIGNMENT a size that is not a multiple of blob_alignment is refused or rounded",
  clauses: [CLAUSE.blobMem, CLAUSE.config],
  needs: { ...GPU, features: ALIGNED },
  async run(t) {
    const gpu = await GpuSession.start(t, ALIGNED);
    const alignment = await t.guest.registers.config(VIRTIO_GPU_CONFIG.blob_alignment, 4);
    const lengthBytes = 2 * alignment;
    const entries = [{ address: t.guest.arena.allocate(lengthBytes, 4096), lengthBytes }];
    const sizeBytes = alignment + 1;
    await gpu.either(createBlob({ resourceId: 1, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes, entries }));
    await guestBlob(gpu, 2, alignment);
  },
});

cases.add({
  id: "gpu/blob/transfer",
  title: "TRANSFER_TO_HOST_2D of a guest-only blob, whose bytes are where they are, is accepted or refused",
  clauses: [CLAUSE.blobMem],
  needs: WITH_BLOB,
  async run(t) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.either(transferToHost2d(1, area(W, H), 0));
    await t.serves();
  },
});

cases.add({
  id: "gpu/scanout-blob/accepted",
  title: "SET_SCANOUT_BLOB takes a frame that lies inside the blob, to the last byte",
  clauses: [CLAUSE.blobFormat, CLAUSE.response],
  needs: WITH_BLOB,
  parameters: [
    { offset: 0, stride: STRIDE },
    { offset: SIZE - STRIDE * H, stride: STRIDE },
    { offset: 64, stride: STRIDE + 64 },
  ],
  async run(t, { offset, stride }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.ok(setScanoutBlob(frame({ offsetBytes: offset, strideBytes: stride })), "SET_SCANOUT_BLOB");
    await gpu.ok(flush(1, area(W, H)), "RESOURCE_FLUSH");
    await gpu.ok(setScanoutBlob(frame({ resourceId: 0 })), "SET_SCANOUT_BLOB of resource 0");
  },
});

cases.add({
  id: "gpu/scanout-blob/formats",
  title: "SET_SCANOUT_BLOB takes each of the eight formats",
  clauses: [CLAUSE.blobFormat],
  needs: WITH_BLOB,
  parameters: Object.keys(FORMATS).map((format) => ({ format })),
  async run(t, { format }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.ok(
      setScanoutBlob(frame({ format: FORMATS[format as FormatName] })),
      `SET_SCANOUT_BLOB, ${format}`,
    );
  },
});

cases.add({
  id: "gpu/scanout-blob/no-format",
  title: "SET_SCANOUT_BLOB with a number that is none of enum virtio_gpu_formats is refused",
  clauses: [CLAUSE.blobFormat],
  needs: WITH_BLOB,
  parameters: [0, 5, 66, 69, 120, 135, 0xffffffff].map((format) => ({ format })),
  async run(t, { format }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.refuse(setScanoutBlob(frame({ format })), `format ${format}`);
    await gpu.ok(setScanoutBlob(frame()), "SET_SCANOUT_BLOB");
  },
});

const WRONG_FRAMES: Readonly<Record<string, Partial<SetScanoutBlob>>> = {
  "beyond-the-end": { offsetBytes: SIZE - STRIDE * H + 4 },
  "offset-beyond": { offsetBytes: SIZE },
  "offset-wraps": { offsetBytes: 0xfffffff0 },
  "too-high": { height: SIZE / STRIDE + 1 },
  "stride-too-large": { strideBytes: STRIDE * 2 },
  "stride-wraps": { strideBytes: 0xffffff00 },
  "rect-too-wide": { rect: area(W + 1, H) },
  "rect-too-high": { rect: area(W, H + 1) },
  "rect-beyond-right": { rect: area(W, H, 1, 0) },
  "rect-wraps": { rect: area(32, 32, 0xffffffe0, 0) },
};

cases.add({
  id: "gpu/scanout-blob/outside",
  title:
    "SET_SCANOUT_BLOB of a frame that does not lie inside the blob, or a rectangle outside the frame, is refused",
  clauses: [CLAUSE.blobFormat, CLAUSE.response],
  needs: WITH_BLOB,
  parameters: Object.keys(WRONG_FRAMES).map((fault) => ({ fault })),
  async run(t, { fault }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.refuse(setScanoutBlob(frame(WRONG_FRAMES[fault] as Partial<SetScanoutBlob>)), fault);
    await gpu.ok(setScanoutBlob(frame()), "SET_SCANOUT_BLOB");
  },
});

cases.add({
  id: "gpu/scanout-blob/stride-too-small",
  title: "SET_SCANOUT_BLOB with rows that overlap each other is accepted or refused",
  clauses: [CLAUSE.blobFormat],
  needs: WITH_BLOB,
  parameters: [{ stride: 0 }, { stride: 4 }, { stride: STRIDE - 4 }],
  async run(t, { stride }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.either(setScanoutBlob(frame({ strideBytes: stride })));
    await gpu.either(flush(1, area(W, H)));
    await gpu.ok(setScanoutBlob(frame()), "SET_SCANOUT_BLOB");
  },
});

cases.add({
  id: "gpu/scanout-blob/ids",
  title: "SET_SCANOUT_BLOB of a scanout or a resource that is not there, or of a 2D resource, is refused",
  clauses: [CLAUSE.blobFormat, CLAUSE.response],
  needs: WITH_BLOB,
  parameters: [{ fault: "scanout" }, { fault: "largest-scanout" }, { fault: "resource" }, { fault: "2d" }],
  async run(t, { fault }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.create(2, W, H);
    const scanoutId = { scanout: await scanoutCount(gpu), "largest-scanout": 0xffffffff }[fault] ?? 0;
    const resourceId = { resource: 9, "2d": 2 }[fault] ?? 1;
    await gpu.refuse(setScanoutBlob(frame({ scanoutId, resourceId })), fault);
    await gpu.ok(setScanoutBlob(frame()), "SET_SCANOUT_BLOB");
  },
});

cases.add({
  id: "gpu/scanout-blob/unref-while-shown",
  title: "A blob that is scanned out can go, and its memory after it",
  clauses: [CLAUSE.response],
  needs: WITH_BLOB,
  parameters: [{ command: "unref" }, { command: "detach-backing" }],
  async run(t, { command }) {
    const gpu = await GpuSession.start(t, BLOB);
    await guestBlob(gpu);
    await gpu.ok(setScanoutBlob(frame()), "SET_SCANOUT_BLOB");
    await gpu.ok(command === "unref" ? unref(1) : detachBacking(1), command);
    await guestBlob(gpu, 2);
    await gpu.ok(setScanoutBlob(frame({ resourceId: 2 })), "SET_SCANOUT_BLOB of another");
    await gpu.ok(flush(2, area(W, H)), "RESOURCE_FLUSH of another");
  },
});

cases.add({
  id: "gpu/pixels/blob",
  title: "A blob's frame shows what stands in the guest's memory when it is flushed, without a transfer",
  clauses: [CLAUSE.finished, CLAUSE.blobFormat],
  needs: { ...WITH_BLOB, pixels: true },
  parameters: Object.keys(FORMATS).map((format) => ({ format })),
  async run(t, { format }) {
    const name = format as FormatName;
    const gpu = await GpuSession.start(t, BLOB);
    const entries = await guestBlob(gpu, 1, SIZE, 4);
    await gpu.ok(setScanoutBlob(frame({ format: FORMATS[name] })), "SET_SCANOUT_BLOB");
    for (const seed of [1, 2]) {
      gpu.fill(entries, encode(gradient(seed), W, H, name));
      await gpu.ok(flush(1, area(W, H), gpu.fence()), "RESOURCE_FLUSH");
      await shows(gpu, 0, W, H, gradient(seed));
    }
  },
});

cases.add({
  id: "gpu/pixels/blob-geometry",
  title: "Offset, stride and rectangle of a blob's frame are kept to",
  clauses: [CLAUSE.finished, CLAUSE.blobFormat],
  needs: { ...WITH_BLOB, pixels: true },
  async run(t) {
    const gpu = await GpuSession.start(t, BLOB);
    const entries = await guestBlob(gpu);
    const stride = STRIDE + 64;
    const bytes = new Uint8Array(SIZE).fill(0x77);
    bytes.set(encode(gradient(3), W, H, "B8G8R8X8", stride).slice(0, SIZE - 256), 256);
    gpu.fill(entries, bytes);
    const rect = area(40, 30, 16, 8);
    await gpu.ok(setScanoutBlob(frame({ offsetBytes: 256, strideBytes: stride, rect })), "SET_SCANOUT_BLOB");
    await gpu.ok(flush(1, area(W, H), gpu.fence()), "RESOURCE_FLUSH");
    const pattern = gradient(3);
    await shows(gpu, 0, 40, 30, (x, y) => pattern(16 + x, 8 + y));
  },
});

cases.add({
  id: "gpu/pixels/blob-new-memory",
  title: "A blob that is given other memory shows what stands there",
  clauses: [CLAUSE.finished],
  needs: { ...WITH_BLOB, pixels: true },
  async run(t) {
    const gpu = await GpuSession.start(t, BLOB);
    const old = await guestBlob(gpu);
    gpu.fill(old, encode(gradient(1), W, H));
    await gpu.ok(detachBacking(1, gpu.fence()), "RESOURCE_DETACH_BACKING");
    const address = t.guest.arena.allocate(SIZE, 4096);
    t.guest.arena.ram.write(address, encode(gradient(2), W, H));
    await gpu.ok(attachBacking(1, [{ address, lengthBytes: SIZE }]), "RESOURCE_ATTACH_BACKING");
    await gpu.ok(setScanoutBlob(frame()), "SET_SCANOUT_BLOB");
    await gpu.ok(flush(1, area(W, H), gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, H, gradient(2));
  },
});

/** Blobs in guest memory, and their frames. */
export const BLOB_CASES: readonly CaseDefinition[] = cases.all;
