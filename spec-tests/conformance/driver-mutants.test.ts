// Every rule that binds drivers is broken once, in the driver model or in a driver written for it, and the checker must
// name the statement; unbroken, it must have nothing to say.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  NOT_OBSERVABLE_OF_DRIVERS,
  STATEMENTS_OF_DRIVERS,
} from "../../src/conformance/driver-checker/index.ts";
import { CLAUSES } from "../../src/conformance/index.ts";
import { DRIVER_MUTANTS } from "../mutants/drivers/index.ts";
import { type JudgeInput, type Judgement, run } from "../support/mutants/driver-judge.ts";
import type { DriverMutant } from "../support/mutants/driver-mutant.ts";
import { chosen } from "../support/mutants/mutant.ts";
import { Workshop } from "../support/mutants/workshop.ts";

const TIMEOUT_MS = 20_000;
const test = suite("mutant drivers");
const workshop = new Workshop("spec-tests/support/mutants/driver-judge.ts", "drivers");
const areas = chosen(DRIVER_MUTANTS);
const mutants = areas.flatMap(([, list]) => list);
let caught = 0;

/** What is no edit of the driver model needs no bundle of its own. */
async function judge(mutant: DriverMutant): Promise<Judgement> {
  if (mutant.edits.length === 0) return run(mutant.input);
  return (await workshop.run(mutant, mutant.input, TIMEOUT_MS)) as Judgement;
}

test("unbroken, the drivers break nothing", () => {
  const inputs = new Map<string, JudgeInput>();
  for (const { input } of mutants) {
    const whole = "raw" in input ? { ...input, broken: false } : input;
    inputs.set(JSON.stringify(whole), whole);
  }
  for (const input of inputs.values()) {
    const { violations: all, error } = run(input);
    // A driver that is about what comes after the device's failure has to make it fail.
    const violations = all.filter(({ id }) => id !== "hint.head-out-of-range");
    assert.equal({ violations, error }, { violations: [], error: null }, JSON.stringify(input));
  }
});

for (const [area, list] of areas) {
  for (const mutant of list) {
    test(`${area}: ${mutant.id} is noticed [${mutant.clauses.join("] [")}]`, async () => {
      const { counts, error } = await judge(mutant);
      for (const clause of mutant.clauses) {
        assert.ok((counts[clause] ?? 0) > 0, `${clause}; noticed: ${JSON.stringify(counts)}, ${error}`);
      }
      caught++;
    });
  }
}

test("every MUST statement that binds drivers and can be observed has a mutant", () => {
  const all = Object.values(DRIVER_MUTANTS).flat();
  const covered = new Set(all.flatMap(({ clauses }) => clauses));
  const excepted = new Set(NOT_OBSERVABLE_OF_DRIVERS.map(({ clause }) => clause));
  const without = STATEMENTS_OF_DRIVERS.filter((id) => {
    const clause = CLAUSES.find((found) => found.id === id);
    return clause?.level === "must" && !excepted.has(id) && !covered.has(id);
  });
  assert.equal(without, []);
});

test("no mutant of a statement that is said not to be observable", () => {
  const covered = new Set(mutants.flatMap(({ clauses }) => clauses));
  for (const { clause } of NOT_OBSERVABLE_OF_DRIVERS) assert.not.ok(covered.has(clause), clause);
});

test.after(async () => {
  await workshop.close();
  process.stderr.write(`note: mutant drivers: ${caught} of ${mutants.length} mutants caught\n`);
});

test.run();
