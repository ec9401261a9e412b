// Numbers that README and the guides name, and what the commands they show print.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KNOWN_FINDINGS } from "../../../scripts/linux/known-findings.ts";
import {
  CASES,
  CLAUSES,
  NOT_OBSERVABLE_OF_DRIVERS,
  STATEMENTS_OF_DRIVERS,
} from "../../../src/conformance/index.ts";
import { buildCommandLine } from "../../support/command-line.ts";

const test = suite("README and guides");
buildCommandLine();
const readme = readFileSync("README.md", "utf8");
const text = (guide: string): string => readFileSync(`docs/${guide}.md`, "utf8");

/** The statements of drivers that the checker judges. */
const hidden = new Set(NOT_OBSERVABLE_OF_DRIVERS.map(({ clause }) => clause));
const ofDrivers = STATEMENTS_OF_DRIVERS.filter((id) => !hidden.has(id));

test("README counts the statements that kit and checker judge, and all there are", () => {
  const [, all, judged] =
    /Of the ([\d,]+) normative statements of virtio 1\.4, [^.]*? judge (\d+)/.exec(readme) ?? [];
  assert.is(Number(all?.replace(",", "")), CLAUSES.length);
  const real = new Set([...CASES.flatMap(({ clauses }) => clauses), ...ofDrivers]).size;
  assert.is(Number(judged), real);
});

test("README is short, and its first program is", () => {
  assert.ok(readme.split("\n").length < 150);
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  assert.ok(code.split("\n").filter((line) => line.trim() !== "").length <= 30);
});

test("the guide to drivers counts the checker's statements", () => {
  assert.is(Number(/It judges (\d+) statements/.exec(text("test-a-driver"))?.[1]), ofDrivers.length);
  assert.is(KNOWN_FINDINGS.length, 1);
});

test("the guide to buffers shows what the command prints", () => {
  const guide = text("share-buffers");
  mkdirSync(".build/readme", { recursive: true });
  const args = /node dist\/cli\.js (share\s+--frames 3)`/.exec(guide)?.[1]?.split(/\s+/) ?? [];
  const out = ".build/readme/share.png";
  const command = spawnSync(process.execPath, ["dist/cli.js", ...args, "--out", out], { encoding: "utf8" });
  assert.is(command.status, 0, command.stderr);
  const excerpt = /```text\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
  assert.ok(excerpt.length > 0 && command.stdout.includes(excerpt), command.stdout.slice(-800));
  const torn = spawnSync(process.execPath, ["dist/cli.js", ...args, "--no-sync", "--out", out], {
    encoding: "utf8",
  });
  assert.match(torn.stdout, /0 whole, 6 torn/);
});

test("the guide to devices puts one under test", () => {
  const report = ".build/readme/my-device.json";
  mkdirSync(".build/readme", { recursive: true });
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["dist/cli.js", "conformance", "--target", "./examples/test-a-device/my-device.mjs", "--json", report],
    { encoding: "utf8" },
  );
  assert.is(status, 0, stdout + stderr);
  const run = JSON.parse(readFileSync(report, "utf8")) as { target: string; totals: Record<string, number> };
  assert.is(run.target, "my-device");
  assert.ok((run.totals["pass"] ?? 0) > 100);
  assert.is((run.totals["fail"] ?? 0) + (run.totals["wedged"] ?? 0), 0);
});

test("every program's output in a guide is what the program prints", () => {
  const prints = (path: string): string => {
    const [, lines = ""] =
      /^\/\/ Prints:\n((?:\/\/.*\n)+)$/m.exec(readFileSync(`examples/${path}.ts`, "utf8")) ?? [];
    return lines.replace(/^\/\/ {0,3}/gm, "");
  };
  assert.ok(readme.includes(`\`${prints("embed/first-pixel").trim()}\``));
  for (const [guide, path] of [
    ["test-a-driver", "test-a-driver/check-driver"],
    ["test-a-driver", "test-a-driver/step-mode"],
    ["test-a-driver", "test-a-driver/compare-commands"],
    ["save-and-restore", "save-and-restore/save"],
    ["limits", "limits/limits"],
    ["troubleshooting", "troubleshooting/black-screen"],
  ] as const) {
    assert.ok(
      text(guide).includes(`\`\`\`text\n${prints(path)}\`\`\``),
      `${guide} shows what ${path} prints`,
    );
  }
  assert.ok(text("share-buffers").includes(`It prints \`${prints("share-buffers/two-devices").trim()}\``));
});

test.run();
