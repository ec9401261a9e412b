/** A run as text for a terminal or a log: a table by area, the findings, the known differences. */
import { type CitedStatement, DOCUMENT_URL } from "../clauses/statement.ts";
import type { ClauseStatus, RunReport } from "../result.ts";
import { VERDICTS } from "../result.ts";
import { type AreaSummary, knownAreas, summarize, summarizeAreas } from "./areas.ts";
import type { Finding, KnownDifference } from "./expectations.ts";
import type { JudgedRun } from "./judged-run.ts";
import { count, duration, thousands } from "./names.ts";
import { eachOnce, groupVariants, type VariantGroup } from "./variants.ts";

/** How parts of the text are made to stand out; each function gives back its argument where nothing is to. */
export interface TableStyle {
  /** What matters less. */
  dim(text: string): string;
  /** What matters more. */
  bold(text: string): string;
  /** What is as it should be. */
  good(text: string): string;
  /** What is not. */
  bad(text: string): string;
}

const PLAIN: TableStyle = {
  dim: (text) => text,
  bold: (text) => text,
  good: (text) => text,
  bad: (text) => text,
};

interface Column {
  readonly head: readonly [string, string];
  readonly value: (area: AreaSummary) => number;
  readonly tone?: "good" | "bad";
}

const status = (name: ClauseStatus) => (area: AreaSummary) => area.byStatus[name];

const COLUMNS: readonly Column[] = [
  { head: ["state-", "ments"], value: ({ statements }) => statements },
  { head: ["", "covered"], value: ({ covered }) => covered },
  { head: ["", "pass"], value: status("pass"), tone: "good" },
  { head: ["", "fail"], value: status("fail"), tone: "bad" },
  { head: ["", "reject"], value: status("reject") },
  { head: ["", "wedged"], value: status("wedged"), tone: "bad" },
  { head: ["", "skip"], value: status("skip") },
  { head: ["not ob-", "servable"], value: status("not-observable") },
  { head: ["", "driver's"], value: status("driver") },
  { head: ["unimple-", "mented"], value: status("unimplemented") },
];
const MIN_COLUMN = 6;
const MAX_CLAUSES = 3;
/** What is longer pushes the rest of its line to the right. */
const MAX_ALIGNED = 48;
const MAX_DESCRIPTION = 200;
const MAX_SAID = 240;

/**
 * Runs as text. The statements' areas of which the kit knows nothing are summed up in one line.
 *
 * @example
 * ```ts
 * const report = await runCases(target, CASES);
 * console.log(formatTable([{ report, judgement: judge(report, null) }]));
 * ```
 */
export function formatTable(runs: readonly JudgedRun[], style: TableStyle = PLAIN): string {
  const parts = runs.map(({ report }) => formatRun(report, style));
  const findings = runs.flatMap(({ judgement }) => judgement.findings);
  const known = runs.flatMap(({ judgement }) => judgement.known);
  if (known.length > 0) parts.push(formatKnown(known, runs.length > 1, style));
  parts.push(formatFindings(findings, runs.length > 1, style));
  const statements = eachOnce(findings);
  if (statements.length > 0) parts.push(formatStatements(statements, style));
  return `${parts.join("\n\n")}\n`;
}

function formatRun(report: RunReport, style: TableStyle): string {
  const known = knownAreas([report]);
  const all = summarizeAreas(report.clauses);
  const shown = all.filter(({ area }) => known.has(area));
  const others = all.length - shown.length;
  const rows = [...shown];
  if (others > 0) {
    const rest = report.clauses.filter(({ area }) => !known.has(area));
    rows.push(summarize(shown.length === 0 ? "all areas" : `${count(others, "other area")}`, rest));
  }
  const total = summarize("total", report.clauses);
  const names = Math.max(...[...rows, total].map(({ area }) => area.length));
  const widths = COLUMNS.map(({ head, value }) =>
    Math.max(MIN_COLUMN, head[0].length, head[1].length, thousands(value(total)).length),
  );
  const line = (area: AreaSummary, last: boolean): string => {
    const cells = COLUMNS.map(({ value, tone }, index) => {
      const number = value(area);
      const text = (number === 0 ? "·" : thousands(number)).padStart(widths[index] as number);
      if (number === 0) return style.dim(text);
      return tone === undefined ? (last ? style.bold(text) : text) : style[tone](text);
    });
    const name = area.area.padEnd(names);
    return `${last ? style.bold(name) : name}  ${cells.join("  ")}`;
  };
  const heads = [0, 1].map((row) => {
    const cells = COLUMNS.map(({ head }, index) => (head[row] as string).padStart(widths[index] as number));
    return style.dim(`${(row === 1 ? "statements of" : "").padEnd(names)}  ${cells.join("  ")}`.trimEnd());
  });
  const rule = style.dim("─".repeat(names + widths.reduce((sum, width) => sum + width + 2, 0)));
  return [
    `${style.bold(report.target)}  ${style.dim(shorten(report.description, MAX_DESCRIPTION))}`,
    style.dim(report.spec),
    "",
    ...heads,
    rule,
    ...rows.map((area) => line(area, false)),
    rule,
    line(total, true),
    "",
    formatTotals(report, style),
    ...(report.incomplete === undefined ? [] : [style.bad(`Incomplete: ${report.incomplete}.`)]),
    ...(report.notes ?? []).map((note) => style.bad(`Note: ${note}`)),
  ].join("\n");
}

