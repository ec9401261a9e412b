import { type Clause, parseClauses } from "./clause.ts";
import { DRIVER_CLAUSE_DATA } from "./driver-data.ts";
import { DRIVER_SENTENCES } from "./sentences/driver/index.ts";
import { type CitedStatement, cite } from "./statement.ts";

// The whole catalogue, and the sentences about devices, would double the size of a program with a driver checker in it.
const BY_ID: ReadonlyMap<string, Clause> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ parseClauses(DRIVER_CLAUSE_DATA).map((clause) => [clause.id, clause]),
);

/**
 * As `citeStatement()`, for statements that bind drivers; null for all others.
 *
 * @example
 * ```ts
 * for (const { clause } of checker.violations) {
 *   console.log(clause === null ? "a hint" : citeDriverStatement(clause)?.sentence);
 * }
 * ```
 */
export function citeDriverStatement(id: string): CitedStatement | null {
  const clause = BY_ID.get(id);
  if (clause === undefined) return null;
  return cite(clause, Object.hasOwn(DRIVER_SENTENCES, id) ? DRIVER_SENTENCES[id] : undefined);
}
