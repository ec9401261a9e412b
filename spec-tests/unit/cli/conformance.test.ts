// `virtio-emulator conformance`: what it runs, what it says, what it leaves behind.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ConformanceOptions } from "../../../src/cli/conformance/options.ts";
import { type Kit, runConformance } from "../../../src/cli/conformance/run-conformance.ts";
import { matcher } from "../../../src/cli/conformance/select.ts";
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import { ExitCode } from "../../../src/cli/exit-code.ts";
import { runCommandLine } from "../../../src/cli/run.ts";
import { type CaseDefinition, CaseWedged } from "../../../src/conformance/index.ts";
import type { RunReport } from "../../../src/conformance/result.ts";
import { runProgram } from "../../support/command-line.ts";

const CLAUSE = "entropy.device.device-operation.1";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

async function collect(run: (texts: { out: string; error: string }) => Promise<number>): Promise<Outcome> {
  const texts = { out: "", error: "" };
  const code = await run(texts);
  return { code, ...texts };
}

const consoleOf = (texts: { out: string; error: string }) => ({
  out: (text: string) => {
    texts.out += text;
  },
  error: (text: string) => {
    texts.error += text;
  },
  outIsTerminal: false,
});

/** The command as it is, with the kit's own cases. */
const command = (...args: string[]): Promise<Outcome> =>
  collect((texts) => runCommandLine(["conformance", ...args], consoleOf(texts)));

/** The command with these cases, on the built-in devices. */
function runKit(
  cases: readonly CaseDefinition[],
  options: Partial<ConformanceOptions> = {},
): Promise<Outcome> {
  const kit: Kit = { cases, openTarget: (name) => builtinTarget(name === "builtin-pci" ? "pci" : "mmio") };
  return collect(async (texts) => {
    try {
      const all = { target: ["builtin-mmio"], format: "both", ...options } as const;
      await runConformance(all, consoleOf(texts), kit);
      return 0;
    } catch (error) {
      if (error instanceof ExitCode) return error.code;
      texts.error += (error as Error).message;
      return 2;
    }
  });
}

function caseOf(
  name: string,
  run: CaseDefinition["run"],
  changes: Partial<CaseDefinition> = {},
): CaseDefinition {
  return {
    id: `entropy/${name}`,
    title: `It is ${name}.`,
    clauses: [CLAUSE],
    needs: { devices: ["rng"], format: "split" },
    run,
    ...changes,
  };
}

const PASSES = caseOf("passes", async () => {});
const FAILS = caseOf("fails", async (t) => t.fail("2, not 3"));
const WEDGES = caseOf("wedges", () => Promise.reject(new CaseWedged("silence")));
const SKIPS = caseOf("skips", async (t) => t.skip("no pixels"));
const REJECTS = caseOf("rejects", async (t) => {
  t.rejected = true;
});
const GOOD = [PASSES, SKIPS, REJECTS];
const id = (name: string) => `entropy/${name}:device=rng`;

function inFolder(body: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "virtio-conformance-test-"));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as RunReport;

const codes = suite("exit codes");

codes("0 when nothing is found: passed, skipped, rightly refused", async () => {
  const { code, out, error } = await runKit(GOOD);
  assert.is(code, 0);
  assert.is(error, "");
  assert.match(out, /^builtin-mmio {2}/);
  assert.match(out, "1 pass, 1 reject, 1 skip");
  assert.match(out, /No findings\.\n$/);
});

codes("1 when something fails or is wedged", async () => {
  const { code, out } = await runKit([...GOOD, FAILS, WEDGES]);
  assert.is(code, 1);
  assert.match(out, /\n2 findings\n/);
  assert.match(out, `  fail    ${CLAUSE}  ${id("fails")}   2, not 3\n`);
  assert.match(out, `  wedged  ${CLAUSE}  ${id("wedges")}  silence\n`);
  assert.is((await runKit([WEDGES])).code, 1);
});

