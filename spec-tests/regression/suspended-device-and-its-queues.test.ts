import { test } from "uvu";
import * as assert from "uvu/assert";
import { type EntropySource, RngDevice } from "../../src/devices/rng/index.ts";
import { DeviceRig, NEEDS_RESET, settle, WRITE } from "../../src/testing/index.ts";

// Suspended with a queue that had faulted, the device finished what it still held of it: a suspended device must not
// access any queue. And a queue that was enabled while the device was suspended stayed dead after the resume.

const SUSPEND = 16;
const SUSPENDED = 11 | SUSPEND;
const F_SUSPEND = 43;
const RING_RESET = 40;

function stage() {
  const waiting: (() => void)[] = [];
  const source: EntropySource = () => new Promise<void>((resolve) => void waiting.push(resolve));
  const rig = new DeviceRig(new RngDevice({ source }), { idle: true });
  const { device } = rig;
  device.writeStatus(3);
  device.writeDriverFeatureWord(1, 1 | (1 << (RING_RESET - 32)) | (1 << (F_SUSPEND - 32)));
  device.writeStatus(11);
  rig.enableQueue(0);
  device.writeStatus(15);
  return { rig, device, waiting };
}

test("a device is not suspended before it has finished with a queue that faulted", async () => {
  const { rig, device, waiting } = stage();
  rig.offer(0, [], [16]);
  rig.notify(0);
  rig.offerBuffers(0, [{ address: 0xfff_0000, length: 16, flags: WRITE }], []);
  rig.notify(0);
  assert.is(device.activeQueue(0)?.fault?.code, "address-out-of-range");
  device.writeStatus(15 | SUSPEND);
  assert.is(device.status & ~NEEDS_RESET, 15, "not yet");
  waiting.shift()?.();
  await settle();
  assert.is(device.status & ~NEEDS_RESET, SUSPENDED);
  assert.is(device.activeQueue(0)?.inFlight, 0);
});

test("a queue that is enabled while the device is suspended works after the resume", async () => {
  const { rig, device, waiting } = stage();
  device.writeStatus(15 | SUSPEND);
  assert.is(device.status, SUSPENDED);
  device.resetQueue(0);
  rig.enableQueue(0);
  assert.is(device.activeQueue(0), null);
  device.writeStatus(15);
  assert.is(device.status, 15);
  const sent = rig.offer(0, [], [16]);
  rig.notify(0);
  waiting.shift()?.();
  await settle();
  rig.collect(0);
  assert.is(sent.written, 16);
});

test("a fault while suspended is told after a restore and the resume", () => {
  const { rig, device } = stage();
  device.writeStatus(15 | SUSPEND);
  const state = device.save();
  const needing = { ...state, status: state.status | NEEDS_RESET };
  device.restore(needing);
  const before = rig.configInterrupts;
  device.writeStatus(15);
  assert.is(rig.configInterrupts, before + 1);
});

test.run();
