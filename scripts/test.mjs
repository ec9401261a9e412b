// `npm test [-- PATH…]`: builds the test files and runs each in a process of its own, two at a time; the files
// under spec-tests/linux, each of which boots a kernel, come last and alone. A PATH is a part of a file's path.
//
// Each file that has ended is a line, with how many have; the tests that failed are named once more at the end. The last
// line is always "N passed, N failed, N skipped". A file that cannot be built, crashes, hangs (scripts/hang-watch.mjs),
// ends early or runs nothing at all counts as one failed test. Exit code 1 if anything failed or nothing ran, 2 for
// options and paths that do not exist.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { build } from "../esbuild.config.mjs";
import { root, testFiles } from "./entry-points.mjs";
import { watchForHang } from "./hang-watch.mjs";

const PARALLEL = 2;
// uvu's summary, without colours. Its "Total" leaves out the skipped.
const FAILED_TEST = /^ {3}FAIL {2}(.*)$/gm;
const SUMMARY = /\n {2}Total: {5}(\d+)\n {2}Passed: {4}(\d+)\n {2}Skipped: {3}(\d+)\n {2}Duration:/g;

const isLinux = (path) => path.startsWith("spec-tests/linux/");
const sum = { passed: 0, failed: 0, skipped: 0 };
/** What failed, by name. */
const failures = [];
let filesDone = 0;
const started = performance.now();

function print(text) {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

function report(path, { passed = 0, failed = 0, skipped = 0, seconds = 0, notes = [], output = "" }) {
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skipped;
  filesDone++;
  if (failed > 0) {
    const names = Array.from(output.matchAll(FAILED_TEST), ([, name]) => name);
    for (const name of names.length > 0 ? names : [notes[0] ?? "failed"]) failures.push(`${path}  ${name}`);
  }
  const counts = [`${passed} passed`];
  if (failed > 0) counts.push(`${failed} failed`);
  if (skipped > 0) counts.push(`${skipped} skipped`);
  const place = `${String(filesDone).padStart(String(selected.length).length)}/${selected.length}`;
  print(`${failed > 0 ? "FAIL" : "ok  "} ${place} ${path}  ${counts.join(", ")}  (${seconds.toFixed(1)} s)`);
  for (const note of notes) print(`     ${note}`);
  if (failed > 0 && output.trim() !== "") print(output.replace(/^/gm, "     | "));
}

/** Builds the files; those that cannot be built are reported, the others come back. */
async function buildAll(files) {
  try {
    await build("tests", files, { logLevel: "silent" });
    return files;
  } catch {
    // One broken file must not hide what the others have to say: build them one by one.
    const good = [];
    for (const file of files) {
      try {
        await build("tests", [file], { logLevel: "silent" });
        good.push(file);
      } catch (error) {
        const lines = (error.errors ?? []).map(({ text, location }) =>
          location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text,
        );
        report(file, {
          failed: 1,
          notes: ["does not build:", ...(lines.length > 0 ? lines : [String(error)])],
        });
      }
    }
    return good;
  }
}

function runFile(path) {
  return new Promise((done) => {
    const begin = performance.now();
    const { FORCE_COLOR: _colour, ...environment } = process.env;
    const script = join(root, ".build/tests", path.replace(/\.ts$/, ".js"));
    const child = spawn(process.execPath, ["--enable-source-maps", script], {
      cwd: root,
      env: { ...environment, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks = [];
    const errors = [];
    child.stdout.on("data", (data) => chunks.push(data));
    child.stderr.on("data", (data) => errors.push(data));
    const watch = watchForHang(child, () => chunks.length + errors.length);
    child.on("error", (error) => errors.push(Buffer.from(`${error.message}\n`)));
    child.on("close", (code, signal) => {
      watch.stop();
      const output = Buffer.concat(chunks).toString("utf8");
      const errorOutput = Buffer.concat(errors).toString("utf8");
      const result = judge(output, code, watch.verdict ?? signal);
      result.seconds = (performance.now() - begin) / 1000;
      result.output = output.trim() + (errorOutput.trim() === "" ? "" : `\n${errorOutput.trimEnd()}`);
      // What spec-tests/support/peer.ts says about missing programs belongs into the log of a passing run too, as do
      // the notes of tests that measure.
      for (const line of errorOutput.split("\n")) if (/^(skipped|note): /.test(line)) result.notes.push(line);
      report(path, result);
      done();
    });
  });
}

/** Counts of one file, from uvu's summary and the way the process ended. */
function judge(output, code, end) {
  const last = [...output.matchAll(SUMMARY)].at(-1);
  const notes = [];
  if (last === undefined) {
    notes.push(end ? String(end) : `ended with exit code ${code} before its tests did`);
    return { failed: 1, notes };
  }
  const [total, passed, skipped] = last.slice(1).map(Number);
  let failed = total - passed;
  if (failed > 0 && !output.includes(" FAIL ")) notes.push("a hook of a suite threw; uvu does not say what");
  if (failed === 0 && (code !== 0 || end)) {
    failed = 1;
    notes.push(`its tests passed, but the process ${end ? String(end) : `ended with exit code ${code}`}`);
  }
  if (total + skipped === 0) {
    failed = 1;
    notes.push("holds no test that ran: is .run() missing?");
  }
  return { passed, failed, skipped, notes };
}

async function runPool(files, width) {
  const queue = [...files];
  const lane = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await runFile(file);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

const filters = process.argv.slice(2).map((filter) => filter.replace(/^\.\//, ""));
const unknownOption = filters.find((filter) => filter.startsWith("-"));
if (unknownOption !== undefined) {
  process.stderr.write(`unknown option ${unknownOption}; usage: npm test -- [part of a path]…\n`);
  process.exit(2);
}
const selected = testFiles().filter(
  (path) => filters.length === 0 || filters.some((filter) => path.includes(filter)),
);
if (selected.length === 0)
  print(filters.length === 0 ? "there are no tests" : `no test file matches ${filters.join(" ")}`);
const files = await buildAll(selected);
await runPool(
  files.filter((path) => !isLinux(path)),
  PARALLEL,
);
await runPool(files.filter(isLinux), 1);

if (failures.length > 0) {
  print("\nFailed:");
  for (const failure of failures) print(`  ${failure}`);
}
print(`\n${selected.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`);
print(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
const nothingRan = sum.passed + sum.failed + sum.skipped === 0;
if (selected.length === 0 && filters.length > 0) process.exitCode = 2;
else process.exitCode = sum.failed > 0 || nothingRan ? 1 : 0;
