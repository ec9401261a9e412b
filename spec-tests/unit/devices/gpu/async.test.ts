// Commands that wait for a display or a renderer: fences, order, backpressure, resets at any moment.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { GpuDeviceOptions } from "../../../../src/devices/gpu/index.ts";
import { type Sent, settle } from "../../../../src/testing/index.ts";
import { BGRX, CMD, CONTROLQ, CURSORQ, ERR, msg, OK } from "../../../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../../../support/gpu-rig.ts";
import { type Held, RecordingRenderer } from "../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const ok = (rig: GpuRig, sent: Sent) => rig.answer(sent).type === OK.NODATA;

/** A rig with context 1 and, by default, a renderer that holds every submission. */
function newRig(options: GpuDeviceOptions = {}) {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer, ...options });
  expectOk(rig.command(msg.ctxCreate(0, "one", { ctx: 1 })));
  expectOk(rig.command(msg.ctxCreate(0, "two", { ctx: 2 })));
  const submit = (o: { fence?: number; ring?: number; ctx?: number }): Sent => {
    renderer.next("later");
    const flags = (o.fence === undefined ? 0 : 1) | (o.ring === undefined ? 0 : 2);
    return rig.begin(
      msg.submit(new Uint8Array(4), { ctx: o.ctx ?? 1, flags, fence: o.fence ?? 0, ring: o.ring ?? 0 }),
    );
  };
  const finish = async (index: number, error?: unknown) => {
    const held = renderer.held[index] as Held;
    if (error === undefined) held.resolve();
    else held.reject(error);
    await settle();
    rig.collect(CONTROLQ);
    rig.collect(CURSORQ);
  };
  return { rig, renderer, submit, finish };
}

test("a command is answered when its back end is done, later ones before it", async () => {
  const { rig, submit, finish } = newRig();
  const slow = submit({});
  assert.is(slow.written, -1);
  assert.is(rig.gpu.commandsInFlight, 1);
  const quick = rig.begin(msg.create2d(5, BGRX, 8, 8));
  assert.ok(ok(rig, quick));
  const before = rig.interrupts[CONTROLQ] as number;
  await finish(0);
  assert.ok(ok(rig, slow));
  assert.is(rig.interrupts[CONTROLQ], before + 1);
  assert.is(rig.gpu.commandsInFlight, 0);
});

test("a rejected promise is an error response", async () => {
  const { rig, submit, finish } = newRig();
  const { BackendError } = await import("../../../../src/devices/gpu/index.ts");
  const first = submit({ fence: 5 });
  const second = submit({ fence: 6 });
  await finish(0, new BackendError("out-of-memory"));
  await finish(1, "not even an error");
  assert.is(rig.answer(first).type, ERR.OUT_OF_MEMORY);
  assert.is(rig.answer(first).fence, 5n);
  assert.is(rig.answer(second).type, ERR.UNSPEC);
});

test("a fence is not answered before earlier ones of its timeline", async () => {
  const { rig, submit, finish } = newRig();
  const first = submit({ fence: 10 });
  const second = submit({ fence: 11 });
  const third = rig.begin(msg.displayInfo({ flags: 1, fence: 12 }), 408);
  const unfenced = rig.begin(msg.displayInfo(), 408);
  assert.is(rig.answer(unfenced).type, OK.DISPLAY_INFO);
  assert.is(third.written, -1);
  await finish(1);
  assert.is(second.written, -1);
  await finish(0);
  for (const sent of [first, second]) assert.ok(ok(rig, sent));
  // What was ready long ago is whole: the response was kept, not remade.
  const info = rig.answer(third);
  assert.equal([info.type, info.written, info.fence], [OK.DISPLAY_INFO, 408, 12n]);
  assert.is(new DataView(info.bytes.buffer).getUint32(32, true), 1280);
});

test("a fence with a smaller number does not wait for a larger one", async () => {
  const { rig, submit, finish } = newRig();
  const large = submit({ fence: 20 });
  const small = submit({ fence: 19 });
  await finish(1);
  assert.ok(ok(rig, small));
  assert.is(large.written, -1);
  await finish(0);
  assert.ok(ok(rig, large));
});

