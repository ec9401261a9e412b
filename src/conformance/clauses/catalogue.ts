import { VirtioBugError } from "../../base/errors.ts";
import { type Clause, parseClauses } from "./clause.ts";
import { CLAUSE_DATA } from "./data.ts";

/** The specification the catalogue is of. */
export const SPECIFICATION = "virtio 1.4 (v1.4-cs01)";
/** Its tag in the repository of its sources. */
export const SPECIFICATION_TAG = "v1.4-cs01";

/** All 1,661 of them, in the order of the specification's files. */
export const CLAUSES: readonly Clause[] = /* @__PURE__ */ parseClauses(CLAUSE_DATA);

const BY_ID: ReadonlyMap<string, Clause> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ CLAUSES.map((clause) => [clause.id, clause]),
);

/** The statement of this id, undefined when there is none. */
export function findClause(id: string): Clause | undefined {
  return BY_ID.get(id);
}

/**
 * The statement of this id. Throws {@link VirtioBugError} when there is none.
 *
 * @example
 * ```ts
 * clauseById("split-ring.device.the-used-ring.1").level; // "MUST"
 * ```
 */
export function clauseById(id: string): Clause {
  const clause = findClause(id);
  if (clause === undefined) throw new VirtioBugError(`the specification has no statement ${id}`);
  return clause;
}
