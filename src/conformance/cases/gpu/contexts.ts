import {
  VIRTIO_GPU_CTX_CREATE,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import {
  attachBacking,
  create3d,
  ctxAttachResource,
  ctxCreate,
  ctxDestroy,
  ctxDetachResource,
  flush,
  submit3d,
  transferFromHost3d,
  transferToHost3d,
  unref,
} from "../../models/gpu-commands.ts";
import { CLAUSE, GPU } from "./common.ts";
import { encode, gradient, shows } from "./pictures.ts";
import { capsets } from "./queries.ts";
import { area, GpuSession } from "./session.ts";

const cases = new CaseList();
const FORMAT = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
const VIRGL = [VIRTIO_GPU_F_VIRGL];
const WITH_VIRGL = { ...GPU, features: VIRGL };
const INIT = [VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_F_CONTEXT_INIT];
const WITH_INIT = { ...GPU, features: INIT };
const CTX = { ctxId: 1 };
const W = 64;
const BYTES = W * W * 4;

/** What a command stream without effect is in every protocol. */
const NOP = new Uint8Array(0);

async function context(gpu: GpuSession, ctxId = 1): Promise<void> {
  await gpu.ok(ctxCreate(0, "test", { ctxId }), `CTX_CREATE ${ctxId}`);
}

/** A 3D resource with backing that holds a picture. Returns its address. */
async function texture(gpu: GpuSession, id = 1, seed = 0): Promise<number> {
  await gpu.ok(create3d({ resourceId: id, format: FORMAT, width: W, height: W }), "RESOURCE_CREATE_3D");
  const address = gpu.t.guest.arena.place(encode(gradient(seed), W, W), 64);
  await gpu.ok(attachBacking(id, [{ address, lengthBytes: BYTES }]), "RESOURCE_ATTACH_BACKING");
  return address;
}

cases.add({
  id: "gpu/context/create",
  title: "CTX_CREATE makes a context for the ctx_id of the header, which takes commands then",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: [{ ctx: 1 }, { ctx: 2 }, { ctx: 63 }],
  async run(t, { ctx }) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu, ctx);
    await gpu.ok(submit3d(NOP, { ctxId: ctx }), "SUBMIT_3D");
  },
});

cases.add({
  id: "gpu/context/not-created",
  title: "A context that was not created, or was destroyed, takes no commands",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: ["submit", "destroy", "attach", "detach"].flatMap((command) =>
    [true, false].map((destroyed) => ({ command, destroyed })),
  ),
  async run(t, { command, destroyed }) {
    const gpu = await GpuSession.start(t, VIRGL);
    await texture(gpu);
    await context(gpu, 2);
    if (destroyed) {
      await context(gpu, 1);
      await gpu.ok(ctxDestroy(CTX), "CTX_DESTROY");
    }
    const requests: Readonly<Record<string, Uint8Array>> = {
      submit: submit3d(NOP, CTX),
      destroy: ctxDestroy(CTX),
      attach: ctxAttachResource(1, CTX),
      detach: ctxDetachResource(1, CTX),
    };
    await gpu.refuse(requests[command] as Uint8Array, `${command} of context 1`);
    await gpu.ok(submit3d(NOP, { ctxId: 2 }), "SUBMIT_3D of another context");
  },
});

cases.add({
  id: "gpu/context/name",
  title: "debug_name is for debugging: its length and its bytes make no difference",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: [{ nlen: 0 }, { nlen: 64 }],
  async run(t, { nlen }) {
    const gpu = await GpuSession.start(t, VIRGL);
    await gpu.ok(ctxCreate(0, "n".repeat(nlen), CTX), `CTX_CREATE with a name of ${nlen} bytes`);
    await gpu.ok(submit3d(NOP, CTX), "SUBMIT_3D");
  },
});

cases.add({
  id: "gpu/context/name-too-long",
  title: "A name length beyond the 64 bytes there are is refused or cut, and nothing behind is read",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: [{ nlen: 65 }, { nlen: 0xffffffff }],
  async run(t, { nlen }) {
    const gpu = await GpuSession.start(t, VIRGL);
    const request = ctxCreate(0, "test", CTX);
    new DataView(request.buffer).setUint32(VIRTIO_GPU_CTX_CREATE.nlen, nlen, true);
    await gpu.either(request);
    await context(gpu, 2);
  },
});

