// A display with the rate of a monitor, on a clock that the test moves.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../../src/backends/display/memory/index.ts";
import { PacedDisplay } from "../../../../src/backends/display/paced/index.ts";
import { VirtioUsageError } from "../../../../src/base/index.ts";
import { TestClock } from "../../../support/test-clock.ts";
import { TestPicture } from "../../../support/test-picture.ts";

const test = suite("paced display");

class Rig {
  readonly clock = new TestClock();
  readonly inner: MemoryDisplay;
  readonly display: PacedDisplay;
  /** When each flush was answered, in milliseconds, by its name. */
  readonly answered: [string, number][] = [];

  constructor(refreshHz = 100, onFlush?: () => Promise<void>) {
    this.inner = new MemoryDisplay(onFlush ?? null);
    this.display = new PacedDisplay(this.inner, { refreshHz, clock: this.clock });
  }

  flip(name: string, scanoutId = 0): void {
    this.display.setScanout(scanoutId, new TestPicture(8, 8, scanoutId));
    this.flush(name, scanoutId);
  }

  flush(name: string, scanoutId = 0): void {
    void this.display.flush(scanoutId, 0, 0, 8, 8).then(() => this.answered.push([name, this.clock.now()]));
  }

  async run(): Promise<void> {
    while (this.clock.step()) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a flip is answered with the next frame, flips of one scanout a frame apart", async () => {
  const rig = new Rig();
  for (const name of ["a", "b", "c"]) rig.flip(name);
  assert.is(rig.inner.screen(0).flushes, 3, "what is shown does not wait");
  await rig.run();
  assert.equal(rig.answered, [
    ["a", 10],
    ["b", 20],
    ["c", 30],
  ]);
  assert.is(rig.clock.waiting, 0);
});

test("flushes of what is shown are answered together, behind a flip that waits", async () => {
  const rig = new Rig();
  rig.flip("flip");
  rig.flush("one");
  rig.flush("two");
  rig.flip("next");
  rig.flush("three");
  await rig.run();
  assert.equal(rig.answered, [
    ["flip", 10],
    ["one", 10],
    ["two", 10],
    ["next", 20],
    ["three", 20],
  ]);
});

test("scanouts don't wait for each other", async () => {
  const rig = new Rig();
  rig.flip("a0", 0);
  rig.flip("a1", 0);
  rig.flip("b0", 1);
  await rig.run();
  assert.equal(rig.answered, [
    ["a0", 10],
    ["b0", 10],
    ["a1", 20],
  ]);
});

test("frames lie on a grid: a guest that is late gets the next one, not a later one", async () => {
  const rig = new Rig();
  rig.flip("first");
  await rig.run();
  rig.clock.callAt(34, () => rig.flip("late"));
  await rig.run();
  assert.equal(rig.answered, [
    ["first", 10],
    ["late", 40],
  ]);
});

test("a scanout that was turned off does not wait for what was flipped before", async () => {
  const rig = new Rig();
  for (const name of ["a", "b", "c", "d"]) rig.flip(name);
  rig.display.setScanout(0, null);
  rig.flip("next driver");
  await rig.run();
  assert.equal(
    rig.answered.filter(([, atMs]) => atMs === 10).map(([name]) => name),
    ["a", "next driver"],
  );
});

test("a display that takes longer is waited for", async () => {
  const answers: (() => void)[] = [];
  const rig = new Rig(100, () => new Promise<void>((resolve) => answers.push(resolve)));
  rig.flip("slow");
  await rig.run();
  assert.equal(rig.answered, []);
  answers.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.answered, [["slow", 10]]);
});

test("a display that fails says so at once, and the cursor is passed on", async () => {
  const rig = new Rig(100, () => {
    throw new Error("no");
  });
  rig.display.setScanout(0, new TestPicture(8, 8));
  assert.throws(() => void rig.display.flush(0, 0, 0, 8, 8), /no/);
  rig.display.moveCursor(0, 3, 4);
  rig.display.setCursor(0, null);
  const { cursorX, cursorY, cursorChanges } = rig.inner.screen(0);
  assert.equal([cursorX, cursorY, cursorChanges], [3, 4, 1]);
});

test("a rate that is none is refused", () => {
  for (const refreshHz of [0, -60, Number.NaN, 1001]) {
    assert.throws(
      () => new PacedDisplay(new MemoryDisplay(), { refreshHz }),
      (error: unknown) => error instanceof VirtioUsageError && /refreshHz/.test(error.message),
    );
  }
});

test.run();
