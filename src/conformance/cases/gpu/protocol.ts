import {
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
} from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import {
  assignUuid,
  attachBacking,
  bareRequest,
  create2d,
  createBlob,
  ctxCreate,
  detachBacking,
  flush,
  getDisplayInfo,
  getEdid,
  moveCursor,
  responseU32,
  setScanout,
  transferToHost2d,
  unref,
} from "../../models/gpu-commands.ts";
import { CONTROLQ, CURSORQ } from "../../models/index.ts";
import { CLAUSE, GPU } from "./common.ts";
import { area, GpuSession } from "./session.ts";

const cases = new CaseList();
const FORMAT = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;

const NO_COMMANDS = [0, 0xff, 0x10e, 0x1ff, 0x20a, 0x302, 0x1100, 0x1200, 0x10100, 0x80000100, 0xffffffff];

cases.add({
  id: "gpu/protocol/unknown-command",
  title: "A type that is not a command is answered with one of the errors (section 5.7.6.7)",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [
    ...NO_COMMANDS.map((type) => ({ type, queue: CONTROLQ })),
    ...[0, 0x302].map((type) => ({ type, queue: CURSORQ })),
  ],
  async run(t, { type, queue }) {
    const gpu = await GpuSession.start(t);
    await gpu.refuse(bareRequest(type), `type 0x${type.toString(16)}`, HEADER_BYTES, queue);
    await t.serves(queue);
  },
});

const WHOLE: Readonly<Record<string, () => Uint8Array>> = {
  "create-2d": () => create2d({ resourceId: 5, format: FORMAT, width: 16, height: 16 }),
  unref: () => unref(1),
  "set-scanout": () => setScanout(0, 1, area(64, 64)),
  flush: () => flush(1, area(64, 64)),
  "transfer-to-host-2d": () => transferToHost2d(1, area(64, 64), 0),
  "attach-backing": () => attachBacking(2, [{ address: 0x300000, lengthBytes: 1024 }]),
  "detach-backing": () => detachBacking(1),
};

cases.add({
  id: "gpu/protocol/header-only",
  title: "A command that ends with its header, where fields should follow, is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: Object.keys(WHOLE).map((command) => ({ command })),
  async run(t, { command }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.create(2, 16, 16);
    const whole = (WHOLE[command] as () => Uint8Array)();
    await gpu.refuse(whole.slice(0, HEADER_BYTES), `${command} of ${HEADER_BYTES} bytes`);
    await gpu.ok(whole, `${command} of all its bytes`);
  },
});

cases.add({
  id: "gpu/protocol/longer-request",
  title: "A request with bytes behind its struct is done or refused, and nothing else comes of them",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: Object.keys(WHOLE).map((command) => ({ command })),
  async run(t, { command }) {
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.create(2, 16, 16);
    const whole = (WHOLE[command] as () => Uint8Array)();
    const longer = new Uint8Array(whole.length + 40).fill(0xee);
    longer.set(whole);
    if (!(await gpu.either(longer))) await gpu.ok(whole, `${command} without them`);
    await t.serves();
  },
});

cases.add({
  id: "gpu/protocol/shorter-than-a-header",
  title: "A request shorter than its header is refused somehow, and the queue goes on",
  clauses: [CLAUSE.response],
  needs: { devices: ["gpu"] },
  parameters: [{ bytes: 1 }, { bytes: 4 }, { bytes: HEADER_BYTES - 1 }],
  async run(t, { bytes }) {
    const gpu = await GpuSession.start(t);
    const posted = gpu.post(getDisplayInfo().slice(0, bytes), VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);
    await t.guest.kick(posted.ring);
    await t.refused(CONTROLQ);
    const written = t.guest.writtenBytes(posted);
    t.ok(
      responseU32(written, 0) !== VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
      `${bytes} bytes are no GET_DISPLAY_INFO`,
    );
  },
});

cases.add({
  id: "gpu/protocol/other-queue",
  title: "A command on the queue of the others is refused or done, and both queues go on",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [{ command: "control" }, { command: "cursor" }],
  async run(t, { command }) {
    await t.guest.start();
    const isControl = command === "control";
    const request = isControl ? getDisplayInfo() : moveCursor({ scanoutId: 0, x: 0, y: 0 });
    await t.guest.exchange(isControl ? CURSORQ : CONTROLQ, request, VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);
    await t.serves(CONTROLQ);
    await t.serves(CURSORQ);
  },
});

