import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TraceEvent } from "../../../../src/base/index.ts";
import { RngDevice } from "../../../../src/devices/rng/index.ts";
import { DeviceRig, settle } from "../../../../src/testing/index.ts";

const Q = 0;

function request(rig: DeviceRig, lengths: readonly number[], readable: readonly Uint8Array[] = []) {
  const sent = rig.offer(Q, readable, lengths);
  rig.notify(Q);
  return sent;
}

test("a buffer is filled with bytes that differ", () => {
  const rig = new DeviceRig(new RngDevice());
  const first = request(rig, [64]);
  const second = request(rig, [64]);
  assert.is(first.written, 64);
  assert.not.equal(rig.response(first), rig.response(second));
  assert.is(rig.interrupts[Q], 2);
});

test("scattered buffers of any length", () => {
  const rig = new DeviceRig(new RngDevice({ source: (target) => void target.fill(0x11) }));
  for (const lengths of [[1], [1, 2, 3], [4096, 1, 100], [257]]) {
    const sent = request(rig, lengths);
    assert.is(
      sent.written,
      lengths.reduce((sum, length) => sum + length, 0),
    );
    assert.ok(rig.response(sent).every((byte) => byte === 0x11));
  }
});

test("device-readable bytes are ignored", () => {
  const rig = new DeviceRig(new RngDevice({ source: (target) => void target.fill(0x22) }));
  const sent = request(rig, [10], [new Uint8Array(100).fill(9)]);
  assert.is(sent.written, 10);
  const readable = rig.offer(Q, [new Uint8Array(10)], []);
  rig.notify(Q);
  assert.is(readable.written, 0);
});

test("no more than the limit, and never more than 65536 bytes at once from the platform", () => {
  const device = new RngDevice();
  const rig = new DeviceRig(device);
  const sent = request(rig, [200_000]);
  assert.is(sent.written, 65536);
  assert.ok(
    rig
      .response(sent)
      .subarray(65536)
      .every((byte) => byte === 0xa5),
  );
  const large = new DeviceRig(new RngDevice({ maxBytesPerRequest: 150_000 }));
  const all = request(large, [200_000]);
  assert.is(all.written, 150_000);
  assert.ok(
    large
      .response(all)
      .subarray(140_000, 150_000)
      .some((byte) => byte !== 0xa5),
  );
  const one = request(new DeviceRig(new RngDevice({ maxBytesPerRequest: 1 })), [64]);
  assert.is(one.written, 1);
  assert.equal(device.counters, { requests: 1, bytes: 65536, empty: 0, failures: 0 });
});

test("an asynchronous source: answers in its own time, several at once", async () => {
  const waiting: { target: Uint8Array; done: () => void }[] = [];
  const device = new RngDevice({
    source: (target) => new Promise<void>((done) => waiting.push({ target, done })),
  });
  const rig = new DeviceRig(device);
  const first = request(rig, [8]);
  const second = request(rig, [300]);
  assert.equal([first.written, second.written], [-1, -1]);
  waiting[1]?.target.fill(2);
  waiting[0]?.target.fill(1);
  waiting[1]?.done();
  await settle();
  rig.collect(Q);
  assert.equal([first.written, second.written], [-1, 300]);
  assert.ok(rig.response(second).every((byte) => byte === 2));
  waiting[0]?.done();
  await settle();
  rig.collect(Q);
  assert.ok(rig.response(first).every((byte) => byte === 1));
});

test("no more requests are taken than may be in flight", async () => {
  const waiting: (() => void)[] = [];
  const device = new RngDevice({
    maxRequestsInFlight: 2,
    source: () => new Promise<void>((done) => void waiting.push(done)),
  });
  const rig = new DeviceRig(device);
  const sent = Array.from({ length: 5 }, () => request(rig, [4]));
  assert.is(waiting.length, 2);
  for (let i = 0; i < 5; i++) {
    waiting[i]?.();
    await settle();
  }
  rig.collect(Q);
  assert.equal(
    sent.map(({ written }) => written),
    [4, 4, 4, 4, 4],
  );
});

test("a source that fails is replaced by the platform's for that request", async () => {
  const events: TraceEvent[] = [];
  let mode = "throw";
  const device = new RngDevice({
    source: () => {
      if (mode === "throw") throw new Error("no entropy");
      return Promise.reject(new Error("no entropy"));
    },
  });
  const rig = new DeviceRig(device, { device: { trace: (event) => events.push(event) } });
  const first = request(rig, [32]);
  assert.is(first.written, 32);
  assert.ok(rig.response(first).some((byte) => byte !== 0 && byte !== 0xa5));
  mode = "reject";
  const second = request(rig, [32]);
  await settle();
  rig.collect(Q);
  assert.is(second.written, 32);
  assert.is(device.counters.failures, 2);
  assert.equal(events[0], { source: "rng", kind: "source-failure", detail: { message: "no entropy" } });
});

