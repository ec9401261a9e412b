import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type FrameIndex,
  FrameRecorder,
  type FrameRecorderOptions,
} from "../../../../src/backends/display/recorder/index.ts";
import { BackendError } from "../../../../src/base/backend-error.ts";
import { VirtioUsageError } from "../../../../src/base/index.ts";

import { msg } from "../../../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../../../support/gpu-rig.ts";
import { motley, TestPicture, testCursor } from "../../../support/test-picture.ts";
import { type Cleanups, cleanUp } from "../../../support/vnc-stage.ts";

const recorder = suite<Cleanups>("recorder", { cleanups: [] });

recorder.after.each(cleanUp);

function temporary(context: Cleanups): string {
  const folder = mkdtempSync(join(tmpdir(), "virtio-frames-"));
  context.cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Made {
  readonly folder: string;
  readonly display: FrameRecorder;
}

function make(context: Cleanups, options: Partial<FrameRecorderOptions> = {}): Made {
  // A folder that isn't there yet.
  const folder = join(temporary(context), "some", "frames");
  let now = 1000;
  const clock = (): number => {
    now += 5;
    return now;
  };
  const display = new FrameRecorder({ folder, now: clock, ...options });
  context.cleanups.push(() => display.close().catch(() => undefined));
  return { folder, display };
}

function rgbaOf(rgb: Uint8Array): Buffer {
  const rgba = Buffer.alloc((rgb.length / 3) * 4, 255);
  for (let i = 0; i < rgb.length / 3; i++) rgba.set(rgb.subarray(i * 3, i * 3 + 3), i * 4);
  return rgba;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const saved = (folder: string): FrameIndex => JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));

recorder("every flush becomes a PNG, with its hash, damage and time", async (context) => {
  const { folder, display } = make(context);
  const shown = new TestPicture(330, 70);
  shown.draw(motley);
  shown.showOn(display);
  const first = rgbaOf(shown.rgb());
  shown.draw(() => [9, 8, 7], 20, 30, 40, 5);
  await display.flush(0, 20, 30, 40, 5);
  const second = rgbaOf(shown.rgb());
  const index = await display.close();
  assert.equal(index, {
    format: "png",
    frames: 1,
    flushes: 2,
    skipped: 0,
    merged: 0,
    recorded: [
      {
        flush: 1,
        scanoutId: 0,
        file: "frame-000001-scanout-0.png",
        width: 330,
        height: 70,
        sha256: sha256(first),
        damage: { x: 0, y: 0, width: 330, height: 70 },
        timeMs: 5,
      },
      {
        flush: 2,
        scanoutId: 0,
        file: "frame-000002-scanout-0.png",
        width: 330,
        height: 70,
        sha256: sha256(second),
        damage: { x: 20, y: 30, width: 40, height: 5 },
        timeMs: 10,
      },
    ],
  });
  assert.equal(saved(folder), index);
  for (const [i, { file }] of index.recorded.entries()) {
    const { width, height, data } = PNG.sync.read(readFileSync(join(folder, file)));
    assert.equal([width, height], [330, 70]);
    assert.ok(data.equals(i === 0 ? first : second));
  }
  assert.equal(readdirSync(folder).sort(), [...index.recorded.map(({ file }) => file), "index.json"]);
});

recorder("raw frames have the hash that sha256sum finds", async (context) => {
  const { folder, display } = make(context, { format: "raw" });
  const shown = new TestPicture(50, 40);
  shown.draw(motley);
  shown.showOn(display);
  const { recorded, format } = await display.close();
  assert.is(format, "raw");
  assert.is(recorded[0]?.file, "frame-000001-scanout-0.rgba");
  const bytes = readFileSync(join(folder, recorded[0]?.file ?? ""));
  assert.ok(bytes.equals(rgbaOf(shown.rgb())));
  assert.is(sha256(bytes), recorded[0]?.sha256);
});

