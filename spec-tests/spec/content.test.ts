import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioDevice, type VirtioDeviceOptions } from "../../src/device/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { INDIRECT, NEXT, RawSplitRing, WRITE } from "../../src/testing/index.ts";
import { LoopbackDevice } from "../support/loopback-device.ts";

const test = suite("device status, features, reset, configuration, suspend");

const ACKNOWLEDGE = 1;
const DRIVER = 2;
const DRIVER_OK = 4;
const FEATURES_OK = 8;
const SUSPEND = 16;
const NEEDS_RESET = 64;
const FAILED = 128;

const VERSION_1 = 32;
const INDIRECT_DESC = 28;
const RING_RESET = 40;
const F_SUSPEND = 43;

const DATA = 0x8000;

function setUp(options: Partial<VirtioDeviceOptions> = {}, type = new LoopbackDevice()) {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const device = new VirtioDevice(type, { memory, schedule: (task) => tasks.push(task), ...options });
  const tasks: (() => void)[] = [];
  const interrupts: string[] = [];
  device.connect({
    queueInterrupt: (index) => interrupts.push(`queue ${index}`),
    configInterrupt: () => interrupts.push("config"),
    deviceReset: () => interrupts.push("reset"),
  });
  return { memory, device, type, interrupts, tasks };
}

type SetUp = ReturnType<typeof setUp>;

function accept(device: VirtioDevice, bits: readonly number[]): void {
  for (let word = 0; word < 4; word++) {
    let value = 0;
    for (const bit of bits) if (bit >> 5 === word) value = (value | (1 << (bit & 31))) >>> 0;
    device.writeDriverFeatureWord(word, value);
  }
}

function negotiate(device: VirtioDevice, bits: readonly number[] = [VERSION_1]): number {
  device.writeStatus(0);
  device.writeStatus(ACKNOWLEDGE);
  device.writeStatus(ACKNOWLEDGE | DRIVER);
  accept(device, bits);
  device.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
  return device.status;
}

function addQueue({ memory, device }: SetUp, index: number, base = 0x1000): RawSplitRing {
  const ring = new RawSplitRing(memory, base, 8);
  memory.write(base, new Uint8Array(0x400));
  device.writeQueueConfig(index, ring.config());
  device.enableQueue(index);
  return ring;
}

function bringUp(s: SetUp, bits: readonly number[] = [VERSION_1]): [RawSplitRing, RawSplitRing] {
  assert.is(negotiate(s.device, bits), ACKNOWLEDGE | DRIVER | FEATURES_OK);
  const rings: [RawSplitRing, RawSplitRing] = [addQueue(s, 0, 0x1000), addQueue(s, 1, 0x2000)];
  s.device.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  s.interrupts.length = 0;
  return rings;
}

function offer(ring: RawSplitRing, head = 0): void {
  ring.descriptor(head, { addr: DATA, len: 4, flags: NEXT, next: head + 1 });
  ring.descriptor(head + 1, { addr: DATA + 16, len: 4, flags: WRITE });
  ring.offer(head);
}

test("nothing is consumed and nothing notified before DRIVER_OK [content.device.device-status-field.1]", () => {
  const s = setUp();
  negotiate(s.device);
  const ring = addQueue(s, 0);
  offer(ring);
  s.device.notify(0);
  assert.is(s.type.handled, 0);
  assert.is(ring.usedIdx, 0);
  assert.equal(s.interrupts, ["reset"]);
  s.device.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  assert.is(ring.usedIdx, 1, "what was available is taken with DRIVER_OK");
  assert.equal(s.interrupts, ["reset", "queue 0"]);
});

test("a broken ring sets DEVICE_NEEDS_RESET and notifies; the other queue goes on [content.device.device-status-field.2] [content.device.device-status-field.3]", () => {
  const s = setUp();
  const [first, second] = bringUp(s);
  first.descriptor(0, { addr: DATA, len: 4, flags: INDIRECT });
  first.offer(0);
  s.device.notify(0);
  assert.is(s.device.status & NEEDS_RESET, NEEDS_RESET);
  assert.equal(s.interrupts, ["config"]);
  s.device.notify(0);
  assert.equal(s.interrupts, ["config"], "said once");
  offer(second);
  s.device.notify(1);
  assert.is(second.usedIdx, 1);
  assert.is(first.usedIdx, 0);
  assert.is(s.device.counters.queueFaults, 1);
});

