import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { VirtioUsageError } from "../../src/base/errors.ts";
import { parseUuid, SharedObjectRegistry } from "../../src/device/index.ts";
import { RenderDevice } from "../../src/devices/render/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { VdmabufDevice, VdmabufHost } from "../../src/devices/vdmabuf/index.ts";
import { type AddressTranslator, GuestMemory } from "../../src/memory/index.ts";
import { DeviceRig, settle } from "../../src/testing/index.ts";
import { CONTROLQ, CURSORQ, ERR, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { GrowingMemory } from "../support/hostile/machine.ts";
import { ROK, readAnswer, rmsg } from "../support/render-messages.ts";
import { FakeExport } from "../support/render-rig.ts";
import {
  exportMessage,
  PAGE,
  RECV,
  S,
  SEND,
  statusOf,
  words,
  writeEntry,
} from "../support/vdmabuf-messages.ts";

// A guest's memory that grew while a callback ran was written through the views of before: the answer was lost.

const FENCE = 1;
const FULL = { x: 0, y: 0, w: 64, h: 64 };

function growingRig(onFlush: () => void | Promise<void>, profile: "spec" | "crosvm" = "spec") {
  const growing = new GrowingMemory(1 << 20);
  const memory = new GuestMemory([{ base: 0, memory: growing }]);
  const rig = new GpuRig({ display: new MemoryDisplay(() => onFlush()), profile }, { memory });
  rig.resource2d(1, 64, 64);
  expectOk(rig.command(msg.setScanout(0, 1, FULL)));
  return { rig, growing };
}

test("memory that grows while a display works", () => {
  const { rig, growing } = growingRig(() => growing.grow());
  assert.is(rig.command(msg.flush(1, FULL)).type, OK.NODATA);
});

test("memory that grows while an interrupt is handled, and the driver goes on at once", () => {
  const { rig, growing } = growingRig(() => {});
  const sent: { written: number }[] = [];
  rig.onQueueInterrupt = () => {
    if (sent.length === 2) return;
    growing.grow();
    sent.push(rig.offer(CONTROLQ, [msg.displayInfo()], [408]));
    rig.device.notify(CONTROLQ);
  };
  sent.push(rig.offer(CONTROLQ, [msg.displayInfo()], [408]));
  rig.notify(CONTROLQ);
  assert.equal(
    sent.map(({ written }) => written),
    [408, 408],
  );
});

test("memory that grew before a queue reset lets a response of the other queue go", async () => {
  const { rig, growing } = growingRig(() => new Promise<void>(() => {}), "crosvm");
  rig.begin(msg.flush(1, FULL, { flags: FENCE, fence: 1 }));
  // Waits for fence 1, although it is done. It is longer than what is copied byte by byte.
  const held = rig.begin(msg.edid(0, { flags: FENCE, fence: 2 }), 1056, CURSORQ);
  assert.is(held.written, -1);
  growing.grow();
  rig.device.resetQueue(CONTROLQ);
  await settle();
  rig.collect(CURSORQ);
  assert.is(held.written, 1056);
  assert.is(rig.answer(held).type, OK.EDID);
});

test("memory that grows while an observer looks at a command", () => {
  const growing = new GrowingMemory(1 << 20);
  const memory = new GuestMemory([{ base: 0, memory: growing }]);
  const rig = new GpuRig({ onCommand: () => growing.grow() }, { memory });
  const sent = [0, 1].map(() => rig.offer(CONTROLQ, [msg.displayInfo()], [408]));
  rig.notify(CONTROLQ);
  assert.equal(
    sent.map((each) => rig.answer(each).type),
    [OK.DISPLAY_INFO, OK.DISPLAY_INFO],
  );
});

test("memory that grows while random bytes are fetched", () => {
  const growing = new GrowingMemory(1 << 20);
  const memory = new GuestMemory([{ base: 0, memory: growing }]);
  const source = (target: Uint8Array): void => {
    growing.grow();
    target.fill(7);
  };
  const rig = new DeviceRig(new RngDevice({ source }), { memory });
  const sent = rig.offer(0, [], [1000]);
  rig.notify(0);
  assert.ok(rig.response(sent).every((byte) => byte === 7));
});

test("memory that grows while a Vdmabuf importer takes a buffer, and while an observer looks", () => {
  for (const who of ["importer", "observer"]) {
    const growing = new GrowingMemory(1 << 20);
    const memory = new GuestMemory([{ base: 0, memory: growing }]);
    const grow = (name: string) => (): void => {
      if (name === who) growing.grow();
    };
    const host = new VdmabufHost({ importer: { onExport: grow("importer") } });
    const type = new VdmabufDevice({ host, onMessage: grow("observer") });
    const rig = new DeviceRig(type, { memory });
    const [top, second, page] = [0, 1, 2].map(() => rig.allocate(PAGE, PAGE)) as [number, number, number];
    writeEntry(memory.view(top, PAGE), 0, second);
    writeEntry(memory.view(second, PAGE), 0, page);
    const heard = rig.offer(RECV, [], [24]);
    const sent = [1, 2].map((counter) => rig.offer(SEND, [exportMessage({ counter, top })], [24]));
    rig.notify(SEND);
    for (const each of sent) assert.is(statusOf(rig.response(each)), S.OK, who);
    type.buffers[0]?.release();
    rig.collect(RECV);
    assert.is(heard.written, 20, who);
    assert.equal(rig.response(heard).subarray(0, 8), words(0x11, 1), who);
  }
});

test("memory that grows while the renderer draws into another device's object, and while an observer looks", () => {
  for (const who of ["exporter", "observer"]) {
    const growing = new GrowingMemory(1 << 20);
    const memory = new GuestMemory([{ base: 0, memory: growing }]);
    class Growing extends FakeExport {
      override write(position: number, source: Uint8Array, from: number, lengthBytes: number): number {
        if (who === "exporter") growing.grow();
        return super.write(position, source, from, lengthBytes);
      }
    }
    const sharedObjects = new SharedObjectRegistry();
    const uuid = parseUuid("01234567-89ab-4cde-8f01-000000000001");
    const image = { widthPixels: 4, heightPixels: 2, format: 1, strideBytes: 16 };
    sharedObjects.publish(uuid, new Growing(32, image));
    const onCommand = (): void => {
      if (who === "observer") growing.grow();
    };
    const rig = new DeviceRig(new RenderDevice({ sharedObjects, onCommand }), { memory });
    const requests = [
      rmsg.importUuid(1, uuid),
      rmsg.fill(1, 5, [0, 0, 4, 2], { fence: 1 }),
      rmsg.nop({ fence: 2 }),
    ];
    const sent = requests.map((request) => rig.offer(0, [request], [64]));
    rig.notify(0);
    assert.equal(
      sent.map((each) => readAnswer(rig.response(each), each.written).type),
      [ROK.IMPORT, ROK.PLAIN, ROK.PLAIN],
      who,
    );
  }
});

test("memory that grows while a trace sink, a random generator or an importer is at it", () => {
  for (const who of ["trace", "random", "revoked", "reset"]) {
    const growing = new GrowingMemory(1 << 20);
    const memory = new GuestMemory([{ base: 0, memory: growing }]);
    const sharedObjects = new SharedObjectRegistry();
    let on = "";
    const grow = (name: string) => (): void => {
      if (on === name) growing.grow();
    };
    const randomBytes = (target: Uint8Array): void => {
      grow("random")();
      target.fill(7);
    };
    const rig = new GpuRig(
      { sharedObjects, randomBytes, exportLifetime: "resource" },
      { memory, device: { trace: grow("trace") } },
    );
    rig.resource2d(1, 64, 64);
    on = who;
    if (who === "trace") assert.is(rig.command(msg.unref(99)).type, ERR.RESOURCE);
    const { bytes } = rig.command(msg.assignUuid(1), 40);
    assert.is(bytes[24], 7, who);
    const use = sharedObjects.acquire(bytes.slice(24, 40), grow(who));
    assert.ok(use !== null);
    if (who === "reset") {
      rig.device.writeStatus(0);
      rig.initialize();
    } else {
      expectOk(rig.command(msg.unref(1)));
    }
    assert.is(use?.content, null);
    assert.is(rig.command(msg.displayInfo(), 408).type, OK.DISPLAY_INFO, who);
  }
});

test("memory that grows while a translator looks an address up", () => {
  const growing = new GrowingMemory(1 << 20);
  const memory = new GuestMemory([{ base: 0, memory: growing }]);
  let on = false;
  const translator: AddressTranslator = {
    translate(hi, lo, lengthBytes, _write, result) {
      if (on) growing.grow();
      result.hi = hi;
      result.lo = lo;
      return lengthBytes;
    },
  };
  const rig = new GpuRig({}, { memory, device: { translator }, ringFeatures: [33] });
  assert.is(rig.command(msg.displayInfo(), 408).type, OK.DISPLAY_INFO);
  on = true;
  // In the midst of reading the ring there is no way to do without its views.
  assert.throws(
    () => rig.command(msg.displayInfo(), 408),
    (error: unknown) => error instanceof VirtioUsageError && /translator/.test(error.message),
  );
});

test.run();
