// The test runner tells hanging test files from slow ones.
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

interface Watch {
  readonly verdict: string | undefined;
  stop(): void;
}

// A plain module of scripts, which run before anything is built.
const program = pathToFileURL(resolve("scripts/hang-watch.mjs")).href;
const { watchForHang } = (await import(program)) as {
  watchForHang(child: ChildProcess, outputCount: () => number, limits: object): Watch;
};

const test = suite("hanging test files");

function start(script: string): ChildProcess {
  return spawn(process.execPath, ["-e", script], { stdio: "ignore" });
}

function ended(child: ChildProcess): Promise<NodeJS.Signals | null> {
  return new Promise((done) => child.on("close", (_code, signal) => done(signal)));
}

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("one that waits for ever is killed, and the reason is given", async () => {
  const child = start("setInterval(() => {}, 1e6)");
  const watch = watchForHang(child, () => 0, { lookEveryMs: 50, idleMs: 1000 });
  assert.is(await ended(child), "SIGKILL");
  watch.stop();
  assert.is(watch.verdict, "hangs: it has done nothing for 1 s");
});

onLinux("one that spins is killed, too", async () => {
  const child = start("for (;;);");
  const watch = watchForHang(child, () => 0, { lookEveryMs: 50, busySeconds: 0.2 });
  assert.is(await ended(child), "SIGKILL");
  watch.stop();
  assert.match(watch.verdict ?? "", /^hangs: it has used \d+ s of processor time$/);
});

test("one that prints now and then lives, however long it takes", async () => {
  const child = start("setTimeout(() => {}, 1500)");
  let printed = 0;
  const watch = watchForHang(child, () => printed++, { lookEveryMs: 50, idleMs: 500 });
  assert.is(await ended(child), null);
  watch.stop();
  assert.is(watch.verdict, undefined);
});

test.run();