cases.add({
  id: "gpu/context/id-in-use",
  title: "CTX_CREATE of a context that exists is refused or does nothing, and the context goes on",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    await gpu.either(ctxCreate(0, "again", CTX));
    await gpu.ok(submit3d(NOP, CTX), "SUBMIT_3D");
  },
});

cases.add({
  id: "gpu/context/again",
  title: "A ctx_id is free again once its context was destroyed",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, VIRGL);
    for (let round = 0; round < 3; round++) {
      await context(gpu);
      await gpu.ok(ctxDestroy({ ...CTX, ...gpu.fence() }), "CTX_DESTROY");
    }
  },
});

cases.add({
  id: "gpu/context/of-every-capset",
  title: "context_init with the id of each capset makes a context that takes commands",
  clauses: [CLAUSE.contextOfCapset, CLAUSE.contextInit],
  needs: WITH_INIT,
  async run(t) {
    const gpu = await GpuSession.start(t, INIT);
    let ctxId = 0;
    for (const { id } of await capsets(gpu)) {
      ctxId++;
      await gpu.ok(ctxCreate(id, "test", { ctxId }), `CTX_CREATE with capset ${id}`);
      // Some protocols take no stream without a command.
      await gpu.either(submit3d(NOP, { ctxId }));
    }
  },
});

cases.add({
  id: "gpu/context/of-no-capset",
  title: "context_init with the id of a capset that the device does not have is refused",
  clauses: [CLAUSE.contextOfCapset, CLAUSE.contextInit],
  needs: WITH_INIT,
  parameters: [{ capset: 62 }, { capset: 255 }],
  async run(t, { capset }) {
    const gpu = await GpuSession.start(t, INIT);
    await gpu.refuse(ctxCreate(capset, "test", CTX), `CTX_CREATE with capset ${capset}`);
    await context(gpu);
  },
});

cases.add({
  id: "gpu/context/resources",
  title: "Resources are attached to contexts and detached, more than once and in any order",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu, 1);
    await context(gpu, 2);
    await texture(gpu, 1);
    await gpu.ok(ctxAttachResource(1, CTX), "CTX_ATTACH_RESOURCE");
    await gpu.ok(ctxAttachResource(1, { ctxId: 2 }), "CTX_ATTACH_RESOURCE to another");
    await gpu.ok(ctxDetachResource(1, CTX), "CTX_DETACH_RESOURCE");
    await gpu.ok(ctxAttachResource(1, CTX), "CTX_ATTACH_RESOURCE once more");
    await gpu.ok(ctxDestroy(CTX), "CTX_DESTROY with a resource attached");
    await gpu.ok(unref(1), "RESOURCE_UNREF with a context attached");
    await gpu.ok(submit3d(NOP, { ctxId: 2 }), "SUBMIT_3D");
  },
});

cases.add({
  id: "gpu/context/no-such-resource",
  title: "CTX_ATTACH_RESOURCE of a resource that is not there is refused",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    await gpu.refuse(ctxAttachResource(9, CTX), "CTX_ATTACH_RESOURCE of resource 9");
    await gpu.ok(submit3d(NOP, CTX), "SUBMIT_3D");
  },
});

cases.add({
  id: "gpu/create-3d/ids",
  title: "RESOURCE_CREATE_3D of id 0 or of one in use, by 2D resources too, is refused",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: [{ id: "zero" }, { id: "3d" }, { id: "2d" }],
  async run(t, { id }) {
    const gpu = await GpuSession.start(t, VIRGL);
    await texture(gpu, 1);
    await gpu.create(2, 16, 16);
    const resourceId = id === "zero" ? 0 : id === "3d" ? 1 : 2;
    await gpu.refuse(
      create3d({ resourceId, format: FORMAT, width: W, height: W }),
      `RESOURCE_CREATE_3D ${resourceId}`,
    );
    await texture(gpu, 3);
  },
});