for (const [what, args, complaint] of [
  ["an unknown target", ["--target", "toaster"], /"toaster" is unknown: choose from builtin-mmio, /],
  ["one unknown target among others", ["--target", "builtin-mmio,toaster"], /"toaster" is unknown/],
  ["no target", ["--target", ""], /Give names/],
  ["an unknown device", ["--device", "disk"], /--device "disk" is unknown: .* gpu, rng/],
  ["an unknown format", ["--format", "round"], /'round' is invalid/],
  ["a pattern that fits nothing", ["--filter", "nothing/*"], /--filter "nothing\/\*" fits no case: --list/],
  ["an empty pattern", ["--filter", ""], /Give a pattern/],
  ["a shard beyond the last", ["--shard", "5/4"], /2\/4 is the second of four/],
  ["shard 0", ["--shard", "0/4"], /from 1\/1 on/],
  ["no shard", ["--shard", "two"], /Give a part/],
  [
    "a folder that does not exist",
    ["--json", "/no/such/folder/x"],
    /cannot write .*: the folder does not exist\. Choose another with --json/,
  ],
  ["a folder as file", ["--html", tmpdir()], /cannot write .*: it is not a file/],
  ["an empty name", ["--junit", ""], /--junit is empty/],
  ["one file for two reports", ["--json", "/tmp/x", "--html", "/tmp/../tmp/x"], /name the same file/],
  ["expectations that do not exist", ["--expect", "/no/such/file"], /cannot read .*: there is no such file/],
  [
    "expectations that are none",
    ["--expect", "package.json"],
    /package.json holds no expected results: it has no "target"/,
  ],
  ["QEMU for devices that are none of its own", ["--qemu", "/usr/bin/true"], /--qemu is for .* --target/],
  ["a QEMU that does not exist", ["--target", "qemu-pci", "--qemu", "/no/qemu"], /--qemu: .*no such program/],
  ["a report of a list", ["--list", "--json", "-"], /'--list' cannot be used with option '--json \[file\]'/],
  ["an argument", ["split-ring"], /too many arguments/],
] as const) {
  codes(`2 and one line: ${what}`, async () => {
    const { code, out, error } = await command(...args);
    assert.is(code, 2);
    assert.is(out, "");
    assert.match(error, complaint);
    assert.match(error, /^virtio-emulator conformance: [^\n]+\n$/);
  });
}

codes("2 when nothing came to a verdict, in one sentence; unless that is what was expected", async () => {
  const { code, out, error } = await runKit([SKIPS]);
  assert.is(code, 2);
  assert.match(out, "1 skip");
  assert.is(error, "nothing was tested: all 1 cases were skipped, the first since no pixels.");
  assert.is((await runKit([SKIPS, PASSES])).code, 0);
});

codes.run();

const selection = suite("selection");

const listed = async (...args: string[]) => {
  const { code, out, error } = await command("--list", ...args);
  assert.is(code, 0, error);
  return out.trimEnd().split("\n");
};

selection("--list prints each id once; both built-in targets are the default", async () => {
  const all = await listed();
  const one = await listed("--target", "builtin-mmio");
  const other = await listed("--target", "builtin-pci");
  assert.is(new Set(all).size, all.length);
  assert.equal(new Set(all), new Set([...one, ...other]));
});

selection("the shards together are all, and have nothing in common", async () => {
  const all = await listed("--target", "builtin-pci");
  for (const count of [1, 3, 7]) {
    const shards = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        listed("--target", "builtin-pci", "--shard", `${index + 1}/${count}`),
      ),
    );
    const ids = shards.flat();
    assert.is(ids.length, all.length);
    assert.equal(new Set(ids), new Set(all));
    const sizes = shards.map(({ length }) => length);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, "they are of one size");
  }
});

selection("--filter: by id, without parameters, by statement; several add up", async () => {
  const all = await listed("--target", "builtin-mmio");
  const entropy = await listed("--target", "builtin-mmio", "--filter", "entropy/*");
  assert.equal(
    entropy,
    all.filter((one) => one.startsWith("entropy/")),
  );
  const first = entropy[0] as string;
  assert.equal(await listed("--target", "builtin-mmio", "--filter", first), [first]);
  const [bare] = first.split(":") as [string];
  const variants = await listed("--target", "builtin-mmio", "--filter", bare);
  assert.ok(variants.includes(first) && variants.every((one) => one.startsWith(`${bare}:`)));
  const covering = await listed("--target", "builtin-mmio", "--filter", "entropy.device.*");
  assert.ok(covering.length > 0);
  const both = await listed(
    "--target",
    "builtin-mmio",
    "--filter",
    "entropy/*",
    "--filter",
    "entropy.device.*",
  );
  assert.equal(new Set(both), new Set([...entropy, ...covering]));
});

selection("--device and --format", async () => {
  const rng = await listed("--device", "rng", "--format", "packed", "--target", "builtin-mmio");
  assert.ok(rng.length > 0);
  assert.ok(rng.every((one) => one.includes("device=rng") && !one.includes("format=split")));
});

