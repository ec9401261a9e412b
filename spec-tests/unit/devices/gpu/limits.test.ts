// What a guest can make the device allocate ends at documented limits.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GpuDevice, type GpuDeviceOptions, type GpuLimits } from "../../../../src/devices/gpu/index.ts";
import { BGRX, ERR, msg, OK } from "../../../support/gpu-messages.ts";
import { GpuRig } from "../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../support/recording-renderer.ts";

const limited = (limits: Partial<GpuLimits>, options: GpuDeviceOptions = {}) =>
  new GpuRig({ limits, ...options });
const type = (rig: GpuRig, request: Uint8Array) => rig.command(request).type;

test("maxResources counts every kind", () => {
  const rig = limited({ maxResources: 3 }, { renderer: new RecordingRenderer() });
  assert.is(type(rig, msg.create2d(1, BGRX, 1, 1)), OK.NODATA);
  assert.is(type(rig, msg.createBlob(2, { size: 4096 })), OK.NODATA);
  assert.is(type(rig, msg.create3d(3, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])), OK.NODATA);
  assert.is(type(rig, msg.create2d(4, BGRX, 1, 1)), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.createBlob(4, { size: 4096 })), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.create3d(4, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.unref(2)), OK.NODATA);
  assert.is(type(rig, msg.create2d(4, BGRX, 1, 1)), OK.NODATA);
});

test("maxHostBytes counts host pixels and host blobs, and freed ones no more", () => {
  const rig = limited({ maxHostBytes: 16384 }, { renderer: new RecordingRenderer() });
  assert.is(type(rig, msg.create2d(1, BGRX, 64, 33)), OK.NODATA);
  assert.is(type(rig, msg.create2d(2, BGRX, 64, 32)), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.create2d(2, BGRX, 64, 31)), OK.NODATA);
  assert.is(rig.gpu.hostBytes, 16384);
  assert.is(type(rig, msg.create2d(3, BGRX, 1, 1)), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.createBlob(3, { size: 1 << 20 })), OK.NODATA);
  rig.command(msg.ctxCreate(0, "", { ctx: 1 }));
  assert.is(type(rig, msg.createBlob(4, { mem: 2, size: 4096 }, { ctx: 1 })), ERR.OUT_OF_MEMORY);
  for (let i = 0; i < 100; i++) {
    assert.is(type(rig, msg.unref(2)), OK.NODATA);
    assert.is(type(rig, msg.create2d(2, BGRX, 64, 31)), OK.NODATA);
  }
  assert.is(rig.gpu.hostBytes, 16384);
});

test("failed creations leave the accounts as they were", () => {
  const rig = limited({});
  for (let i = 0; i < 50; i++) {
    type(rig, msg.create2d(1, 0, 64, 64));
    type(rig, msg.create2d(0, BGRX, 64, 64));
    type(rig, msg.create2d(1, BGRX, 0, 64));
    type(rig, msg.createBlob(1, { size: 4096, entries: [[0x100000, 16]] }));
  }
  assert.is(rig.gpu.hostBytes, 0);
  assert.is(rig.gpu.resources().length, 0);
});

test("maxResourceDimension", () => {
  const rig = limited({ maxResourceDimension: 100 });
  assert.is(type(rig, msg.create2d(1, BGRX, 100, 100)), OK.NODATA);
  assert.is(type(rig, msg.create2d(2, BGRX, 101, 1)), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.create2d(2, BGRX, 1, 101)), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.createBlob(3, { size: 65536, entries: [[0x100000, 65536]] })), OK.NODATA);
  assert.is(type(rig, msg.setScanoutBlob(0, 3, { w: 100, h: 100 })), OK.NODATA);
  assert.is(type(rig, msg.setScanoutBlob(0, 3, { w: 101, h: 1 })), ERR.PARAMETER);
});

test("a resource ends at 2 GiB, whatever the limits", () => {
  const rig = limited({ maxHostBytes: 2 ** 40, maxResourceDimension: 2 ** 32 });
  for (const [w, h] of [
    [0x8000, 0x4000],
    [0x20000000, 1],
    [1, 0x20000000],
    [0x40000000, 1],
    [0xffffffff, 1],
  ] as const) {
    assert.is(type(rig, msg.create2d(1, BGRX, w, h)), ERR.OUT_OF_MEMORY);
  }
  assert.is(rig.gpu.hostBytes, 0);
});

