/**
 * Which normative statements of the specification have a test, and which are marked in the code.
 *
 * A statement counts as tested where a test file has its id in square brackets inside a string, as in the title
 * `"[split-ring.device.used-ring.1] writes id before idx"`, and as marked where a comment of src has it so.
 * Several ids may share one pair of brackets, separated by commas or spaces.
 */
import ts from "typescript";

const ROLES = ["device", "driver", "other"] as const;
const LEVELS = ["must", "should", "may"] as const;
/** The areas that this package implements; they come first, in this order. */
const FIRST_AREAS = [
  "content",
  "split-ring",
  "packed-ring",
  "shared-mem",
  "transport-mmio",
  "transport-pci",
  "gpu",
  "entropy",
];

type Role = (typeof ROLES)[number];
type Level = (typeof LEVELS)[number];

/** One normative statement. */
export interface Clause {
  readonly id: string;
  readonly area: string;
  readonly role: Role;
  readonly level: Level;
  readonly section: string;
}

/** One place that names an id. */
export interface Citation {
  readonly id: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Comments explain, strings are titles of tests. */
  readonly inside: "comment" | "string";
}

/** Reads the catalogue: tab-separated, with a line of column names. */
export function parseClauses(text: string): Clause[] {
  const [header, ...lines] = text.split(/\r?\n/).filter((line) => line !== "");
  const columns = (header ?? "").split("\t");
  const column = (name: string): number => {
    const index = columns.indexOf(name);
    if (index < 0) throw new Error(`the catalogue has no column "${name}"`);
    return index;
  };
  const at = { id: column("id"), area: column("area"), role: column("role"), level: column("level") };
  const section = column("section");
  return lines.map((line) => {
    const cells = line.split("\t");
    const level = LEVELS.find((name) => name === cells[at.level]);
    if (level === undefined) throw new Error(`the catalogue has a line without a level: ${line}`);
    const role = ROLES.find((name) => name === cells[at.role]) ?? "other";
    const cell = (index: number): string => cells[index] ?? "";
    return { id: cell(at.id), area: cell(at.area), role, level, section: cell(section) };
  });
}

// All ids have the form area.role.section.number, which no other text in brackets has.
const BRACKETS = /\[([^[\]\n]+)\]/g;
const CLAUSE_ID = /^[a-z0-9-]+\.(?:device|driver|legacy|prose)\.[a-z0-9.-]+\.\d+$/;

/** Finds the ids that a TypeScript file names in its comments and strings. */
export function findCitations(file: string, text: string): Citation[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const citations: Citation[] = [];
  const scan = (from: number, to: number, inside: Citation["inside"]): void => {
    for (const match of text.slice(from, to).matchAll(BRACKETS)) {
      const line = source.getLineAndCharacterOfPosition(from + match.index).line + 1;
      for (const id of (match[1] ?? "").split(/[,\s]+/)) {
        if (CLAUSE_ID.test(id)) citations.push({ id, file, line, inside });
      }
    }
  };
  const comments = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      scan(node.getStart(source), node.end, "string");
    }
    const children = node.getChildren(source).filter((child) => !ts.isJSDoc(child));
    if (children.length === 0) {
      const ranges = [
        ...(ts.getLeadingCommentRanges(text, node.pos) ?? []),
        ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
      ];
      for (const { pos, end } of ranges) {
        if (!comments.has(pos)) scan(pos, end, "comment");
        comments.add(pos);
      }
    }
    for (const child of children) visit(child);
  };
  visit(source);
  return citations;
}

/** What is known about each statement, and about citations of statements that there are not. */
export interface Coverage {
  readonly clauses: readonly Clause[];
  readonly tested: ReadonlySet<string>;
  readonly marked: ReadonlySet<string>;
  readonly unknown: readonly Citation[];
}

/** Compares the catalogue with what tests and sources cite. */
export function measure(
  clauses: readonly Clause[],
  inTests: readonly Citation[],
  inSources: readonly Citation[],
): Coverage {
  const ids = new Set(clauses.map(({ id }) => id));
  return {
    clauses,
    tested: new Set(
      inTests.filter(({ id, inside }) => inside === "string" && ids.has(id)).map(({ id }) => id),
    ),
    marked: new Set(inSources.filter(({ id }) => ids.has(id)).map(({ id }) => id)),
    unknown: [...inTests, ...inSources].filter(({ id }) => !ids.has(id)),
  };
}

/** The areas of a catalogue in the order of the table. */
export function areasOf(clauses: readonly Clause[]): string[] {
  const all = new Set(clauses.map(({ area }) => area));
  const first = FIRST_AREAS.filter((area) => all.has(area));
  return [...first, ...[...all].filter((area) => !first.includes(area)).sort()];
}

/** Statements of one area without a test, in the order of the catalogue. */
export function missingIn(area: string, { clauses, tested }: Coverage): Clause[] {
  return clauses.filter((clause) => clause.area === area && !tested.has(clause.id));
}

/** The table: one line per area; the cells by role and level are "tested/statements". */
export function table(coverage: Coverage): string {
  const { clauses, tested, marked } = coverage;
  const heads = ROLES.flatMap((role) => LEVELS.map((level) => `${role} ${level.toUpperCase()}`));
  const rows = [["area", "statements", "tested", "untested", "in src", ...heads]];
  const row = (name: string, members: readonly Clause[]): void => {
    const withTest = members.filter(({ id }) => tested.has(id)).length;
    const inSource = members.filter(({ id }) => marked.has(id)).length;
    const cells = ROLES.flatMap((role) =>
      LEVELS.map((level) => {
        const group = members.filter((clause) => clause.role === role && clause.level === level);
        return group.length === 0
          ? "-"
          : `${group.filter(({ id }) => tested.has(id)).length}/${group.length}`;
      }),
    );
    rows.push([
      name,
      ...[members.length, withTest, members.length - withTest, inSource].map(String),
      ...cells,
    ]);
  };
  for (const area of areasOf(clauses)) {
    row(
      area,
      clauses.filter((clause) => clause.area === area),
    );
  }
  row("total", clauses);
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map((cells) => cells[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join("  ");
  return rows.map(line).join("\n");
}
