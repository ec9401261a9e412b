// Changes in steps, step by step: what happens when one fails, comes late, or a reset comes in between.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BackendError } from "../../../src/base/backend-error.ts";
import { Life } from "../../../src/device/backend/life.ts";
import type { Step } from "../../../src/device/backend/transaction.ts";
import { settle } from "../../../src/testing/index.ts";

const test = suite("transactions");

/** A life, three steps that note what they do, and what is to become of them. */
function setup() {
  const log: string[] = [];
  const late = new Map<number, { resolve: () => void; reject: (error: unknown) => void }>();
  const life = new Life({
    sync: () => log.push("sync"),
    failed: (error) => log.push(`failed ${error.message}`),
  });
  const step = (n: number, act: () => unknown = () => {}): Step => ({
    act: () => {
      log.push(`do ${n}`);
      return act();
    },
    undo: () => void log.push(`undo ${n}`),
  });
  /** A result that the test settles. */
  const later = (n: number) => () =>
    new Promise<void>((resolve, reject) => {
      late.set(n, { resolve, reject });
    });
  const fail = () => {
    throw new BackendError("lost", "no");
  };
  return { log, life, step, later, late, fail };
}

const messageOf = (error: unknown): string => (error as Error).message;

test("steps are done in their order, at once where nothing is late", () => {
  const { log, life, step } = setup();
  assert.is(life.transact([step(1), step(2), step(3)]), undefined);
  assert.equal(log, ["do 1", "do 2", "do 3"]);
});

test("one that throws: those before it are taken back, the last one first, itself and those behind it are not", () => {
  const { log, life, step, fail } = setup();
  assert.throws(() => life.transact([step(1), step(2), step(3, fail), step(4)]), "no");
  assert.equal(log, ["do 1", "do 2", "do 3", "undo 2", "undo 1"]);
});

test("one that rejects: the same, later", async () => {
  const { log, life, step, later, late } = setup();
  const result = Promise.resolve(life.transact([step(1), step(2), step(3, later(3)), step(4)]));
  assert.equal(log, ["do 1", "do 2", "do 3"]);
  late.get(3)?.reject(new BackendError("lost", "no"));
  assert.is(await result.catch(messageOf), "no");
  assert.equal(log, ["do 1", "do 2", "do 3", "sync", "undo 2", "undo 1"]);
});

test("one that is late holds up those behind it", async () => {
  const { log, life, step, later, late } = setup();
  let done = false;
  const result = Promise.resolve(life.transact([step(1), step(2, later(2)), step(3)])).then(() => {
    done = true;
  });
  await settle();
  assert.equal([log, done], [["do 1", "do 2"], false]);
  late.get(2)?.resolve();
  await result;
  assert.equal(log, ["do 1", "do 2", "sync", "do 3"]);
});

test("after a reset no step is done or taken back: from within, while one is late, when it fails late", async () => {
  const within = setup();
  const resets = () => void within.life.end();
  assert.is(within.life.transact([within.step(1, resets), within.step(2)]), undefined);
  assert.equal(within.log, ["do 1"]);
  for (const how of ["resolve", "reject"] as const) {
    const { log, life, step, later, late } = setup();
    const result = Promise.resolve(life.transact([step(1), step(2, later(2)), step(3)]));
    life.end();
    late.get(2)?.[how](new Error("no"));
    await result.catch(messageOf);
    assert.equal(log, ["do 1", "do 2"], how);
  }
});

test("what fails while it is taken back is told, and keeps nothing else from being taken back", () => {
  const { log, life, step, fail } = setup();
  const stubborn: Step = { ...step(2), undo: fail };
  assert.throws(() => life.transact([step(1), stubborn, step(3, fail)]), "no");
  assert.equal(log, ["do 1", "do 2", "do 3", "failed no", "undo 1"]);
});

test.run();