recorder("only what was flushed is in the frame", async (context) => {
  const { folder, display } = make(context, { format: "raw" });
  const shown = new TestPicture(50, 40);
  shown.draw(() => [1, 2, 3]);
  shown.showOn(display);
  shown.draw(() => [200, 200, 200]);
  await display.flush(0, 10, 10, 5, 5);
  const { recorded } = await display.close();
  const bytes = readFileSync(join(folder, recorded[1]?.file ?? ""));
  const expected = new TestPicture(50, 40);
  expected.draw((x, y) => (x >= 10 && x < 15 && y >= 10 && y < 15 ? [200, 200, 200] : [1, 2, 3]));
  assert.ok(bytes.equals(rgbaOf(expected.rgb())));
});

recorder("a format with alpha is as opaque as a screen", async (context) => {
  const { folder, display } = make(context, { format: "raw" });
  const shown = new TestPicture(8, 8, 0, 1);
  shown.draw(() => [50, 60, 70]);
  shown.showOn(display);
  const { recorded } = await display.close();
  assert.ok(readFileSync(join(folder, recorded[0]?.file ?? "")).equals(rgbaOf(shown.rgb())));
});

recorder("every third flush of each scanout", async (context) => {
  const { display } = make(context, { frames: 3, format: "raw" });
  const left = new TestPicture(20, 20, 0);
  const right = new TestPicture(10, 10, 1);
  display.setScanout(0, left);
  display.setScanout(1, right);
  for (let i = 0; i < 7; i++) {
    await display.flush(0, i, 0, 2, 2);
    await display.flush(1, 0, i, 2, 2);
  }
  const { recorded, flushes } = await display.close();
  assert.is(flushes, 14);
  assert.equal(
    recorded.map(({ flush, scanoutId, damage }) => [flush, scanoutId, Object.values(damage)]),
    [
      [1, 0, [0, 0, 2, 2]],
      [2, 1, [0, 0, 2, 2]],
      [7, 0, [1, 0, 4, 2]],
      [8, 1, [0, 1, 2, 4]],
      [13, 0, [4, 0, 4, 2]],
      [14, 1, [0, 4, 2, 4]],
    ],
  );
});

recorder("the last frame of each scanout, though it was turned off", async (context) => {
  const { folder, display } = make(context, { frames: "last", format: "raw" });
  const left = new TestPicture(20, 20, 0);
  const right = new TestPicture(10, 10, 1);
  left.showOn(display);
  right.showOn(display);
  for (let i = 0; i < 5; i++) {
    left.draw(() => [i, i, i]);
    await display.flush(0, 0, 0, 20, 20);
  }
  display.setScanout(0, null);
  assert.equal(readdirSync(folder), ["index.json"]);
  const { recorded } = await display.close();
  assert.equal(
    recorded.map(({ flush, scanoutId }) => [flush, scanoutId]),
    [
      [2, 1],
      [7, 0],
    ],
  );
  assert.ok(readFileSync(join(folder, recorded[1]?.file ?? "")).equals(rgbaOf(left.rgb())));
  assert.equal((await display.close()).recorded.length, 2);
});

recorder("draws the cursor where that is wanted", async (context) => {
  for (const withCursor of [false, true]) {
    const { folder, display } = make(context, { format: "raw", withCursor });
    const shown = new TestPicture(100, 80);
    shown.draw(() => [10, 20, 30]);
    display.setScanout(0, shown);
    display.setCursor(
      0,
      testCursor(0, 0, (x, y) => (x < 5 && y < 5 ? [200, 0, 0, 255] : [0, 0, 0, 0])),
    );
    display.moveCursor(0, 97, -2);
    await display.flush(0, 0, 0, 100, 80);
    const { recorded } = await display.close();
    const expected = new TestPicture(100, 80);
    expected.draw((x, y) => (withCursor && x >= 97 && y < 3 ? [200, 0, 0] : [10, 20, 30]));
    assert.ok(readFileSync(join(folder, recorded[0]?.file ?? "")).equals(rgbaOf(expected.rgb())));
  }
});