function formatTotals({ cases, totals, ms }: RunReport, style: TableStyle): string {
  const parts = VERDICTS.filter((verdict) => totals[verdict] > 0).map((verdict) => {
    const text = `${thousands(totals[verdict])} ${verdict}`;
    if (verdict === "fail" || verdict === "wedged") return style.bad(text);
    return verdict === "pass" ? style.good(text) : text;
  });
  const sums = parts.length === 0 ? "" : `: ${parts.join(", ")}`;
  return `${count(cases.length, "case")} in ${duration(ms)}${sums}`;
}

/** One line for each finding, variants of a case together: verdict, statements, case, what was found. */
function formatFindings(findings: readonly Finding[], withTarget: boolean, style: TableStyle): string {
  if (findings.length === 0) return style.good("No findings.");
  const against = ({ verdict, expected }: Finding) => {
    const found = verdict ?? "gone";
    return expected === null || expected === verdict ? found : `${found}, not ${expected}`;
  };
  const rows = groupVariants(findings, against).map((group) =>
    groupRow(group, against(group.first), group.first.message, withTarget),
  );
  const head = style.bold(count(findings.length, "finding"));
  const tone = withTarget ? 1 : 0;
  return [head, ...align(rows, (row, text) => (row === tone ? style.bad(text) : text))].join("\n");
}

/** One line for each known difference, variants of a case together: verdict, statements, case, reason. */
function formatKnown(known: readonly KnownDifference[], withTarget: boolean, style: TableStyle): string {
  const rows = groupVariants(known, ({ verdict }) => verdict).map((group) =>
    groupRow(group, group.first.verdict, group.first.why, withTarget),
  );
  const head = style.bold(`${count(known.length, "known difference")} to the specification, as expected`);
  return [head, ...align(rows, (_row, text) => text)].join("\n");
}

/** What the findings' statements demand, each once: findings of many cases are about the same few. */
function formatStatements(statements: readonly CitedStatement[], style: TableStyle): string {
  const head = style.bold(`${count(statements.length, "statement")} that the findings are about`);
  const blocks = statements.map((statement) => {
    const { id, level, number, title, sentence, file, line, sourceUrl, wording } = statement;
    return [
      `  ${style.bold(id)}  ${level.toUpperCase()}  ${number} ${title}`,
      ...(sentence === null ? [] : [`    ${sentence}`]),
      ...(wording === undefined ? [] : [`    "${wording}"`]),
      style.dim(`    ${file}:${line}  ${sourceUrl}`),
    ].join("\n");
  });
  return [`${head}  ${style.dim(DOCUMENT_URL)}`, ...blocks].join("\n");
}

function groupRow(
  { name, caseIds, targets, clauses }: VariantGroup<Finding | KnownDifference>,
  verdict: string,
  said: string,
  withTarget: boolean,
): string[] {
  const which = caseIds.length === 1 ? name : `${name} (${count(caseIds.length, "variant")})`;
  return [
    ...(withTarget ? [targets.join(",")] : []),
    verdict,
    named(clauses),
    which,
    shorten(said, MAX_SAID),
  ];
}

function named(clauses: readonly string[]): string {
  if (clauses.length === 0) return "-";
  const more = clauses.length - MAX_CLAUSES;
  return `${clauses.slice(0, MAX_CLAUSES).join(", ")}${more > 0 ? ` +${more}` : ""}`;
}

/** Lines whose columns stand below each other; the last one is as long as it is. */
function align(
  rows: readonly (readonly string[])[],
  paint: (column: number, text: string) => string,
): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.min(MAX_ALIGNED, Math.max(...rows.map((row) => (row[column] ?? "").length))),
  );
  return rows.map((row) => {
    const cells = row.map((text, column) =>
      paint(column, column === row.length - 1 ? text : text.padEnd(widths[column] as number)),
    );
    return `  ${cells.join("  ")}`;
  });
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function shorten(text: string, length: number): string {
  const line = oneLine(text);
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}
