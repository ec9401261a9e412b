// What one notification may cost before the event loop has its turn.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { DeviceHost } from "../../../src/device/index.ts";
import { DeviceRig, EchoDevice } from "../../../src/testing/index.ts";
import type { DeviceQueue } from "../../../src/virtqueue/index.ts";

const COST = 10;

/** Answers chains that cost ten units each. */
class CostlyDevice extends EchoDevice {
  readonly turns: number[] = [];
  answered = 0;

  override handleQueue(_index: number, queue: DeviceQueue): void {
    const { budget } = this.host as DeviceHost;
    let count = 0;
    while (!budget.spent) {
      const chain = queue.pop();
      if (chain === null) break;
      budget.charge(COST);
      queue.push(chain, 0);
      count++;
    }
    this.answered += count;
    this.turns.push(count);
  }
}

function rig(maxTurnWork: number): { type: CostlyDevice; machine: DeviceRig } {
  const type = new CostlyDevice({ maxSize: 64 });
  return { type, machine: new DeviceRig(type, { device: { maxTurnWork } }) };
}

test("a device that used its budget up goes on in the next turn, in order, and loses nothing", () => {
  const { type, machine } = rig(5 * COST);
  type.turns.length = 0;
  const sent = Array.from({ length: 23 }, () => machine.offer(0, [], [4]));
  machine.notify(0);
  assert.equal(type.turns, [5]);
  let turns = 1;
  for (; machine.scheduled.length > 0; turns++) {
    assert.is(machine.scheduled.length, 1);
    machine.scheduled.shift()?.();
  }
  assert.is(type.answered, 23);
  assert.is(Math.max(...type.turns), 5);
  assert.is(turns, 5);
  machine.collect(0);
  assert.ok(sent.every(({ written }) => written === 0));
});

test("a thousand notifications make one continuation, and do no work before it", () => {
  const { type, machine } = rig(5 * COST);
  for (let i = 0; i < 60; i++) machine.offer(0, [], [4]);
  type.turns.length = 0;
  for (let i = 0; i < 1000; i++) machine.notify(0);
  assert.is(machine.scheduled.length, 1);
  assert.is(type.answered, 5);
  machine.scheduled.shift()?.();
  assert.is(type.answered, 10);
  assert.is(machine.scheduled.length, 1);
});

test("a ring that is kept full makes one continuation too", () => {
  const type = new EchoDevice({ maxSize: 4 });
  let popped = 0;
  type.handleQueue = (_index, queue) => {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
      queue.push(chain, 0);
      queue.flush();
      machine.collect(0);
      machine.offer(0, [], [4]);
      popped++;
    }
  };
  const machine = new DeviceRig(type, { queueSize: 4 });
  machine.offer(0, [], [4]);
  for (let i = 0; i < 1000; i++) machine.notify(0);
  assert.is(machine.scheduled.length, 1);
  assert.ok(popped <= 100, `${popped} chains in one turn`);
  machine.scheduled.shift()?.();
  assert.is(machine.scheduled.length, 1);
});

test("a notification gets a whole budget where nothing is left over, and none from within a drain", () => {
  const { type, machine } = rig(5 * COST);
  for (const count of [4, 5]) {
    for (let i = 0; i < count; i++) machine.offer(0, [], [4]);
    type.turns.length = 0;
    machine.notify(0);
    assert.equal(type.turns, [count]);
    assert.is(machine.scheduled.length, 0);
  }
  // A driver that notifies from its interrupt handler, while the device is at work.
  const nested = new CostlyDevice({ maxSize: 64 });
  const other = new DeviceRig(nested, { device: { maxTurnWork: 5 * COST } });
  const { handleQueue } = nested;
  nested.handleQueue = (index, queue) => {
    handleQueue.call(nested, index, queue);
    other.device.notify(0);
  };
  for (let i = 0; i < 20; i++) other.offer(0, [], [4]);
  nested.turns.length = 0;
  other.notify(0);
  assert.equal(nested.turns, [5]);
});

