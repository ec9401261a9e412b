import {
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_FLAG_INFO_RING_IDX,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_MAX_RING_IDX,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
} from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList, type CaseRun } from "../../case.ts";
import type { Request } from "../../guest/index.ts";
import {
  attachBacking,
  bareRequest,
  create2d,
  ctxCreate,
  decodeHeader,
  detachBacking,
  flush,
  type GpuHeader,
  getDisplayInfo,
  setScanout,
  submit3d,
  transferToHost2d,
  unref,
  updateCursor,
} from "../../models/gpu-commands.ts";
import { CONTROLQ, CURSORQ } from "../../models/index.ts";
import { CLAUSE, GPU } from "./common.ts";
import { area, type GpuAnswer, GpuSession } from "./session.ts";

const cases = new CaseList();
const FORMAT = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
const WITH_RINGS = { ...GPU, features: [VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_F_CONTEXT_INIT] };
const FENCE_IDS = ["0", "1", "4294967295", "4294967296", "9223372036854775808", "18446744073709551615"];
const DISPLAY_INFO_BYTES = 408;
/** A word of zeros is a command without effect in the protocol of virgl. */
const NOP_BYTES = 4;

function checkEcho(t: CaseRun, { header }: GpuAnswer, fenceId: bigint): void {
  t.equal(
    header.flags & VIRTIO_GPU_FLAG_FENCE,
    VIRTIO_GPU_FLAG_FENCE,
    "VIRTIO_GPU_FLAG_FENCE of the response",
  );
  t.equal(header.fenceId, fenceId, "the fence_id of the response");
}

cases.add({
  id: "gpu/fence/echo",
  title: "A response to a request with a fence has the flag and the same fence_id, all 64 bits of it",
  clauses: [CLAUSE.response],
  needs: { devices: ["gpu"] },
  parameters: FENCE_IDS.map((fence) => ({ fence })),
  async run(t, { fence }) {
    const gpu = await GpuSession.start(t);
    const fenceId = BigInt(fence);
    checkEcho(
      t,
      await gpu.send(getDisplayInfo({ flags: VIRTIO_GPU_FLAG_FENCE, fenceId }), DISPLAY_INFO_BYTES),
      fenceId,
    );
  },
});

/** Commands for a device with resource 1 (64 × 64, with backing) and resource 2 (without). */
const COMMANDS: Readonly<Record<string, (header: GpuHeader) => Uint8Array>> = {
  "create-2d": (header) => create2d({ resourceId: 3, format: FORMAT, width: 16, height: 16 }, header),
  unref: (header) => unref(1, header),
  "set-scanout": (header) => setScanout(0, 1, area(64, 64), header),
  flush: (header) => flush(1, area(64, 64), header),
  "transfer-to-host-2d": (header) => transferToHost2d(1, area(64, 64), 0, header),
  "attach-backing": (header) => attachBacking(2, [{ address: 0x300000, lengthBytes: 1024 }], header),
  "detach-backing": (header) => detachBacking(1, header),
};

/** The same, none of which can succeed. */
const FAILING: Readonly<Record<string, (header: GpuHeader) => Uint8Array>> = {
  "create-2d": (header) => create2d({ resourceId: 1, format: FORMAT, width: 16, height: 16 }, header),
  unref: (header) => unref(9, header),
  "set-scanout": (header) => setScanout(99, 1, area(64, 64), header),
  flush: (header) => flush(1, area(65, 64), header),
  "transfer-to-host-2d": (header) => transferToHost2d(1, area(64, 65), 0, header),
  "attach-backing": (header) => attachBacking(9, [{ address: 0x300000, lengthBytes: 1024 }], header),
  "detach-backing": (header) => detachBacking(9, header),
  unknown: (header) => bareRequest(0x7777, header),
};