selection("a pattern is no regular expression", () => {
  const instance = { id: "a.b/c:d=1", definition: { id: "a.b/c", clauses: ["x.y.1"] } } as never;
  const fits = (pattern: string) => matcher(pattern)(instance);
  for (const pattern of ["*", "a.b/c", "a.b/c:d=1", "a*", "*=?", "x.y.?", "a**c"])
    assert.ok(fits(pattern), pattern);
  for (const pattern of ["a", "a.b/", "aab/c", "(a.b/c)", "[a].b/c", "x.y", "A.b/c", "?"]) {
    assert.not(fits(pattern), pattern);
  }
});

selection("what --filter and --shard leave is what runs", async () => {
  const options = { filter: ["*s:*"], shard: { index: 1, count: 2 } };
  const { out } = await runKit([PASSES, SKIPS, FAILS, REJECTS], options);
  assert.match(out, /2 cases in .*: 1 reject, 1 skip\n/);
});

selection.run();

const reports = suite("reports");

reports(
  "all of them from one run, complete, nothing else in the folder",
  inFolder(async (folder) => {
    const paths = {
      json: join(folder, "a.json"),
      junit: join(folder, "a.xml"),
      html: join(folder, "a.html"),
    };
    const { code } = await runKit([...GOOD, FAILS], paths);
    assert.is(code, 1, "findings do not keep them from being written");
    assert.equal(readdirSync(folder).sort(), ["a.html", "a.json", "a.xml"]);
    const report = read(paths.json);
    assert.equal(report.totals, { pass: 1, reject: 1, fail: 1, wedged: 0, skip: 1, unimplemented: 0 });
    assert.is(report.clauses.length, 1661);
    assert.is(report.clauses.find((clause) => clause.id === CLAUSE)?.status, "fail");
    const failed = report.cases.find(({ verdict }) => verdict === "fail");
    assert.is(failed?.detail?.message, "2, not 3");
    assert.ok((failed?.detail?.timeline ?? []).length > 0, "with its timeline");
    assert.match(readFileSync(paths.junit, "utf8"), /<testsuites .* tests="4" failures="1"/);
    assert.match(readFileSync(paths.html, "utf8"), /<\/html>\n$/);
  }),
);

reports(
  "several targets are an array, side by side in the page",
  inFolder(async (folder) => {
    const json = join(folder, "a.json");
    const html = join(folder, "a.html");
    await runKit(GOOD, { target: ["builtin-pci", "builtin-mmio"], json, html });
    const all = JSON.parse(readFileSync(json, "utf8")) as RunReport[];
    assert.equal(
      all.map(({ target }) => target),
      ["builtin-pci", "builtin-mmio"],
    );
    assert.match(readFileSync(html, "utf8"), /builtin-pci.*builtin-mmio/s);
  }),
);

