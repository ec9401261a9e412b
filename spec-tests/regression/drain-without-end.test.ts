import { test } from "uvu";
import * as assert from "uvu/assert";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { DeviceRig } from "../support/device-rig.ts";
import { RawPackedRing, WRITE } from "../support/raw-ring.ts";

// A driver in another thread that makes a buffer available whenever the device has just found the ring empty kept the
// device in one drain for ever. Here the thread is played by a hook that runs between the device's two looks.

for (const packed of [false, true]) {
  test(`a driver that is always a little late does not keep the device busy, ${packed ? "packed" : "split"}`, () => {
    const device = new RngDevice({
      source: (target) => void target.fill(7),
      queueSize: 64,
    });
    let handled = 0;
    let late = (): void => {};
    const handleQueue = device.handleQueue.bind(device);
    device.handleQueue = (index, queue) => {
      handleQueue(index, queue);
      if (++handled > 5000) throw new Error("without end");
      late();
    };
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
    // A device that does not ask for silence is notified of every buffer.
    const rig = new DeviceRig(device, { memory, device: { suppressWhileDraining: true } });
    if (packed)
      return checkPacked(
        rig,
        (action) => {
          late = action;
        },
        () => handled,
      );
    late = () => {
      rig.collect(0);
      rig.offer(0, [], [4]);
    };
    rig.offer(0, [], [4]);
    rig.notify(0);
    assert.ok(handled < 100, `${handled} rounds`);
    assert.is(rig.scheduled.length, 1, "it goes on later");
    late = () => {};
    const before = handled;
    rig.scheduled.shift()?.();
    assert.ok(handled > before);
    assert.is(rig.device.activeQueue(0)?.inFlight, 0);
  });
}

function checkPacked(rig: DeviceRig, setLate: (action: () => void) => void, handled: () => number): void {
  const { device, memory } = rig;
  device.writeStatus(0);
  device.writeStatus(3);
  device.writeDriverFeatureWord(1, (1 << 0) | (1 << 2));
  device.writeStatus(11);
  const ring = new RawPackedRing(memory, 0x1000, 64);
  device.writeQueueConfig(0, ring.config());
  device.enableQueue(0);
  device.writeStatus(15);
  let id = 0;
  const offer = (): void => ring.offer([{ addr: 0x8000, len: 4, flags: WRITE }], id++ % 64);
  setLate(offer);
  offer();
  device.notify(0);
  assert.ok(handled() < 100, `${handled()} rounds`);
  assert.is(rig.scheduled.length, 1, "it goes on later");
  setLate(() => {});
  rig.scheduled.shift()?.();
  assert.is(device.activeQueue(0)?.inFlight, 0);
  assert.is(device.activeQueue(0)?.fault, null);
}

test.run();
