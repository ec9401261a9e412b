// Every program of examples/ is run as it stands, on the built package, and prints what it says at its end.
import { spawnSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildCommandLine } from "../../support/command-line.ts";
import { buildExamples, examples } from "../../support/guides.ts";

const test = suite("examples");
const all = examples();
/** A page, and what has a test of its own. */
const RUN_ELSEWHERE = /^examples\/(browser\/page\.ts|write-a-device\/)/;

test.before(() => {
  buildCommandLine();
  buildExamples();
});

for (const { path, prints } of all) {
  if (prints === null) continue;
  test(`${path} prints what it says`, () => {
    const program = path.replace(/^(.*)\.ts$/, ".build/$1.js");
    const { stdout, stderr, status } = spawnSync(process.execPath, [program], { encoding: "utf8" });
    assert.is(status, 0, stderr);
    assert.is(stdout, prints);
  });
}

test("every other file is part of a program, or has a test of its own", () => {
  for (const { path } of all.filter(({ prints }) => prints === null)) {
    const name = path.replace(/^.*\//, "./");
    const isUsed = all.some(({ path: other, text }) => other !== path && text.includes(`"${name}"`));
    assert.ok(isUsed || RUN_ELSEWHERE.test(path), path);
  }
});

test.run();