cases.add({
  id: "gpu/protocol/larger-response-buffer",
  title: "In a buffer larger than the response, the used length is that of the response",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const size = VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes;
    const { lengthBytes } = await gpu.send(getDisplayInfo(), size + 100);
    t.equal(lengthBytes, size, "the used length");
    const created = await gpu.send(create2d({ resourceId: 1, format: FORMAT, width: 16, height: 16 }), 200);
    t.equal(created.lengthBytes, HEADER_BYTES, "the used length of a response without payload");
  },
});

cases.add({
  id: "gpu/protocol/no-response-buffer",
  title: "A command without room for a response is done or not, and returned with used length 0",
  clauses: [CLAUSE.response],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const { lengthBytes } = await t.guest.exchange(
      CONTROLQ,
      create2d({ resourceId: 1, format: FORMAT, width: 16, height: 16 }),
      0,
    );
    t.equal(lengthBytes, 0, "the used length");
    await gpu.either(unref(1));
    await t.serves();
  },
});

cases.add({
  id: "gpu/protocol/padding",
  title: "Padding of responses is 0: nothing of the device's memory leaks there",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: [{ fenced: false }, { fenced: true }],
  async run(t, { fenced }) {
    const gpu = await GpuSession.start(t);
    const header = fenced ? gpu.fence() : {};
    const answers = [
      await gpu.send(getDisplayInfo(header), VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes),
      await gpu.send(create2d({ resourceId: 1, format: FORMAT, width: 16, height: 16 }, header)),
      await gpu.send(unref(99, header)),
      await gpu.send(bareRequest(0x7777, header)),
    ];
    for (const { header: got } of answers) {
      t.equalBytes(got.padding, new Uint8Array(3), "the padding of the header");
      t.equal(got.ringIdx, 0, "ring_idx of the header");
    }
  },
});

cases.add({
  id: "gpu/protocol/edid-padding",
  title: "Padding of the response to GET_EDID is 0",
  clauses: [CLAUSE.edid],
  needs: { ...GPU, features: [VIRTIO_GPU_F_EDID] },
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const { bytes } = await gpu.send(getEdid(0), VIRTIO_GPU_RESP_EDID.sizeBytes);
    t.equal(responseU32(bytes, VIRTIO_GPU_RESP_EDID.padding), 0, "the padding");
  },
});

const OPTIONAL: Readonly<Record<string, { readonly feature: number; readonly make: () => Uint8Array }>> = {
  edid: { feature: VIRTIO_GPU_F_EDID, make: () => getEdid(0) },
  "resource-uuid": { feature: VIRTIO_GPU_F_RESOURCE_UUID, make: () => assignUuid(1) },
  "resource-blob": {
    feature: VIRTIO_GPU_F_RESOURCE_BLOB,
    make: () => createBlob({ resourceId: 2, blobMem: 1, sizeBytes: 4096 }),
  },
  virgl: { feature: VIRTIO_GPU_F_VIRGL, make: () => ctxCreate(0, "test", { ctxId: 1 }) },
};

cases.add({
  id: "gpu/protocol/feature-not-offered",
  title: "A command of a feature that is not offered is refused",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: Object.keys(OPTIONAL).map((feature) => ({ feature })),
  async run(t, { feature }) {
    const { feature: bit, make } = OPTIONAL[feature] as (typeof OPTIONAL)[string];
    if ((await t.guest.offeredFeatures()).has(bit)) return t.skip(`feature bit ${bit} is offered`);
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.refuse(make(), `the command of ${feature}`, VIRTIO_GPU_RESP_EDID.sizeBytes);
    await t.serves();
  },
});

cases.add({
  id: "gpu/protocol/feature-not-negotiated",
  title: "A command of a feature that was not negotiated is refused or done, and the queue goes on",
  clauses: [CLAUSE.response],
  needs: GPU,
  parameters: Object.keys(OPTIONAL).map((feature) => ({ feature })),
  async run(t, { feature }) {
    const { make } = OPTIONAL[feature] as (typeof OPTIONAL)[string];
    const gpu = await GpuSession.start(t);
    await gpu.resource(1);
    await gpu.either(make(), VIRTIO_GPU_RESP_EDID.sizeBytes);
    await t.serves();
  },
});

/** Requests and responses as such. */
export const PROTOCOL_CASES: readonly CaseDefinition[] = cases.all;
