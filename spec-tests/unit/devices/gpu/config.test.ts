// The configuration space, displays that come and go, EDIDs.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../../src/base/errors.ts";
import { createEdid, GpuDevice } from "../../../../src/devices/gpu/index.ts";
import { F, msg, OK, u32At } from "../../../support/gpu-messages.ts";
import { GpuRig } from "../../../support/gpu-rig.ts";

const isUsage = (error: unknown): boolean => error instanceof VirtioUsageError;

test("the layout of the configuration space", () => {
  const rig = new GpuRig({ displays: [{}, {}, {}] });
  const read = (offset: number, width = 4) => rig.device.readConfig(offset, width);
  assert.equal([read(0), read(4), read(8), read(12), read(16)], [0, 0, 3, 0, 0]);
  assert.equal([read(8, 1), read(9, 1), read(8, 2)], [3, 0, 3]);
  assert.is(rig.gpu.scanoutCount, 3);
});

test("only events_clear can be written", () => {
  const rig = new GpuRig();
  for (const offset of [0, 8, 12]) {
    rig.device.writeConfig(offset, 4, 0xffffffff);
    assert.equal(
      [rig.device.readConfig(0, 4), rig.device.readConfig(8, 4), rig.device.readConfig(12, 4)],
      [0, 1, 0],
    );
  }
});

test("writes beside events_clear clear nothing", () => {
  const rig = new GpuRig({ blobAlignmentBytes: 4096 });
  rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
  for (const offset of [0, 8, 12, 16]) {
    for (const width of [1, 2, 4]) rig.device.writeConfig(offset, width, 0xffffffff);
  }
  assert.is(rig.device.readConfig(0, 4), 1);
});

test("a change of a display raises the event, clearing it takes a 1 in the bit", () => {
  const rig = new GpuRig({ displays: [{}, { enabled: false }] });
  rig.gpu.setDisplay(0, { widthPixels: 1920, heightPixels: 1080 });
  assert.is(rig.configInterrupts, 1);
  const events = () => rig.device.readConfig(0, 4);
  assert.is(events(), 1);
  rig.device.writeConfig(4, 4, 0xfffffffe);
  assert.is(events(), 1);
  rig.device.writeConfig(5, 1, 0xff);
  assert.is(events(), 1);
  rig.device.writeConfig(4, 1, 1);
  assert.is(events(), 0);
  assert.is(rig.device.readConfig(4, 4), 0);
  const info = rig.command(msg.displayInfo(), 408);
  assert.equal([u32At(info.bytes, 32), u32At(info.bytes, 36)], [1920, 1080]);
  assert.is(u32At(info.bytes, 24 + 24 + 16), 0);
  rig.gpu.setDisplay(1, { enabled: true });
  assert.is(events(), 1);
  assert.is(u32At(rig.command(msg.displayInfo(), 408).bytes, 24 + 24 + 16), 1);
  assert.is(rig.device.configGeneration > 0, true);
});

test("what changes nothing raises nothing", () => {
  const rig = new GpuRig({ displays: [{ name: "one" }] });
  rig.gpu.setDisplay(0, {});
  rig.gpu.setDisplay(0, { widthPixels: 1280, heightPixels: 800, enabled: true, x: 0, name: "one" });
  assert.is(rig.configInterrupts, 0);
  rig.gpu.setDisplay(0, { name: "two" });
  assert.is(rig.configInterrupts, 1);
});

