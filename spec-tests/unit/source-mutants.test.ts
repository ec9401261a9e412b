// Our own sources, broken in one place at a time: some test must fail. That is what the tests are worth where it matters
// most: what threads see of each other, and what a turn may cost.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SOURCE_MUTANTS } from "../mutants/sources/index.ts";
import type { Verdict } from "../support/mutants/collector.ts";
import { Workshop } from "../support/mutants/workshop.ts";

const TIMEOUT_MS = 120_000;

const test = suite("mutants of our sources");
const all = Object.values(SOURCE_MUTANTS).flat();
const files = [...new Set(all.flatMap((mutant) => mutant.files))];
const workshop = new Workshop("spec-tests/support/mutants/test-judge.ts", "sources", files, {
  uvu: "spec-tests/support/mutants/collector.ts",
});
let noticed = 0;

test("their names are their own", () => {
  assert.is(new Set(all.map(({ id }) => id)).size, all.length);
});

const runs = new Map(
  all.flatMap(({ files, only = "" }) => files.map((file) => [`${file} ${only}`, { files: [file], only }])),
);
for (const [name, input] of runs) {
  test(`without a mutant ${name} passes`, async () => {
    const verdict = (await workshop.run(null, input, TIMEOUT_MS)) as Verdict;
    assert.is(verdict.failure, null);
    assert.ok(verdict.tests > 0);
  });
}

for (const [area, mutants] of Object.entries(SOURCE_MUTANTS)) {
  for (const mutant of mutants) {
    test(`${area}: ${mutant.id}`, async () => {
      let why = "";
      const cpu = process.cpuUsage(); const t0 = performance.now();
      try {
        const { failure, tests } = (await workshop.run(mutant, mutant, TIMEOUT_MS)) as Verdict;
        assert.ok(tests > 0, "there are tests of it");
        why = failure === null ? "" : `${failure.test}: ${failure.message}`;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        // An edit that does not apply is a fault of the list; sources that spin or die are noticed.
        if (message.includes("times, not once") || message.includes("Build failed")) throw error;
        why = message;
      }
      const used = process.cpuUsage(cpu);
      process.stderr.write(`note: TIME ${area} | ${mutant.id.slice(0, 60)} | ${Math.round(performance.now() - t0)} ms wall | ${Math.round((used.user + used.system) / 1000)} ms cpu | ${why.slice(0, 50).replace(/\n/g, " ")}\n`);
      assert.ok(why !== "", `${mutant.files.join(", ")} notice`);
      noticed++;
    });
  }
}

test.after(async () => {
  await workshop.close();
  process.stderr.write(`note: mutants of our sources: ${noticed} of ${all.length} noticed\n`);
});

test.run();
