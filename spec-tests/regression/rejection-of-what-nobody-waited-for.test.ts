import { test } from "uvu";
import * as assert from "uvu/assert";
import { BackendError } from "../../src/base/backend-error.ts";
import type { TraceEvent } from "../../src/base/index.ts";
import type { Display } from "../../src/devices/gpu/index.ts";
import { VdmabufDevice, VdmabufHost } from "../../src/devices/vdmabuf/index.ts";
import { DeviceRig, type Sent, settle } from "../../src/testing/index.ts";
import { CMD, CONTROLQ, CURSORQ, ERR, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";
import { exportMessage, PAGE, S, SEND, statusOf, writeEntry } from "../support/vdmabuf-messages.ts";

// TypeScript takes an async method for one that returns nothing. Of a display whose setScanout or setCursor was one, of a
// renderer whose reset or pixels was one, of an importer, a rejection was nobody's, and Node ended the process.

const FULL = { x: 0, y: 0, w: 64, h: 64 };
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
// Unhandled rejections are reported after the microtasks.
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test.after.each(async () => {
  await turn();
  assert.equal(unhandled.splice(0), []);
});

function asyncStage() {
  let broken = false;
  const open: (() => void)[] = [];
  const told: string[] = [];
  const method = (name: string) => async (): Promise<void> => {
    told.push(name);
    await new Promise<void>((resolve) => void open.push(resolve));
    if (broken) throw new BackendError("out-of-memory", "no window");
  };
  const display: Display = {
    setScanout: method("setScanout"),
    flush: method("flush"),
    setCursor: method("setCursor"),
    moveCursor: method("moveCursor"),
  };
  const events: TraceEvent[] = [];
  const rig = new GpuRig({ display: display as never }, { device: { trace: (event) => events.push(event) } });
  rig.resource2d(1, 64, 64);
  rig.resource2d(2, 64, 64);
  const finish = async (sent: Sent, fails = false): Promise<number> => {
    assert.is(sent.written, -1, "held back");
    broken = fails;
    for (const resolve of open.splice(0)) resolve();
    await settle();
    rig.collect(CONTROLQ);
    rig.collect(CURSORQ);
    return rig.answer(sent).type;
  };
  return { rig, told, events, finish, open };
}

test("an asynchronous display holds back the response, and fails the command", async () => {
  const { rig, told, finish, open } = asyncStage();
  assert.is(await finish(rig.begin(msg.setScanout(0, 1, FULL))), OK.NODATA);
  const flip = rig.begin(msg.setScanout(0, 2, FULL));
  const flush = rig.begin(msg.flush(2, FULL));
  assert.equal(told, ["setScanout", "setScanout"], "the flush waits for the picture");
  assert.is(await finish(flip, true), ERR.OUT_OF_MEMORY);
  assert.equal([rig.gpu.scanout(0)?.resourceId, rig.gpu.resources()[1]?.scanouts], [1, []]);
  expectOk(rig.answer(flush));
  const cursor = (x: number): Sent => rig.begin(msg.cursor(CMD.UPDATE_CURSOR, 0, x, x, 1), 24, CURSORQ);
  assert.is(await finish(cursor(4)), OK.NODATA);
  assert.is(await finish(cursor(9), true), ERR.OUT_OF_MEMORY);
  const moved = rig.begin(msg.cursor(CMD.MOVE_CURSOR, 0, 9, 9, 1), 24, CURSORQ);
  assert.is(await finish(moved, true), ERR.OUT_OF_MEMORY);
  assert.is(rig.gpu.cursor(0)?.x, 4);
  // Gone with its resource, whatever the display says later.
  assert.is(await finish(rig.begin(msg.unref(1)), true), OK.NODATA);
  assert.equal([rig.gpu.scanout(0), open.length], [null, 0]);
});

test("a reset does not wait for it", async () => {
  const { rig, events, finish, open } = asyncStage();
  assert.is(await finish(rig.begin(msg.setScanout(0, 1, FULL))), OK.NODATA);
  const flip = rig.begin(msg.setScanout(0, 2, FULL));
  rig.device.writeStatus(0);
  assert.is(rig.gpu.scanout(0), null);
  assert.is(rig.gpu.abandonedCalls, 1);
  for (const resolve of open.splice(0)) resolve();
  await settle();
  assert.equal([flip.written, rig.gpu.abandonedCalls], [-1, 0]);
  assert.equal(
    events.filter(({ kind }) => kind === "backend-failure"),
    [],
  );
});

test("an asynchronous reset or picture of a renderer that rejects", async () => {
  const renderer = new (class extends RecordingRenderer {
    override pixels() {
      return Promise.reject(new Error("no picture")) as never;
    }
    override reset() {
      return Promise.reject(new Error("no reset")) as never;
    }
  })();
  const events: TraceEvent[] = [];
  const rig = new GpuRig({ renderer }, { device: { trace: (event) => events.push(event) } });
  expectOk(rig.command(msg.create3d(5, [2, 1, 10, 64, 64, 1, 1, 0, 0, 0])));
  assert.is(rig.command(msg.setScanout(0, 5, FULL)).type, ERR.UNSPEC);
  rig.device.writeStatus(0);
  await turn();
  assert.is(events.at(-1)?.detail["message"], "no reset");
});

test("an asynchronous importer", async () => {
  const host = new VdmabufHost({
    importer: {
      onExport: () => Promise.reject(new Error("no room")),
      onRelease: () => Promise.reject(new Error("no")),
    },
  });
  const type = new VdmabufDevice({ host });
  const rig = new DeviceRig(type);
  const [top, second, page] = [0, 1, 2].map(() => rig.allocate(PAGE, PAGE)) as [number, number, number];
  writeEntry(rig.memory.view(top, PAGE), 0, second);
  writeEntry(rig.memory.view(second, PAGE), 0, page);
  const sent = [1, 2].map((counter) => rig.offer(SEND, [exportMessage({ counter, top })], [24]));
  rig.notify(SEND);
  assert.is(type.buffers.length, 1, "one at a time");
  await settle();
  rig.collect(SEND);
  for (const each of sent) assert.is(statusOf(rig.response(each)), S.IMPORT);
  assert.is(type.buffers.length, 0);
  // Under way when the device is reset: the importer hears that the buffer is gone.
  rig.offer(SEND, [exportMessage({ counter: 3, top })], [24]);
  rig.notify(SEND);
  rig.device.writeStatus(0);
  await settle();
  assert.is(type.buffers.length, 0);
});

test.run();
