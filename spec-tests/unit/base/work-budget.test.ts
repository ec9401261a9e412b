import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import { WorkBudget } from "../../../src/base/work-budget.ts";

function rig(max = 10): { budget: WorkBudget; scheduled: (() => void)[]; turn: () => void } {
  const scheduled: (() => void)[] = [];
  const budget = new WorkBudget(max, (task) => void scheduled.push(task));
  return { budget, scheduled, turn: () => scheduled.shift()?.() };
}

test("however many tasks wait, one turn is asked for", () => {
  const { budget, scheduled, turn } = rig();
  const ran: number[] = [];
  for (let i = 0; i < 100; i++) budget.later(() => void ran.push(i));
  assert.is(scheduled.length, 1);
  turn();
  assert.equal(
    ran,
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.is(scheduled.length, 0);
});

test("a turn ends when its budget does; the rest goes on in order, behind it what came meanwhile", () => {
  const { budget, scheduled, turn } = rig();
  const ran: string[] = [];
  const task = (name: string, work: number): void =>
    budget.later(() => {
      ran.push(name);
      budget.charge(work);
    });
  task("a", 6);
  task("b", 6);
  task("c", 1);
  budget.later(() => task("d", 1));
  turn();
  assert.equal(ran, ["a", "b"]);
  assert.is(scheduled.length, 1);
  turn();
  assert.equal(ran, ["a", "b", "c"]);
  turn();
  assert.equal(ran, ["a", "b", "c", "d"]);
  assert.is(scheduled.length, 0);
});

test("what comes while others wait runs behind them, though they had to wait for another turn", () => {
  const { budget, turn } = rig();
  const ran: string[] = [];
  budget.later(() => {
    ran.push("a");
    budget.later(() => void ran.push("d"));
    budget.charge(10);
  });
  for (const name of ["b", "c"]) budget.later(() => void ran.push(name));
  turn();
  assert.equal(ran, ["a"]);
  turn();
  assert.equal(ran, ["a", "b", "c", "d"]);
});

test("who asks anew gets a whole budget only when nothing is left over", () => {
  const { budget, turn } = rig();
  budget.charge(11);
  assert.ok(budget.spent);
  budget.later(() => {});
  budget.renew();
  assert.is(budget.left, -1);
  turn();
  assert.is(budget.left, 10);
  budget.charge(4);
  budget.renew();
  assert.is(budget.left, 10);
});

test("a task that throws loses none of the others", () => {
  const { budget, scheduled, turn } = rig();
  const ran: number[] = [];
  budget.later(() => {
    throw new Error("broken");
  });
  budget.later(() => void ran.push(1));
  assert.throws(turn, /broken/);
  assert.is(scheduled.length, 1);
  turn();
  assert.equal(ran, [1]);
});

test("forgotten tasks do not run, not even those of the turn that forgets them", () => {
  const { budget, scheduled, turn } = rig();
  const ran: number[] = [];
  budget.later(() => budget.clear());
  budget.later(() => void ran.push(1));
  turn();
  assert.is(scheduled.length, 0);
  budget.later(() => void ran.push(2));
  budget.clear();
  budget.later(() => void ran.push(3));
  assert.is(scheduled.length, 1);
  turn();
  assert.equal(ran, [3]);
  // Nor does what was charged for them count any more.
  budget.charge(12);
  budget.clear();
  assert.is(budget.left, 10);
});

test("limits are whole numbers in their range", () => {
  for (const value of [1, 2 ** 30 - 1]) assert.is(rig(value).budget.max, value);
  for (const value of [0, -1, 1.5, 2 ** 30, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => rig(value),
      (error: unknown) =>
        error instanceof VirtioUsageError && /maxWork is .* not an integer from 1 to/.test(error.message),
    );
  }
});

test("work of a known price is done at once, or behind all that waits", async () => {
  const scheduled: (() => void)[] = [];
  const budget = new WorkBudget(10, (task) => scheduled.push(task));
  const done: string[] = [];
  const work = (name: string) => () => {
    done.push(name);
    return name;
  };
  assert.is(budget.inTurn(4, work("a")), "a");
  assert.is(budget.left, 6);
  budget.later(() => done.push("task"));
  // There is something left for it, but not its turn.
  const later = [budget.inTurn(7, work("b")), budget.inTurn(7, work("c")), budget.inTurn(7, work("d"))];
  assert.equal(done, ["a"]);
  scheduled.shift()?.();
  assert.equal(done, ["a", "task", "b", "c"]);
  assert.is(budget.left, -4);
  scheduled.shift()?.();
  assert.equal(await Promise.all(later), ["b", "c", "d"]);
});

test.run();
