// Section 5.7 of the specification, statement by statement, as far as it says anything about the device or can be seen
// at it. What it demands of drivers is shown here from the other side: what the device does when a driver complies,
// and when it doesn't.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HostHeap } from "../../src/devices/gpu/index.ts";
import { settle } from "../../src/testing/index.ts";
import { BGRX, CMD, CONTROLQ, CURSORQ, ERR, F, msg, OK, u32At } from "../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

const test = suite("gpu");
const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const type = (rig: GpuRig, request: Uint8Array, room = 24) => rig.command(request, room).type;

function withContext(hostHeap?: HostHeap) {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer, ...(hostHeap === undefined ? {} : { hostHeap }) });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  renderer.calls.length = 0;
  return { rig, renderer };
}

test("device id, queues, features, configuration layout", () => {
  const rig = new GpuRig({ renderer: new RecordingRenderer(), blobAlignmentBytes: 4096, displays: [{}, {}] });
  assert.is(rig.gpu.deviceId, 16);
  assert.equal(
    rig.gpu.queues.map(({ name }) => name),
    ["controlq", "cursorq"],
  );
  assert.equal([...rig.gpu.features], [F.VIRGL, F.EDID, F.UUID, F.BLOB, F.CONTEXT_INIT, F.ALIGNMENT]);
  // CONTEXT_INIT requires VIRGL, BLOB_ALIGNMENT requires RESOURCE_BLOB.
  for (const features of [[F.CONTEXT_INIT], [F.ALIGNMENT]]) {
    const options = { renderer: new RecordingRenderer(), blobAlignmentBytes: 4096 };
    assert.throws(() => new GpuRig(options, { features }), /refused/);
  }
  const config = [0, 4, 8, 12, 16].map((offset) => rig.device.readConfig(offset, 4));
  assert.equal(config, [0, 0, 2, 2, 4096]);
});

test("[gpu.prose.device-configuration-fields.1] events_read is read-only, events_clear clears its bits", () => {
  const rig = new GpuRig();
  rig.gpu.setDisplay(0, { widthPixels: 800, heightPixels: 600 });
  rig.device.writeConfig(0, 4, 0);
  assert.is(rig.device.readConfig(0, 4), 1);
  rig.device.writeConfig(0, 4, 0xffffffff);
  assert.is(rig.device.readConfig(0, 4), 1);
  rig.device.writeConfig(4, 4, 0);
  assert.is(rig.device.readConfig(0, 4), 1);
  rig.device.writeConfig(4, 4, 1);
  assert.is(rig.device.readConfig(0, 4), 0);
});

test("[gpu.prose.events.1] [gpu.prose.events.2] after EVENT_DISPLAY the new size and the new EDID can be fetched", () => {
  const rig = new GpuRig();
  const before = rig.command(msg.edid(0), 1056).bytes;
  rig.gpu.setDisplay(0, { widthPixels: 1600, heightPixels: 900 });
  assert.is(rig.configInterrupts, 1);
  assert.is(rig.device.readConfig(0, 4), 1);
  const info = rig.command(msg.displayInfo(), 408).bytes;
  assert.equal([u32At(info, 32), u32At(info, 36)], [1600, 900]);
  assert.not.equal(rig.command(msg.edid(0), 1056).bytes, before);
});

test("[gpu.device.device-initialization.1] [gpu.device.device-initialization.2] display information and EDID for the initial set-up", () => {
  const rig = new GpuRig({ displays: [{ widthPixels: 1024, heightPixels: 768 }] });
  const info = rig.command(msg.displayInfo(), 408);
  assert.is(info.type, OK.DISPLAY_INFO);
  assert.equal([u32At(info.bytes, 32), u32At(info.bytes, 36), u32At(info.bytes, 40)], [1024, 768, 1]);
  const edid = rig.command(msg.edid(0), 1056);
  assert.is(edid.type, OK.EDID);
  // The detailed timing of the preferred mode: 1024 by 768.
  const at = 32 + 54;
  const byte = (i: number) => edid.bytes[at + i] as number;
  assert.equal([byte(2) | ((byte(4) & 0xf0) << 4), byte(5) | ((byte(7) & 0xf0) << 4)], [1024, 768]);
});

test("[gpu.device.device-initialization.3] with all displays disabled a fallback can still be set up", () => {
  const rig = new GpuRig({ displays: [{ enabled: false }] });
  assert.is(u32At(rig.command(msg.displayInfo(), 408).bytes, 40), 0);
  rig.resource2d(5, 1024, 768);
  expectOk(rig.command(msg.setScanout(0, 5, full(1024, 768))));
  assert.ok(rig.gpu.scanout(0));
});