test("a reset with requests in flight: late bytes go nowhere", async () => {
  for (const reset of ["device", "queue"]) {
    const waiting: { target: Uint8Array; done: () => void }[] = [];
    const rig = new DeviceRig(
      new RngDevice({ source: (target) => new Promise<void>((done) => waiting.push({ target, done })) }),
    );
    const sent = request(rig, [16]);
    if (reset === "device") {
      rig.device.writeStatus(0);
      rig.initialize();
    } else {
      rig.device.resetQueue(Q);
      rig.enableQueue(Q);
    }
    waiting[0]?.target.fill(5);
    waiting[0]?.done();
    await settle();
    assert.equal(rig.collect(Q), []);
    assert.ok(rig.response(sent).every((byte) => byte === 0xa5));
    const next = request(rig, [16]);
    waiting[1]?.done();
    await settle();
    rig.collect(Q);
    assert.is(next.written, 16);
  }
});

test("a source that died holds up nobody after a reset, and is asked no more when it owes too much", async () => {
  const waiting: (() => void)[] = [];
  const device = new RngDevice({
    maxRequestsInFlight: 2,
    maxAbandonedCalls: 3,
    source: () => new Promise<void>((done) => void waiting.push(done)),
  });
  const rig = new DeviceRig(device);
  for (let life = 0; life < 2; life++) {
    const sent = Array.from({ length: 3 }, () => request(rig, [4]));
    assert.is(waiting.length, 2 * (life + 1));
    assert.ok(sent.every(({ written }) => written === -1));
    rig.device.writeStatus(0);
    rig.initialize();
  }
  const bytes = request(rig, [64]);
  assert.equal([bytes.written, waiting.length, device.counters.failures], [64, 4, 1]);
  assert.ok(
    rig.response(bytes).some((byte) => byte !== 0 && byte !== 0xa5),
    "the platform's",
  );
  for (const done of waiting.slice(0, 2)) done();
  await settle();
  const next = request(rig, [4]);
  assert.is(waiting.length, 5);
  waiting[4]?.();
  await settle();
  rig.collect(Q);
  assert.is(next.written, 4);
});

test("nothing of what was handed out stays in the device's memory", () => {
  const targets: Uint8Array[] = [];
  const rig = new DeviceRig(
    new RngDevice({
      source: (target) => {
        target.fill(7);
        targets.push(target);
      },
    }),
  );
  assert.ok(rig.response(request(rig, [100])).every((byte) => byte === 7));
  assert.ok(targets[0]?.every((byte) => byte === 0));
});

test("save and restore, and what transports need to know", () => {
  const device = new RngDevice({ queueSize: 8 });
  const rig = new DeviceRig(device);
  request(rig, [4]);
  const state = rig.device.save();
  assert.equal(state.type, { version: 1 });
  const next = new DeviceRig(new RngDevice({ queueSize: 8 }), { idle: true, memory: rig.memory });
  next.device.restore(state);
  const { name, deviceId, pciClass, configLengthBytes } = rig.device.type;
  assert.equal([name, deviceId, pciClass, configLengthBytes], ["rng", 4, 0xff0000, 0]);
  assert.equal(device.queues, [{ name: "requestq", maxSize: 8 }]);
  assert.throws(() => new RngDevice({ maxBytesPerRequest: 0 }), /not an integer from 1 on/);
  assert.throws(() => new RngDevice({ maxRequestsInFlight: 0.5 }), /not an integer from 1 on/);
  assert.throws(() => new RngDevice({ maxAbandonedCalls: -1 }), /not an integer from 1 on/);
  assert.throws(() => device.attach({} as never), /belongs/);
});

test("one notification costs no more than a turn's work, and nothing is lost", () => {
  let filled = 0;
  const source = (target: Uint8Array): void => {
    filled += target.length;
    target.fill(0x11);
  };
  // 4096 bytes at 16 units each, and the request.
  const rig = new DeviceRig(new RngDevice({ source }), { device: { maxTurnWork: 2 * (4096 * 16 + 1024) } });
  const sent = Array.from({ length: 16 }, () => rig.offer(Q, [], [4096]));
  rig.notify(Q);
  assert.is(filled, 2 * 4096);
  for (let turn = 2; rig.scheduled.length > 0; turn++) {
    assert.is(rig.scheduled.length, 1, "one turn is asked for at a time");
    rig.scheduled.shift()?.();
    assert.is(filled, Math.min(16, 2 * turn) * 4096);
  }
  rig.collect(Q);
  assert.ok(sent.every(({ written }) => written === 4096));
});

test.run();
