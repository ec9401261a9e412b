import { test } from "uvu";
import * as assert from "uvu/assert";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import {
  DeviceRig,
  EchoDevice,
  INDIRECT,
  NEXT,
  RawPackedRing,
  RawSplitRing,
  WRITE,
  writeSplitDescriptor,
} from "../../src/testing/index.ts";

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

// A driver that lets every buffer of a large ring refer to one table as large kept the device busy for seconds, or minutes.

for (const packed of [false, true]) {
  test(`a ring full of large tables is gone through bit by bit, ${packed ? "packed" : "split"}`, () => {
    const SIZE = 2048;
    const TABLE = 1 << 20;
    const type = new EchoDevice({ maxSize: SIZE });
    let most = 0;
    type.handleQueue = (_index, queue) => {
      let elements = 0;
      for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
        elements += chain.descriptorCount;
        queue.push(chain, 0);
      }
      most = Math.max(most, elements);
    };
    const rig = new DeviceRig(type, { idle: true, memoryBytes: 2 << 20 });
    const { device, memory } = rig;
    device.writeStatus(3);
    device.writeDriverFeatureWord(0, 1 << 28);
    device.writeDriverFeatureWord(1, 1 | (packed ? 1 << 2 : 0));
    device.writeStatus(11);
    const ring = new (packed ? RawPackedRing : RawSplitRing)(memory, 0x1000, SIZE);
    device.writeQueueConfig(0, ring.config());
    device.enableQueue(0);
    device.writeStatus(15);
    for (let i = 0; i < SIZE; i++) {
      const element = { addr: 0x8000, len: 0, flags: i + 1 < SIZE ? NEXT : 0, next: (i + 1) % SIZE };
      writeSplitDescriptor(memory, TABLE + 16 * i, packed ? { ...element, flags: 0, next: 0 } : element);
    }
    const entry = { addr: TABLE, len: 16 * SIZE, flags: INDIRECT };
    for (let i = 0; i < SIZE; i++) {
      if (ring instanceof RawPackedRing) ring.offer([entry], i);
      else {
        ring.descriptor(i, entry);
        ring.offer(i);
      }
    }
    device.notify(0);
    let turns = 1;
    for (; rig.scheduled.length > 0; turns++) rig.scheduled.shift()?.();
    assert.is(device.activeQueue(0)?.fault, null);
    // An element beyond the second counts as 256 bytes that are copied.
    assert.is(turns, Math.ceil(SIZE / Math.ceil((16 << 20) / (256 * (SIZE - 2)))));
    assert.ok(most <= (16 << 20) / 256 + SIZE);
    const progress = device.activeQueue(0)?.progress();
    assert.is(progress?.nextUsed, packed ? 0 : SIZE);
    assert.is(progress?.nextAvail, packed ? 0 : SIZE);
    assert.is(device.activeQueue(0)?.inFlight, 0);
  });
}

test.run();
