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
  /** Number of the section right above it: `2.7.5.3.2`. */
  readonly number: string;
  /** Title of that section: `Device Requirements: Indirect Descriptors`. */
  readonly title: string;
  /** Source file of the specification. */
  readonly file: string;
  /** Line of that file, from 1. */
  readonly line: number;
  /** First 12 digits of the SHA-1 of the wording. */
  readonly sha1: string;
}

/** Reads what scripts/clause-catalogue.mjs writes. */
export function parseClauses(data: string): Clause[] {
  let file = "";
  let section = "";
  let number = "";
  let title = "";
  const clauses: Clause[] = [];
  for (const line of data.trim().split("\n")) {
    const [first = "", second = "", third = "", ...rest] = line.split(" ");
    if (first === ">") {
      file = second;
      section = [third, ...rest].join(" ");
      continue;
    }
    if (first === "#") {
      number = second;
      title = [third, ...rest].join(" ");
      continue;
    }
    const [area = "", role = ""] = first.split(".");
    clauses.push({
      id: first,
      area,
      role: role as ClauseRole,
      level: second as ClauseLevel,
      section,
      number,
      title,
      file,
      line: Number(third),
      sha1: rest[0] ?? "",
    });
  }
  return clauses;
}