cases.add({
  id: "gpu/fence/every-command",
  title: "Fences are echoed on success and on failure of every 2D command",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [
    ...Object.keys(COMMANDS).map((command) => ({ command, succeeds: true })),
    ...Object.keys(FAILING).map((command) => ({ command, succeeds: false })),
  ],
  async run(t, { command, succeeds }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.create(2, 16, 16);
    const make = (succeeds ? COMMANDS : FAILING)[command] as (header: GpuHeader) => Uint8Array;
    const fenceId = 0x1234_5678_9abcn;
    const answer = await gpu.send(make({ flags: VIRTIO_GPU_FLAG_FENCE, fenceId }));
    t.equal(answer.header.type < VIRTIO_GPU_RESP_ERR_UNSPEC, succeeds, `whether ${command} succeeds`);
    checkEcho(t, answer, fenceId);
  },
});

cases.add({
  id: "gpu/fence/not-asked-for",
  title: "A response to a request without a fence does not say that there was one",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    checkEcho(t, await gpu.send(bareRequest(0x7777, gpu.fence())), 1n);
    const { header } = await gpu.send(getDisplayInfo({ fenceId: 55n }), DISPLAY_INFO_BYTES);
    t.equal(header.flags & VIRTIO_GPU_FLAG_FENCE, 0, "VIRTIO_GPU_FLAG_FENCE of the response");
  },
});

cases.add({
  id: "gpu/fence/cursor-queue",
  title: "A fence of a cursor command is echoed",
  clauses: [CLAUSE.response, CLAUSE.cursor],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const fenceId = 77n;
    const request = updateCursor({ scanoutId: 0, x: 1, y: 1 }, { flags: VIRTIO_GPU_FLAG_FENCE, fenceId });
    checkEcho(t, await gpu.send(request, undefined, CURSORQ), fenceId);
  },
});

/**
 * Sends requests at once and says in which order they come back. Fails when one comes back before one with a lower
 * sequence number on its timeline. `timelines` are those of the requests.
 */
async function inOrder(
  t: CaseRun,
  requests: readonly Request[],
  timelines: readonly number[],
): Promise<void> {
  const ring = t.guest.ring(CONTROLQ);
  await t.guest.kick(ring);
  const fences = new Map<number, bigint>();
  const open = new Map(requests.map((request, i) => [request.placed.id, i]));
  while (open.size > 0) {
    const used = await t.guest.used(ring);
    if (used === null) return t.fail(`${open.size} requests are not answered`);
    const index = open.get(used.id);
    if (index === undefined) return t.fail(`id ${used.id} was returned and is none that is open`);
    open.delete(used.id);
    const { fenceId } = decodeHeader(t.guest.writtenBytes(requests[index] as Request));
    const timeline = timelines[index] as number;
    t.note(`fence ${fenceId} of timeline ${timeline} was answered`);
    const latest = fences.get(timeline) ?? 0n;
    t.ok(fenceId >= latest, `fence ${fenceId} is answered before fence ${latest} of the same timeline`);
    fences.set(timeline, fenceId);
  }
}

cases.add({
  id: "gpu/fence/in-sequence",
  title: "When a fence is answered, all fences of lower numbers are",
  clauses: [CLAUSE.timeline, CLAUSE.response],
  needs: { devices: ["gpu"] },
  async run(t) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    const posted = [
      gpu.post(transferToHost2d(1, area(64, 64), 0, gpu.fence())),
      gpu.post(flush(1, area(64, 64), gpu.fence())),
      gpu.post(getDisplayInfo(gpu.fence()), DISPLAY_INFO_BYTES),
      gpu.post(flush(9, area(64, 64), gpu.fence())),
      gpu.post(unref(1, gpu.fence())),
      gpu.post(bareRequest(0x7777, gpu.fence())),
    ];
    await inOrder(
      t,
      posted,
      posted.map(() => 0),
    );
  },
});

function ringHeader(ctxId: number, ringIdx: number, fenceId: bigint): GpuHeader {
  return { flags: VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX, ctxId, ringIdx, fenceId };
}

/** A command stream that does nothing, for a while. */
function nops(count: number): Uint8Array {
  return new Uint8Array(count * NOP_BYTES);
}

