import type { JudgeInput } from "./driver-judge.ts";
import type { Scenario } from "./driver-scenarios.ts";
import type { Mutant } from "./mutant.ts";

/** A driver with one rule broken. The checker has to name every one of its clauses. */
export interface DriverMutant extends Mutant {
  readonly input: JudgeInput;
}

/** A mutant of the driver model: one edit, and the session in which it shows. */
export function driverMutant(
  id: string,
  clauses: readonly string[],
  file: string,
  find: string,
  replace: string,
  input: Scenario,
): DriverMutant {
  return { id, clauses, edits: [{ file, find, replace }], input };
}

/** A mutant that is not an edit of the driver model but a driver of its own: see raw-drivers.ts. */
export function rawMutant(raw: string, clauses: readonly string[]): DriverMutant {
  return { id: raw, clauses, edits: [], input: { raw, broken: true } };
}