test("before DRIVER_OK an error is not notified [content.device.device-status-field.3]", () => {
  const s = setUp();
  negotiate(s.device);
  s.interrupts.length = 0;
  s.type.host?.needsReset("test");
  assert.is(s.device.status & NEEDS_RESET, NEEDS_RESET);
  assert.equal(s.interrupts, []);
});

test("a driver can't set or clear DEVICE_NEEDS_RESET, nor clear what it set, but by reset", () => {
  const s = setUp();
  s.device.writeStatus(NEEDS_RESET | ACKNOWLEDGE);
  assert.is(s.device.status, ACKNOWLEDGE);
  s.device.writeStatus(DRIVER);
  assert.is(s.device.status, ACKNOWLEDGE | DRIVER);
  s.type.host?.needsReset("test");
  s.device.writeStatus(ACKNOWLEDGE | DRIVER);
  assert.is(s.device.status, ACKNOWLEDGE | DRIVER | NEEDS_RESET);
  s.device.writeStatus(0);
  assert.is(s.device.status, 0);
});

test("a feature whose requirement is not offered can't be offered [content.device.feature-bits.1]", () => {
  class Incomplete extends LoopbackDevice {
    override readonly features = [0, 2];
  }
  assert.throws(() => setUp({}, new Incomplete()), /bit 2 needs bit 1/);
});

test("FEATURES_OK is refused for any set that is not a valid subset [content.device.feature-bits.2] [content.device.reserved-feature-bits.2]", () => {
  const ok = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  const { device } = setUp();
  for (const [bits, accepted] of [
    [[VERSION_1], true],
    [[VERSION_1, 0], true],
    [[VERSION_1, 1, 2], true],
    [[VERSION_1, 1], true],
    [[VERSION_1, 2], false],
    [[0], false],
    [[VERSION_1, 3], false],
    [[VERSION_1, 63], false],
    [[VERSION_1, 127], false],
  ] as const) {
    assert.is(negotiate(device, bits) === ok, accepted, `features ${bits}`);
  }
  // After a refusal the driver may try another set without a reset.
  negotiate(device, [0]);
  accept(device, [VERSION_1]);
  device.writeStatus(ok);
  assert.is(device.status, ok);
});

test("under the qemu profile the bit is kept and the excess dropped", () => {
  const { device } = setUp({ profile: "qemu" });
  assert.is(negotiate(device, [VERSION_1, 63]), ACKNOWLEDGE | DRIVER | FEATURES_OK);
  assert.is(device.hasFeature(63), false);
  assert.is(device.hasFeature(VERSION_1), true);
});

test("only features that work are offered [content.device.feature-bits.3] [content.device.reserved-feature-bits.1] [content.device.reserved-feature-bits.3] [content.device.reserved-feature-bits.9]", () => {
  const { device } = setUp();
  assert.equal(device.offeredFeatures, [0, 1, 2, 28, 29, 32, 34, 40, 43]);
  assert.is(device.deviceFeatureWord(4), 0);
  assert.throws(() => setUp({ ringFeatures: [37] }), /37 is not supported/);
  assert.throws(() => setUp({ ringFeatures: [41] }), /41 is not supported/);
  assert.throws(() => setUp({ ringFeatures: [33] }), /translator/);
  const translated = setUp({ translator: { translate: () => 0 } });
  assert.ok(translated.device.offeredFeatures.includes(33));
});

test("the same features are accepted again after a reset [content.device.feature-bits.4]", () => {
  const { device } = setUp();
  for (let i = 0; i < 3; i++) {
    assert.is(negotiate(device, [VERSION_1, 1, 2]), ACKNOWLEDGE | DRIVER | FEATURES_OK);
  }
});

test("features are fixed once FEATURES_OK is set", () => {
  const { device } = setUp();
  negotiate(device, [VERSION_1]);
  device.writeDriverFeatureWord(0, 7);
  assert.is(device.driverFeatureWord(0), 0);
  assert.is(device.counters.ignoredAccesses, 1);
});