cases.add({
  id: "gpu/transfer-3d/there-and-back",
  title:
    "What TRANSFER_TO_HOST_3D brings to the host TRANSFER_FROM_HOST_3D brings back, done when the fence is",
  clauses: [CLAUSE.finished],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    const address = await texture(gpu, 1, 3);
    await gpu.ok(ctxAttachResource(1, CTX), "CTX_ATTACH_RESOURCE");
    const box = { width: W, height: W };
    const header = { ...CTX, ...gpu.fence() };
    await gpu.ok(transferToHost3d(1, box, 0, W * 4, header), "TRANSFER_TO_HOST_3D");
    t.guest.arena.ram.write(address, new Uint8Array(BYTES));
    await gpu.ok(transferFromHost3d(1, box, 0, W * 4, { ...CTX, ...gpu.fence() }), "TRANSFER_FROM_HOST_3D");
    const back = t.guest.arena.ram.read(address, BYTES);
    const there = encode(gradient(3), W, W);
    // The fourth byte of each pixel stands for nothing.
    for (let i = 3; i < BYTES; i += 4) back[i] = 0;
    t.equalBytes(back, there, "the picture that came back");
  },
});

cases.add({
  id: "gpu/transfer-3d/refused",
  title: "3D transfers for a resource that is not there or without the context they name are refused",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: ["to", "from"].flatMap((way) => ["resource", "context"].map((missing) => ({ way, missing }))),
  async run(t, { way, missing }) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    await texture(gpu);
    await gpu.ok(ctxAttachResource(1, CTX), "CTX_ATTACH_RESOURCE");
    const transfer = way === "to" ? transferToHost3d : transferFromHost3d;
    const box = { width: W, height: W };
    const header = missing === "context" ? { ctxId: 9 } : CTX;
    await gpu.refuse(transfer(missing === "resource" ? 9 : 1, box, 0, W * 4, header), `without ${missing}`);
    await gpu.ok(transfer(1, box, 0, W * 4, CTX), "the transfer with both");
  },
});

cases.add({
  id: "gpu/transfer-3d/outside",
  title: "A 3D transfer of a box that does not lie inside the resource, or beyond its backing, is refused",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: [{ fault: "box" }, { fault: "wrap" }, { fault: "backing" }],
  async run(t, { fault }) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    await texture(gpu);
    await gpu.ok(ctxAttachResource(1, CTX), "CTX_ATTACH_RESOURCE");
    const box = {
      box: { width: W + 1, height: W },
      wrap: { x: 0xffffffff, width: W, height: W },
      backing: { width: W, height: W },
    }[fault as "box" | "wrap" | "backing"];
    const offset = fault === "backing" ? BYTES - 16 : 0;
    await gpu.refuse(transferToHost3d(1, box, offset, W * 4, CTX), "TRANSFER_TO_HOST_3D");
    await gpu.ok(transferToHost3d(1, { width: W, height: W }, 0, W * 4, CTX), "the whole");
  },
});

cases.add({
  id: "gpu/submit-3d/size",
  title: "SUBMIT_3D with a size beyond the bytes that follow is refused",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  parameters: [{ size: 8 }, { size: 0x7fffffff }, { size: 0xfffffffc }],
  async run(t, { size }) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    await gpu.refuse(submit3d(NOP, CTX, size), `SUBMIT_3D with size ${size} and no bytes`);
    await gpu.ok(submit3d(NOP, CTX), "SUBMIT_3D with the right size");
  },
});

cases.add({
  id: "gpu/pixels/3d-resource",
  title: "A 3D resource can be scanned out, and a fenced flush shows what is in it",
  clauses: [CLAUSE.finished],
  needs: { ...WITH_VIRGL, pixels: true },
  async run(t) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    await texture(gpu, 1, 9);
    await gpu.ok(ctxAttachResource(1, CTX), "CTX_ATTACH_RESOURCE");
    const box = { width: W, height: W };
    await gpu.ok(transferToHost3d(1, box, 0, W * 4, { ...CTX, ...gpu.fence() }), "TRANSFER_TO_HOST_3D");
    await gpu.show(0, 1, W, W);
    await gpu.ok(flush(1, area(W, W), gpu.fence()), "RESOURCE_FLUSH");
    await shows(gpu, 0, W, W, gradient(9));
  },
});

cases.add({
  id: "gpu/context/gone-with-reset",
  title: "Behind a device reset no context is left",
  clauses: [CLAUSE.createContext],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, VIRGL);
    await context(gpu);
    await t.guest.reset();
    await t.guest.start({ features: VIRGL });
    await gpu.refuse(submit3d(NOP, CTX), "SUBMIT_3D of a context of before the reset");
    await context(gpu);
  },
});

/** 3D: contexts, their resources, command streams. */
export const CONTEXT_CASES: readonly CaseDefinition[] = cases.all;