cases.add({
  id: "gpu/fence/slow-before-fast",
  title: "A command that is done sooner does not overtake the fence before it on the same timeline",
  clauses: [CLAUSE.timeline],
  needs: { devices: ["gpu"], features: [VIRTIO_GPU_F_VIRGL] },
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    await gpu.ok(ctxCreate(0, "test", { ctxId: 1 }), "CTX_CREATE");
    const posted = [
      gpu.post(submit3d(nops(24), { ctxId: 1, ...gpu.fence() })),
      gpu.post(submit3d(nops(4), { ctxId: 1, ...gpu.fence() })),
      gpu.post(getDisplayInfo(gpu.fence()), DISPLAY_INFO_BYTES),
      gpu.post(submit3d(nops(1), { ctxId: 1, ...gpu.fence() })),
    ];
    await inOrder(
      t,
      posted,
      posted.map(() => 0),
    );
  },
});

cases.add({
  id: "gpu/fence/timelines",
  title: "Fences are in sequence on the timeline of each context and ring",
  clauses: [CLAUSE.timeline, CLAUSE.ringIdx],
  needs: WITH_RINGS,
  async run(t) {
    const gpu = await GpuSession.start(t, WITH_RINGS.features);
    await gpu.ok(ctxCreate(0, "one", { ctxId: 1 }), "CTX_CREATE 1");
    await gpu.ok(ctxCreate(0, "two", { ctxId: 2 }), "CTX_CREATE 2");
    const plan = [
      { ctx: 1, ring: 0, fence: 10n, words: 24 },
      { ctx: 1, ring: 1, fence: 1n, words: 8 },
      { ctx: 2, ring: 0, fence: 5n, words: 16 },
      { ctx: 1, ring: 0, fence: 11n, words: 1 },
      { ctx: 1, ring: 1, fence: 2n, words: 2 },
      { ctx: 2, ring: 0, fence: 0x1_0000_0002n, words: 1 },
    ];
    const posted = plan.map(({ ctx, ring, fence, words }) =>
      gpu.post(submit3d(nops(words), ringHeader(ctx, ring, fence))),
    );
    await inOrder(
      t,
      posted,
      plan.map(({ ctx, ring }) => ctx * 64 + ring),
    );
  },
});

cases.add({
  id: "gpu/fence/ring-idx",
  title: "ring_idx may be 0 to 63, and the fence is echoed",
  clauses: [CLAUSE.ringIdx, CLAUSE.response],
  needs: WITH_RINGS,
  parameters: [{ ring: 0 }, { ring: 1 }, { ring: VIRTIO_GPU_MAX_RING_IDX }],
  async run(t, { ring }) {
    const gpu = await GpuSession.start(t, WITH_RINGS.features);
    await gpu.ok(ctxCreate(0, "test", { ctxId: 1 }), "CTX_CREATE");
    const answer = await gpu.send(submit3d(nops(0), ringHeader(1, ring, 99n)));
    t.ok(answer.header.type < VIRTIO_GPU_RESP_ERR_UNSPEC, "SUBMIT_3D is accepted");
    checkEcho(t, answer, 99n);
  },
});

cases.add({
  id: "gpu/fence/ring-idx-too-large",
  title: "A ring_idx beyond 63 is refused",
  clauses: [CLAUSE.ringIdx],
  needs: WITH_RINGS,
  parameters: [{ ring: VIRTIO_GPU_MAX_RING_IDX + 1 }, { ring: 255 }],
  async run(t, { ring }) {
    const gpu = await GpuSession.start(t, WITH_RINGS.features);
    await gpu.ok(ctxCreate(0, "test", { ctxId: 1 }), "CTX_CREATE");
    await gpu.refuse(submit3d(nops(0), ringHeader(1, ring, 99n)), `ring_idx ${ring}`);
    await gpu.ok(submit3d(nops(0), { ctxId: 1 }), "SUBMIT_3D without a ring");
  },
});

