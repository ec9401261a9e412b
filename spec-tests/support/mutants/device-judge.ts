// What a mutant device is bundled with: the cases and our own devices. See Workshop.
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import { CASES, runCases, selectInstances } from "../../../src/conformance/index.ts";

/** Which cases to run where. */
export interface JudgeInput {
  /** Runs the cases that name one of these. */
  readonly clauses: readonly string[];
  /** Names of built-in targets. Default both. */
  readonly targets?: readonly string[];
  /** Runs of those only the case with this id, up to its parameters. */
  readonly by?: string | undefined;
  /** Ends with the first objection. */
  readonly first?: boolean;
}

/** A case that objects. */
export interface Objection {
  readonly target: string;
  readonly id: string;
  readonly message: string;
}

/** What came of it. */
export interface Judgement {
  readonly cases: number;
  readonly objections: readonly Objection[];
}

/** Runs the cases; one that fails or finds the device wedged objects. */
export async function run({ clauses, targets, by, first }: JudgeInput): Promise<Judgement> {
  const cases = CASES.filter(
    (definition) =>
      definition.clauses.some((id) => clauses.includes(id)) && (by === undefined || definition.id === by),
  );
  const objections: Objection[] = [];
  let count = 0;
  for (const transport of ["mmio", "pci"] as const) {
    const target = builtinTarget(transport);
    if (targets !== undefined && !targets.includes(target.name)) continue;
    if (selectInstances(target, cases).length === 0) continue;
    await runCases(target, cases, {
      caseTimeoutMs: 3000,
      cancelled: () => first === true && objections.length > 0,
      onCase(result) {
        count++;
        if (result.verdict !== "fail" && result.verdict !== "wedged") return;
        objections.push({ target: target.name, id: result.id, message: result.detail?.message ?? "" });
      },
    });
  }
  return { cases: count, objections };
}
