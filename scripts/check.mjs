// `npm run check [-- NAME…]`: everything that must hold besides the tests. One line per check, what failed in full
// below it, a summary, and exit code 1 if anything failed. With names, only those checks.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { missingEntryPoints, root } from "./entry-points.mjs";

const PACK_FOLDER = ".build/pack";
// Options of JavaScript programs in node_modules; run by this Node, so that no shell is in between.
const TSC = "node_modules/typescript/bin/tsc";

/** Runs a program; its exit code and all it printed. */
function run(program, args, environment = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32" && program === "npm",
    });
    const chunks = [];
    child.stdout.on("data", (data) => chunks.push(data));
    child.stderr.on("data", (data) => chunks.push(data));
    child.on("error", (error) => chunks.push(Buffer.from(`${error.message}\n`)));
    child.on("close", (code) => done({ ok: code === 0, output: Buffer.concat(chunks).toString("utf8") }));
  });
}

const node = (...args) => run(process.execPath, args);

/** Runs steps one after the other until one fails. */
async function inTurn(...steps) {
  let output = "";
  for (const step of steps) {
    const result = await step();
    output += result.output;
    if (!result.ok) return { ok: false, output };
  }
  return { ok: true, output };
}

function entryPoints() {
  const missing = missingEntryPoints();
  const output = missing.map(
    ({ subpath, source }) => `package.json declares ${subpath}, but ${source} is missing\n`,
  );
  return Promise.resolve({ ok: missing.length === 0, output: output.join("") });
}

const runTool = (name, ...args) =>
  inTurn(
    () => node("scripts/setup.mjs", `tool:${name}`),
    () => node(`.build/scripts/${name}/main.js`, ...args),
  );

async function packedPackage() {
  const folder = join(root, PACK_FOLDER);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let tarball = "";
  const pack = async () => {
    const result = await run("npm", [
      "pack",
      "--ignore-scripts",
      "--silent",
      "--pack-destination",
      PACK_FOLDER,
    ]);
    const name = result.output.split("\n").find((line) => line.trim().endsWith(".tgz"));
    tarball = `${PACK_FOLDER}/${name?.trim()}`;
    return { ...result, ok: result.ok && name !== undefined };
  };
  return inTurn(
    () => node("scripts/build.mjs"),
    pack,
    () => node("node_modules/publint/src/cli.js", "run", tarball, "--strict"),
    () => node("node_modules/@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only"),
  );
}

const CHECKS = {
  "entry-points": entryPoints,
  imports: () => runTool("check-imports"),
  devices: () => runTool("check-devices"),
  clauses: () => runTool("coverage-spec", "--check"),
  style: () => node("node_modules/@biomejs/biome/bin/biome", "check", "--colors=off", "--error-on-warnings"),
  types: () => node(TSC, "-p", "tsconfig.json"),
  "types-core": () => node(TSC, "-p", "tsconfig.core.json"),
  unused: () => node("node_modules/knip/bin/knip.js", "--no-progress"),
  package: packedPackage,
  docs: () => node("scripts/docs.mjs"),
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !Object.hasOwn(CHECKS, name));
if (unknown !== undefined) {
  process.stderr.write(`there is no check "${unknown}"; there are ${Object.keys(CHECKS).join(", ")}\n`);
  process.exit(2);
}
const selected = names.length > 0 ? names : Object.keys(CHECKS);
const failed = [];
const queue = [...selected];
async function lane() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const begin = performance.now();
    const { ok, output } = await CHECKS[name]();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    process.stdout.write(`${ok ? "ok  " : "FAIL"} ${name}  (${seconds} s)\n`);
    if (ok) continue;
    failed.push(name);
    process.stdout.write(`${output.trimEnd().replace(/^/gm, "     | ")}\n`);
  }
}
await Promise.all(Array.from({ length: Math.min(2, cpus().length) }, lane));
process.stdout.write(
  failed.length === 0
    ? `\nall ${selected.length} checks passed\n`
    : `\n${failed.length} of ${selected.length} checks failed: ${failed.join(", ")}\n`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
