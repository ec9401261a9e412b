// 3D commands: what reaches the renderer, and what its failures become.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../../src/base/errors.ts";
import {
  GpuDevice,
  type GpuDeviceOptions,
  HostHeap,
  type ScanoutSource,
} from "../../../../src/devices/gpu/index.ts";
import { settle } from "../../../../src/testing/index.ts";
import { BGRX, CMD, CONTROLQ, ERR, F, msg, OK, u32At } from "../../../support/gpu-messages.ts";
import { type Answer, expectOk, GpuRig, pattern } from "../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const FIELDS_3D = [2, 1, 10, 64, 48, 1, 1, 0, 0, 1] as const;
const INFO_3D = {
  target: 2,
  format: 1,
  bind: 10,
  width: 64,
  height: 48,
  depth: 1,
  arraySize: 1,
  lastLevel: 0,
  samples: 0,
  flags: 1,
};

function is(answer: Answer, type: number): void {
  assert.is(`0x${answer.type.toString(16)}`, `0x${type.toString(16)}`);
}

function newRig(options: GpuDeviceOptions = {}, features?: readonly number[]) {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer, ...options }, features === undefined ? {} : { features });
  return { rig, renderer };
}

function withContext(options: GpuDeviceOptions = {}) {
  const made = newRig(options);
  is(made.rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
  is(made.rig.command(msg.create3d(5, FIELDS_3D)), OK.NODATA);
  made.renderer.calls.length = 0;
  return made;
}

test("VIRGL and CONTEXT_INIT are offered with a renderer only", () => {
  assert.equal(new GpuDevice().features, [F.EDID, F.UUID, F.BLOB]);
  const renderer = new RecordingRenderer();
  assert.equal(new GpuDevice({ renderer }).features, [F.VIRGL, F.EDID, F.UUID, F.BLOB, F.CONTEXT_INIT]);
  assert.equal(new GpuDevice({ renderer, features: { virgl: false } }).features, [F.EDID, F.UUID, F.BLOB]);
  assert.equal(new GpuDevice({ renderer, features: { contextInit: false } }).features, [
    F.VIRGL,
    F.EDID,
    F.UUID,
    F.BLOB,
  ]);
  assert.throws(() => new GpuDevice({ features: { virgl: true } }), /renderer/);
  assert.throws(() => new GpuDevice({ renderer, features: { virgl: false, contextInit: true } }), /virgl/);
});

test("capsets that no response can name are refused", () => {
  const good = { id: 1, maxVersion: 1, maxSizeBytes: 8 };
  for (const capsets of [
    [{ ...good, id: 0 }],
    [{ ...good, id: 64 }],
    [{ ...good, maxVersion: -1 }],
    [{ ...good, maxSizeBytes: 2 ** 32 }],
    [{ ...good, maxSizeBytes: 1.5 }],
    [good, good],
  ]) {
    const renderer = new RecordingRenderer();
    renderer.capsets = capsets;
    assert.throws(
      () => new GpuDevice({ renderer }),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
});

test("capsets: number, info, contents", () => {
  const { rig, renderer } = newRig();
  assert.is(rig.device.readConfig(12, 4), 2);
  const info = rig.command(msg.capsetInfo(0), 40);
  is(info, OK.CAPSET_INFO);
  assert.is(info.written, 40);
  assert.equal(
    [24, 28, 32, 36].map((at) => u32At(info.bytes, at)),
    [1, 1, 308, 0],
  );
  is(rig.command(msg.capsetInfo(2), 40), ERR.PARAMETER);
  is(rig.command(msg.capsetInfo(0xffffffff), 40), ERR.PARAMETER);
  const capset = rig.command(msg.capset(1, 1), 24 + 308);
  is(capset, OK.CAPSET);
  assert.is(capset.written, 332);
  assert.equal(capset.bytes.subarray(24), renderer.capsetBytes);
  is(rig.command(msg.capset(1, 2), 332), ERR.PARAMETER);
  is(rig.command(msg.capset(9, 0), 332), ERR.PARAMETER);
  assert.equal(renderer.calls, [["getCapset", 1, 1]]);
});

test("a capset longer than promised or than the buffer is cut, a shorter one leaves the rest alone", () => {
  const { rig, renderer } = newRig();
  renderer.capsetBytes = new Uint8Array(5000).fill(3);
  const long = rig.command(msg.capset(1, 0), 1000);
  assert.is(long.written, 332);
  assert.ok(long.bytes.subarray(332).every((byte) => byte === 0xa5));
  assert.is(rig.command(msg.capset(1, 0), 100).written, 100);
  renderer.capsetBytes = new Uint8Array(4).fill(3);
  const short = rig.command(msg.capset(1, 0), 332);
  assert.is(short.written, 28);
  // A capset of maximum size 0.
  assert.is(rig.command(msg.capset(4, 0), 332).written, 24);
});

test("contexts: creation with and without a capset, names, destruction", () => {
  const { rig, renderer } = newRig();
  is(rig.command(msg.ctxCreate(0, "first", { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.ctxCreate(0xabcd04, "second", { ctx: 2 })), OK.NODATA);
  is(rig.command(msg.ctxCreate(1, "x".repeat(64), { ctx: 0xffffffff })), OK.NODATA);
  is(rig.command(msg.ctxCreate(1, "cut", { ctx: 4 }, 2)), OK.NODATA);
  is(rig.command(msg.ctxCreate(1, "long", { ctx: 5 }, 0xffffffff)), OK.NODATA);
  is(rig.command(msg.ctxCreate(0, "zero", { ctx: 0 })), ERR.CONTEXT);
  is(rig.command(msg.ctxCreate(0, "again", { ctx: 1 })), ERR.CONTEXT);
  is(rig.command(msg.ctxCreate(2, "no such capset", { ctx: 6 })), ERR.PARAMETER);
  is(rig.command(msg.ctxDestroy({ ctx: 2 })), OK.NODATA);
  is(rig.command(msg.ctxDestroy({ ctx: 2 })), ERR.CONTEXT);
  is(rig.command(msg.ctxDestroy({ ctx: 0 })), ERR.CONTEXT);
  assert.equal(renderer.calls, [
    ["createContext", 1, 0, "first"],
    ["createContext", 2, 4, "second"],
    ["createContext", 0xffffffff, 1, "x".repeat(64)],
    ["createContext", 4, 1, "cu"],
    ["createContext", 5, 1, "long"],
    ["destroyContext", 2],
  ]);
});

test("without CONTEXT_INIT the capset id means nothing", () => {
  const { rig, renderer } = newRig({}, [F.VIRGL]);
  is(rig.command(msg.ctxCreate(99, "old", { ctx: 1 })), OK.NODATA);
  assert.equal(renderer.calls, [["createContext", 1, 0, "old"]]);
});

test("3D resources: created, attached to contexts, backed, freed", () => {
  const { rig, renderer } = newRig();
  is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.create3d(0, FIELDS_3D)), ERR.RESOURCE);
  is(rig.command(msg.create3d(5, FIELDS_3D)), OK.NODATA);
  is(rig.command(msg.create3d(5, FIELDS_3D)), ERR.RESOURCE);
  is(rig.command(msg.ctxAttach(5, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.ctxAttach(5, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.ctxAttach(6, { ctx: 1 })), ERR.RESOURCE);
  is(rig.command(msg.ctxAttach(5, { ctx: 2 })), ERR.CONTEXT);
  is(rig.command(msg.attach(5, [[0x100000, 4096]])), OK.NODATA);
  is(rig.command(msg.ctxDetach(5, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.ctxDetach(5, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.ctxDetach(5, { ctx: 2 })), ERR.CONTEXT);
  is(rig.command(msg.ctxDetach(6, { ctx: 1 })), ERR.RESOURCE);
  const backing = renderer.backings.get(5);
  is(rig.command(msg.detach(5)), OK.NODATA);
  assert.is(backing?.read(0, new Uint8Array(4), 0, 4), 0);
  is(rig.command(msg.unref(5)), OK.NODATA);
  assert.equal(renderer.calls.slice(1), [
    ["createResource", 5, INFO_3D],
    ["attachResource", 1, 5],
    ["setBacking", 5, 4096],
    ["detachResource", 1, 5],
    ["setBacking", 5, null],
    ["unrefResource", 5],
  ]);
});

test("the device's own resources can be attached to contexts without the renderer", () => {
  const { rig, renderer } = withContext();
  rig.resource2d(7, 64, 48);
  is(rig.command(msg.createBlob(8, { size: 4096, entries: [[0x100000, 4096]] })), OK.NODATA);
  is(rig.command(msg.ctxAttach(7, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.ctxAttach(8, { ctx: 1 })), OK.NODATA);
  assert.equal(renderer.calls, []);
});

test("transfers in both directions", () => {
  const { rig, renderer } = withContext();
  is(rig.command(msg.attach(5, [[0x100000, 12288]])), OK.NODATA);
  const box = [1, 2, 3, 4, 5, 6];
  const o = { ctx: 1 };
  is(rig.command(msg.transfer3d(CMD.TRANSFER_TO_HOST_3D, 5, box, 0x1_0000_0002n, 7, 8, 9, o)), OK.NODATA);
  is(rig.command(msg.transfer3d(CMD.TRANSFER_FROM_HOST_3D, 5, box, 64, 0, 256, 0)), OK.NODATA);
  is(rig.command(msg.transfer3d(CMD.TRANSFER_TO_HOST_3D, 6, box, 0, 0, 0, 0, o)), ERR.RESOURCE);
  is(rig.command(msg.transfer3d(CMD.TRANSFER_TO_HOST_3D, 5, box, 0, 0, 0, 0, { ctx: 9 })), ERR.CONTEXT);
  rig.resource2d(7, 64, 48);
  is(rig.command(msg.transfer3d(CMD.TRANSFER_TO_HOST_3D, 7, box, 0, 0, 0, 0, o)), ERR.PARAMETER);
  is(rig.command(msg.createBlob(8, { size: 4096 })), OK.NODATA);
  is(rig.command(msg.transfer3d(CMD.TRANSFER_FROM_HOST_3D, 8, box, 0, 0, 0, 0, o)), OK.NODATA);
  const common = { x: 1, y: 2, z: 3, width: 4, height: 5, depth: 6 };
  assert.equal(renderer.calls.slice(1), [
    [
      "transferToHost",
      1,
      5,
      { ...common, offset: 0x100000002, level: 7, strideBytes: 8, layerStrideBytes: 9 },
      12288,
    ],
    [
      "transferFromHost",
      0,
      5,
      { ...common, offset: 64, level: 0, strideBytes: 256, layerStrideBytes: 0 },
      12288,
    ],
  ]);
});

test("TRANSFER_TO_HOST_2D of a 3D resource goes to the renderer, as Linux has it for dumb buffers", () => {
  const { rig, renderer } = withContext();
  is(rig.command(msg.transfer(5, full(64, 48), 0)), ERR.UNSPEC);
  is(rig.command(msg.attach(5, [[0x100000, 12288]])), OK.NODATA);
  is(rig.command(msg.transfer(5, { x: 1, y: 2, w: 3, h: 4 }, 516)), OK.NODATA);
  is(rig.command(msg.transfer(5, full(65, 48), 0)), ERR.PARAMETER);
  const [method, ctx, id, transfer] = renderer.calls[1] as unknown[];
  assert.equal([method, ctx, id], ["transferToHost", 0, 5]);
  assert.equal(transfer, {
    x: 1,
    y: 2,
    z: 0,
    width: 3,
    height: 4,
    depth: 1,
    offset: 516,
    level: 0,
    strideBytes: 0,
    layerStrideBytes: 0,
  });
});

test("SUBMIT_3D hands over the bytes that are there", () => {
  const { rig, renderer } = withContext();
  const commands = pattern(5000);
  is(rig.command(msg.submit(commands, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.submit(commands.subarray(0, 7), { ctx: 1, flags: 3, ring: 63, fence: 1 })), OK.NODATA);
  is(rig.command(msg.submit(new Uint8Array(0), { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.submit(commands, { ctx: 1 }, 5001)), ERR.PARAMETER);
  is(rig.command(msg.submit(commands, { ctx: 1 }, 0xffffffff)), ERR.PARAMETER);
  is(rig.command(msg.submit(commands, { ctx: 2 })), ERR.CONTEXT);
  is(rig.command(msg.submit(commands, { ctx: 0 })), ERR.CONTEXT);
  assert.equal(renderer.calls, [
    ["submit", 1, [...commands], -1],
    ["submit", 1, [...commands.subarray(0, 7)], 63],
    ["submit", 1, [], -1],
  ]);
});

test("rings: echoed with the fence, 64 of them", () => {
  const { rig } = withContext();
  const answer = rig.command(msg.submit(new Uint8Array(4), { ctx: 1, flags: 3, ring: 63, fence: 77 }));
  assert.equal(
    [answer.type, answer.flags, answer.fence, answer.ctx, answer.ring],
    [OK.NODATA, 3, 77n, 1, 63],
  );
  const bad = rig.command(msg.submit(new Uint8Array(4), { ctx: 1, flags: 3, ring: 64, fence: 78 }));
  assert.equal([bad.type, bad.flags, bad.fence, bad.ring], [ERR.PARAMETER, 3, 78n, 64]);
  const unfenced = rig.command(msg.submit(new Uint8Array(4), { ctx: 1, flags: 2, ring: 200 }));
  assert.equal([unfenced.type, unfenced.flags, unfenced.ring], [ERR.PARAMETER, 0, 0]);
});

test("host blobs: from a context's object, with a guest shadow or without", () => {
  const { rig, renderer } = withContext();
  const host = { mem: 2, flags: 1, blobId: 0x1_0000_0007n, size: 8192 };
  is(rig.command(msg.createBlob(6, host, { ctx: 1 })), OK.NODATA);
  is(
    rig.command(msg.createBlob(7, { mem: 3, flags: 4, size: 4096, entries: [[0x100000, 4096]] }, { ctx: 1 })),
    OK.NODATA,
  );
  is(rig.command(msg.createBlob(8, host, { ctx: 2 })), ERR.CONTEXT);
  is(rig.command(msg.createBlob(8, host, { ctx: 0 })), ERR.CONTEXT);
  is(rig.command(msg.createBlob(8, { ...host, entries: [[0x100000, 8192]] }, { ctx: 1 })), ERR.PARAMETER);
  assert.equal(renderer.calls, [
    ["createBlob", 1, 6, { mem: 2, flags: 1, blobId: 0x1_0000_0007n, sizeBytes: 8192 }],
    ["createBlob", 1, 7, { mem: 3, flags: 4, blobId: 0n, sizeBytes: 4096 }],
  ]);
  assert.is(renderer.blobs.get(7)?.backing?.totalBytes, 4096);
  assert.is(rig.gpu.hostBytes, 12288);
  is(rig.command(msg.unref(6)), OK.NODATA);
  assert.is(rig.gpu.hostBytes, 4096);
});

test("a 3D resource on the screen", () => {
  const { rig, renderer } = withContext();
  is(rig.command(msg.setScanout(0, 5, full(64, 48))), ERR.UNSPEC);
  const bytes = pattern(64 * 48 * 4);
  const picture = { widthPixels: 64, heightPixels: 48, format: BGRX, strideBytes: 256, bytes };
  renderer.pictures.set(5, picture);
  is(rig.command(msg.setScanout(0, 5, full(65, 48))), ERR.PARAMETER);
  is(rig.command(msg.setScanout(0, 5, { x: 4, y: 2, w: 32, h: 16 })), OK.NODATA);
  const source = rig.display.screen(0).source as ScanoutSource;
  assert.is(source.pixels, bytes);
  assert.is(source.offsetBytes, 2 * 256 + 16);
  is(rig.command(msg.flush(5, full(64, 48))), OK.NODATA);
  assert.equal(renderer.calls, [["flush", 5, 0, 0, 64, 48]]);
  assert.is(rig.display.screen(0).flushes, 1);
  // The renderer may have moved its pixels meanwhile.
  const moved = { ...picture, bytes: bytes.slice() };
  renderer.pictures.set(5, moved);
  is(rig.command(msg.flush(5, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).source?.pixels, moved.bytes);
  assert.is(rig.display.screen(0).changes, 2);
});

test("a 3D resource as cursor", () => {
  const { rig, renderer } = withContext();
  is(rig.command(msg.create3d(6, [2, 1, 0, 64, 64, 1, 1, 0, 0, 0])), OK.NODATA);
  const type = () => rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 2, 6), 24).type;
  assert.is(type(), ERR.UNSPEC);
  const bytes = pattern(64 * 300);
  renderer.pictures.set(6, { widthPixels: 64, heightPixels: 64, format: 67, strideBytes: 300, bytes });
  assert.is(type(), OK.NODATA);
  assert.is(rig.gpu.cursor(0)?.format, 67);
  assert.equal(rig.gpu.cursor(0)?.pixels.subarray(256, 512), bytes.subarray(300, 556));
  renderer.pictures.set(6, { widthPixels: 63, heightPixels: 64, format: 67, strideBytes: 300, bytes });
  assert.is(type(), ERR.PARAMETER);
});

test("results of the renderer that are none are failures of the renderer", async () => {
  const { rig, renderer } = withContext();
  for (const bytes of [undefined, null, "text", [1, 2], new ArrayBuffer(8)]) {
    renderer.capsetBytes = bytes as never;
    is(rig.command(msg.capset(1, 1), 400), ERR.UNSPEC);
    renderer.next("later");
    const late = rig.begin(msg.capset(1, 1), 400);
    renderer.held.pop()?.resolve();
    await settle();
    rig.collect(CONTROLQ);
    is(rig.answer(late), ERR.UNSPEC);
    assert.is(rig.answer(late).written, 24);
  }
  const picture = {
    widthPixels: 64,
    heightPixels: 48,
    format: BGRX,
    strideBytes: 256,
    bytes: new Uint8Array(64 * 48 * 4),
  };
  for (const wrong of [
    { widthPixels: Number.NaN },
    { widthPixels: 65 },
    { heightPixels: 49 },
    { heightPixels: -1 },
    { strideBytes: 255 },
    { strideBytes: 256.5 },
    { format: 77 },
    { bytes: new Uint8Array(64 * 48 * 4 - 1) },
    { bytes: [] },
    { bytes: undefined },
  ]) {
    renderer.pictures.set(5, { ...picture, ...wrong } as never);
    is(rig.command(msg.setScanout(0, 5, full(64, 48))), ERR.UNSPEC);
    assert.is(rig.gpu.scanout(0), null);
  }
  renderer.pictures.set(5, picture);
  is(rig.command(msg.setScanout(0, 5, full(64, 48))), OK.NODATA);
});

test("a blob is not mapped when the renderer does not say how", () => {
  const renderer = new RecordingRenderer();
  const hostHeap = new HostHeap(4096);
  const rig = new GpuRig({ renderer, hostHeap });
  is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.createBlob(5, { mem: 2, flags: 1, size: 4096 }, { ctx: 1 })), OK.NODATA);
  for (const info of [undefined, Number.NaN, "1"]) {
    renderer.mapInfo = info as never;
    is(rig.command(msg.mapBlob(5, 0), 32), ERR.UNSPEC);
    assert.is(hostHeap.mappedBlobs, 0);
  }
});

test("every failure has its code, and leaves nothing behind", () => {
  const codes = [
    ["out-of-memory", ERR.OUT_OF_MEMORY],
    ["invalid-scanout", ERR.SCANOUT],
    ["invalid-resource", ERR.RESOURCE],
    ["invalid-context", ERR.CONTEXT],
    ["invalid-parameter", ERR.PARAMETER],
    ["unsupported", ERR.UNSPEC],
    ["lost", ERR.UNSPEC],
  ] as const;
  const { rig, renderer } = newRig();
  for (const [code, type] of codes) {
    renderer.next(code);
    is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), type);
    is(rig.command(msg.ctxDestroy({ ctx: 1 })), ERR.CONTEXT);
    renderer.next(code);
    is(rig.command(msg.create3d(5, FIELDS_3D)), type);
    is(rig.command(msg.unref(5)), ERR.RESOURCE);
  }
  renderer.next(new TypeError("a bug in the renderer"));
  is(rig.command(msg.create3d(5, FIELDS_3D)), ERR.UNSPEC);
  is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
  renderer.next("out-of-memory");
  is(rig.command(msg.createBlob(5, { mem: 2, size: 4096 }, { ctx: 1 })), ERR.OUT_OF_MEMORY);
  assert.is(rig.gpu.hostBytes, 0);
  assert.is(rig.gpu.resources().length, 0);
});

test("failures of every other command", () => {
  const { rig, renderer } = withContext();
  renderer.pictures.set(5, {
    widthPixels: 64,
    heightPixels: 48,
    format: BGRX,
    strideBytes: 256,
    bytes: new Uint8Array(64 * 48 * 4),
  });
  const o = { ctx: 1 };
  const fail = (request: Uint8Array, size = 24) => {
    renderer.next("out-of-memory");
    is(rig.command(request, size), ERR.OUT_OF_MEMORY);
  };
  fail(msg.capset(1, 0), 332);
  fail(msg.ctxAttach(5, o));
  // It is not attached now, so that the renderer is asked again.
  is(rig.command(msg.ctxAttach(5, o)), OK.NODATA);
  fail(msg.attach(5, [[0x100000, 12288]]));
  // It has no backing now, so that it can be attached.
  is(rig.command(msg.attach(5, [[0x100000, 12288]])), OK.NODATA);
  fail(msg.transfer3d(CMD.TRANSFER_TO_HOST_3D, 5, [0, 0, 0, 1, 1, 1], 0, 0, 0, 0, o));
  fail(msg.transfer3d(CMD.TRANSFER_FROM_HOST_3D, 5, [0, 0, 0, 1, 1, 1], 0, 0, 0, 0, o));
  fail(msg.submit(new Uint8Array(4), o));
  fail(msg.flush(5, full(64, 48)));
  fail(msg.ctxDetach(5, o));
  fail(msg.detach(5));
  fail(msg.unref(5));
  fail(msg.ctxDestroy(o));
  assert.is(rig.gpu.counters.errors, 11);
});

test("failures of the display", () => {
  let windows = 0;
  const rig = new GpuRig({
    display: {
      setScanout() {
        if (windows++ !== 1) throw new Error("no window");
      },
      flush() {
        throw new Error("no window");
      },
      setCursor() {
        throw new Error("no window");
      },
      moveCursor() {
        throw new Error("no window");
      },
    } as never,
  });
  rig.resource2d(5, 64, 64);
  is(rig.command(msg.setScanout(0, 5, full(64, 64))), ERR.UNSPEC);
  is(rig.command(msg.flush(5, full(64, 64))), OK.NODATA);
  is(rig.command(msg.setScanout(0, 5, full(64, 64))), OK.NODATA);
  is(rig.command(msg.flush(5, full(64, 64))), ERR.UNSPEC);
  assert.is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 5), 24).type, ERR.UNSPEC);
  assert.is(rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 0, 0), 24).type, ERR.UNSPEC);
  rig.device.writeStatus(0);
  assert.is(rig.device.status, 0);
});

test("a display that fails in a reset does not keep anything from being reset", () => {
  let broken = false;
  const no = () => {
    if (broken) throw new Error("no window");
  };
  const display = { setScanout: no, flush: no, setCursor: no };
  const rig = new GpuRig({ display: display as never, displays: [{}, {}] });
  rig.resource2d(5, 64, 64);
  for (const i of [0, 1]) {
    expectOk(rig.command(msg.setScanout(i, 5, full(64, 64))));
    rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, i, 9, 9, 5));
  }
  broken = true;
  rig.device.writeStatus(0);
  for (const i of [0, 1]) assert.equal([rig.gpu.scanout(i), rig.gpu.cursor(i)], [null, null]);
  assert.is(rig.gpu.hostBytes, 0);
});

test("a reset tells the renderer", () => {
  const { rig, renderer } = withContext();
  rig.device.writeStatus(0);
  assert.equal(renderer.calls.at(-1), ["reset"]);
  rig.initialize();
  is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
  expectOk(rig.command(msg.create3d(5, FIELDS_3D)));
});

test.run();