reports("- prints any report instead of the table, and writes no file of that name", async () => {
  for (const [name, says] of [
    ["json", /^\{/],
    ["junit", /^<\?xml.*<\/testsuites>\n$/s],
    ["html", /^<!doctype html>.*<\/html>\n$/is],
    ["writeExpect", /"target"/],
  ] as const) {
    const { code, out } = await runKit([PASSES], { [name]: "-" });
    assert.is(code, 0, name);
    assert.match(out, says);
    assert.not.match(out, "No findings.");
  }
  assert.not.ok(existsSync("-"));
});

reports("--json alone prints it too", async () => {
  const { out } = await runKit([PASSES], { json: true });
  assert.is((JSON.parse(out) as RunReport).totals.pass, 1);
});

reports("--json - prints it instead of the table", async () => {
  const { code, out } = await runKit([PASSES, FAILS], { json: "-" });
  assert.is(code, 1);
  assert.is((JSON.parse(out) as RunReport).totals.fail, 1);
});

reports(
  "an existing file stays as it is when the command refuses to run",
  inFolder(async (folder) => {
    const json = join(folder, "a.json");
    writeFileSync(json, "old");
    mkdirSync(join(folder, "b"));
    const { code } = await command("--json", json, "--html", join(folder, "b"));
    assert.is(code, 2);
    assert.is(readFileSync(json, "utf8"), "old");
    assert.equal(readdirSync(folder).sort(), ["a.json", "b"]);
  }),
);

reports(
  "Ctrl-C ends the run at once and leaves what there is, marked as incomplete; expectations are not written",
  inFolder(async (folder) => {
    const interrupting = caseOf("interrupts", () => {
      process.emit("SIGINT");
      return new Promise(() => {});
    });
    let later = 0;
    const counting = caseOf("counts", async () => void later++);
    const paths = {
      json: join(folder, "a.json"),
      junit: join(folder, "a.xml"),
      html: join(folder, "a.html"),
      writeExpect: join(folder, "b.json"),
    };
    const target = ["builtin-mmio", "builtin-pci"] as const;
    const { code, out } = await runKit([PASSES, interrupting, counting], { ...paths, target });
    assert.is(code, 130);
    const words = "the run was interrupted, after 1 of 3 cases";
    assert.match(out, `Incomplete: ${words}.`);
    assert.is(later, 0);
    assert.equal(readdirSync(folder).sort(), ["a.html", "a.json", "a.xml"]);
    assert.is(read(paths.json).incomplete, words);
    assert.is(read(paths.json).totals.pass, 1);
    assert.match(readFileSync(paths.junit, "utf8"), words);
    assert.match(readFileSync(paths.html, "utf8"), words);
    assert.is(process.listenerCount("SIGINT"), 0, "nobody listens any more");
  }),
);

for (const [where, raise] of [
  ["a timer", (error: Error) => void setTimeout(() => Promise.reject(error).catch(thrown), 0)],
  ["a promise that nobody waits for", (error: Error) => void Promise.reject(error)],
] as const) {
  reports(
    `an error in ${where} ends the run with one sentence and leaves what there is, marked as incomplete`,
    inFolder(async (folder) => {
      const raising = caseOf("raises", () => {
        raise(new Error("died\nlate"));
        return new Promise(() => {});
      });
      const json = join(folder, "a.json");
      const listeners = process.listenerCount("uncaughtException");
      const { code, error } = await runKit([PASSES, raising, PASSES], { json });
      assert.is(code, 2);
      const words = "an error outside of any call, in a timer or a promise, ended the run: died late";
      assert.is(error, `builtin-mmio: ${words}.`);
      assert.is(read(json).incomplete, `${words}, after 1 of 3 cases`);
      assert.is(read(json).totals.pass, 1);
      assert.is(process.listenerCount("uncaughtException"), listeners, "nobody listens any more");
    }),
  );
}

function thrown(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

reports.run();

const expectations = suite("expected results");

expectations(
  "written, they make the same run one without findings, and list what is known",
  inFolder(async (folder) => {
    const file = join(folder, "expected.json");
    const first = await runKit([...GOOD, FAILS, WEDGES], { writeExpect: file });
    assert.is(first.code, 0);
    const second = await runKit([...GOOD, FAILS, WEDGES], { expect: file });
    assert.is(second.code, 0);
    assert.match(second.out, "2 known differences to the specification, as expected\n");
    assert.match(second.out, `  fail    ${CLAUSE}  ${id("fails")}   2, not 3\n`);
    const better = await runKit([...GOOD, { ...FAILS, run: PASSES.run }, WEDGES], { expect: file });
    assert.is(better.code, 1);
    assert.match(better.out, "1 finding\n  pass, not fail");
    const worse = await runKit([...GOOD.slice(1), { ...PASSES, run: FAILS.run }, FAILS, WEDGES], {
      expect: file,
    });
    assert.is(worse.code, 1);
    assert.match(worse.out, "1 finding\n  fail, not pass");
    const fewer = await runKit([...GOOD, FAILS], { expect: file });
    assert.match(fewer.out, /1 finding\n {2}gone, not wedged.*there is no such case any more/);
  }),
);

expectations(
  "of cases that are not selected nothing is found, and what is known of them stays",
  inFolder(async (folder) => {
    const file = join(folder, "expected.json");
    await runKit([FAILS, WEDGES], { writeExpect: file });
    const before = readFileSync(file, "utf8");
    const { code } = await runKit([FAILS, WEDGES], { expect: file, filter: ["*fails*"] });
    assert.is(code, 0);
    await runKit([FAILS, WEDGES], { writeExpect: file, filter: ["*fails*"] });
    assert.is(readFileSync(file, "utf8"), before);
  }),
);

expectations(
  "reasons survive, other targets too",
  inFolder(async (folder) => {
    const file = join(folder, "expected.json");
    const other = { target: "qemu-mmio", description: "", cases: {} };
    const own = {
      target: "builtin-mmio",
      description: "old",
      cases: { [id("fails")]: { verdict: "fail", why: "It counts from 0." } },
    };
    writeFileSync(file, JSON.stringify([other, own]));
    const { out, code } = await runKit([FAILS], { writeExpect: file });
    assert.is(code, 0);
    assert.match(out, "It counts from 0.");
    const [first, second] = JSON.parse(readFileSync(file, "utf8")) as (typeof own)[];
    assert.is(first?.target, "qemu-mmio");
    assert.is(second?.cases[id("fails")]?.why, "It counts from 0.");
    assert.not.equal(second?.description, "old");
  }),
);

expectations(
  "a file about other targets is refused, and one that would be written anew but is none is kept",
  inFolder(async (folder) => {
    const file = join(folder, "expected.json");
    writeFileSync(file, JSON.stringify({ target: "qemu-mmio", description: "", cases: {} }));
    const { code, error } = await runKit(GOOD, { expect: file });
    assert.is(code, 2);
    assert.match(error, /is about qemu-mmio, not about builtin-mmio\.$/);
    writeFileSync(file, "precious");
    const refused = await runKit(GOOD, { writeExpect: file });
    assert.is(refused.code, 2);
    assert.is(readFileSync(file, "utf8"), "precious");
  }),
);

expectations.run();

const program = suite("the program");

program(
  "runs the entropy cases on both built-in targets, without a word on stderr in CI",
  inFolder(async (folder) => {
    const args = ["conformance", "--filter", "entropy/*", "--json", "a.json"];
    const { code, out, error } = await runProgram(args, { cwd: folder, env: { ...process.env, CI: "true" } });
    assert.is(error, "");
    assert.is(code, 0, out);
    assert.match(out, /^builtin-mmio {2}.*^builtin-pci {2}.*^No findings\.$/ms);
    assert.not.match(out, "\u001b");
    assert.ok(existsSync(join(folder, "a.json")));
  }),
);

program(
  "with --isolate, a device that spins is a finding, and the others are tested",
  inFolder(async (folder) => {
    // In the project, from where the package is found.
    mkdirSync(".build/module-targets", { recursive: true });
    const path = join(process.cwd(), ".build/module-targets/spins.mjs");
    const device = join(process.cwd(), "examples/test-a-device/my-device.mjs");
    writeFileSync(
      path,
      `import inner from ${JSON.stringify(device)};
       export default {
         ...inner,
         async open() {
           const device = await inner.open();
           const { mmio } = device.bus;
           const write = (offset, width, value) => {
             if (offset === 0x50) for (;;);
             return mmio.write(offset, width, value);
           };
           return { ...device, bus: { kind: "mmio", mmio: { read: mmio.read.bind(mmio), write } } };
         },
       };`,
    );
    const args = ["--target", path, "--filter", "entropy/*", "--format", "split", "--json", "a.json"];
    const { code, error } = await runProgram(["conformance", "--isolate", "--timeout", "0.5", ...args], {
      cwd: folder,
      env: { ...process.env, CI: "true" },
    });
    assert.is(code, 1, error);
    const { cases, incomplete } = read(join(folder, "a.json"));
    assert.is(incomplete, undefined);
    assert.ok(cases.length > 1);
    for (const { id, verdict, detail } of cases) {
      assert.is(verdict, "fail", id);
      assert.match(detail?.message ?? "", /^hangs in mmio\.write\(0x50, 0x0\): it spins/);
    }
  }),
);

program(
  "with --isolate, a built-in target gives the same report, and a target that is none is told so",
  inFolder(async (folder) => {
    const args = ["conformance", "--target", "builtin-pci", "--filter", "entropy/*", "--json"];
    const options = { cwd: folder, env: { ...process.env, CI: "true" } };
    assert.is((await runProgram([...args, "a.json"], options)).code, 0);
    assert.is((await runProgram([...args, "b.json", "--isolate"], options)).code, 0);
    const timeless = (name: string) =>
      readFileSync(join(folder, name), "utf8").replace(/"(ms|startedAt)": [^,\n]+/g, "");
    assert.is(timeless("a.json"), timeless("b.json"));
    writeFileSync(join(folder, "spins.mjs"), "for (;;);");
    writeFileSync(join(folder, "none.mjs"), "export default 1;");
    const none = await runProgram(["conformance", "--isolate", "--target", "none.mjs"], options);
    assert.is(none.code, 2);
    assert.match(none.error, /^virtio-emulator conformance: --target none\.mjs does not export a target/);
    const spins = await runProgram(
      ["conformance", "--isolate", "--timeout", "0.3", "--target", "spins.mjs"],
      options,
    );
    assert.is(spins.code, 2);
    assert.match(
      spins.error,
      /--target spins\.mjs cannot be tested: the target hangs while it is loaded: it spins/,
    );
    assert.is(spins.error.trim().split("\n").length, 1);
  }),
);

program.run();