test("DRIVER_OK without FEATURES_OK is ignored", () => {
  const { device } = setUp();
  device.writeStatus(ACKNOWLEDGE | DRIVER | DRIVER_OK);
  assert.is(device.status, ACKNOWLEDGE | DRIVER);
});

test("reset clears the status and everything negotiated, in every state [content.device.device-reset.1]", () => {
  const s = setUp();
  bringUp(s);
  s.device.writeStatus(0);
  assert.is(s.device.status, 0);
  assert.is(s.device.driverFeatureWord(1), 0);
  assert.is(s.device.queueEnabled(0), false);
  assert.equal(s.device.queueConfig(0), {
    size: 8,
    descHi: 0,
    descLo: 0,
    driverHi: 0,
    driverLo: 0,
    deviceHi: 0,
    deviceLo: 0,
  });
});

test("after a reset late completions vanish: no bytes, no used entry, no notification [content.device.device-reset.2]", () => {
  const s = setUp();
  const [ring] = bringUp(s);
  s.type.deferred = true;
  offer(ring);
  s.device.notify(0);
  assert.is(s.type.pending.length, 1);
  s.device.writeStatus(0);
  s.interrupts.length = 0;
  const before = s.memory.read(0, 0x10000);
  s.type.complete();
  s.device.notify(0);
  assert.equal(s.memory.read(0, 0x10000), before);
  assert.equal(s.interrupts, []);
});

test("the configuration space can be read before FEATURES_OK [content.device.device-configuration-space.1]", () => {
  const { device, type } = setUp();
  type.config.set([1, 2, 3, 4]);
  assert.is(device.readConfig(0, 4), 0x04030201);
  assert.is(device.readConfig(1, 2), 0x0302);
  assert.is(device.readConfig(3, 1), 4);
  assert.is(device.readConfig(14, 4), 0, "bytes beyond the end are 0");
});

test("the generation changes between reads that may have seen different versions", () => {
  const s = setUp();
  bringUp(s);
  const before = s.device.configGeneration;
  s.device.readConfig(0, 4);
  assert.is(s.device.configGeneration, before, "reading alone changes nothing");
  s.type.host?.changeConfig(() => {
    s.type.config[0] = 9;
  });
  assert.equal(s.interrupts, ["config"]);
  s.device.readConfig(0, 4);
  assert.is.not(s.device.configGeneration, before);
});

test("after a queue reset nothing of the queue is executed or notified [content.device.virtqueue-reset.1]", () => {
  const s = setUp();
  const [ring, other] = bringUp(s, [VERSION_1, RING_RESET]);
  s.type.deferred = true;
  offer(ring);
  s.device.notify(0);
  s.device.resetQueue(0);
  assert.is(s.device.queueEnabled(0), false);
  assert.equal(s.type.events.slice(-1), ["queueReset 0"]);
  s.type.complete();
  offer(ring, 2);
  s.device.notify(0);
  assert.is(ring.usedIdx, 0);
  assert.equal(s.interrupts, []);
  s.type.deferred = false;
  offer(other);
  s.device.notify(1);
  assert.is(other.usedIdx, 1, "the other queue goes on");
});

test("a queue starts anew after its reset, with another set-up if the driver likes [content.device.virtqueue-reset.2] [content.device.virtqueue-re-enable.1]", () => {
  const s = setUp();
  const [ring] = bringUp(s, [VERSION_1, RING_RESET]);
  for (let i = 0; i < 3; i++) {
    offer(ring);
    s.device.notify(0);
  }
  s.device.resetQueue(0);
  assert.is(s.device.queueConfig(0)?.descLo, 0);
  const smaller = new RawSplitRing(s.memory, 0x4000, 4);
  s.device.writeQueueConfig(0, smaller.config());
  s.device.enableQueue(0);
  offer(smaller);
  s.device.notify(0);
  assert.is(smaller.usedIdx, 1);
  assert.is(ring.usedIdx, 3);
});

test("without RING_RESET a queue reset is ignored", () => {
  const s = setUp();
  const [ring] = bringUp(s);
  s.device.resetQueue(0);
  assert.is(s.device.queueEnabled(0), true);
  offer(ring);
  s.device.notify(0);
  assert.is(ring.usedIdx, 1);
});