test("settings are kept, those named are changed", () => {
  const gpu = new GpuDevice({ displays: [{ widthPixels: 1024, heightPixels: 768, name: "kept", x: 7 }] });
  gpu.setDisplay(0, { widthPixels: 800, heightPixels: 600 });
  const display = gpu.display(0);
  assert.equal([display?.widthPixels, display?.heightPixels, display?.x], [800, 600, 7]);
  assert.equal(display?.edid, createEdid({ widthPixels: 800, heightPixels: 600, name: "kept" }));
  gpu.setDisplay(0, {
    widthPixels: 640,
    heightPixels: 480,
    refreshHz: 75,
    vendor: "ABC",
    serial: 5,
    widthMm: 300,
    heightMm: 200,
  });
  assert.equal(
    gpu.display(0)?.edid,
    createEdid({
      widthPixels: 640,
      heightPixels: 480,
      refreshHz: 75,
      vendor: "ABC",
      serial: 5,
      widthMm: 300,
      heightMm: 200,
      name: "kept",
    }),
  );
  assert.throws(() => gpu.setDisplay(1, {}), /no display 1/);
  assert.throws(() => gpu.setDisplay(0, { widthPixels: 0 }), /widthPixels/);
  assert.is(gpu.display(0)?.widthPixels, 640);
  assert.is(gpu.display(1), null);
});

test("an EDID of the embedder's own, up to 1024 bytes", () => {
  const edid = new Uint8Array(1024).fill(0x42);
  const rig = new GpuRig({ displays: [{ edid }] });
  edid[0] = 0;
  const answer = rig.command(msg.edid(0), 1056);
  assert.is(answer.type, OK.EDID);
  assert.is(u32At(answer.bytes, 24), 1024);
  assert.ok(answer.bytes.subarray(32).every((byte) => byte === 0x42));
});

test("a display is 1 to 16384 pixels wide and high, also with an EDID of the embedder's own", () => {
  const edid = createEdid({ widthPixels: 640, heightPixels: 480 });
  for (const side of [0, -5, 1.5, Number.NaN, 16385]) {
    assert.throws(() => new GpuDevice({ displays: [{ edid, widthPixels: side }] }), isUsage);
    assert.throws(() => new GpuDevice({ displays: [{ edid, heightPixels: side }] }), isUsage);
    const gpu = new GpuDevice({ displays: [{ edid }] });
    assert.throws(() => gpu.setDisplay(0, { widthPixels: side }), isUsage);
    assert.is(gpu.display(0)?.widthPixels, 1280);
  }
  new GpuDevice({ displays: [{ edid, widthPixels: 1, heightPixels: 16384 }] });
});

test("a reset of the device takes a pending event away", () => {
  const rig = new GpuRig();
  rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
  rig.device.writeStatus(0);
  assert.is(rig.device.readConfig(0, 4), 0);
  rig.initialize();
  assert.is(u32At(rig.command(msg.displayInfo(), 408).bytes, 32), 640);
});

test("before there is a driver changes are silent", () => {
  const rig = new GpuRig({}, { idle: true });
  rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
  assert.is(rig.configInterrupts, 0);
  assert.is(rig.device.readConfig(0, 4), 1);
});

test("features can be switched off one by one", () => {
  const off = (features: object) => new GpuDevice({ features }).features;
  assert.equal(off({ edid: false }), [F.UUID, F.BLOB]);
  assert.equal(off({ resourceUuid: false }), [F.EDID, F.BLOB]);
  assert.equal(off({ resourceBlob: false }), [F.EDID, F.UUID]);
  assert.equal(new GpuDevice({ blobAlignmentBytes: 1 }).features, [F.EDID, F.UUID, F.BLOB, F.ALIGNMENT]);
});

test("what the transports and drivers need to know", () => {
  const gpu = new GpuDevice({ controlQueueSize: 256, cursorQueueSize: 32 });
  assert.equal([gpu.name, gpu.deviceId, gpu.pciClass], ["gpu", 16, 0x038000]);
  assert.equal(gpu.queues, [
    { name: "controlq", maxSize: 256 },
    { name: "cursorq", maxSize: 32 },
  ]);
  assert.equal(
    new GpuDevice().queues.map(({ maxSize }) => maxSize),
    [64, 16],
  );
  const rig = new GpuRig();
  assert.throws(() => rig.gpu.attach({} as never), /belongs/);
});

test.run();
