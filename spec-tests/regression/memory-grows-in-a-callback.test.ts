import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/devices/gpu/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { DeviceRig, settle } from "../support/device-rig.ts";
import { CONTROLQ, CURSORQ, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { GrowingMemory } from "../support/hostile/machine.ts";

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

test.run();
