import { test } from "uvu";
import * as assert from "uvu/assert";
import { DeviceRig, EchoDevice } from "../../src/testing/index.ts";

// Where a profile lets a driver enable a live queue once more, the queue went on from what it had used, shown or not: a
// buffer between its use and its return stayed with the device for ever, and nobody was notified.

for (const rewritten of [false, true]) {
  test(`a queue with a used buffer to show is not enabled once more, ${rewritten ? "with other" : "with the same"} registers`, () => {
    const type = new EchoDevice({ hold: true });
    const rig = new DeviceRig(type, { device: { profile: "qemu" } });
    const { device } = rig;
    const sent = rig.offer(0, [Uint8Array.of(1)], [4]);
    rig.notify(0);
    const request = type.held[0]?.shift();
    request?.queue.push(request.chain, 1);
    const queue = device.activeQueue(0);
    if (rewritten) device.writeQueueConfig(0, { deviceLo: 0x9000 });
    const ignored = device.counters.ignoredAccesses;
    device.enableQueue(0);
    assert.is(device.activeQueue(0), queue);
    assert.is(device.counters.ignoredAccesses, ignored + 1);
    type.host?.flush(0);
    rig.collect(0);
    assert.is(sent.written, 1);
    assert.equal(rig.interrupts, [1]);
    // Now it may.
    device.enableQueue(0);
    assert.is.not(device.activeQueue(0), queue);
    assert.is(device.activeQueue(0)?.progress().nextUsed, 1);
    assert.is(device.activeQueue(0)?.config.deviceLo, device.queueConfig(0)?.deviceLo);
  });
}

test.run();
