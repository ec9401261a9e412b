// The display on canvases without a browser: when it draws, what it puts, whom it holds back. What it looks like is
// for spec-tests/browser.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  CanvasDisplay,
  type CanvasDisplayOptions,
  type CanvasImage,
  type CanvasTarget,
} from "../../../../src/backends/display/canvas/index.ts";
import { BackendError, VirtioUsageError } from "../../../../src/base/index.ts";
import { TestPicture } from "../../../support/test-picture.ts";

const test = suite("canvas display");

type Put = readonly [image: CanvasImage, ...numbers: number[]];

class FakeCanvas implements CanvasTarget {
  width = 0;
  height = 0;
  readonly put: Put[] = [];
  images = 0;
  context = true;

  getContext() {
    if (!this.context) return null;
    return {
      createImageData: (widthPixels: number, heightPixels: number): CanvasImage => {
        this.images++;
        return { data: new Uint8ClampedArray(widthPixels * heightPixels * 4) };
      },
      putImageData: (...args: Put) => void this.put.push(args),
    };
  }
}

function rig(options: Partial<CanvasDisplayOptions> = {}) {
  const canvas = new FakeCanvas();
  const frames: (() => void)[] = [];
  const display = new CanvasDisplay({ canvas, schedule: (draw) => frames.push(draw), ...options });
  const draw = () => {
    for (const frame of frames.splice(0)) frame();
  };
  return { canvas, display, frames, draw };
}

const picture = (): TestPicture => {
  const made = new TestPicture(20, 10);
  made.draw((x, y) => [x, y, 3]);
  return made;
};

test("however much is flushed, it is drawn once a frame, and images are made once", () => {
  const { canvas, display, frames, draw } = rig();
  const shown = picture();
  for (let i = 0; i < 100; i++) {
    shown.showOn(display);
    void display.flush(0, i % 10, 2, 3, 3);
  }
  assert.is(frames.length, 1);
  assert.is(canvas.put.length, 0);
  draw();
  assert.is(canvas.put.length, 1);
  assert.equal(canvas.put[0]?.slice(1), [0, 0, 0, 0, 20, 10]);
  assert.is(canvas.images, 1);
  void display.flush(0, 4, 5, 6, 2);
  draw();
  assert.equal(canvas.put[1]?.slice(1), [0, 0, 4, 5, 6, 2]);
});

test("a frame that is more than a turn's work takes turns, is put as one, and holds up the next", async () => {
  const { canvas, display, frames, draw } = rig({ waitForFrame: true, maxTurnPixels: 200_000 });
  const shown = new TestPicture(1000, 700);
  shown.draw((x, y) => [x & 255, y & 255, 3]);
  shown.showOn(display);
  let answered = 0;
  const flush = (): void => void Promise.resolve(display.flush(0, 0, 0, 1000, 700)).then(() => answered++);
  flush();
  draw();
  // 65 rows at a time, as long as fewer than 200 have been converted.
  let turns = 1;
  for (; canvas.put.length === 0; turns++) {
    flush();
    assert.is(frames.length, 0, "one frame after the other");
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.is(turns, 3);
  assert.equal(canvas.put[0]?.slice(1), [0, 0, 0, 0, 1000, 700]);
  const data = canvas.put[0]?.[0].data as Uint8ClampedArray;
  for (const [x, y] of [
    [0, 0],
    [999, 699],
    [123, 261],
  ] as const) {
    assert.equal([...data.subarray((y * 1000 + x) * 4, (y * 1000 + x) * 4 + 4)], [x & 255, y & 255, 3, 255]);
  }
  for (let i = 0; i < 4; i++) await null;
  assert.is(answered, 1);
  // What was flushed meanwhile is in the next one.
  assert.is(frames.length, 1);
  draw();
  while (canvas.put.length === 1) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 4; i++) await null;
  assert.is(answered, turns);
});

test("a guest that waits for frames is answered by the frame that shows it", async () => {
  const { canvas, display, draw } = rig({ waitForFrame: true });
  display.setScanout(0, picture());
  const answers: string[] = [];
  for (const name of ["a", "b"]) {
    void Promise.resolve(display.flush(0, 0, 0, 20, 10)).then(() =>
      answers.push(`${name} ${canvas.put.length}`),
    );
  }
  await null;
  assert.equal(answers, []);
  draw();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answers, ["a 1", "b 1"]);
  assert.is(display.flush(5, 0, 0, 1, 1), undefined, "a scanout without a canvas waits for nothing");
});

test("without one to wait for, flushes are not held back", () => {
  const { display } = rig();
  display.setScanout(0, picture());
  assert.is(display.flush(0, 0, 0, 20, 10), undefined);
});

test("a cursor that nobody wants drawn makes no work", () => {
  const { canvas, display, draw, frames } = rig({ drawCursor: false });
  picture().showOn(display);
  draw();
  display.moveCursor(0, 3, 3);
  display.setCursor(0, null);
  assert.is(frames.length, 0);
  assert.is(canvas.put.length, 1);
});

test("canvases may be asked for when their scanout is set", () => {
  const made: number[] = [];
  const { display } = rig({
    canvas: (scanoutId) => {
      made.push(scanoutId);
      return scanoutId === 2 ? new FakeCanvas() : null;
    },
  });
  for (const id of [2, 2, 1]) new TestPicture(4, 4, id).showOn(display);
  assert.equal(made, [2, 1]);
});

test("what is too large is refused by the limit, what is no canvas at once", () => {
  const { canvas, display } = rig({ maxPixels: 199 });
  assert.throws(
    () => display.setScanout(0, picture()),
    (error: unknown) => error instanceof BackendError && error.code === "out-of-memory",
  );
  assert.is(canvas.images, 0);
  // One pixel more, and it fits.
  rig({ maxPixels: 200 }).display.setScanout(0, picture());
  const refused = (options: CanvasDisplayOptions) =>
    assert.throws(
      () => new CanvasDisplay(options),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  refused({ canvas, maxPixels: 0 });
  refused({ canvas: {} as CanvasTarget });
  refused({ canvas: [canvas, undefined as never] });
  const lost = rig();
  lost.canvas.context = false;
  assert.throws(
    () => lost.display.setScanout(0, picture()),
    (error: unknown) => error instanceof BackendError && error.code === "lost",
  );
});

test.run();
