// Targets in threads of their own: one that spins or ends its thread costs a verdict, and the run goes on.
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import {
  formatHtml,
  formatJson,
  formatJunit,
  isolateTarget,
  judge,
  type RunOptions,
  type RunReport,
  runCases,
  TargetError,
} from "../../../src/conformance/index.ts";
import { type Fault, ISOLATED_CASES } from "../../support/isolated/cases.ts";

const FAST = { caseTimeoutMs: 800, callTimeoutMs: 400 };
const PASSING = ["pass", "pass", "fail", "pass", "pass", "pass"];

function start(fault: Partial<Fault>): () => Worker {
  const opened = new SharedArrayBuffer(4);
  const workerData: Fault = { at: null, how: "spin", ...fault, opened };
  return () =>
    new Worker(new URL("../../support/isolated/faulty-target.worker.ts", import.meta.url), { workerData });
}

async function run(fault: Partial<Fault>, options: RunOptions = {}): Promise<RunReport> {
  const target = await isolateTarget(start(fault), FAST);
  try {
    return await target.run(ISOLATED_CASES, options);
  } finally {
    target.close();
  }
}

async function failure(fault: Partial<Fault>): Promise<Error> {
  try {
    await run(fault);
  } catch (error) {
    return error as Error;
  }
  throw new Error("it ran");
}

const verdicts = ({ cases }: RunReport) => cases.map(({ verdict }) => verdict);

const good = suite("a target that works, in a thread");

good("the reports are those of a run without a thread", async () => {
  const target = { ...builtinTarget("mmio"), name: "faulty", devices: ["rng"] };
  const [isolated, usual] = [await run({}), await runCases(target, ISOLATED_CASES)];
  const timeless = (report: RunReport) =>
    JSON.parse(
      JSON.stringify({ ...report, startedAt: usual.startedAt }, (key, value) => (key === "ms" ? 0 : value)),
    ) as RunReport;
  const [one, other] = [timeless(isolated), timeless(usual)];
  assert.equal(one, other);
  assert.equal(verdicts(one), PASSING);
  for (const format of [formatJson, formatJunit, formatHtml]) {
    const text = (report: RunReport) => format([{ report, judgement: judge(report, null) }]);
    assert.is(text(one), text(other));
  }
});

good("it tells what it does, as it does it, and runs what it is asked for", async () => {
  const told: string[] = [];
  const report = await run(
    {},
    {
      filter: (id) => id.includes("again"),
      onBegin: (id) => told.push(`begin ${id}`),
      onCase: ({ id }, done, total) => told.push(`${done}/${total} ${id}`),
    },
  );
  assert.is(report.cases.length, 2);
  assert.equal(told, [
    "begin entropy/serves-again:device=rng",
    "1/2 entropy/serves-again:device=rng",
    "begin entropy/arrives-again:device=rng",
    "2/2 entropy/arrives-again:device=rng",
  ]);
});

good("a run that is interrupted keeps what there is, also when the device spins", async () => {
  for (const at of [null, "notify"] as const) {
    const report = await run(
      { at },
      { interrupted: new Promise((resolve) => setTimeout(resolve, at === null ? 0 : 200)) },
    );
    assert.ok(report.incomplete?.startsWith("the run was interrupted, after "), report.incomplete);
    assert.ok(report.cases.length < 6);
  }
});

good.run();

const spinning = suite("targets that spin");

spinning("each case hangs where its device spins, and the run goes on with the next", async () => {
  // The third spins when it is looked at after a case that it has failed: that costs no verdict.
  const report = await run({ at: ["read", "reset", "notify", "features", "notify"] });
  assert.equal(
    report.cases.map(({ verdict, detail }) => `${verdict} ${detail?.message ?? ""}`),
    [
      "fail hangs in mmio.read(0x70): it spins: no sign of life for 400 ms",
      "fail hangs in mmio.write(0x70, 0x0): it spins: no sign of life for 400 ms",
      "fail 2, not 3",
      "fail hangs in mmio.write(0x20, 0x0): it spins: no sign of life for 400 ms",
      "pass ",
      "fail hangs in mmio.write(0x50, 0x0): it spins: no sign of life for 400 ms",
    ],
  );
  assert.is(report.cases[0]?.detail?.gone, "hang");
  assert.ok(report.cases[5]?.detail?.timeline?.some(({ text }) => text === "about to serve"));
  assert.is(report.incomplete, undefined);
});

spinning("in every reset: after three devices no more are started", async () => {
  const report = await run({ at: "reset" });
  assert.equal(verdicts(report), ["fail", "fail", "fail"]);
  assert.is(report.incomplete, "3 devices in a row hung before they were reset, after 3 of 6 cases");
});

spinning("on their own, while a call waits for them", async () => {
  const report = await run({ at: ["notify", "settle"], how: "spin-later" });
  assert.equal(verdicts(report), ["pass", "fail", "fail", "fail", "pass", "pass"]);
  assert.match(report.cases[1]?.detail?.message ?? "", /^hangs in mmio\.write\(0x50, 0x0\): it spins/);
  assert.match(report.cases[3]?.detail?.message ?? "", /^hangs in settle\(\): it spins/);
});

spinning("when they are loaded, opened, or closed", async () => {
  const loading = await failure({ at: "load" });
  assert.instance(loading, TargetError);
  assert.match(
    loading.message,
    /^the target hangs while it is loaded: it spins: no sign of life for 400 ms$/,
  );
  const opening = await failure({ at: "open" });
  assert.instance(opening, TargetError);
  assert.match(opening.message, /^open\("rng"\) hangs: it spins/);
  const closing = await run({ at: "close" });
  assert.equal(verdicts(closing), PASSING);
  assert.equal(closing.notes, ["close() of rng hangs: it spins: no sign of life for 400 ms"]);
});

spinning.run();

const others = suite("targets that do other harm");

others("one that waits for ever is judged in its own thread, with rings", async () => {
  const report = await run({ at: ["notify"], how: "wait" });
  assert.equal(verdicts(report), ["pass", "fail", "fail", "pass", "pass", "pass"]);
  const detail = report.cases[1]?.detail;
  assert.match(detail?.message ?? "", /^hangs in mmio\.write\(0x50, 0x0\): no answer within 400 ms/);
  assert.is(detail?.rings?.length, 1);
});

others("one that ends its thread, or throws when nobody listens, has crashed", async () => {
  const ended = await run({ at: ["notify"], how: "exit" });
  assert.equal(verdicts(ended), ["pass", "fail", "fail", "pass", "pass", "pass"]);
  const detail = ended.cases[1]?.detail;
  assert.is(detail?.message, "crashes in mmio.write(0x50, 0x0): its thread ended with exit code 3");
  assert.is(detail?.gone, "crash");
  const thrown = await run({ at: ["notify"], how: "throw-later" });
  assert.equal(verdicts(thrown), ["pass", "fail", "fail", "pass", "pass", "pass"]);
  assert.match(
    thrown.cases[1]?.detail?.message ?? "",
    /^crashes in mmio\.write\(0x50, 0x0\): out of the blue$/,
  );
});

others("one that is none, or has other cases, is told so", async () => {
  const target = await isolateTarget(start({}), FAST);
  const unknown = { ...(ISOLATED_CASES[0] as (typeof ISOLATED_CASES)[0]), id: "entropy/unknown" };
  try {
    await target.run([unknown]);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /does not know entropy\/unknown.*both sides need the same cases/);
  } finally {
    target.close();
  }
});

others.run();
