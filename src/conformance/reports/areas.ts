import { KIT_AREAS } from "../clauses/index.ts";
import type { ClauseResult, ClauseStatus, RunReport } from "../result.ts";
import { CLAUSE_STATUSES, isKnown } from "./names.ts";

/** How the statements of one area of the specification stand. */
export interface AreaSummary {
  /** The area: `split-ring`, `gpu`; what the statements' ids begin with. */
  readonly area: string;
  readonly statements: number;
  /** Statements that a case of this run covers. */
  readonly covered: number;
  /** How many statements have each standing; the sum is `statements`. */
  readonly byStatus: Readonly<Record<ClauseStatus, number>>;
}

/**
 * Sums up statements by area, in the order in which the areas first appear.
 *
 * @example
 * ```ts
 * const report = await runCases(target, CASES);
 * for (const area of summarizeAreas(report.clauses)) console.log(area);
 * ```
 */
export function summarizeAreas(clauses: readonly ClauseResult[]): AreaSummary[] {
  const byArea = new Map<string, ClauseResult[]>();
  for (const clause of clauses) {
    const list = byArea.get(clause.area);
    if (list === undefined) byArea.set(clause.area, [clause]);
    else list.push(clause);
  }
  return [...byArea].map(([area, list]) => summarize(area, list));
}

/** Sums up statements under a name. */
export function summarize(area: string, clauses: readonly ClauseResult[]): AreaSummary {
  const byStatus = Object.fromEntries(CLAUSE_STATUSES.map((status) => [status, 0])) as Record<
    ClauseStatus,
    number
  >;
  for (const { status } of clauses) byStatus[status]++;
  return {
    area,
    statements: clauses.length,
    covered: clauses.filter(({ cases }) => cases.length > 0).length,
    byStatus,
  };
}

/** The areas the kit covers, and those it has something else to say about in one of these runs. */
export function knownAreas(reports: readonly RunReport[]): ReadonlySet<string> {
  const known = reports.flatMap(({ clauses }) => clauses.filter(isKnown).map(({ area }) => area));
  return new Set([...KIT_AREAS, ...known]);
}
