// Makes a fresh or changed checkout usable: installs the packages when node_modules does not match the lock file,
// and builds what is stale. Uses Node's own modules only, says in one line on stderr what it does, and nothing when
// there is nothing to do.
//
//   node scripts/setup.mjs              packages only
//   node scripts/setup.mjs lib          … and dist/*.js
//   node scripts/setup.mjs tool:NAME    … and .build/scripts/NAME/main.js
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLineEntryPoint, filesBelow, libraryEntryPoints, root } from "./entry-points.mjs";

const LOCK_WAIT_MS = 10 * 60 * 1000;

const say = (text) => process.stderr.write(`setup: ${text}\n`);

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8"));
  } catch {
    return undefined;
  }
}

/** What is wrong with node_modules, or undefined: its own record of what is in it is compared with the lock file. */
function packagesProblem() {
  const wanted = readJson("package-lock.json")?.packages;
  if (wanted === undefined) throw new Error("package-lock.json is missing or unreadable");
  const present = readJson("node_modules/.package-lock.json")?.packages;
  if (present === undefined) return "nothing is installed";
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    if (path === "") continue;
    if (present[path] === undefined ? !optional : present[path].version !== version)
      return `${path} is not up to date`;
  }
  return undefined;
}

/** Runs `work` while no other process of this checkout does the same. */
function exclusively(name, work) {
  mkdirSync(join(root, ".build"), { recursive: true });
  const lock = join(root, ".build", `${name}.lock`);
  const until = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST" || Date.now() > until) throw error;
      if (!holderLives(lock)) rmSync(lock, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function holderLives(lock) {
  try {
    const pid = Number(readFileSync(lock, "utf8"));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function install() {
  if (packagesProblem() === undefined) return;
  exclusively("install", () => {
    const problem = packagesProblem();
    if (problem === undefined) return;
    say(`installing packages with npm ci (${problem})`);
    run(process.platform === "win32" ? "npm.cmd" : "npm", [
      "ci",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ]);
  });
}

/** Runs a program with its output on stderr, and ends this one if it fails. */
function run(program, args) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (error !== undefined || status !== 0) {
    say(
      `${program} ${args.join(" ")} failed${error === undefined ? ` with exit code ${status}` : `: ${error.message}`}`,
    );
    process.exit(1);
  }
}

function hashOf(paths) {
  const hash = createHash("sha256").update(process.version);
  for (const path of paths) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest("hex");
}

function buildIfStale(target) {
  const tool = target.startsWith("tool:") ? target.slice("tool:".length) : undefined;
  if (tool === undefined && target !== "lib") throw new Error(`no such target: ${target}`);
  if (tool !== undefined && !existsSync(join(root, `scripts/${tool}/main.ts`))) {
    say(`scripts/${tool}/main.ts does not exist`);
    process.exit(1);
  }
  const outputs = tool === undefined ? libraryOutputs() : [`.build/scripts/${tool}/main.js`];
  const inputs = [
    "package.json",
    "package-lock.json",
    "esbuild.config.mjs",
    "scripts/entry-points.mjs",
    ...filesBelow("src", (path) => path.endsWith(".ts")),
    ...(tool === undefined ? [] : filesBelow("scripts", (path) => path.endsWith(".ts"))),
  ];
  const stamp = join(root, ".build", "stamps", target.replace(":", "-"));
  const hash = hashOf(inputs);
  const fresh = () =>
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === hash &&
    outputs.every((path) => existsSync(join(root, path)));
  if (fresh()) return;
  exclusively(target.replace(":", "-"), () => {
    if (fresh()) return;
    say(tool === undefined ? "building dist" : `building ${outputs[0]}`);
    run(process.execPath, ["esbuild.config.mjs", ...(tool === undefined ? ["lib"] : ["tools", tool])]);
    mkdirSync(join(root, ".build", "stamps"), { recursive: true });
    writeFileSync(stamp, hash);
  });
}

function libraryOutputs() {
  return [...libraryEntryPoints(), commandLineEntryPoint()]
    .filter(({ source }) => existsSync(join(root, source)))
    .map(({ output }) => `dist/${output}.js`);
}

install();
for (const target of process.argv.slice(2)) buildIfStale(target);