test("[gpu.device.device-initialization.4] [gpu.device.device-initialization.5] the only shared memory region is the host visible one, id 1", () => {
  assert.equal(new GpuRig().gpu.sharedMemory, []);
  const { rig } = withContext(new HostHeap(65536));
  assert.equal(
    rig.gpu.sharedMemory.map(({ id, lengthBytes }) => [id, lengthBytes]),
    [[1, 65536]],
  );
});

test("[gpu.device.device-initialization.6] with host visible memory blobs can be mapped and unmapped", () => {
  const { rig } = withContext(new HostHeap(65536));
  expectOk(rig.command(msg.createBlob(5, { mem: 2, flags: 1, size: 4096 }, { ctx: 1 })));
  assert.is(type(rig, msg.mapBlob(5, 0), 32), OK.MAP_INFO);
  assert.is(type(rig, msg.unmapBlob(5)), OK.NODATA);
});

test("[gpu.device.device-operation-command-lifecycle-and-fencing.1] commands may be returned in another order", async () => {
  const { rig, renderer } = withContext();
  renderer.next("later");
  const slow = rig.begin(msg.submit(new Uint8Array(4), { ctx: 1 }));
  const quick = rig.begin(msg.displayInfo(), 408);
  assert.equal([slow.written, quick.written], [-1, 408]);
  renderer.held[0]?.resolve();
  await settle();
  rig.collect(CONTROLQ);
  assert.is(slow.written, 24);
});

test("[gpu.device.device-operation-command-lifecycle-and-fencing.2] a fenced command is returned once its processing is finished", async () => {
  let finished = false;
  let finish = () => {};
  const display = {
    setScanout() {},
    flush: () =>
      new Promise<void>((resolve) => {
        finish = () => {
          finished = true;
          resolve();
        };
      }),
  };
  const rig = new GpuRig({ display: display as never });
  rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  const sent = rig.begin(msg.flush(5, full(64, 48), { flags: 1, fence: 3 }));
  await settle();
  rig.collect(CONTROLQ);
  assert.equal([finished, sent.written], [false, -1]);
  finish();
  await settle();
  rig.collect(CONTROLQ);
  assert.equal([finished, sent.written], [true, 24]);
});

test("[gpu.prose.device-operation-configure-mouse-cursor.1] a cursor created, backed, filled and fenced is shown as it was filled", () => {
  const rig = new GpuRig();
  const { pages } = rig.resource2d(5, 64, 64, 1);
  const image = pattern(16384);
  rig.fill(pages, 0, image);
  const answer = rig.command(msg.transfer(5, full(64, 64), 0, { flags: 1, fence: 1 }));
  assert.equal([answer.type, answer.fence], [OK.NODATA, 1n]);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 10, 20, 5));
  assert.equal(rig.gpu.cursor(0)?.pixels, image);
  // A driver that did not create it, or not 64x64, has no cursor.
  assert.is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 10, 20, 6), 24).type, ERR.RESOURCE);
  rig.resource2d(7, 32, 32);
  assert.is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 10, 20, 7), 24).type, ERR.PARAMETER);
});

test("[gpu.prose.device-operation-request-header.1] with FLAG_FENCE the response has the flag and the fence id, errors too", () => {
  const rig = new GpuRig();
  const fence = 0x8000_0000_0000_0001n;
  for (const request of [msg.displayInfo({ flags: 1, fence }), msg.unref(99, { flags: 1, fence })]) {
    const answer = rig.command(request, 408);
    assert.equal([answer.flags & 1, answer.fence], [1, fence]);
  }
  assert.is(rig.command(msg.displayInfo({ fence }), 408).flags, 0);
});

test("[gpu.prose.device-operation-request-header.2] rings 0 to 63 with CONTEXT_INIT, none without", () => {
  const { rig } = withContext();
  for (const ring of [0, 63]) {
    const answer = rig.command(msg.submit(new Uint8Array(0), { ctx: 1, flags: 3, fence: 1, ring }));
    assert.equal([answer.type, answer.flags, answer.ring], [OK.NODATA, 3, ring]);
  }
  assert.is(
    type(rig, msg.submit(new Uint8Array(0), { ctx: 1, flags: 3, fence: 1, ring: 64 })),
    ERR.PARAMETER,
  );
  const without = new GpuRig({ renderer: new RecordingRenderer() }, { features: [F.VIRGL] });
  const answer = without.command(msg.displayInfo({ flags: 3, fence: 1, ring: 200 }), 408);
  assert.equal([answer.type, answer.flags, answer.ring], [OK.DISPLAY_INFO, 1, 0]);
});

