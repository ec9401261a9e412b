import { VirtioBugError } from "../../base/errors.ts";
import { CLAUSE_DATA } from "./data.ts";

/** The specification the catalogue is of. */
export const SPECIFICATION = "virtio 1.4 (v1.4-cs01)";

/** Whom a statement binds; `prose` stands outside the normative sections, `legacy` in those on old interfaces. */
export type ClauseRole = "device" | "driver" | "legacy" | "prose";
/** How strongly: MUST, SHOULD or MAY, with their negations and synonyms. */
export type ClauseLevel = "must" | "should" | "may";

/** One normative statement of the specification. */
export interface Clause {
  /** `split-ring.device.indirect-descriptors.1`: area, role, section, number. */
  readonly id: string;
  readonly area: string;
  readonly role: ClauseRole;
  readonly level: ClauseLevel;
  /** Titles of the sections it stands in, outermost first, separated by " / ". */
  readonly section: string;
  /** Source file of the specification. */
  readonly file: string;
  /** Line of that file, from 1. */
  readonly line: number;
  /** First 12 digits of the SHA-1 of the wording. */
  readonly sha1: string;
}

/** All 1,661 of them, in the order of the specification's files. */
export const CLAUSES: readonly Clause[] = /* @__PURE__ */ parse(CLAUSE_DATA);

const BY_ID: ReadonlyMap<string, Clause> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ CLAUSES.map((clause) => [clause.id, clause]),
);

/** The statement of this id. Throws {@link VirtioBugError} when there is none. */
export function clauseById(id: string): Clause {
  const clause = BY_ID.get(id);
  if (clause === undefined) throw new VirtioBugError(`the specification has no statement ${id}`);
  return clause;
}

function parse(data: string): Clause[] {
  let file = "";
  let section = "";
  const clauses: Clause[] = [];
  for (const line of data.trim().split("\n")) {
    const [first = "", second = "", third = "", ...rest] = line.split(" ");
    if (first === ">") {
      file = second;
      section = [third, ...rest].join(" ");
      continue;
    }
    const [area = "", role = ""] = first.split(".");
    clauses.push({
      id: first,
      area,
      role: role as ClauseRole,
      level: second as ClauseLevel,
      section,
      file,
      line: Number(third),
      sha1: rest[0] ?? "",
    });
  }
  return clauses;
}
