import { test } from "uvu";
import * as assert from "uvu/assert";
import { Spinner } from "../../../src/adapters/worker/spinner.ts";

const MAX_US = 400;
const words = new Int32Array(new SharedArrayBuffer(8));

test("a spin in vain halves the next, down to a limit, and now and then there is a long one", () => {
  const spinner = new Spinner(MAX_US);
  const budgets: number[] = [];
  for (let i = 0; i < 11; i++) {
    budgets.push(spinner.budgetUs);
    assert.not(spinner.spin(words, 0, 0));
  }
  assert.equal(budgets, [400, 200, 100, 50, 25, 12.5, 6.25, 3.125, 400, 2, 2]);
});

test("a spin takes no longer than its budget", () => {
  const spinner = new Spinner(20_000);
  const begin = performance.now();
  spinner.spin(words, 0, 0);
  const took = performance.now() - begin;
  assert.ok(took >= 20 && took < 2000, `${took} ms`);
});

test("a spin that pays off ends at once and keeps its budget", () => {
  const spinner = new Spinner(MAX_US);
  spinner.spin(words, 0, 0);
  for (let i = 0; i < 20; i++) assert.ok(spinner.spin(words, 1, -1));
  assert.is(spinner.budgetUs, 200);
});

test("0 turns it off", () => {
  const spinner = new Spinner(0);
  assert.not(spinner.spin(words, 0, 0));
  assert.ok(spinner.spin(words, 0, 1));
});
test.run();