test("equal fence numbers are answered together, 64-bit ones compared whole", async () => {
  const { rig, submit, finish } = newRig();
  const first = submit({ fence: 0x1_0000_0000 });
  const second = submit({ fence: 0x1_0000_0000 });
  const smaller = submit({ fence: 0xffff_ffff });
  await finish(2);
  assert.ok(ok(rig, smaller));
  await finish(1);
  assert.is(second.written, -1);
  await finish(0);
  assert.ok(ok(rig, first));
  assert.ok(ok(rig, second));
});

test("timelines: each ring of each context is its own", async () => {
  const { rig, submit, finish } = newRig();
  const global = submit({ fence: 1 });
  const ring0 = submit({ fence: 1, ring: 0 });
  const ring1 = submit({ fence: 2, ring: 1 });
  const other = submit({ fence: 3, ring: 0, ctx: 2 });
  const later0 = submit({ fence: 4, ring: 0 });
  await finish(2);
  assert.ok(ok(rig, ring1));
  await finish(3);
  assert.ok(ok(rig, other));
  await finish(4);
  assert.is(later0.written, -1);
  await finish(1);
  assert.ok(ok(rig, ring0));
  assert.ok(ok(rig, later0));
  assert.is(global.written, -1);
  await finish(0);
  assert.ok(ok(rig, global));
});

test("without CONTEXT_INIT there is one timeline", async () => {
  const { rig, submit, finish } = newRig({ features: { contextInit: false } });
  const first = submit({ fence: 1, ring: 0 });
  const second = submit({ fence: 2, ring: 1 });
  await finish(1);
  assert.is(second.written, -1);
  await finish(0);
  assert.equal([rig.answer(first).flags, rig.answer(second).flags], [1, 1]);
});

test("commands that create something hold up those behind them", async () => {
  const { rig, renderer, finish } = newRig();
  renderer.next("later");
  const create = rig.begin(msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0]));
  const attach = rig.begin(msg.ctxAttach(5, { ctx: 1 }));
  const cursor = rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1));
  assert.is(cursor.written, 0);
  assert.is(create.written, -1);
  assert.is(attach.written, -1);
  await finish(0);
  assert.ok(ok(rig, create));
  assert.ok(ok(rig, attach));
});

test("a creation that fails later leaves nothing behind", async () => {
  const { rig, renderer, finish } = newRig();
  for (const request of [
    msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0]),
    msg.createBlob(5, { mem: 2, size: 4096 }, { ctx: 1 }),
    msg.ctxCreate(0, "three", { ctx: 3 }),
  ]) {
    renderer.next("later");
    const create = rig.begin(request);
    const use = rig.begin(msg.unref(5));
    const destroy = rig.begin(msg.ctxDestroy({ ctx: 3 }));
    await finish(renderer.held.length - 1, new Error("no"));
    assert.is(rig.answer(create).type, ERR.UNSPEC);
    assert.is(rig.answer(use).type, ERR.RESOURCE);
    assert.is(rig.answer(destroy).type, ERR.CONTEXT);
    assert.is(rig.gpu.hostBytes, 0);
  }
});

test("a mapping that fails or succeeds later", async () => {
  const { HostHeap } = await import("../../../../src/devices/gpu/index.ts");
  const hostHeap = new HostHeap(65536);
  const { rig, renderer, finish } = newRig({ hostHeap });
  expectOk(rig.command(msg.createBlob(5, { mem: 2, flags: 1, size: 4096 }, { ctx: 1 })));
  renderer.next("later");
  const failing = rig.begin(msg.mapBlob(5, 0), 32);
  await finish(0, new Error("no"));
  assert.is(rig.answer(failing).type, ERR.UNSPEC);
  assert.is(hostHeap.mappedBlobs, 0);
  renderer.mapInfo = 3;
  renderer.next("later");
  const mapping = rig.begin(msg.mapBlob(5, 0), 32);
  await finish(1);
  const answer = rig.answer(mapping);
  assert.is(answer.type, OK.MAP_INFO);
  assert.is(new DataView(answer.bytes.buffer).getUint32(24, true), 3);
});

