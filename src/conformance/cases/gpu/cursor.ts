import { VIRTIO_GPU_CTRL_HDR, VIRTIO_GPU_RESP_ERR_UNSPEC } from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import { create2d, moveCursor, transferToHost2d, unref, updateCursor } from "../../models/gpu-commands.ts";
import { CURSORQ } from "../../models/index.ts";
import { CLAUSE, GPU } from "./common.ts";
import { scanoutCount } from "./displays.ts";
import { FORMATS, type FormatName } from "./pictures.ts";
import { area, GpuSession } from "./session.ts";

const cases = new CaseList();
const SIZE = 64;
const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;

/** Creates resource 1, 64 × 64, and populates it as the driver must. */
async function image(gpu: GpuSession, id = 1): Promise<void> {
  await gpu.resource(id, SIZE, SIZE);
  await gpu.ok(transferToHost2d(id, area(SIZE, SIZE), 0, gpu.fence()), "TRANSFER_TO_HOST_2D");
}

/** Sends a cursor command and says whether it was accepted; skips the case when the device never answers these. */
async function cursor(gpu: GpuSession, request: Uint8Array): Promise<boolean> {
  const { t } = gpu;
  const posted = gpu.post(request, HEADER_BYTES, CURSORQ);
  await t.guest.kick(posted.ring);
  const { lengthBytes, bytes } = await t.guest.answer(posted);
  if (lengthBytes === 0) return t.skip("the device writes no responses to cursor commands");
  t.equal(lengthBytes, HEADER_BYTES, "the used length");
  const type = new DataView(bytes.buffer).getUint32(0, true);
  return type < VIRTIO_GPU_RESP_ERR_UNSPEC;
}

async function accepted(gpu: GpuSession, request: Uint8Array, what: string): Promise<void> {
  gpu.t.ok(await cursor(gpu, request), `${what} is accepted`);
}

async function refused(gpu: GpuSession, request: Uint8Array, what: string): Promise<void> {
  gpu.t.ok(!(await cursor(gpu, request)), `${what} is refused`);
  gpu.t.rejected = true;
}

cases.add({
  id: "gpu/cursor/response",
  title: "UPDATE_CURSOR and MOVE_CURSOR are answered with RESP_OK_NODATA (section 5.7.6.10)",
  clauses: [CLAUSE.cursor, CLAUSE.response],
  needs: { devices: ["gpu"] },
  async run(t) {
    const gpu = await GpuSession.start(t);
    await image(gpu);
    const update = updateCursor({ scanoutId: 0, x: 10, y: 20, resourceId: 1 });
    await gpu.ok(update, "UPDATE_CURSOR", undefined, undefined, CURSORQ);
    const move = moveCursor({ scanoutId: 0, x: 30, y: 40 });
    await gpu.ok(move, "MOVE_CURSOR", undefined, undefined, CURSORQ);
  },
});

cases.add({
  id: "gpu/cursor/no-room-for-a-response",
  title: "Cursor commands without a buffer for the response come back with used length 0",
  clauses: [CLAUSE.cursor],
  needs: { devices: ["gpu"] },
  async run(t) {
    const gpu = await GpuSession.start(t);
    await image(gpu);
    for (const request of [
      updateCursor({ scanoutId: 0, x: 10, y: 20, resourceId: 1 }),
      moveCursor({ scanoutId: 0, x: 11, y: 20 }),
      updateCursor({ scanoutId: 0, x: 10, y: 20 }),
    ]) {
      t.equal((await t.guest.exchange(CURSORQ, request, 0)).lengthBytes, 0, "the used length");
    }
  },
});

cases.add({
  id: "gpu/cursor/formats",
  title: "A cursor can be a resource of any format",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  parameters: Object.keys(FORMATS).map((format) => ({ format })),
  async run(t, { format }) {
    const gpu = await GpuSession.start(t);
    await gpu.create(1, SIZE, SIZE, FORMATS[format as FormatName]);
    await accepted(gpu, updateCursor({ scanoutId: 0, x: 0, y: 0, resourceId: 1 }), "UPDATE_CURSOR");
  },
});

cases.add({
  id: "gpu/cursor/every-scanout",
  title: "Every scanout can have a cursor, and the same image",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await image(gpu);
    const count = await scanoutCount(gpu);
    for (let scanoutId = 0; scanoutId < count; scanoutId++) {
      await accepted(
        gpu,
        updateCursor({ scanoutId, x: 5, y: 5, resourceId: 1 }),
        `UPDATE_CURSOR ${scanoutId}`,
      );
      await accepted(gpu, moveCursor({ scanoutId, x: 6, y: 5 }), `MOVE_CURSOR ${scanoutId}`);
    }
  },
});

