// Fences by themselves; with a device around them they are tested in async.test.ts.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Fences, OutstandingCommand } from "../../../../../src/devices/gpu/queue/fences.ts";

/** A fenced command; `onLook` is called whenever a field of it is read. */
function newCommand(fence: number, onLook: () => void): OutstandingCommand {
  const header = {
    type: 0x100,
    flags: 1,
    fenceLo: fence,
    fenceHi: 0,
    ctxId: 0,
    ringIdx: 0,
    hasRing: false,
    timeline: 0,
    fenced: true,
  };
  return new Proxy(new OutstandingCommand(0, {} as never, {} as never, header), {
    get(target, name, receiver) {
      onLook();
      return Reflect.get(target, name, receiver);
    },
  });
}

test("however many commands wait for a fence, each is looked at a few times only", () => {
  const COUNT = 3000;
  let looks = 0;
  const onLook = (): void => {
    looks++;
  };
  const fences = new Fences(false);
  const slow = newCommand(1, onLook);
  fences.add(slow);
  const held = Array.from({ length: COUNT }, (_, i) => newCommand(2 + i, onLook));
  for (const command of held) {
    assert.ok(fences.mustWait(command, 0));
    fences.complete(command);
    fences.add(command);
  }
  const released: OutstandingCommand[] = [];
  fences.release((command) => released.push(command));
  assert.is(released.length, 0);
  fences.complete(slow);
  fences.release((command) => released.push(command));
  assert.equal(released.length, COUNT + 1);
  assert.ok(released.every((command, i) => command === (i === 0 ? slow : held[i - 1])));
  assert.is(fences.count, 0);
  // Their order is found with as many looks as sorting takes.
  assert.ok(looks < 20 * COUNT * Math.log2(COUNT), `${looks} looks`);
});

test("those that wait are not looked through for every command that completes", () => {
  const COUNT = 3000;
  const SLOW = 200;
  let looks = 0;
  const onLook = (): void => {
    looks++;
  };
  const fences = new Fences(false);
  const slow = Array.from({ length: SLOW }, (_, i) => newCommand(1 + i, onLook));
  for (const command of slow) fences.add(command);
  for (let i = 0; i < COUNT; i++) {
    const held = newCommand(1000 + i, onLook);
    assert.ok(fences.mustWait(held, 0));
    fences.complete(held);
    fences.add(held);
  }
  looks = 0;
  let released = 0;
  for (const command of slow.slice(1).reverse()) {
    fences.complete(command);
    fences.release(() => released++);
  }
  assert.is(released, 0);
  assert.ok(looks < 20 * SLOW * SLOW, `${looks} looks, with ${COUNT} waiting`);
  fences.complete(slow[0] as OutstandingCommand);
  fences.release(() => released++);
  assert.is(released, SLOW + COUNT);
});

test("responses leave in the order in which their commands came, whatever their fences are", () => {
  const fences = new Fences(false);
  const first = newCommand(1, () => {});
  fences.add(first);
  const held = [9, 3, 7, 5].map((fence) => newCommand(fence, () => {}));
  for (const command of held) {
    fences.complete(command);
    fences.add(command);
  }
  const other = newCommand(6, () => {});
  fences.add(other);
  const released: OutstandingCommand[] = [];
  fences.complete(first);
  fences.release((command) => released.push(command));
  assert.equal(released, [first, held[1], held[3]]);
  released.length = 0;
  fences.complete(other);
  fences.release((command) => released.push(command));
  assert.equal(released, [held[0], held[2], other]);
  assert.is(fences.count, 0);
});

test("commands of another queue are on another timeline, unless queues are one", () => {
  for (const across of [false, true]) {
    const fences = new Fences(across);
    fences.add(newCommand(1, () => {}));
    const later = newCommand(2, () => {});
    assert.ok(fences.mustWait(later, 0));
    assert.is(fences.mustWait(later, 1), across);
  }
});

test("a queue that is forgotten holds up nobody", () => {
  const fences = new Fences(false);
  const slow = newCommand(1, () => {});
  const later = newCommand(2, () => {});
  fences.add(slow);
  assert.ok(fences.mustWait(later, 0));
  fences.forgetQueue(0);
  assert.not.ok(fences.mustWait(later, 0));
  // It settles all the same.
  fences.complete(slow);
  assert.is(fences.count, 0);
});

test.run();