test("a capset that comes later", async () => {
  const { rig, renderer, finish } = newRig();
  renderer.next("later");
  const sent = rig.begin(msg.capset(1, 0), 332);
  rig.command(msg.edid(0), 1056);
  await finish(0);
  const answer = rig.answer(sent);
  assert.equal([answer.type, answer.written], [OK.CAPSET, 332]);
  assert.equal(answer.bytes.subarray(24), renderer.capsetBytes);
});

test("several screens that flush later are one answer", async () => {
  const waiting: (() => void)[] = [];
  const display = {
    setScanout() {},
    flush: () => new Promise<void>((resolve) => void waiting.push(resolve)),
  };
  const rig = new GpuRig({ display: display as never, displays: [{}, {}, {}] });
  rig.resource2d(5, 64, 48);
  for (let i = 0; i < 3; i++) expectOk(rig.command(msg.setScanout(i, 5, full(64, 48))));
  const sent = rig.begin(msg.flush(5, full(64, 48)));
  assert.is(waiting.length, 3);
  for (const [i, resolve] of waiting.entries()) {
    assert.is(sent.written, -1, `${i} of 3`);
    resolve();
    await settle();
    rig.collect(CONTROLQ);
  }
  expectOk(rig.answer(sent));
});

test("a 3D flush that comes later reaches the display, unless the resource is gone", async () => {
  const { rig, renderer, finish } = newRig();
  const picture = {
    widthPixels: 64,
    heightPixels: 48,
    format: 2,
    strideBytes: 256,
    bytes: new Uint8Array(12288),
  };
  renderer.pictures.set(5, picture);
  expectOk(rig.command(msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0])));
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  renderer.next("later");
  const first = rig.begin(msg.flush(5, full(64, 48)));
  assert.is(rig.display.screen(0).flushes, 0);
  await finish(0);
  expectOk(rig.answer(first));
  assert.is(rig.display.screen(0).flushes, 1);
  renderer.next("later");
  const second = rig.begin(msg.flush(5, full(64, 48)));
  expectOk(rig.command(msg.unref(5)));
  await finish(1);
  expectOk(rig.answer(second));
  assert.is(rig.display.screen(0).flushes, 1);
});

test("no more commands are taken than may be in flight", async () => {
  const { rig, renderer, submit, finish } = newRig({ limits: { maxCommandsInFlight: 3 } });
  const sent = Array.from({ length: 3 }, () => submit({}));
  const calls = renderer.calls.length;
  renderer.next("later");
  const blocked = rig.begin(msg.submit(new Uint8Array(4), { ctx: 1 }));
  const quick = rig.begin(msg.displayInfo(), 408);
  const cursor = rig.offer(CURSORQ, [msg.cursor(CMD.MOVE_CURSOR, 0, 5, 5)], []);
  rig.notify(CURSORQ);
  assert.is(renderer.calls.length, calls);
  assert.equal([blocked.written, quick.written], [-1, -1]);
  // The cursor queue is not delayed by what the control queue waits for.
  assert.is(cursor.written, 0);
  assert.is(rig.display.screen(0).cursorX, 5);
  await finish(1);
  assert.ok(ok(rig, sent[1] as Sent));
  // One place is free: the next submission takes it, and all waits again.
  assert.is(renderer.calls.length, calls + 1);
  assert.equal([blocked.written, quick.written], [-1, -1]);
  await finish(0);
  assert.is(rig.answer(quick).type, OK.DISPLAY_INFO);
  await finish(2);
  await finish(3);
  assert.ok(ok(rig, blocked));
  assert.is(rig.gpu.commandsInFlight, 0);
});

