import type { CaseDefinition } from "../case.ts";
import type { CaseResult, ClauseResult, ClauseStatus } from "../result.ts";
import { CLAUSES } from "./catalogue.ts";
import type { Clause } from "./clause.ts";
import { BINDS_DRIVER, NOT_OBSERVABLE } from "./reviewed/index.ts";

/** The areas the kit covers whole. */
export const KIT_AREAS: readonly string[] = [
  "content",
  "split-ring",
  "packed-ring",
  "shared-mem",
  "transport-mmio",
  "transport-pci",
  "gpu",
  "entropy",
];

/**
 * What a run says of every statement of the specification. `definitions` are all cases that there are: of those, the run may have
 * left out some.
 *
 * @example
 * ```ts
 * const { cases } = await runCases(target, CASES);
 * const broken = clauseResults(cases, CASES).filter(({ status }) => status === "fail");
 * ```
 */
export function clauseResults(
  results: readonly CaseResult[],
  definitions: readonly CaseDefinition[],
): ClauseResult[] {
  const declared = new Set(definitions.flatMap(({ clauses }) => clauses));
  const byClause = new Map<string, CaseResult[]>();
  for (const result of results) {
    for (const id of result.clauses) {
      const found = byClause.get(id);
      if (found === undefined) byClause.set(id, [result]);
      else found.push(result);
    }
  }
  const drivers = new Set(BINDS_DRIVER);
  return CLAUSES.map((clause) => {
    const cases = byClause.get(clause.id) ?? [];
    const reason = NOT_OBSERVABLE[clause.id];
    return {
      id: clause.id,
      area: clause.area,
      role: clause.role,
      level: clause.level,
      section: clause.section,
      status: statusOf(clause, cases, declared.has(clause.id), drivers),
      cases: cases.map(({ id }) => id),
      ...(reason === undefined ? {} : { reason }),
    };
  });
}

function statusOf(
  clause: Clause,
  cases: readonly CaseResult[],
  declared: boolean,
  drivers: ReadonlySet<string>,
): ClauseStatus {
  const any = (verdict: CaseResult["verdict"]): boolean => cases.some((result) => result.verdict === verdict);
  if (any("fail")) return "fail";
  if (any("wedged")) return "wedged";
  if (any("pass")) return "pass";
  if (any("reject")) return "reject";
  if (any("unimplemented")) return "unimplemented";
  // Cases for another transport have no result at all.
  if (declared) return "skip";
  if (Object.hasOwn(NOT_OBSERVABLE, clause.id)) return "not-observable";
  const bindsDriver = clause.role === "driver" || drivers.has(clause.id);
  return bindsDriver && KIT_AREAS.includes(clause.area) ? "driver" : "unimplemented";
}