recorder("makes a driver wait that is faster than the disk", async (context) => {
  const { display } = make(context, { maxPending: 2 });
  const shown = new TestPicture(300, 200);
  shown.draw(motley);
  display.setScanout(0, shown);
  const answers: (void | Promise<void>)[] = [];
  for (let i = 0; i < 6; i++) answers.push(display.flush(0, 0, 0, 300, 200));
  assert.equal(
    answers.map((answer) => answer instanceof Promise),
    [false, false, true, true, true, true],
  );
  await Promise.all(answers);
  const { recorded, merged, skipped } = await display.close();
  assert.equal(
    recorded.map(({ flush }) => flush),
    [1, 2, 6],
  );
  assert.equal([merged, skipped], [3, 0]);
});

recorder("a driver that waits for its answers loses no frame", async (context) => {
  const { display } = make(context, { maxPending: 1 });
  const shown = new TestPicture(60, 40);
  display.setScanout(0, shown);
  for (let i = 0; i < 6; i++) {
    shown.draw(() => [i, i, i]);
    await display.flush(0, 0, 0, 60, 40);
  }
  const { recorded, merged } = await display.close();
  assert.equal([recorded.length, merged], [6, 0]);
  assert.is(new Set(recorded.map(({ sha256: hash }) => hash)).size, 6);
});

recorder("frames are bounded before they are copied", async (context) => {
  const bytes = 640 * 480 * 4;
  const { display } = make(context, { maxPendingBytes: 3 * bytes, format: "raw" });
  const shown = new TestPicture(640, 480);
  display.setScanout(0, shown);
  const slice = Uint8Array.prototype.slice;
  let copied = 0;
  const counting = function (this: Uint8Array, ...args: [number?, number?]): Uint8Array {
    copied += this.length;
    return slice.apply(this, args);
  };
  Object.defineProperty(Uint8Array.prototype, "slice", {
    value: counting,
    writable: true,
    configurable: true,
  });
  const answers: (void | Promise<void>)[] = [];
  try {
    for (let i = 0; i < 24; i++) answers.push(display.flush(0, 0, 0, 640, 480));
  } finally {
    Object.defineProperty(Uint8Array.prototype, "slice", {
      value: slice,
      writable: true,
      configurable: true,
    });
  }
  assert.is(copied, 3 * bytes);
  await Promise.all(answers);
  const { recorded, merged } = await display.close();
  assert.equal([recorded.length, merged], [4, 20]);
});

recorder("a frame without room gives way to another size", async (context) => {
  const { display } = make(context, { maxPending: 1 });
  display.setScanout(0, new TestPicture(60, 40));
  void display.flush(0, 0, 0, 60, 40);
  const waits = display.flush(0, 0, 0, 60, 40);
  display.setScanout(0, new TestPicture(30, 20));
  await waits;
  const again = display.flush(0, 0, 0, 30, 20);
  await again;
  const { recorded, skipped } = await display.close();
  assert.equal(
    recorded.map(({ flush, width }) => [flush, width]),
    [
      [1, 60],
      [3, 30],
    ],
  );
  assert.is(skipped, 1);
});

recorder("packs and hashes a frame in many turns", async (context) => {
  const tasks: (() => void)[] = [];
  const { display } = make(context, { maxTurnPixels: 1 << 16, schedule: (task) => void tasks.push(task) });
  const shown = new TestPicture(1024, 512);
  shown.draw(motley);
  shown.showOn(display);
  const closed = display.close();
  let turns = 0;
  let done = false;
  void closed.then(() => {
    done = true;
  });
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    const ready = tasks.splice(0);
    assert.ok(ready.length <= 1, "one turn at a time");
    for (const task of ready) {
      turns++;
      task();
    }
  }
  // 8 parts to be hashed and 8 to be packed; the first needs no turn of its own.
  assert.is(turns, 15);
  assert.is((await closed).recorded[0]?.sha256, sha256(rgbaOf(shown.rgb())));
});