test("[gpu.prose.device-operation-request-header.3] with a fence all smaller ones of its timeline are answered, other timelines are their own", async () => {
  const { rig, renderer } = withContext();
  const submit = (fence: number, ring: number) => {
    renderer.next("later");
    return rig.begin(msg.submit(new Uint8Array(4), { ctx: 1, flags: 3, fence, ring }));
  };
  const first = submit(1, 0);
  const second = submit(2, 0);
  const other = submit(1, 1);
  for (const [held, written] of [
    [1, [-1, -1, -1]],
    [2, [-1, -1, 24]],
    [0, [24, 24, 24]],
  ] as const) {
    renderer.held[held]?.resolve();
    await settle();
    rig.collect(CONTROLQ);
    assert.equal([first.written, second.written, other.written], written);
  }
});

test("[gpu.prose.device-operation-controlq.1] capset indexes below num_capsets have information", () => {
  const { rig } = withContext();
  const count = rig.device.readConfig(12, 4);
  for (let i = 0; i < count; i++) assert.is(type(rig, msg.capsetInfo(i), 40), OK.CAPSET_INFO);
  assert.is(type(rig, msg.capsetInfo(count), 40), ERR.PARAMETER);
});

test("[gpu.prose.device-operation-controlq.2] the capset id is one of those of the specification", () => {
  const { rig } = withContext();
  for (const [index, id] of [
    [0, 1],
    [1, 4],
  ] as const) {
    assert.is(u32At(rig.command(msg.capsetInfo(index), 40).bytes, 24), id);
  }
  const renderer = new RecordingRenderer();
  for (const id of [0, 64, 1.5]) {
    renderer.capsets = [{ id, maxVersion: 1, maxSizeBytes: 4 }];
    assert.throws(() => new GpuRig({ renderer }), /capset/);
  }
});

test("[gpu.prose.device-operation-controlq.3] blob_mem must be one of the three, two of them only with VIRGL", () => {
  const { rig } = withContext();
  for (const mem of [1, 2, 3]) {
    assert.is(type(rig, msg.createBlob(10 + mem, { mem, size: 4096 }, { ctx: 1 })), OK.NODATA);
  }
  for (const mem of [0, 4, 0xffffffff]) {
    assert.is(type(rig, msg.createBlob(5, { mem, size: 4096 }, { ctx: 1 })), ERR.PARAMETER);
  }
  const without = new GpuRig();
  assert.is(type(without, msg.createBlob(5, { mem: 1, size: 4096 })), OK.NODATA);
  for (const mem of [2, 3]) assert.is(type(without, msg.createBlob(6, { mem, size: 4096 })), ERR.PARAMETER);
});

test("[gpu.prose.device-operation-controlq.4] host blobs are made from the object of the context that blob_id names", () => {
  const { rig, renderer } = withContext();
  const blob = { mem: 2, flags: 1, blobId: 0xfeed_0000_0001n, size: 4096 };
  assert.is(type(rig, msg.createBlob(5, blob, { ctx: 9 })), ERR.CONTEXT);
  assert.is(type(rig, msg.createBlob(5, blob, { ctx: 1 })), OK.NODATA);
  assert.equal(renderer.calls, [
    ["createBlob", 1, 5, { mem: 2, flags: 1, blobId: 0xfeed_0000_0001n, sizeBytes: 4096 }],
  ]);
});

test("[gpu.prose.device-operation-controlq.5] a blob not declared as mappable can't be mapped", () => {
  const { rig } = withContext(new HostHeap(65536));
  for (const [id, flags, expected] of [
    [5, 0, ERR.PARAMETER],
    [6, 6, ERR.PARAMETER],
    [7, 1, OK.MAP_INFO],
  ] as const) {
    expectOk(rig.command(msg.createBlob(id, { mem: 2, flags, size: 4096 }, { ctx: 1 })));
    assert.is(type(rig, msg.mapBlob(id, id * 4096), 32), expected);
  }
});

test("[gpu.prose.device-operation-controlq.6] [gpu.prose.device-operation-controlq.7] SET_SCANOUT_BLOB takes the formats of virtio_gpu_formats", () => {
  const rig = new GpuRig();
  expectOk(rig.command(msg.createBlob(5, { size: 4096, entries: [[0x100000, 4096]] })));
  for (const format of [1, 2, 3, 4, 67, 68, 121, 134]) {
    assert.is(type(rig, msg.setScanoutBlob(0, 5, { w: 32, h: 32, format })), OK.NODATA);
  }
  for (const format of [0, 5, 135, 0x34325258]) {
    assert.is(type(rig, msg.setScanoutBlob(0, 5, { w: 32, h: 32, format })), ERR.PARAMETER);
  }
});