test("a queue that finds the budget used up by another has its turn later", () => {
  const type = new CostlyDevice({ maxSize: 64, queues: 2 });
  const machine = new DeviceRig(type, { device: { maxTurnWork: 5 * COST } });
  for (let i = 0; i < 8; i++) machine.offer(0, [], [4]);
  machine.notify(0);
  type.turns.length = 0;
  const sent = machine.offer(1, [], [4]);
  machine.notify(1);
  assert.equal(type.turns, [], "nothing is left in this turn");
  while (machine.scheduled.length > 0) machine.scheduled.shift()?.();
  machine.collect(1);
  assert.is(sent.written, 0);
  assert.is(type.answered, 9);
});

test("a drain that goes on later does so once, though its last round ends with a notification from within", () => {
  const type = new EchoDevice({ maxSize: 64 });
  const machine = new DeviceRig(type, { device: { suppressWhileDraining: true } });
  let rounds = 0;
  type.handleQueue = (_index, queue) => {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) queue.push(chain, 0);
    // One more right after the device has found the ring empty.
    if (++rounds > 40) return;
    machine.collect(0);
    machine.offer(0, [], [4]);
    if (rounds >= 15) machine.device.notify(0);
  };
  machine.offer(0, [], [4]);
  machine.notify(0);
  assert.is(type.host?.budget.waiting, 1);
  while (machine.scheduled.length > 0) machine.scheduled.shift()?.();
  assert.is(machine.device.activeQueue(0)?.hasNext, false, "nothing is left");
});

test("a queue that is reset between two turns has its new life served", () => {
  const { type, machine } = rig(2 * COST);
  for (let i = 0; i < 8; i++) machine.offer(0, [], [4]);
  machine.notify(0);
  machine.device.resetQueue(0);
  machine.enableQueue(0);
  type.answered = 0;
  const sent = machine.offer(0, [], [4]);
  machine.notify(0);
  while (machine.scheduled.length > 0) machine.scheduled.shift()?.();
  machine.collect(0);
  assert.is(type.answered, 1);
  assert.is(sent.written, 0);
});

test("after a device reset nothing of the old life goes on, and the new one has a whole budget", () => {
  const { type, machine } = rig(2 * COST);
  for (let i = 0; i < 8; i++) machine.offer(0, [], [4]);
  machine.notify(0);
  machine.device.reset();
  machine.initialize();
  type.answered = 0;
  machine.offer(0, [], [4]);
  machine.notify(0);
  assert.is(type.answered, 1);
  for (const task of machine.scheduled.splice(0)) task();
  assert.is(type.answered, 1);
  assert.is(machine.scheduled.length, 0);
});

test("a device that is saved between two turns goes on from there once it is restored", () => {
  const { machine } = rig(2 * COST);
  for (let i = 0; i < 8; i++) machine.offer(0, [], [4]);
  machine.notify(0);
  const state = machine.device.save();
  const type = new CostlyDevice({ maxSize: 64 });
  const second = new DeviceRig(type, {
    memory: machine.memory,
    idle: true,
    device: { maxTurnWork: 2 * COST },
  });
  second.device.restore(state);
  while (second.scheduled.length > 0) second.scheduled.shift()?.();
  assert.is(type.answered, 6);
});

test("a device that is asked to suspend between two turns suspends, and goes on with the resume", () => {
  const type = new CostlyDevice({ maxSize: 64 });
  const machine = new DeviceRig(type, { ringFeatures: [43], device: { maxTurnWork: 2 * COST } });
  for (let i = 0; i < 8; i++) machine.offer(0, [], [4]);
  machine.notify(0);
  machine.device.writeStatus(machine.device.status | 0x10);
  assert.is(machine.device.status & 0x10, 0x10);
  while (machine.scheduled.length > 0) machine.scheduled.shift()?.();
  assert.is(type.answered, 2);
  machine.device.writeStatus(15);
  while (machine.scheduled.length > 0) machine.scheduled.shift()?.();
  assert.is(type.answered, 8);
});

test("the limit is checked", () => {
  for (const maxTurnWork of [0, 1.5, 2 ** 30]) assert.throws(() => rig(maxTurnWork), /maxTurnWork is/);
});

test.run();