recorder("the guest's fence comes when there is room again", async (context) => {
  const { display } = make(context, { maxPending: 1, format: "raw" });
  const rig = new GpuRig({ display: display as never });
  const area = { x: 0, y: 0, w: 64, h: 64 };
  const { pages } = rig.resource2d(1, 64, 64);
  rig.fill(pages, 0, pattern(64 * 64 * 4));
  expectOk(rig.command(msg.transfer(1, area, 0)));
  expectOk(rig.command(msg.setScanout(0, 1, area)));
  const sent = Array.from({ length: 4 }, () => rig.begin(msg.flush(1, area)));
  assert.ok(sent[0] !== undefined && sent[0].written >= 0, "the first is answered at once");
  assert.is(sent[3]?.written, -1);
  const { recorded } = await display.close();
  await new Promise((resolve) => setImmediate(resolve));
  rig.collect(0);
  for (const each of sent) expectOk(rig.answer(each));
  assert.equal(
    recorded.map(({ flush }) => flush),
    [1, 4],
  );
  assert.is(new Set(recorded.map((frame) => frame.sha256)).size, 1);
});

recorder("stops when there are enough frames", async (context) => {
  const { display } = make(context, { maxFrames: 2, format: "raw" });
  const shown = new TestPicture(8, 8);
  display.setScanout(0, shown);
  for (let i = 0; i < 5; i++) await display.flush(0, 0, 0, 8, 8);
  const { recorded, skipped, flushes } = await display.close();
  assert.equal([recorded.length, skipped, flushes], [2, 3, 5]);
});

recorder("a new size is a new picture", async (context) => {
  const { folder, display } = make(context, { format: "raw" });
  const first = new TestPicture(30, 30);
  first.draw(() => [255, 255, 255]);
  first.showOn(display);
  const second = new TestPicture(20, 10);
  second.draw(() => [3, 4, 5]);
  display.setScanout(0, second);
  await display.flush(0, 0, 0, 10, 10);
  const { recorded } = await display.close();
  assert.equal([recorded[1]?.width, recorded[1]?.height], [20, 10]);
  const expected = new TestPicture(20, 10);
  expected.draw((x) => (x < 10 ? [3, 4, 5] : [0, 0, 0]));
  assert.ok(readFileSync(join(folder, recorded[1]?.file ?? "")).equals(rgbaOf(expected.rgb())));
});

recorder("refuses what is too large", (context) => {
  const { display } = make(context, { maxPixels: 1000 });
  const huge = { ...new TestPicture(1, 1), widthPixels: 16384, heightPixels: 16384 };
  assert.throws(
    () => display.setScanout(0, huge),
    (error: unknown) => error instanceof BackendError && error.code === "out-of-memory",
  );
  assert.is(display.flush(0, 0, 0, 16384, 16384), undefined);
});

recorder("says at once when it cannot write", (context) => {
  const file = join(temporary(context), "file");
  writeFileSync(file, "");
  for (const folder of [file, join(file, "below"), "/proc/frames"]) {
    assert.throws(
      () => new FrameRecorder({ folder }),
      (error: unknown) =>
        error instanceof VirtioUsageError && error.message.startsWith(`cannot write to ${folder}: `),
    );
  }
  for (const options of [{ frames: 0 }, { frames: 1.5 }, { maxPending: 0 }, { maxFrames: -1 }]) {
    assert.throws(
      () => make(context, options),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
});

recorder("a disk that fails later is not the guest's problem", async (context) => {
  const { folder, display } = make(context, { maxPending: 1 });
  const shown = new TestPicture(30, 30);
  rmSync(folder, { recursive: true });
  shown.showOn(display);
  for (let i = 0; i < 10; i++) await display.flush(0, 0, 0, 30, 30);
  assert.match(display.failure?.message ?? "", /recording stopped: cannot write frame-000001-scanout-0.png/);
  try {
    await display.close();
    assert.unreachable();
  } catch (error) {
    assert.is(error, display.failure);
  }
  assert.not(existsSync(folder));
});

recorder("the index is there before the end", async (context) => {
  const { folder, display } = make(context, { format: "raw" });
  const shown = new TestPicture(8, 8);
  assert.equal(saved(folder).recorded, []);
  shown.showOn(display);
  for (let i = 0; i < 200 && saved(folder).recorded.length === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.is(saved(folder).recorded.length, 1);
  assert.ok(statSync(join(folder, saved(folder).recorded[0]?.file ?? "")).size === 8 * 8 * 4);
});

recorder.run();
