// A driver that forgets DRIVER_OK, and wonders why nothing happens.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Profile } from "../../../src/device/index.ts";
import { DeviceRig, EchoDevice } from "../../../src/testing/index.ts";

function stage(profile: Profile) {
  const traced: unknown[] = [];
  const type = new EchoDevice({ queues: 2 });
  const rig = new DeviceRig(type, {
    idle: true,
    device: {
      profile,
      trace: ({ kind, detail }) => {
        if (kind === "notified-before-driver-ok") traced.push(detail);
      },
    },
  });
  const { device } = rig;
  const bringUp = () => {
    device.writeStatus(3);
    device.writeDriverFeatureWord(1, 1);
    device.writeStatus(11);
    for (const index of [0, 1]) rig.enableQueue(index);
  };
  return { traced, type, rig, device, bringUp };
}

test("notifications before DRIVER_OK are told of once for each queue, until a reset", () => {
  const { traced, rig, type, device, bringUp } = stage("spec");
  bringUp();
  const sent = rig.offer(1, [Uint8Array.of(1)], [4]);
  for (let i = 0; i < 3; i++) rig.notify(1);
  assert.equal(traced, [{ queue: 1, status: 11 }]);
  assert.is(type.seen.length, 0);
  rig.notify(0);
  assert.is(traced.length, 2);
  device.writeStatus(15);
  rig.collect(1);
  assert.is(sent.written, 1, "taken with DRIVER_OK");
  rig.notify(1);
  assert.is(traced.length, 2);
  device.reset();
  bringUp();
  rig.notify(1);
  assert.equal(traced.at(-1), { queue: 1, status: 11 });
  assert.is(traced.length, 3);
  device.writeStatus(15 | 128);
  rig.notify(0);
  assert.is(traced.length, 3, "FAILED is something else");
});

test("a profile that asks for no DRIVER_OK has nothing to say", () => {
  const { traced, rig, bringUp } = stage("qemu");
  bringUp();
  const sent = rig.offer(0, [Uint8Array.of(1)], [4]);
  rig.notify(0);
  assert.is(sent.written, 1);
  assert.equal(traced, []);
});

test.run();