test("a cursor command waits neither for commands nor for fences of the control queue", async () => {
  const { rig, renderer, submit, finish } = newRig();
  const slow = submit({ fence: 1 });
  const moved = rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 7, 8, 0, 0, 0, { flags: 1, fence: 2 }), 24);
  assert.equal([moved.type, moved.flags, moved.fence], [OK.NODATA, 1, 2n]);
  assert.is(rig.display.screen(0).cursorX, 7);
  await finish(0);
  assert.ok(ok(rig, slow));
  // With a creation under way, too, which holds up the control queue.
  renderer.next("later");
  const creation = rig.begin(msg.ctxCreate(0, "slow", { ctx: 9, flags: 1, fence: 3 }));
  assert.is(creation.written, -1);
  rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 9, 9, 0, 0, 0, { flags: 1, fence: 4 }), 24);
  assert.is(rig.display.screen(0).cursorX, 9);
  await finish(1);
  // On a ring of a context there is one order, whatever the queue.
  const ring = submit({ fence: 5, ring: 3 });
  const late = rig.offer(
    CURSORQ,
    [msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1, 0, 0, 0, { flags: 3, fence: 6, ctx: 1, ring: 3 })],
    [24],
  );
  rig.notify(CURSORQ);
  assert.is(late.written, -1);
  await finish(2);
  assert.ok(ok(rig, ring) && ok(rig, late));
});

test("after a device reset late completions vanish", async () => {
  const { rig, renderer, submit, finish } = newRig();
  const sent = submit({ fence: 1 });
  renderer.next("later");
  rig.begin(msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0]));
  const response = sent.writable[0]?.address as number;
  rig.device.writeStatus(0);
  rig.initialize();
  rig.memory.view(response, 24).fill(0x77);
  const interrupts = [...rig.interrupts];
  expectOk(rig.command(msg.create2d(5, BGRX, 8, 8)));
  await finish(0);
  await finish(1, new Error("too late"));
  assert.ok(rig.memory.view(response, 24).every((byte) => byte === 0x77));
  assert.equal(rig.interrupts, [(interrupts[0] as number) + 1, interrupts[1]]);
  // The resource of the new life is still there: nothing was taken back.
  expectOk(rig.command(msg.unref(5)));
  assert.is(rig.gpu.commandsInFlight, 0);
});

test("after a queue reset the work is done but not answered, and fences behind it are free", async () => {
  const { rig, renderer, submit, finish } = newRig();
  submit({ fence: 1, ring: 3 });
  renderer.next("later");
  rig.begin(msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0]));
  const cursor = rig.offer(
    CURSORQ,
    [msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1, 0, 0, 0, { flags: 3, fence: 2, ctx: 1, ring: 3 })],
    [24],
  );
  rig.notify(CURSORQ);
  assert.is(cursor.written, -1);
  rig.device.resetQueue(CONTROLQ);
  rig.collect(CURSORQ);
  assert.is(rig.answer(cursor).fence, 2n);
  rig.enableQueue(CONTROLQ);
  // The creation under way still holds up the queue.
  const use = rig.begin(msg.unref(5));
  assert.is(use.written, -1);
  await finish(1);
  expectOk(rig.answer(use));
  await finish(0);
  assert.is(rig.gpu.commandsInFlight, 0);
});

test("a renderer that died holds up nobody after a reset", async () => {
  const { rig, renderer, submit } = newRig({ limits: { maxCommandsInFlight: 2 } });
  submit({});
  renderer.next("later");
  rig.begin(msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0]));
  const stuck = rig.begin(msg.displayInfo(), 408);
  assert.is(stuck.written, -1);
  assert.is(rig.gpu.abandonedCalls, 0);
  rig.device.writeStatus(0);
  assert.is(rig.gpu.commandsInFlight, 0);
  assert.is(rig.gpu.abandonedCalls, 2);
  rig.device.save();
  rig.initialize();
  assert.is(rig.command(msg.displayInfo(), 408).type, OK.DISPLAY_INFO);
  // The new life has as much room as the one before.
  expectOk(rig.command(msg.ctxCreate(0, "new", { ctx: 1 })));
  const sent = [submit({}), submit({})];
  const blocked = rig.begin(msg.displayInfo(), 408);
  assert.is(blocked.written, -1);
  // What comes of the old work is no concern of the new.
  (renderer.held[0] as Held).resolve();
  (renderer.held[1] as Held).reject(new Error("too late"));
  await settle();
  assert.is(rig.gpu.abandonedCalls, 0);
  assert.equal([rig.gpu.commandsInFlight, blocked.written], [2, -1]);
  for (const held of renderer.held.slice(2)) held.resolve();
  await settle();
  rig.collect(CONTROLQ);
  for (const each of sent) assert.ok(ok(rig, each));
  assert.is(rig.answer(blocked).type, OK.DISPLAY_INFO);
});

