// What a flush costs the event loop while somebody looks: counted in pixels, by turns that the test deals out.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Framebuffer, type Viewer } from "../../../../src/backends/display/vnc/framebuffer.ts";
import { WorkBudget } from "../../../../src/base/work-budget.ts";
import type { PixelRectangle } from "../../../../src/devices/gpu/index.ts";
import { TestPicture } from "../../../support/test-picture.ts";
import { type Cleanups, cleanUp, stage } from "../../../support/vnc-stage.ts";

const turns = suite<Cleanups>("vnc, turns", { cleanups: [] });
turns.after.each(cleanUp);

const TURN_PIXELS = 1 << 16;

class Rig implements Viewer {
  readonly tasks: (() => void)[] = [];
  readonly framebuffer: Framebuffer;
  /** Pixels that were seen to change in the turn under way. */
  changed = 0;
  fills = 0;

  constructor() {
    const budget = new WorkBudget(TURN_PIXELS, (task) => void this.tasks.push(task));
    this.framebuffer = new Framebuffer(640, 480, 1 << 24, budget);
  }

  damaged({ widthPixels, heightPixels }: PixelRectangle): void {
    this.changed += widthPixels * heightPixels;
  }

  resized(): void {}
  cursorMoved(): void {}
  cursorChanged(): void {}

  filled(): void {
    this.fills++;
  }

  /** Deals out turns until nothing is left; the pixels of each. */
  async run(): Promise<number[]> {
    const pixels: number[] = [];
    while (this.tasks.length > 0) {
      assert.is(this.tasks.length, 1, "one turn is asked for at a time");
      this.changed = 0;
      this.tasks.shift()?.();
      pixels.push(this.changed);
      await Promise.resolve();
    }
    return pixels;
  }
}

/** As much as a turn may have, and what the last band goes beyond. */
const most = (widthPixels: number): number => TURN_PIXELS + Math.min(8192, widthPixels) * 32;

function filled(widthPixels: number, heightPixels: number, value: number): TestPicture {
  const picture = new TestPicture(widthPixels, heightPixels);
  picture.pixels.fill(value);
  return picture;
}

turns("a large flush is converted in turns, and answered at its end", async () => {
  const rig = new Rig();
  rig.framebuffer.attach(rig);
  rig.framebuffer.setScanout(0, filled(1920, 1080, 7));
  let answered = false;
  void rig.framebuffer.flush(0, 0, 0, 1920, 1080)?.then(() => {
    answered = true;
  });
  assert.ok(rig.changed > 0 && rig.changed <= most(1920), `${rig.changed} at once`);
  const first = rig.changed;
  assert.not(answered);
  const pixels = await rig.run();
  for (const each of pixels) assert.ok(each <= most(1920), `${each} in one turn`);
  assert.is(
    pixels.reduce((sum, each) => sum + each, first),
    1920 * 1080,
  );
  await Promise.resolve();
  assert.ok(answered);
});

turns("flushes that come meanwhile are one conversion more", async () => {
  const rig = new Rig();
  rig.framebuffer.attach(rig);
  const picture = filled(1920, 1080, 7);
  rig.framebuffer.setScanout(0, picture);
  const answers = [rig.framebuffer.flush(0, 0, 0, 1920, 1080)];
  picture.pixels.fill(9);
  for (let i = 0; i < 31; i++) answers.push(rig.framebuffer.flush(0, 0, 0, 1920, 1080));
  const first = rig.changed;
  const pixels = await rig.run();
  for (const each of pixels) assert.ok(each <= most(1920), `${each} in one turn`);
  // What was converted before it was drawn over, and everything once more.
  assert.is(
    pixels.reduce((sum, each) => sum + each, 0),
    1920 * 1080,
    "what is the same is no news",
  );
  assert.ok(pixels.length < (2 * 1920 * 1080) / TURN_PIXELS, `${pixels.length} turns`);
  assert.ok(first > 0);
  await Promise.all(answers);
});

turns("a small flush is converted and answered at once", () => {
  const rig = new Rig();
  rig.framebuffer.attach(rig);
  rig.framebuffer.setScanout(0, filled(200, 100, 7));
  assert.is(rig.framebuffer.flush(0, 0, 0, 200, 100), undefined);
  assert.is(rig.changed, 200 * 100);
  assert.is(rig.tasks.length, 0);
});

turns("flushes of many rows and of very wide ones", async () => {
  for (const [width, height] of [
    [3, 60000],
    [60000, 40],
  ] as const) {
    const rig = new Rig();
    rig.framebuffer.attach(rig);
    rig.framebuffer.setScanout(0, filled(width, height, 7));
    void rig.framebuffer.flush(0, 0, 0, width, height);
    const first = rig.changed;
    assert.ok(first <= most(width));
    const pixels = await rig.run();
    for (const each of pixels) assert.ok(each <= most(width), `${each} in one turn`);
    assert.is(
      pixels.reduce((sum, each) => sum + each, first),
      width * height,
    );
  }
});

turns("who comes gets a whole picture, converted in turns", async () => {
  const rig = new Rig();
  rig.framebuffer.setScanout(0, filled(1920, 1080, 7));
  assert.is(rig.framebuffer.flush(0, 0, 0, 1920, 1080), undefined, "nobody looks");
  rig.framebuffer.attach(rig);
  assert.not(rig.framebuffer.isFilled);
  const pixels = await rig.run();
  for (const each of pixels) assert.ok(each <= most(1920), `${each} in one turn`);
  for (let i = 0; i < 4; i++) await Promise.resolve();
  assert.ok(rig.framebuffer.isFilled);
  assert.is(rig.fills, 1);
});

turns("nobody waits for anything that is not shown any more", async () => {
  const rig = new Rig();
  rig.framebuffer.attach(rig);
  rig.framebuffer.setScanout(0, filled(1920, 1080, 7));
  const answers = [0, 1].map(() => rig.framebuffer.flush(0, 0, 0, 1920, 1080));
  rig.framebuffer.setScanout(0, null);
  await rig.run();
  await Promise.all(answers);
  rig.framebuffer.setScanout(0, filled(1920, 1080, 8));
  const later = [0, 1].map(() => rig.framebuffer.flush(0, 0, 0, 1920, 1080));
  rig.framebuffer.detach(rig);
  await Promise.all(later);
});

turns("clients are served in turns, too", async (context) => {
  const tasks: (() => void)[] = [];
  const set = await stage(context, {
    maxTurnPixels: 1 << 17,
    schedule: (task) => void tasks.push(task),
  });
  filled(1024, 1024, 7).showOn(set.server);
  const client = await set.connect();
  client.request(false);
  const arrived = client.update();
  let done = false;
  void arrived.then(() => {
    done = true;
  });
  let given = 0;
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(tasks.length <= 1, "one turn is asked for at a time");
    for (const task of tasks.splice(0)) {
      given++;
      task();
    }
  }
  // A million pixels to be converted, and as many to be sent.
  assert.ok(given >= 14, `${given} turns`);
});

turns.run();
