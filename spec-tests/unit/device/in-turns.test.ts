// Work that is too much for one turn.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WorkBudget } from "../../../src/base/work-budget.ts";
import { inTurns } from "../../../src/device/backend/in-turns.ts";

class Host {
  readonly scheduled: (() => void)[] = [];
  readonly log: string[] = [];
  readonly budget = new WorkBudget(10, (task) => void this.scheduled.push(task));

  sync(): void {
    this.log.push("sync");
  }

  turn(): void {
    assert.is(this.scheduled.length, 1);
    this.scheduled.shift()?.();
  }
}

const live = (): boolean => true;

test("what is done with the first step needs no turn", () => {
  const host = new Host();
  let steps = 0;
  assert.is(
    inTurns(host, live, () => ++steps === 1),
    undefined,
  );
  assert.is(steps, 1);
  assert.is(host.scheduled.length, 0);
});

test("one step in each turn, with views that are renewed before it, until there is none left", async () => {
  const host = new Host();
  let left = 3;
  const done = inTurns(host, live, () => {
    host.log.push("step");
    return --left === 0;
  });
  assert.equal(host.log, ["step"]);
  host.turn();
  assert.equal(host.log, ["step", "sync", "step"]);
  host.turn();
  assert.equal(host.log, ["step", "sync", "step", "sync", "step"]);
  assert.is(host.scheduled.length, 0);
  await done;
});

test("nothing more is done for a life that is over, and nobody is told", async () => {
  const host = new Host();
  let alive = true;
  let settled = false;
  const tell = (): void => {
    settled = true;
  };
  const step = (): boolean => {
    host.log.push("step");
    return false;
  };
  inTurns(host, () => alive, step)?.then(tell, tell);
  alive = false;
  host.turn();
  for (let i = 0; i < 8; i++) await Promise.resolve();
  assert.equal(host.log, ["step"]);
  assert.is(host.scheduled.length, 0);
  assert.not(settled);
});

test("a step that throws ends the work and is told of, without disturbing the turn", async () => {
  const host = new Host();
  let steps = 0;
  const done = inTurns(host, live, () => {
    if (++steps === 2) throw new Error("no more");
    return false;
  });
  host.turn();
  assert.is(host.scheduled.length, 0);
  let message = "";
  await done?.catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, "no more");
});

test.run();