test("one that dies in every life is asked no more, and the rest of the device goes on", async () => {
  const { rig, renderer, submit } = newRig({
    limits: { maxCommandsInFlight: 2, maxAbandonedCalls: 3 },
  });
  const reset = (): void => {
    rig.device.writeStatus(0);
    rig.initialize();
  };
  for (let life = 0; life < 2; life++) {
    submit({});
    submit({});
    reset();
    if (life === 0) expectOk(rig.command(msg.ctxCreate(0, "again", { ctx: 1 })));
  }
  assert.is(rig.gpu.abandonedCalls, 4, "the last life began below the limit");
  for (let life = 0; life < 10; life++) {
    const calls = renderer.calls.length;
    assert.is(rig.command(msg.ctxCreate(0, "in vain", { ctx: 1 })).type, ERR.UNSPEC);
    assert.is(renderer.calls.length, calls);
    // The display is another back end.
    rig.resource2d(5, 64, 48);
    expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
    expectOk(rig.command(msg.flush(5, full(64, 48))));
    reset();
  }
  assert.is(rig.gpu.abandonedCalls, 4);
  for (const held of renderer.held.slice(0, 2)) held.resolve();
  await settle();
  assert.is(rig.gpu.abandonedCalls, 2);
  expectOk(rig.command(msg.ctxCreate(0, "well again", { ctx: 1 })));
});

test("a display that died: the same, each flush of several screens counted", async () => {
  const waiting: (() => void)[] = [];
  const display = {
    setScanout() {},
    flush: () => new Promise<void>((resolve) => void waiting.push(resolve)),
  };
  const rig = new GpuRig({
    display: display as never,
    displays: [{}, {}],
    limits: { maxCommandsInFlight: 2, maxAbandonedCalls: 2 },
  });
  const show = (): void => {
    rig.resource2d(5, 64, 48);
    for (let i = 0; i < 2; i++) expectOk(rig.command(msg.setScanout(i, 5, full(64, 48))));
  };
  show();
  rig.begin(msg.flush(5, full(64, 48)));
  rig.device.writeStatus(0);
  rig.initialize();
  assert.equal([rig.gpu.commandsInFlight, rig.gpu.abandonedCalls], [0, 2]);
  show();
  assert.is(rig.command(msg.flush(5, full(64, 48))).type, ERR.UNSPEC);
  assert.is(waiting.length, 2);
  for (const resolve of waiting) resolve();
  await settle();
  const sent = rig.begin(msg.flush(5, full(64, 48)));
  for (const resolve of waiting) resolve();
  await settle();
  rig.collect(CONTROLQ);
  expectOk(rig.answer(sent));
});

test("promises of other libraries are asked for their result once", async () => {
  let asked = 0;
  const lazy = {
    // biome-ignore lint/suspicious/noThenProperty: this is what the test is about
    then(resolve: () => void) {
      asked++;
      resolve();
    },
  };
  const rig = new GpuRig({ display: { setScanout() {}, flush: () => lazy } as never });
  rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  const sent = rig.begin(msg.flush(5, full(64, 48)));
  await settle();
  rig.collect(CONTROLQ);
  expectOk(rig.answer(sent));
  assert.is(asked, 1);
});

test("suspending waits for what is in flight, resuming takes up the rest", async () => {
  const SUSPEND = 16;
  const VERSION_1_AND_SUSPEND = [32, 43, 28];
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer }, { idle: true });
  const { device } = rig;
  device.writeStatus(3);
  const words = [0b11111, 0];
  for (const bit of VERSION_1_AND_SUSPEND)
    words[bit >> 5] = ((words[bit >> 5] as number) | (1 << (bit & 31))) >>> 0;
  for (const [i, word] of words.entries()) device.writeDriverFeatureWord(i, word);
  device.writeStatus(11);
  rig.enableQueue(0);
  rig.enableQueue(1);
  device.writeStatus(15);
  expectOk(rig.command(msg.ctxCreate(0, "one", { ctx: 1 })));
  renderer.next("later");
  const sent = rig.begin(msg.submit(new Uint8Array(4), { ctx: 1 }));
  device.writeStatus(15 | SUSPEND);
  assert.is(device.status & SUSPEND, 0);
  (renderer.held[0] as Held).resolve();
  await settle();
  rig.collect(CONTROLQ);
  expectOk(rig.answer(sent));
  assert.is(device.status & SUSPEND, SUSPEND);
  const waiting = rig.begin(msg.displayInfo(), 408);
  assert.is(waiting.written, -1);
  rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
  assert.is(device.readConfig(0, 4), 0);
  device.writeStatus(15);
  rig.collect(CONTROLQ);
  assert.is(rig.answer(waiting).type, OK.DISPLAY_INFO);
  assert.is(device.readConfig(0, 4), 1);
  assert.is(rig.configInterrupts, 1);
});

