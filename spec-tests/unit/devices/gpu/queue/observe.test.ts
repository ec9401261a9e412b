import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TraceEvent } from "../../../../../src/base/index.ts";
import type { GpuCommandRecord, GpuDeviceOptions } from "../../../../../src/devices/gpu/index.ts";
import { settle } from "../../../../../src/testing/index.ts";
import { BGRX, CMD, CONTROLQ, msg } from "../../../../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../../support/recording-renderer.ts";

function observed(options: GpuDeviceOptions = {}) {
  const records: GpuCommandRecord[] = [];
  const rig = new GpuRig({ onCommand: (record) => records.push(record), ...options }, { indirect: true });
  const last = () => records.at(-1) as GpuCommandRecord;
  return { rig, records, last };
}

test("a record says everything about a command", () => {
  const { rig, last } = observed();
  rig.command(msg.create2d(5, BGRX, 64, 48, { flags: 1, fence: 0x1_0000_0009n }));
  assert.equal(last(), {
    queue: "controlq",
    head: 0,
    descriptors: 2,
    indirect: true,
    readable: [40],
    writable: [24],
    name: "VIRTIO_GPU_CMD_RESOURCE_CREATE_2D",
    type: CMD.RESOURCE_CREATE_2D,
    fields: { resource_id: 5, format: 2, width: 64, height: 48 },
    fence: 0x1_0000_0009n,
    ctxId: 0,
    ringIdx: null,
    response: "VIRTIO_GPU_RESP_OK_NODATA",
    responseType: 0x1100,
    reason: "",
    writtenBytes: 24,
    bytesCopied: 0,
    late: false,
  });
  const pages = rig.scatter(64 * 48 * 4);
  rig.command(msg.attach(5, pages));
  assert.equal(last().fields, { resource_id: 5, nr_entries: 3 });
  rig.command(msg.transfer(5, { x: 1, y: 2, w: 30, h: 10 }, 516));
  assert.equal(last().fields, { r: { x: 1, y: 2, width: 30, height: 10 }, offset: 516n, resource_id: 5 });
  assert.is(last().bytesCopied, 1200);
  rig.command(msg.setScanoutBlob(0, 7, { w: 8, h: 9, stride: 100, offset: 50 }));
  assert.equal(last().fields["strides"], [100, 0, 0, 0]);
  assert.equal(last().fields["offsets"], [50, 0, 0, 0]);
  assert.is(last().response, "VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID");
  assert.is(last().reason, "no such resource");
  rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, -1, 5));
  assert.is(last().queue, "cursorq");
  assert.equal(last().fields["pos"], { scanout_id: 0, x: 0xffffffff, y: 5, padding: 0 });
  assert.is(last().writtenBytes, 0);
});

test("unknown, short and empty requests have no fields", () => {
  const { rig, last } = observed();
  rig.command(new Uint8Array(24).fill(0xff));
  assert.equal([last().name, last().fields, last().fence], ["0xffffffff", {}, (1n << 64n) - 1n]);
  rig.command(msg.create2d(5, BGRX, 8, 8).subarray(0, 39));
  assert.equal([last().name, last().fields], ["VIRTIO_GPU_CMD_RESOURCE_CREATE_2D", {}]);
  rig.command(new Uint8Array(5));
  assert.equal([last().type, last().fields, last().fence], [0, {}, null]);
  rig.command(msg.displayInfo(), 408);
  assert.equal([last().fields, last().writtenBytes], [{}, 408]);
});

test("3D commands: names, boxes, rings", () => {
  const { rig, last } = observed({ renderer: new RecordingRenderer() });
  rig.command(msg.ctxCreate(1, "a context", { ctx: 3 }));
  assert.equal(last().fields, { nlen: 9, context_init: 1, debug_name: "a context" });
  assert.is(last().ctxId, 3);
  rig.command(msg.ctxCreate(1, "x".repeat(64), { ctx: 4 }));
  assert.is(last().fields["debug_name"], "x".repeat(64));
  rig.command(msg.submit(new Uint8Array(3), { ctx: 3, flags: 3, ring: 5, fence: 1 }));
  assert.equal([last().ringIdx, last().fields], [5, { size: 3 }]);
  rig.command(msg.transfer3d(CMD.TRANSFER_TO_HOST_3D, 9, [1, 2, 3, 4, 5, 6], 7, 8, 9, 10));
  assert.equal(last().fields["box"], { x: 1, y: 2, z: 3, w: 4, h: 5, d: 6 });
});

test("late commands are recorded when they are answered", async () => {
  const renderer = new RecordingRenderer();
  const { rig, records, last } = observed({ renderer });
  expectOk(rig.command(msg.ctxCreate(1, "", { ctx: 3 })));
  renderer.next("later");
  rig.begin(msg.submit(new Uint8Array(3), { ctx: 3, flags: 1, fence: 1 }));
  rig.begin(msg.displayInfo({ flags: 1, fence: 2 }), 408);
  assert.is(records.length, 1);
  renderer.held[0]?.reject(new Error("lost the device"));
  await settle();
  rig.collect(CONTROLQ);
  assert.is(records.length, 3);
  assert.equal([records[1]?.late, records[1]?.reason], [true, "lost the device"]);
  assert.equal([last().late, last().writtenBytes, last().reason], [true, 408, ""]);
});

test("refusals and failures are traced", () => {
  const events: TraceEvent[] = [];
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer }, { device: { trace: (event) => events.push(event) } });
  rig.command(msg.unref(99));
  assert.equal(events.at(-1), {
    source: "gpu",
    kind: "command-refused",
    detail: {
      command: "VIRTIO_GPU_CMD_RESOURCE_UNREF",
      response: "VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID",
      reason: "no such resource",
    },
  });
  renderer.next(new Error("boom"));
  rig.command(msg.ctxCreate(0, "", { ctx: 1 }));
  assert.ok(events.some(({ kind, detail }) => kind === "backend-failure" && detail["message"] === "boom"));
});

test("a late refusal is traced as what it was, not as what came since", async () => {
  const events: TraceEvent[] = [];
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer }, { device: { trace: (event) => events.push(event) } });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  renderer.next("later");
  rig.begin(msg.submit(new Uint8Array(4), { ctx: 1 }));
  expectOk(rig.command(msg.create2d(5, BGRX, 8, 8)));
  renderer.held[0]?.reject(new Error("lost"));
  await settle();
  assert.equal(events.at(-1)?.detail, {
    command: "VIRTIO_GPU_CMD_SUBMIT_3D",
    response: "VIRTIO_GPU_RESP_ERR_UNSPEC",
    reason: "lost",
  });
});

test("counters", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  const r = { x: 0, y: 0, w: 64, h: 48 };
  rig.command(msg.transfer(5, r, 0, { flags: 1, fence: 1 }));
  rig.command(msg.setScanout(0, 5, r));
  rig.command(msg.flush(5, r));
  rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1));
  rig.command(msg.unref(77));
  assert.equal(rig.gpu.counters, {
    commands: 8,
    errors: 1,
    bytesCopied: 64 * 48 * 4,
    flips: 0,
    flushes: 1,
    flushedPixels: 64 * 48,
    cursorUpdates: 1,
    cursorMoves: 1,
    fences: 1,
    backendFailures: 0,
  });
});

test.run();
