// What a mutant driver is bundled with: the driver model, our own devices, and the checker between. See Workshop.
import type { Violation } from "../../../src/conformance/driver-checker/index.ts";
import type { CheckedMachine } from "../checked-driver.ts";
import { SCENARIOS, type Scenario } from "./driver-scenarios.ts";
import { RAW_DRIVERS } from "./raw-drivers.ts";

/** What to run: a session of the driver model, or a driver written for one statement, as it should be or broken. */
export type JudgeInput = Scenario | { readonly raw: string; readonly broken: boolean };

/** What the checker said. */
export interface Judgement {
  /** How often each statement was broken. */
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** Why the driver gave up; null when it did not. */
  readonly error: string | null;
}

/** Runs a driver in front of the checker, to its end or until it gives up. */
export function run(input: JudgeInput): Judgement {
  const machines: CheckedMachine[] = [];
  let error: string | null = null;
  try {
    if ("raw" in input) {
      const drive = RAW_DRIVERS[input.raw];
      if (drive === undefined) throw new Error(`no driver ${input.raw}`);
      drive(input.broken, (machine) => machines.push(machine));
    } else {
      SCENARIOS[input.name](input, (machine) => machines.push(machine));
    }
  } catch (caught) {
    error = caught instanceof Error ? caught.message : String(caught);
  }
  const counts: Record<string, number> = {};
  const violations: Violation[] = [];
  for (const machine of machines) {
    violations.push(...machine.finish());
    for (const [clause, count] of machine.checker.counts) counts[clause] = (counts[clause] ?? 0) + count;
  }
  return { counts, violations, error };
}