test("changes of a display while suspended: the last one counts", () => {
  const SUSPEND = 16;
  const rig = new GpuRig({}, { idle: true });
  const { device } = rig;
  device.writeStatus(3);
  device.writeDriverFeatureWord(0, 0b1110);
  device.writeDriverFeatureWord(1, 1 | (1 << (43 - 32)));
  device.writeStatus(11);
  rig.enableQueue(0);
  rig.enableQueue(1);
  device.writeStatus(15);
  device.writeStatus(15 | SUSPEND);
  assert.is(device.status & SUSPEND, SUSPEND);
  rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480, x: 5 });
  rig.gpu.setDisplay(0, { widthPixels: 1280, heightPixels: 800 });
  assert.equal([rig.gpu.display(0)?.widthPixels, rig.gpu.display(0)?.x], [1280, 5]);
  device.writeStatus(15);
  assert.equal([rig.gpu.display(0)?.widthPixels, rig.gpu.display(0)?.x], [1280, 5]);
  assert.is(device.readConfig(0, 4), 1);
});

test("a display that makes the driver send more from within a command", () => {
  // The driver answers to a flush by moving the cursor at once, as a guest in the same thread may.
  const moved: number[] = [];
  const holder: { rig: GpuRig | null } = { rig: null };
  const display = {
    setScanout() {},
    flush() {
      const rig = holder.rig as GpuRig;
      rig.offer(CURSORQ, [msg.cursor(CMD.MOVE_CURSOR, 0, 33, 44)], []);
      rig.notify(CURSORQ);
      rig.offer(CONTROLQ, [msg.displayInfo({ flags: 1, fence: 99 })], [408]);
      rig.notify(CONTROLQ);
    },
    moveCursor: (_index: number, x: number) => moved.push(x),
  };
  const rig = new GpuRig({ display: display as never });
  holder.rig = rig;
  rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  const answer = rig.command(msg.flush(5, full(64, 48), { flags: 1, fence: 7 }));
  assert.equal([answer.type, answer.fence, answer.flags], [OK.NODATA, 7n, 1]);
  assert.equal(moved, [33]);
});

test("in-order completion is left to the ring when VIRTIO_F_IN_ORDER is negotiated", async () => {
  const IN_ORDER = 35;
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer }, { idle: true, device: { ringFeatures: [IN_ORDER] } });
  const { device } = rig;
  device.writeStatus(3);
  device.writeDriverFeatureWord(0, 0b11111);
  device.writeDriverFeatureWord(1, 1 | (1 << (IN_ORDER - 32)));
  device.writeStatus(11);
  rig.enableQueue(0);
  rig.enableQueue(1);
  device.writeStatus(15);
  expectOk(rig.command(msg.ctxCreate(0, "one", { ctx: 1 })));
  renderer.next("later");
  const slow = rig.begin(msg.submit(new Uint8Array(4), { ctx: 1 }));
  const quick = rig.begin(msg.create2d(5, BGRX, 8, 8));
  assert.is(quick.written, -1);
  (renderer.held[0] as Held).resolve();
  await settle();
  // The two may come as one used element: only the last of a batch is written.
  const ring = rig.rings[CONTROLQ];
  assert.is(ring?.usedIdx, 3);
  assert.is(rig.response(slow)[1], 0x11);
  assert.is(rig.response(quick)[1], 0x11);
});

test.run();
