import { test } from "uvu";
import * as assert from "uvu/assert";
import { type EntropySource, RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory, type MemoryRegion } from "../../src/memory/index.ts";
import { DeviceRig, NEEDS_RESET, RawSplitRing, settle, WRITE } from "../../src/testing/index.ts";

// A request that was under way when its memory was taken out of the machine was finished all the same: into the buffer
// that was not part of the guest any more, and into the rings.

const BASE = 0x4000_0000;

function stage() {
  const stick = new ArrayBuffer(65536);
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
  const region: MemoryRegion = memory.addRegion({ base: BASE, memory: stick });
  const waiting: (() => void)[] = [];
  const source: EntropySource = (target) =>
    new Promise<void>((resolve) => {
      waiting.push(() => {
        target.fill(7);
        resolve();
      });
    });
  const rig = new DeviceRig(new RngDevice({ source }), { memory });
  const finish = async (): Promise<void> => {
    waiting.shift()?.();
    await settle();
  };
  return { stick, memory, region, rig, finish };
}

for (const length of [16, 1000]) {
  test(`a buffer of ${length} bytes is taken away while the device works on it`, async () => {
    const { stick, memory, region, rig, finish } = stage();
    const sent = rig.offerBuffers(0, [{ address: BASE, length, flags: WRITE }], []);
    rig.notify(0);
    memory.removeRegion(region);
    await finish();
    assert.ok(new Uint8Array(stick).every((byte) => byte === 0));
    rig.collect(0);
    assert.is(sent.written, length, "the buffer itself comes back");
  });
}

test("the rings are taken away while the device works on a buffer", async () => {
  const { stick, memory, region, rig, finish } = stage();
  const { device } = rig;
  device.resetQueue(0);
  const ring = new RawSplitRing(memory, BASE, 8);
  device.writeQueueConfig(0, ring.config());
  device.enableQueue(0);
  ring.descriptor(0, { addr: 0x8000, len: 16, flags: WRITE });
  ring.offer(0);
  device.notify(0);
  assert.is(device.activeQueue(0)?.inFlight, 1);
  memory.removeRegion(region);
  const before = new Uint8Array(stick.slice(0));
  await finish();
  assert.equal(new Uint8Array(stick), before);
  assert.ok((device.status & NEEDS_RESET) !== 0);
  assert.is(device.activeQueue(0)?.fault?.code, "ring-out-of-range");
  assert.is(memory.read(0x8000, 1)[0], 0);
  // What can't come back any more keeps nobody from saving.
  assert.is(device.save().status & NEEDS_RESET, NEEDS_RESET);
});

test.run();
