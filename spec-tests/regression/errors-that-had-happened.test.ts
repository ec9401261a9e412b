import { test } from "uvu";
import * as assert from "uvu/assert";
import { BackendError } from "../../src/base/backend-error.ts";
import { type Display, HostHeap } from "../../src/devices/gpu/index.ts";
import { VdmabufDevice, VdmabufHost } from "../../src/devices/vdmabuf/index.ts";
import { DeviceRig, settle } from "../../src/testing/index.ts";
import { CMD, CONTROLQ, CURSORQ, ERR, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";
import { exportMessage, PAGE, RECV, S, SEND, statusOf, writeEntry } from "../support/vdmabuf-messages.ts";

// Commands were answered with an error that had happened all the same: the note in the device stayed, or the display had
// failed before the renderer was told. What was taken back was found by its id, which may be another's by then.

const FULL = { x: 0, y: 0, w: 64, h: 64 };
const FIELDS_3D = [2, 1, 10, 64, 64, 1, 1, 0, 0, 0];
const c = { ctx: 1 };

function stage() {
  const renderer = new RecordingRenderer();
  let broken = false;
  const shown: (number | null)[] = [];
  const no = (): void => {
    if (broken) throw new BackendError("out-of-memory", "no window");
  };
  const display: Display = {
    setScanout(_, source) {
      no();
      shown.push(source?.resourceId ?? null);
    },
    flush: no,
    setCursor: no,
    moveCursor: no,
  };
  const rig = new GpuRig({ renderer, display: display as never, hostHeap: new HostHeap(65536) });
  expectOk(rig.command(msg.ctxCreate(0, "", c)));
  return {
    rig,
    renderer,
    shown,
    break: (is = true) => {
      broken = is;
    },
  };
}

test("backing that the renderer refuses is none: it is not handed out, and may be attached again", () => {
  const { rig, renderer } = stage();
  expectOk(rig.command(msg.create3d(7, FIELDS_3D)));
  const entries = [[rig.allocate(4096, 4096), 4096]] as const;
  renderer.next("out-of-memory");
  assert.is(rig.command(msg.attach(7, entries)).type, ERR.OUT_OF_MEMORY);
  assert.is(rig.gpu.resources()[0]?.backingBytes, 0);
  const handedOut = renderer.backings.get(7);
  assert.is(handedOut?.read(0, new Uint8Array(4), 0, 4), 0, "what was handed out is a hole");
  rig.command(msg.transfer3d(CMD.TRANSFER_FROM_HOST_3D, 7, [0, 0, 0, 64, 64, 1], 0, 0, 256, 0, c));
  assert.is(renderer.calls.at(-1)?.at(-1), null);
  expectOk(rig.command(msg.attach(7, entries)));
});

test("a refusal of the renderer to let go leaves everything with the device", () => {
  const { rig, renderer } = stage();
  expectOk(rig.command(msg.create3d(7, FIELDS_3D)));
  expectOk(rig.command(msg.ctxAttach(7, c)));
  const entries = [[rig.allocate(4096, 4096), 4096]] as const;
  expectOk(rig.command(msg.attach(7, entries)));
  expectOk(rig.command(msg.createBlob(8, { mem: 2, flags: 1, size: 4096 }, c)));
  assert.is(rig.command(msg.mapBlob(8, 0), 32).type, OK.MAP_INFO);
  const requests = [msg.detach(7), msg.ctxDetach(7, c), msg.unref(7), msg.unmapBlob(8), msg.ctxDestroy(c)];
  const before = JSON.stringify(rig.gpu.resources());
  for (const request of requests) {
    renderer.next("invalid-context");
    assert.is(rig.command(request).type, ERR.CONTEXT);
    assert.is(JSON.stringify(rig.gpu.resources()), before);
  }
  // All of it is still there to be done.
  for (const request of requests) expectOk(rig.command(request));
});

test("a display that fails: a scanout is as before, memory is given back, the renderer is told", () => {
  const { rig, renderer, break: setBroken } = stage();
  rig.resource2d(1, 64, 64);
  rig.resource2d(2, 64, 64);
  expectOk(rig.command(msg.setScanout(0, 1, FULL)));
  setBroken();
  assert.is(rig.command(msg.setScanout(0, 2, FULL)).type, ERR.OUT_OF_MEMORY);
  assert.equal([rig.gpu.scanout(0)?.resourceId, rig.gpu.resources()[1]?.scanouts], [1, []]);
  assert.is(rig.command(msg.setScanout(0, 0, FULL)).type, ERR.OUT_OF_MEMORY);
  assert.is(rig.gpu.scanout(0)?.resourceId, 1);
  setBroken(false);
  expectOk(rig.command(msg.setScanout(0, 2, FULL)));

  const pages = [[rig.allocate(16384, 4096), 16384]] as const;
  expectOk(rig.command(msg.createBlob(3, { mem: 1, size: 16384, entries: pages })));
  expectOk(rig.command(msg.setScanoutBlob(0, 3, { w: 64, h: 64 })));
  setBroken();
  expectOk(rig.command(msg.detach(3)));
  assert.equal([rig.gpu.scanout(0), rig.gpu.resources()[2]?.backingBytes], [null, 0]);
  setBroken(false);
  expectOk(rig.command(msg.attach(3, pages)));
  expectOk(rig.command(msg.detach(3)));
  setBroken();
  assert.is(rig.command(msg.attach(3, pages)).type, ERR.OUT_OF_MEMORY);
  assert.is(rig.gpu.resources()[2]?.backingBytes, 0);
  setBroken(false);

  expectOk(rig.command(msg.createBlob(4, { mem: 2, flags: 1, size: 16384 }, c)));
  expectOk(rig.command(msg.setScanoutBlob(0, 4, { w: 64, h: 64 })));
  setBroken();
  assert.is(rig.command(msg.mapBlob(4, 0), 32).type, ERR.OUT_OF_MEMORY);
  assert.equal(
    renderer.calls.slice(-2).map(([method]) => method),
    ["mapBlob", "unmapBlob"],
    "what the renderer had done is followed by its opposite",
  );
  setBroken(false);
  assert.is(rig.command(msg.mapBlob(4, 0), 32).type, OK.MAP_INFO);
  setBroken();
  expectOk(rig.command(msg.unmapBlob(4)));
  assert.equal(renderer.calls.at(-1), ["unmapBlob", 4]);
});

test("a cursor that the display does not take is the one before", () => {
  const { rig, break: setBroken } = stage();
  rig.resource2d(1, 64, 64);
  const cursor = (x: number, id: number, type: number = CMD.UPDATE_CURSOR) =>
    rig.cursorCommand(msg.cursor(type, 0, x, x, id), 24).type;
  assert.is(cursor(5, 1), OK.NODATA);
  setBroken();
  for (const type of [cursor(9, 1), cursor(9, 0), cursor(9, 1, CMD.MOVE_CURSOR)]) {
    assert.is(type, ERR.OUT_OF_MEMORY);
    assert.equal([rig.gpu.cursor(0)?.x, rig.gpu.cursor(0)?.y], [5, 5]);
  }
});

test("an attachment that fails late does not end that of a newer resource of the same id", async () => {
  const { rig, renderer } = stage();
  const make = (): void => expectOk(rig.command(msg.create3d(5, FIELDS_3D)));
  make();
  renderer.next("later");
  const late = rig.begin(msg.ctxAttach(5, c));
  // Asked twice, it comes to the same.
  const again = rig.begin(msg.ctxAttach(5, c));
  expectOk(rig.command(msg.unref(5)));
  make();
  expectOk(rig.command(msg.ctxAttach(5, c)));
  renderer.held[0]?.reject(new BackendError("lost"));
  await settle();
  rig.collect(CONTROLQ);
  assert.equal([rig.answer(late).type, rig.answer(again).type], [ERR.UNSPEC, ERR.UNSPEC]);
  renderer.calls.length = 0;
  expectOk(rig.command(msg.ctxDetach(5, c)));
  assert.equal(renderer.calls, [["detachResource", 1, 5]]);
});

test("a change that is late holds up what is behind it, and is taken back before that begins", async () => {
  const { rig, renderer } = stage();
  expectOk(rig.command(msg.create3d(5, FIELDS_3D)));
  renderer.next("later");
  const unref = rig.begin(msg.unref(5));
  const create = rig.begin(msg.create3d(5, FIELDS_3D));
  assert.equal([unref.written, create.written], [-1, -1]);
  renderer.held[0]?.reject(new BackendError("lost"));
  await settle();
  rig.collect(CONTROLQ);
  assert.equal([rig.answer(unref).type, rig.answer(create).type], [ERR.UNSPEC, ERR.RESOURCE]);
});

test("an export that the importer refuses, now or late, leaves the host, its queue and the registry as they were", async () => {
  for (const late of [false, true]) {
    let refuse = false;
    const host = new VdmabufHost({
      importer: {
        onExport() {
          if (!refuse) return;
          const error = new BackendError("out-of-memory", "too many");
          if (late) return Promise.reject(error);
          throw error;
        },
      },
    });
    const type = new VdmabufDevice({ host });
    const rig = new DeviceRig(type);
    const [top, second, page] = [0, 1, 2].map(() => rig.allocate(PAGE, PAGE)) as [number, number, number];
    writeEntry(rig.memory.view(top, PAGE), 0, second);
    writeEntry(rig.memory.view(second, PAGE), 0, page);
    const send = async () => {
      const sent = rig.offer(SEND, [exportMessage({ counter: 1, top })], [24]);
      rig.notify(SEND);
      await settle();
      rig.collect(SEND);
      return statusOf(rig.response(sent));
    };
    assert.is(await send(), S.OK);
    // The guest has not heard of the release yet.
    type.buffers[0]?.release();
    assert.is(type.pendingEvents, 1);
    refuse = true;
    assert.is(await send(), S.IMPORT);
    assert.equal([type.buffers.length, type.pendingEvents], [0, 1], "the release is still to be told");
    refuse = false;
    assert.is(await send(), S.OK);
    assert.is(type.pendingEvents, 0, "a release of before is not mistaken for one of now");
    assert.is(rig.collect(RECV).length, 0);
  }
});

test("unplugging a device twice does not unplug another that has got its id", () => {
  const host = new VdmabufHost();
  const first = new VdmabufDevice({ host });
  const rig = new DeviceRig(first);
  first.unplug();
  const second = new VdmabufDevice({ host });
  assert.is(second.vmId, first.vmId);
  first.unplug();
  assert.equal(host.vmIds, [second.vmId]);
  assert.is(rig.device.status & 64, 0);
});

test("the cursor queue waits for no command of the control queue", async () => {
  const { rig, renderer } = stage();
  renderer.next("later");
  rig.begin(msg.create3d(5, FIELDS_3D));
  assert.is(rig.begin(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1), 24, CURSORQ).written, 24);
});

test.run();
