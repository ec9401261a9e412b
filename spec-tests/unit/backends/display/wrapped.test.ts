// Displays in front of others: what the inner one answers, late or with a failure, is what they answer.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../../src/backends/display/memory/index.ts";
import { PacedDisplay } from "../../../../src/backends/display/paced/index.ts";
import { TeeDisplay } from "../../../../src/cli/display/tee-display.ts";
import type { Display } from "../../../../src/devices/gpu/index.ts";
import { TestClock } from "../../../support/test-clock.ts";
import { TestPicture } from "../../../support/test-picture.ts";

const test = suite("displays in front of others");

const clock = new TestClock();
/** Every way in which a display of ours stands in front of another. */
const WRAPPERS: Readonly<Record<string, (inner: Display) => Display>> = {
  PacedDisplay: (inner) => new PacedDisplay(inner, { clock }),
  "TeeDisplay, first": (inner) => new TeeDisplay(inner, new MemoryDisplay()),
  "TeeDisplay, second": (inner) => new TeeDisplay(new MemoryDisplay(), inner),
  "TeeDisplay, beside one that is late": (inner) =>
    new TeeDisplay(new MemoryDisplay(() => Promise.resolve()), inner),
};

const CALLS = {
  setScanout: (display) => display.setScanout(0, new TestPicture(8, 8)),
  flush: (display) => display.flush(0, 0, 0, 8, 8),
  setCursor: (display) => display.setCursor?.(0, null),
  moveCursor: (display) => display.moveCursor?.(0, 1, 2),
} satisfies Record<string, (display: Display) => void | Promise<void>>;

/** A display that does what the test says in one of its methods. */
function odd(method: keyof typeof CALLS, act: () => void | Promise<void>): Display {
  const fine = { setScanout() {}, flush() {}, setCursor() {}, moveCursor() {} };
  return { ...fine, [method]: act };
}

/** Gives promises their turn, and frames theirs. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    clock.runAll();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const [name, wrap] of Object.entries(WRAPPERS)) {
  for (const method of Object.keys(CALLS) as (keyof typeof CALLS)[]) {
    test(`${name}: ${method} fails as the inner display does`, async () => {
      const now = wrap(
        odd(method, () => {
          throw new Error("at once");
        }),
      );
      assert.throws(() => void CALLS[method](now), /at once/);
      const late = Promise.resolve(CALLS[method](wrap(odd(method, () => Promise.reject(new Error("late"))))));
      const said = late.then(
        () => "it succeeded",
        (error: Error) => error.message,
      );
      await settle();
      assert.is(await said, "late");
    });

    test(`${name}: ${method} is done once the inner display is`, async () => {
      let finish = () => {};
      const inner = odd(
        method,
        () =>
          new Promise<void>((resolve) => {
            finish = resolve;
          }),
      );
      let done = false;
      const result = CALLS[method](wrap(inner));
      void Promise.resolve(result).then(() => {
        done = true;
      });
      await settle();
      assert.is(done, false, "it is held back");
      finish();
      await settle();
      assert.is(done, true);
    });
  }
}

test("a flip that the inner display refused, now or late, takes no frame", async () => {
  let refuse: "now" | "late" | null = null;
  const inner = odd("setScanout", () => {
    if (refuse === "now") throw new Error("no");
    if (refuse === "late") return Promise.reject(new Error("no"));
  });
  const own = new TestClock();
  const display = new PacedDisplay(inner, { refreshHz: 100, clock: own });
  display.setScanout(0, new TestPicture(8, 8));
  void display.flush(0, 0, 0, 8, 8);
  refuse = "now";
  assert.throws(() => void display.setScanout(0, new TestPicture(8, 8)), /no/);
  refuse = "late";
  await Promise.resolve(display.setScanout(0, new TestPicture(8, 8))).then(
    () => assert.unreachable(),
    () => {},
  );
  // A flip would have to wait for the frame after the one of before.
  let answeredMs = -1;
  void display.flush(0, 0, 0, 8, 8).then(() => {
    answeredMs = own.now();
  });
  own.step();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(answeredMs, 10);
});

test("no display that stands in front of another is forgotten", () => {
  const found = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const text = readFileSync(join("src", file), "utf8");
      const holds = /readonly #\w+: Display;/.test(text);
      return holds ? [...text.matchAll(/class (\w+) implements Display/g)].map(([, name]) => name) : [];
    });
  // The guard of the device is the border itself: tests of virtio-gpu fail behind it in every way there is.
  assert.equal(found.sort(), ["GuardedDisplay", "PacedDisplay", "TeeDisplay"]);
});

test.run();
