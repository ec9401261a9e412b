// Section 5.4 of the specification.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { completeDeviceType } from "../../src/device/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { DeviceRig, settle } from "../../src/testing/index.ts";

const test = suite("entropy");

function request(rig: DeviceRig, writable: readonly number[], readable: readonly Uint8Array[] = []) {
  const sent = rig.offer(0, readable, writable);
  rig.notify(0);
  return sent;
}

test("[entropy.device.device-operation.1] at least one random byte comes back, whatever the buffer and the limits", async () => {
  const sources = [
    new RngDevice(),
    new RngDevice({ maxBytesPerRequest: 1 }),
    new RngDevice({
      source: () => {
        throw new Error("empty");
      },
    }),
    new RngDevice({ source: () => Promise.reject(new Error("empty")) }),
    new RngDevice({ source: (target) => Promise.resolve(void target.fill(1)) }),
  ];
  for (const device of sources) {
    const rig = new DeviceRig(device);
    for (const lengths of [[1], [2, 3], [100_000]]) {
      const sent = request(rig, lengths);
      await settle();
      rig.collect(0);
      assert.ok(sent.written >= 1);
      assert.ok(sent.written <= lengths.reduce((sum, length) => sum + length, 0));
    }
  }
});

test("[entropy.driver.device-operation.1] device-readable buffers, which drivers must not place, are ignored", () => {
  const rig = new DeviceRig(new RngDevice());
  const sent = request(rig, [16], [new Uint8Array(32).fill(1)]);
  assert.is(sent.written, 16);
  assert.ok(rig.response(sent).some((byte) => byte !== 0xa5));
  assert.is(request(rig, [], [new Uint8Array(32)]).written, 0);
});

test("[entropy.driver.device-operation.2] the used length says how many bytes are random", () => {
  const rig = new DeviceRig(
    new RngDevice({ maxBytesPerRequest: 10, source: (target) => void target.fill(3) }),
  );
  const sent = request(rig, [4, 4, 4]);
  assert.is(sent.written, 10);
  const bytes = rig.response(sent);
  assert.ok(bytes.subarray(0, 10).every((byte) => byte === 3));
  assert.ok(bytes.subarray(10).every((byte) => byte === 0xa5));
});

test("device id 4, one queue, no features, no configuration space", () => {
  const device = completeDeviceType(new RngDevice());
  assert.equal([device.deviceId, device.configLengthBytes], [4, 0]);
  assert.equal(device.features, []);
  assert.equal(
    device.queues.map(({ name }) => name),
    ["requestq"],
  );
});

test.run();