test("[gpu.driver.device-operation-controlq.1] [gpu.driver.device-operation-controlq-3d.1] blob_alignment, once negotiated", () => {
  const rig = new GpuRig({
    renderer: new RecordingRenderer(),
    hostHeap: new HostHeap(65536),
    blobAlignmentBytes: 4096,
  });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  assert.is(type(rig, msg.createBlob(5, { size: 4095 })), ERR.PARAMETER);
  assert.is(type(rig, msg.createBlob(5, { mem: 2, flags: 1, size: 8192 }, { ctx: 1 })), OK.NODATA);
  assert.is(type(rig, msg.mapBlob(5, 2048), 32), ERR.PARAMETER);
  assert.is(type(rig, msg.mapBlob(5, 4096), 32), OK.MAP_INFO);
});

test("[gpu.prose.device-operation-controlq-3d.1] [gpu.prose.device-operation-controlq-3d.2] [gpu.prose.device-operation-controlq-3d.3] a context for the ctx_id, of the capset in the lower 8 bits", () => {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer });
  expectOk(rig.command(msg.ctxCreate(0xffffff04, "name", { ctx: 7 })));
  expectOk(rig.command(msg.ctxCreate(0xffffff00, "", { ctx: 8 })));
  assert.is(type(rig, msg.ctxCreate(5, "", { ctx: 9 })), ERR.PARAMETER);
  assert.equal(renderer.calls, [
    ["createContext", 7, 4, "name"],
    ["createContext", 8, 0, ""],
  ]);
});

test("[gpu.prose.device-operation-controlq-3d.4] a blob that is mapped can't be mapped again", () => {
  const { rig } = withContext(new HostHeap(65536));
  expectOk(rig.command(msg.createBlob(5, { mem: 2, flags: 1, size: 4096 }, { ctx: 1 })));
  assert.is(type(rig, msg.mapBlob(5, 0), 32), OK.MAP_INFO);
  assert.is(type(rig, msg.mapBlob(5, 8192), 32), ERR.PARAMETER);
  assert.is(type(rig, msg.mapBlob(5, 0), 32), ERR.PARAMETER);
  assert.is(type(rig, msg.unmapBlob(5)), OK.NODATA);
  assert.is(type(rig, msg.mapBlob(5, 8192), 32), OK.MAP_INFO);
});

test("[content.prose.exporting-objects.1] UUIDs are of version 4 and name the object to others", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  const uuid = rig.command(msg.assignUuid(5), 40).bytes.slice(24);
  assert.equal([(uuid[6] as number) >> 4, (uuid[8] as number) >> 6], [4, 2]);
  assert.is(rig.gpu.sharedObjects.get(uuid)?.content?.owner, "gpu");
});

test("section 5.7.6.1 to 5.7.6.3: a framebuffer on the screen, updated, flipped", () => {
  const rig = new GpuRig();
  const frames = [5, 6].map((id) => ({ id, ...rig.resource2d(id, 320, 200) }));
  for (const { id, pages } of frames) {
    rig.fill(pages, 0, new Uint8Array(320 * 200 * 4).fill(id));
    expectOk(rig.command(msg.transfer(id, full(320, 200), 0)));
    expectOk(rig.command(msg.setScanout(0, id, full(320, 200))));
    expectOk(rig.command(msg.flush(id, full(320, 200))));
    assert.ok(rig.gpu.scanout(0)?.pixels?.every((byte) => byte === id));
  }
});

test("section 5.7.6.4: mirrored displays, one each, one framebuffer over all", () => {
  const rig = new GpuRig({ displays: [{}, {}] });
  rig.resource2d(5, 200, 100);
  rig.resource2d(6, 100, 100);
  const show = (scanout: number, id: number, x: number) =>
    expectOk(rig.command(msg.setScanout(scanout, id, { x, y: 0, w: 100, h: 100 })));
  const flushes = () => [0, 1].map((i) => rig.display.screen(i).flushes);
  show(0, 5, 0);
  show(1, 5, 0);
  expectOk(rig.command(msg.flush(5, full(100, 100))));
  assert.equal(flushes(), [1, 1]);
  show(1, 6, 0);
  expectOk(rig.command(msg.flush(6, full(100, 100))));
  assert.equal(flushes(), [1, 2]);
  show(1, 5, 100);
  expectOk(rig.command(msg.flush(5, { x: 90, y: 0, w: 20, h: 10 })));
  assert.equal(flushes(), [2, 3]);
  assert.equal(rig.display.screen(0).damage, { x: 90, y: 0, widthPixels: 10, heightPixels: 10 });
  assert.equal(rig.display.screen(1).damage, { x: 0, y: 0, widthPixels: 10, heightPixels: 10 });
});

test("each queue takes the format of both", () => {
  const rig = new GpuRig();
  const answer = rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1, 0, 0, 0, { flags: 1, fence: 9 }), 24);
  assert.equal([answer.type, answer.fence], [OK.NODATA, 9n]);
  assert.is(rig.interrupts[CURSORQ], 1);
  assert.is(type(rig, msg.create2d(5, BGRX, 8, 8)), OK.NODATA);
});

test.run();