test("SUSPEND is ignored unless negotiated and DRIVER_OK [content.device.device-suspend.1]", () => {
  const s = setUp();
  negotiate(s.device, [VERSION_1, F_SUSPEND]);
  s.device.writeStatus(s.device.status | SUSPEND);
  assert.is(s.device.status, ACKNOWLEDGE | DRIVER | FEATURES_OK);
  const other = setUp();
  bringUp(other);
  other.device.writeStatus(other.device.status | SUSPEND);
  assert.is(other.device.status, 0xf);
});

test("suspend waits for what is in flight, then shows SUSPEND without DRIVER_OK [content.device.device-suspend.6] [content.device.device-suspend.8]", () => {
  const s = setUp();
  const [ring] = bringUp(s, [VERSION_1, F_SUSPEND]);
  s.type.deferred = true;
  offer(ring);
  s.device.notify(0);
  s.device.writeStatus(0xf | SUSPEND);
  assert.is(s.device.status, 0xf, "not yet");
  assert.equal(s.type.events.slice(-1), ["quiesce"]);
  offer(ring, 2);
  s.device.notify(0);
  assert.is(s.type.pending.length, 1, "no more buffers are taken");
  s.type.complete();
  assert.is(ring.usedIdx, 1);
  assert.equal(s.interrupts, ["queue 0"]);
  assert.is(s.device.status, ACKNOWLEDGE | DRIVER | FEATURES_OK | SUSPEND);
});

test("a suspended device leaves queues and configuration alone, and says on resume what it kept back [content.device.device-suspend.2] [content.device.device-suspend.3] [content.device.device-suspend.4] [content.device.device-suspend.5] [content.device.device-suspend.7]", () => {
  const s = setUp();
  const [ring] = bringUp(s, [VERSION_1, F_SUSPEND]);
  s.device.writeStatus(0xf | SUSPEND);
  assert.is(s.device.status, 0xb | SUSPEND);
  offer(ring);
  s.device.notify(0);
  s.device.writeConfig(0, 4, 0x55);
  s.type.host?.changeConfig(() => {
    s.type.config[1] = 7;
  });
  assert.is(ring.usedIdx, 0);
  assert.is(s.device.readConfig(0, 4), 0);
  assert.equal(s.interrupts, []);
  s.device.writeStatus(0xf | SUSPEND);
  assert.is(s.device.status, 0xf);
  assert.is(s.device.readConfig(0, 4), 0x700);
  assert.equal(s.interrupts, ["config", "queue 0"]);
  assert.is(ring.usedIdx, 1);
});

test("a resume that can't find the rings any more sets DEVICE_NEEDS_RESET [content.device.device-suspend.7]", () => {
  const s = setUp();
  bringUp(s, [VERSION_1, F_SUSPEND]);
  s.device.writeStatus(0xf | SUSPEND);
  const region = s.memory.regions[0];
  if (region !== undefined) s.memory.removeRegion(region);
  s.device.writeStatus(0xf | SUSPEND);
  assert.is(s.device.status & NEEDS_RESET, NEEDS_RESET);
});

test("reset works while suspending and while suspended", () => {
  const s = setUp();
  const [ring] = bringUp(s, [VERSION_1, F_SUSPEND]);
  s.type.deferred = true;
  offer(ring);
  s.device.notify(0);
  s.device.writeStatus(0xf | SUSPEND);
  s.device.writeStatus(0);
  assert.is(s.device.status, 0);
  s.type.complete();
  assert.is(s.device.status, 0);
  s.type.deferred = false;
  const [again] = bringUp(s, [VERSION_1, F_SUSPEND]);
  s.device.writeStatus(0xf | SUSPEND);
  s.device.writeStatus(0);
  assert.is(s.device.status, 0);
  assert.is(again.usedIdx, 0);
});

test("FAILED stops the device until reset", () => {
  const s = setUp();
  const [ring] = bringUp(s);
  s.device.writeStatus(0xf | FAILED);
  offer(ring);
  s.device.notify(0);
  assert.is(ring.usedIdx, 0);
  const [fresh] = bringUp(s);
  offer(fresh);
  s.device.notify(0);
  assert.is(fresh.usedIdx, 1);
});

test("spurious notifications, for queues that exist and that don't, are harmless", () => {
  const s = setUp();
  bringUp(s);
  for (const index of [0, 1, 2, 0xffff]) s.device.notify(index);
  assert.equal(s.interrupts, []);
  assert.is(s.device.status, 0xf);
  assert.is(s.device.counters.ignoredAccesses, 2);
});