test("maxBackingEntries and maxBackingEntriesTotal", () => {
  const rig = limited({ maxBackingEntries: 4, maxBackingEntriesTotal: 6 });
  for (let id = 1; id <= 3; id++) rig.command(msg.create2d(id, BGRX, 8, 8));
  const list = (count: number) => Array.from({ length: count }, (_, i) => [0x100000 + 64 * i, 64] as const);
  assert.is(type(rig, msg.attach(1, list(5))), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.attach(1, list(4))), OK.NODATA);
  assert.is(type(rig, msg.attach(2, list(3))), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.attach(2, list(2))), OK.NODATA);
  assert.is(type(rig, msg.attach(3, list(1))), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.createBlob(9, { size: 64, entries: list(1) })), ERR.OUT_OF_MEMORY);
  // What is merged into one segment still counts as the guest named it, and is given back as such.
  for (let i = 0; i < 20; i++) {
    assert.is(type(rig, msg.detach(1)), OK.NODATA);
    assert.is(type(rig, msg.attach(1, list(4))), OK.NODATA);
  }
  assert.is(type(rig, msg.unref(1)), OK.NODATA);
  assert.is(type(rig, msg.attach(3, list(4))), OK.NODATA);
});

test("maxContexts and maxSubmitBytes", () => {
  const rig = limited({ maxContexts: 2, maxSubmitBytes: 100 }, { renderer: new RecordingRenderer() });
  for (const ctx of [1, 2]) assert.is(type(rig, msg.ctxCreate(0, "", { ctx })), OK.NODATA);
  assert.is(type(rig, msg.ctxCreate(0, "", { ctx: 3 })), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.submit(new Uint8Array(100), { ctx: 1 })), OK.NODATA);
  assert.is(type(rig, msg.submit(new Uint8Array(101), { ctx: 1 })), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.ctxDestroy({ ctx: 1 })), OK.NODATA);
  assert.is(type(rig, msg.ctxCreate(0, "", { ctx: 3 })), OK.NODATA);
});

test("maxContextAttachments counts what is attached, until it is detached or goes, or its context or the device's life does", () => {
  const renderer = new RecordingRenderer();
  const rig = limited({ maxContextAttachments: 2 }, { renderer });
  const attach = (ctx: number, id: number) => type(rig, msg.ctxAttach(id, { ctx }));
  const create = () => {
    for (const ctx of [1, 2]) assert.is(type(rig, msg.ctxCreate(0, "", { ctx })), OK.NODATA);
    for (const id of [5, 6])
      assert.is(type(rig, msg.create3d(id, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])), OK.NODATA);
  };
  create();
  const fill = () => assert.equal([attach(1, 5), attach(2, 5)], [OK.NODATA, OK.NODATA]);
  fill();
  assert.is(attach(1, 6), ERR.OUT_OF_MEMORY);
  assert.is(attach(1, 5), OK.NODATA, "attached already");
  assert.is(type(rig, msg.ctxDetach(6, { ctx: 1 })), OK.NODATA, "not attached");
  assert.is(attach(1, 6), ERR.OUT_OF_MEMORY);
  assert.is(type(rig, msg.ctxDetach(5, { ctx: 1 })), OK.NODATA);
  renderer.next("lost");
  assert.is(attach(1, 6), ERR.UNSPEC);
  assert.equal([attach(1, 6), attach(1, 5)], [OK.NODATA, ERR.OUT_OF_MEMORY]);
  assert.is(type(rig, msg.ctxDestroy({ ctx: 1 })), OK.NODATA);
  assert.equal([attach(2, 6), type(rig, msg.unref(5))], [OK.NODATA, OK.NODATA]);
  assert.is(type(rig, msg.unref(6)), OK.NODATA);
  for (const id of [5, 6]) assert.is(type(rig, msg.create3d(id, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])), OK.NODATA);
  assert.is(type(rig, msg.ctxCreate(0, "", { ctx: 1 })), OK.NODATA);
  fill();
  assert.is(attach(1, 6), ERR.OUT_OF_MEMORY);
  rig.device.writeStatus(0);
  rig.initialize();
  create();
  fill();
});

test("limits and options that make no sense are refused", () => {
  for (const limits of [
    { maxResources: 0 },
    { maxHostBytes: -1 },
    { maxContexts: 1.5 },
    { maxSubmitBytes: Number.NaN },
  ]) {
    assert.throws(() => new GpuDevice({ limits }), /limits\.max\w+ is .*, not an integer from 1 on/);
  }
  assert.throws(() => new GpuDevice({ displays: [] }), /scanouts/);
  assert.throws(() => new GpuDevice({ scanouts: 17 }), /scanouts/);
  assert.throws(() => new GpuDevice({ scanouts: 1, displays: [{}, {}] }), /scanouts/);
  assert.throws(
    () => new GpuDevice({ displays: [{ x: -1 }] }),
    /displays\[0\]\.x is -1, not an integer from 0/,
  );
  assert.throws(() => new GpuDevice({ displays: [{ edid: new Uint8Array(1025) }] }), /1025 bytes/);
  assert.throws(() => new GpuDevice({ displays: [{ widthPixels: 0 }] }), /widthPixels/);
  assert.throws(
    () => new GpuDevice({ blobAlignmentBytes: 4096, features: { resourceBlob: false } }),
    /resourceBlob/,
  );
});

test.run();
