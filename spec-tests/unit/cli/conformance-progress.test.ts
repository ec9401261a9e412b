// How `virtio-emulator conformance` shows that it is at work.
import { Writable } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LiveProgress } from "../../../src/cli/conformance/live-progress.ts";
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import type { ProgressStream } from "../../../src/cli/progress.ts";
import { type CaseDefinition, runCases } from "../../../src/conformance/index.ts";
import { caseResult } from "../../support/conformance-reports.ts";

/** A terminal, or none, that keeps what is written to it. */
class Terminal extends Writable {
  readonly isTTY: boolean;
  readonly columns = 60;
  text = "";

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  cursorTo(): boolean {
    return true;
  }
  clearLine(): boolean {
    return true;
  }
  moveCursor(): boolean {
    return true;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function show(isTTY: boolean, environment: NodeJS.ProcessEnv) {
  const terminal = new Terminal(isTTY);
  let error = "";
  const console = {
    out: () => {},
    error: (text: string) => {
      error += text;
    },
    outIsTerminal: isTTY,
  };
  const progress = new LiveProgress(terminal as unknown as ProgressStream, console, environment, 100);
  progress.begin("a-target");
  await pause(500);
  progress.add(caseResult("x/one", { verdict: "fail" }), 1, 3);
  await pause(200);
  progress.add(caseResult(`x/two:${"long".repeat(40)}`), 2, 3);
  await pause(200);
  progress.stop();
  return { shown: terminal.text, error };
}

const test = suite("progress of a run");

test("on a terminal: one line that changes, cut to its width", async () => {
  const { shown, error } = await show(true, {});
  assert.match(shown, "a-target: 1 of 3 cases (1 fail)  x/one");
  assert.match(shown, "a-target: 2 of 3 cases (1 fail)  x/two:long");
  assert.match(shown, "…");
  assert.is(error, "");
});

test("elsewhere: plain lines now and then", async () => {
  const { shown, error } = await show(false, {});
  assert.is(shown, "");
  assert.is(error, "a-target: 1 of 3 cases (1 fail)\na-target: 2 of 3 cases (1 fail)\n");
});

test("in CI: nothing", async () => {
  assert.equal(await show(false, { CI: "true" }), { shown: "", error: "" });
  assert.equal(await show(true, { CI: "true" }), { shown: "", error: "" });
  assert.is((await show(false, { CI: "false" })).error.length > 0, true);
});

test("a run on devices that never wait leaves time for others", async () => {
  const busy: CaseDefinition = {
    id: "x/busy",
    title: "It works.",
    clauses: [],
    needs: { devices: ["rng"], format: "any" },
    parameters: Array.from({ length: 20 }, (_, n) => ({ n })),
    run: async () => {
      const until = performance.now() + 10;
      while (performance.now() < until);
    },
  };
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await runCases(builtinTarget("mmio"), [busy]);
  clearInterval(timer);
  assert.ok(turns >= 2, `${turns} turns in 200 ms`);
});

test.run();
