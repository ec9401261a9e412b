import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KNOWN_FINDINGS } from "../../scripts/linux/known-findings.ts";
import { NOT_OBSERVABLE_OF_DRIVERS, STATEMENTS_OF_DRIVERS } from "../../src/conformance/index.ts";
import { buildCommandLine } from "../support/command-line.ts";

const test = suite("README");
// The examples import the package as it is built.
buildCommandLine();
const readme = readFileSync("README.md", "utf8");

test("the embedding example runs as it stands, against the built package", () => {
  const code = /## Embed it[\s\S]*?```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  assert.match(code, /virtio-emulator\/gpu/);
  assert.ok(code.split("\n").filter((line) => line.trim() !== "").length <= 25, "it stays short");
  // Inside the package, so that its own name resolves to what is built.
  mkdirSync(".build/readme", { recursive: true });
  writeFileSync(".build/readme/embed.mjs", code);
  const { stdout, stderr, status } = spawnSync(process.execPath, [".build/readme/embed.mjs"], {
    encoding: "utf8",
  });
  assert.is(status, 0, stderr);
  assert.is(stdout, "the pixel at 150, 120 is 255 128 0 255\n");
});

test("the example of a shared buffer prints what the README says, and so does the command", () => {
  const section = /## Two devices, one buffer[\s\S]*?(?=\n## )/.exec(readme)?.[0] ?? "";
  const code = /```js\n([\s\S]*?)```/.exec(section)?.[1] ?? "";
  assert.match(code, /virtio-emulator\/render/);
  mkdirSync(".build/readme", { recursive: true });
  writeFileSync(".build/readme/share.mjs", code);
  const program = spawnSync(process.execPath, [".build/readme/share.mjs"], { encoding: "utf8" });
  assert.is(program.status, 0, program.stderr);
  assert.is(program.stdout, `${/It prints `([^`]+)`/.exec(section)?.[1]}\n`);
  const args = /node dist\/cli\.js (share\s+--frames 3)`/.exec(section)?.[1]?.split(/\s+/) ?? [];
  const out = ".build/readme/share.png";
  const command = spawnSync(process.execPath, ["dist/cli.js", ...args, "--out", out], { encoding: "utf8" });
  assert.is(command.status, 0, command.stderr);
  const excerpt = /```text\n([\s\S]*?)```/.exec(section)?.[1] ?? "";
  assert.ok(excerpt.length > 0 && command.stdout.includes(excerpt), command.stdout.slice(-800));
  const torn = spawnSync(process.execPath, ["dist/cli.js", ...args, "--no-sync", "--out", out], {
    encoding: "utf8",
  });
  assert.match(torn.stdout, /0 whole, 6 torn/);
});

test("the example of a checked driver prints what the README says, and the numbers are right", () => {
  const section = /### Your own driver[\s\S]*?(?=\n## )/.exec(readme)?.[0] ?? "";
  const code = /```js\n([\s\S]*?)```/.exec(section)?.[1] ?? "";
  assert.match(code, /DriverChecker/);
  mkdirSync(".build/readme", { recursive: true });
  writeFileSync(".build/readme/check-driver.mjs", code);
  const { stdout, stderr, status } = spawnSync(process.execPath, [".build/readme/check-driver.mjs"], {
    encoding: "utf8",
  });
  assert.is(status, 0, stderr);
  assert.is(stdout, `${/It prints `([^`]+)`/.exec(section)?.[1]}\n`);
  const judged = STATEMENTS_OF_DRIVERS.length - NOT_OBSERVABLE_OF_DRIVERS.length;
  assert.is(/It judges (\d+) statements/.exec(section)?.[1], `${judged}`);
  assert.is(KNOWN_FINDINGS.length, 1);
});

test("the device of one's own is put under test as it stands, in under 60 lines", () => {
  const code = /### Your own device[\s\S]*?```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  assert.ok(code.split("\n").length < 60, "it stays short");
  mkdirSync(".build/readme", { recursive: true });
  writeFileSync(".build/readme/my-device.mjs", code);
  const report = ".build/readme/my-device.json";
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["dist/cli.js", "conformance", "--target", "./.build/readme/my-device.mjs", "--json", report],
    { encoding: "utf8" },
  );
  assert.is(status, 0, stdout + stderr);
  const run = JSON.parse(readFileSync(report, "utf8")) as { target: string; totals: Record<string, number> };
  assert.is(run.target, "my-device");
  assert.ok((run.totals["pass"] ?? 0) > 100);
  assert.is((run.totals["fail"] ?? 0) + (run.totals["wedged"] ?? 0), 0);
});

test("every npm script and entry point that it names exists", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
    scripts: Record<string, string>;
    exports: Record<string, unknown>;
  };
  for (const [, name] of readme.matchAll(/npm run ([a-z:]+)/g)) {
    assert.ok(name !== undefined && name in manifest.scripts, `npm run ${name}`);
  }
  for (const [, path] of readme.matchAll(/"virtio-emulator(\/[a-z0-9/]+)"/g)) {
    assert.ok(`.${path}` in manifest.exports, path);
  }
});

test.run();