test("the driver may reset, set up and use the device again from its own interrupt handler", () => {
  const type = new LoopbackDevice();
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const device = new VirtioDevice(type, { memory });
  let nested: RawSplitRing | null = null;
  const s = { memory, device, type, interrupts: [], tasks: [] } as SetUp;
  device.connect({
    queueInterrupt: () => {
      if (nested !== null) return;
      nested = new RawSplitRing(memory, 0x5000, 8);
      negotiate(device);
      device.writeQueueConfig(0, nested.config());
      device.enableQueue(0);
      device.writeStatus(0xf);
      offer(nested);
      device.notify(0);
    },
    configInterrupt: () => {},
    deviceReset: () => {},
  });
  const [ring] = bringUp(s);
  offer(ring);
  device.notify(0);
  assert.is((nested as RawSplitRing | null)?.usedIdx, 1);
  assert.is(device.status, 0xf);
});

test("a driver that never stops filling the ring can't keep the device from returning", () => {
  const s = setUp({ ringFeatures: [INDIRECT_DESC] });
  const [ring] = bringUp(s);
  offer(ring);
  // With every chain finished the next is there already, as from a driver in another thread.
  const finish = s.type.finish.bind(s.type);
  s.type.finish = (queue, chain) => {
    finish(queue, chain);
    queue.flush();
    offer(ring);
  };
  s.device.notify(0);
  assert.ok(s.type.handled >= 8 && s.type.handled < 100, `${s.type.handled} chains in one go`);
  assert.is(s.tasks.length, 1, "the rest is scheduled");
  const handled = s.type.handled;
  s.tasks[0]?.();
  assert.ok(s.type.handled > handled);
});

test("a saved device goes on where it was, in another instance and through JSON", () => {
  const s = setUp();
  const [ring] = bringUp(s, [VERSION_1, 1, RING_RESET]);
  for (let i = 0; i < 5; i++) {
    offer(ring);
    s.device.notify(0);
  }
  s.type.config[3] = 77;
  const state = JSON.parse(JSON.stringify(s.device.save()));
  const type = new LoopbackDevice();
  const copy = new VirtioDevice(type, { memory: s.memory });
  const interrupts: number[] = [];
  copy.connect({
    queueInterrupt: (index) => interrupts.push(index),
    configInterrupt: () => {},
    deviceReset: () => {},
  });
  copy.restore(state);
  assert.is(copy.status, 0xf);
  assert.is(copy.hasFeature(RING_RESET), true);
  assert.is(copy.readConfig(3, 1), 77);
  offer(ring);
  copy.notify(0);
  assert.is(ring.usedIdx, 6);
  assert.equal(interrupts, [0]);
});

test("a state with chains in flight, of another version, device or with foreign features is refused", () => {
  const s = setUp();
  const [ring] = bringUp(s, [VERSION_1, RING_RESET]);
  const state = s.device.save();
  s.type.deferred = true;
  offer(ring);
  s.device.notify(0);
  assert.throws(() => s.device.save(), /1 chains are in flight/);
  const other = setUp({ ringFeatures: [] });
  assert.throws(
    () => other.device.restore(state),
    /driverFeatures include bit 40, which this device does not offer/,
  );
  assert.is(other.device.status, 0);
  assert.throws(
    () => other.device.restore({ ...state, version: 99 }),
    /version is 99, and this library reads versions 1 … 4/,
  );
  assert.throws(
    () => other.device.restore({ ...state, deviceId: 1 }),
    /deviceId is 1, and this is virtio device/,
  );
  assert.throws(() => other.device.restore({ ...state, queues: [] }), /queues has 0 elements/);
  assert.throws(
    () => other.device.restore({ ...state, status: 256 }),
    /status is 256, not a whole number in 0 … 255/,
  );
  assert.throws(() => other.device.restore(JSON.parse("null")), /it is null, not an object/);
  const queues = state.queues.map((queue) => ({ ...queue, config: { ...queue.config, descLo: -1 } }));
  assert.throws(() => other.device.restore({ ...state, queues }), /queues\[0\].config.descLo is -1/);
});

test.run();
