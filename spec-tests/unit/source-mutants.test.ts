// Our own sources, broken in one place at a time: some test must fail. That is what the tests are worth where it matters
// most: what threads see of each other, and what a turn may cost.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SOURCE_MUTANTS } from "../mutants/sources/index.ts";
import type { Verdict } from "../support/mutants/collector.ts";
import { chosen } from "../support/mutants/mutant.ts";
import { Workshop } from "../support/mutants/workshop.ts";

const TIMEOUT_MS = 120_000;
/** What waits or spins for ever has been noticed: a mutant may take so many times as long as the tests without it, and a bit. */
const PATIENCE = 4;
const LEAST_MS = 1500;

const test = suite("mutants of our sources");
const areas = chosen(SOURCE_MUTANTS);
const all = areas.flatMap(([, mutants]) => mutants);
const files = [...new Set(all.flatMap((mutant) => mutant.files))];
const workshop = new Workshop("spec-tests/support/mutants/test-judge.ts", "sources", files, {
  uvu: "spec-tests/support/mutants/collector.ts",
});
let noticed = 0;

test("their names are their own", () => {
  assert.is(new Set(all.map(({ id }) => id)).size, all.length);
});

const nameOf = (file: string, only = ""): string => `${file} ${only}`;
const runs = new Map(
  all.flatMap(({ files, only = "" }) => files.map((file) => [nameOf(file, only), { files: [file], only }])),
);
/** Milliseconds that each took without a mutant. */
const took = new Map<string, number>();
for (const [name, input] of runs) {
  test(`without a mutant ${name} passes`, async () => {
    const begin = performance.now();
    const verdict = (await workshop.run(null, input, TIMEOUT_MS)) as Verdict;
    took.set(name, performance.now() - begin);
    assert.is(verdict.failure, null);
    assert.ok(verdict.tests > 0);
  });
}

for (const [area, mutants] of areas) {
  for (const mutant of mutants) {
    test(`${area}: ${mutant.id}`, async () => {
      const { files, only } = mutant;
      const usual = files.reduce((sum, file) => sum + (took.get(nameOf(file, only)) ?? 0), 0);
      let why = "";
      try {
        const { failure, tests } = (await workshop.run(
          mutant,
          mutant,
          LEAST_MS + PATIENCE * usual,
        )) as Verdict;
        assert.ok(tests > 0, "there are tests of it");
        why = failure === null ? "" : `${failure.test}: ${failure.message}`;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        // An edit that does not apply is a fault of the list; sources that spin or die are noticed.
        if (message.includes("times, not once") || message.includes("Build failed")) throw error;
        why = message;
      }
      assert.ok(why !== "", `${files.join(", ")} notice`);
      noticed++;
    });
  }
}

test.after(async () => {
  await workshop.close();
  process.stderr.write(`note: mutants of our sources: ${noticed} of ${all.length} noticed\n`);
});

test.run();