cases.add({
  id: "gpu/cursor/none",
  title: "UPDATE_CURSOR with resource 0 takes the cursor away, and one that is not there",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await accepted(gpu, updateCursor({ scanoutId: 0, x: 5, y: 5 }), "UPDATE_CURSOR of no cursor");
    await image(gpu);
    await accepted(gpu, updateCursor({ scanoutId: 0, x: 5, y: 5, resourceId: 1 }), "UPDATE_CURSOR");
    await accepted(gpu, updateCursor({ scanoutId: 0, x: 5, y: 5 }), "UPDATE_CURSOR with resource 0");
  },
});

cases.add({
  id: "gpu/cursor/positions",
  title: "A cursor can be moved anywhere, also beyond the edges",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  parameters: [
    { x: 0, y: 0 },
    { x: 100000, y: 100000 },
    { x: 0xffffffff, y: 0xfffffff0 },
    { x: 0x7fffffff, y: 0x80000000 },
  ],
  async run(t, { x, y }) {
    const gpu = await GpuSession.start(t);
    await image(gpu);
    await accepted(gpu, updateCursor({ scanoutId: 0, x, y, resourceId: 1 }), "UPDATE_CURSOR");
    await accepted(gpu, moveCursor({ scanoutId: 0, x, y }), "MOVE_CURSOR");
  },
});

cases.add({
  id: "gpu/cursor/move-ignores-the-rest",
  title: "MOVE_CURSOR ignores resource_id and the hot spot",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const nonsense = { resourceId: 0xdead, hotX: 0xffff, hotY: 0xffff };
    await accepted(gpu, moveCursor({ scanoutId: 0, x: 1, y: 1, ...nonsense }), "MOVE_CURSOR");
  },
});

cases.add({
  id: "gpu/cursor/no-such-scanout",
  title: "A cursor on a scanout that is not there is refused",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  parameters: ["num_scanouts", "16", "4294967295"].flatMap((scanout) =>
    ["update", "move"].map((command) => ({ scanout, command })),
  ),
  async run(t, { scanout, command }) {
    const gpu = await GpuSession.start(t);
    await image(gpu);
    const scanoutId = scanout === "num_scanouts" ? await scanoutCount(gpu) : Number(scanout);
    const fields = { scanoutId, x: 0, y: 0, resourceId: 1 };
    await refused(gpu, command === "update" ? updateCursor(fields) : moveCursor(fields), command);
    await t.serves(CURSORQ);
  },
});

cases.add({
  id: "gpu/cursor/no-such-resource",
  title: "UPDATE_CURSOR with a resource that is not there, or no longer, is refused",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  parameters: [{ resource: "never" }, { resource: "gone" }],
  async run(t, { resource }) {
    const gpu = await GpuSession.start(t);
    await image(gpu);
    if (resource === "gone") await gpu.ok(unref(1, gpu.fence()), "RESOURCE_UNREF");
    const resourceId = resource === "gone" ? 1 : 2;
    await refused(gpu, updateCursor({ scanoutId: 0, x: 0, y: 0, resourceId }), `resource ${resourceId}`);
    await t.serves(CURSORQ);
  },
});

cases.add({
  id: "gpu/cursor/other-size",
  title: "An image that is not 64 × 64 is refused or ignored, and nothing beyond it is read",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  parameters: [
    { width: 16, height: 16 },
    { width: 64, height: 63 },
    { width: 63, height: 64 },
    { width: 128, height: 128 },
  ],
  async run(t, { width, height }) {
    const gpu = await GpuSession.start(t);
    await gpu.ok(create2d({ resourceId: 1, format: FORMATS.B8G8R8A8, width, height }), "RESOURCE_CREATE_2D");
    if (!(await cursor(gpu, updateCursor({ scanoutId: 0, x: 0, y: 0, resourceId: 1 })))) t.rejected = true;
    await image(gpu, 2);
    await accepted(gpu, updateCursor({ scanoutId: 0, x: 0, y: 0, resourceId: 2 }), "one of the right size");
  },
});

cases.add({
  id: "gpu/cursor/resource-goes",
  title: "The resource of a cursor can be destroyed while it is one",
  clauses: [CLAUSE.cursor],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await image(gpu);
    await accepted(gpu, updateCursor({ scanoutId: 0, x: 0, y: 0, resourceId: 1 }), "UPDATE_CURSOR");
    await gpu.ok(unref(1), "RESOURCE_UNREF");
    await accepted(gpu, moveCursor({ scanoutId: 0, x: 9, y: 9 }), "MOVE_CURSOR");
    await image(gpu);
    await accepted(
      gpu,
      updateCursor({ scanoutId: 0, x: 0, y: 0, resourceId: 1 }),
      "UPDATE_CURSOR of a new one",
    );
  },
});

/** Cursors. */
export const CURSOR_CASES: readonly CaseDefinition[] = cases.all;