cases.add({
  id: "gpu/fence/asynchronous",
  title: "Requests without fences come back in whatever order, each once and with its own answer",
  clauses: [CLAUSE.asynchronous],
  needs: { devices: ["gpu"] },
  async run(t) {
    const gpu = await GpuSession.start(t);
    const ring = t.guest.ring(CONTROLQ);
    const posted = [
      gpu.post(create2d({ resourceId: 1, format: FORMAT, width: 16, height: 16 })),
      gpu.post(getDisplayInfo(), DISPLAY_INFO_BYTES),
      gpu.post(unref(99)),
      gpu.post(create2d({ resourceId: 2, format: FORMAT, width: 16, height: 16 })),
    ];
    await t.guest.kick(ring);
    const open = new Set(posted.map(({ placed }) => placed.id));
    while (open.size > 0) {
      const used = await t.guest.used(ring);
      if (used === null) return t.fail(`${open.size} requests are not answered`);
      t.ok(open.delete(used.id), `id ${used.id} is open`);
    }
    const types = posted.map((request) => decodeHeader(t.guest.writtenBytes(request)).type.toString(16));
    t.equal(types.slice(0, 2).join(), "1100,1101", "the types of the first two responses");
    t.ok(Number.parseInt(types[2] ?? "", 16) >= VIRTIO_GPU_RESP_ERR_UNSPEC, "RESOURCE_UNREF 99 is refused");
    t.equal(types[3], "1100", "the type of the last response");
  },
});

cases.add({
  id: "gpu/fence/done-when-returned",
  title: "A fenced command is over when it is returned: the next can build on it at once",
  clauses: [CLAUSE.finished, CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    for (let round = 0; round < 8; round++) {
      await gpu.ok(
        create2d({ resourceId: 1, format: FORMAT, width: 16, height: 16 }, gpu.fence()),
        "RESOURCE_CREATE_2D",
      );
      await gpu.ok(unref(1, gpu.fence()), "RESOURCE_UNREF");
    }
  },
});

cases.add({
  id: "gpu/fence/full-queue",
  title: "As many commands as the queue holds are answered, each with its own fence",
  clauses: [CLAUSE.response, CLAUSE.timeline],
  needs: { devices: ["gpu"] },
  async run(t) {
    const gpu = await GpuSession.start(t);
    const ring = t.guest.ring(CONTROLQ);
    for (let round = 0; round < 3; round++) {
      const posted = Array.from({ length: ring.size / 2 }, () =>
        gpu.post(getDisplayInfo(gpu.fence()), DISPLAY_INFO_BYTES),
      );
      await inOrder(
        t,
        posted,
        posted.map(() => 0),
      );
      const ids = posted.map((request) => decodeHeader(t.guest.writtenBytes(request)).fenceId);
      t.equal(new Set(ids).size, posted.length, "the number of different fence ids");
    }
  },
});

cases.add({
  id: "gpu/fence/reset-while-pending",
  title:
    "A reset with commands under way ends them: nothing comes back, and the device serves when it runs again",
  clauses: [CLAUSE.asynchronous],
  needs: { devices: ["gpu"], features: [VIRTIO_GPU_F_VIRGL] },
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    await gpu.ok(ctxCreate(0, "test", { ctxId: 1 }), "CTX_CREATE");
    const ring = t.guest.ring(CONTROLQ);
    for (let i = 0; i < 4; i++) gpu.post(submit3d(nops(64), { ctxId: 1, ...gpu.fence() }));
    await t.guest.kick(ring);
    await t.guest.reset();
    while (ring.takeUsed() !== null) t.note("a command was answered before the reset");
    for (let turn = 0; turn < 10; turn++) await t.guest.dut.settle();
    t.ok(ring.takeUsed() === null, "no command is answered behind the reset");
    await t.guest.start({ features: [VIRTIO_GPU_F_VIRGL] });
    await t.serves();
  },
});

/** Fences. */
export const FENCE_CASES: readonly CaseDefinition[] = cases.all;
