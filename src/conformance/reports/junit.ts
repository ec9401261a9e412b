/**
 * JUnit's XML, as CI servers read it. One `testsuite` for each target and area of cases; `classname` is both, with a
 * dot between them, and `name` the case's id.
 *
 * | verdict | element |
 * | --- | --- |
 * | pass, reject | none: the test passed |
 * | fail | `failure`; `error` when the device crashed or hangs |
 * | wedged | `error` |
 * | skip, unimplemented | `skipped` |
 * | fail, wedged, as expected | `skipped`, with the reason; so do test runners mark expected failures |
 * | anything else than was expected | `failure` |
 */
import { statementLines } from "../clauses/statement.ts";
import type { CaseResult, RunReport, TimelineEntry } from "../result.ts";
import type { Finding } from "./expectations.ts";
import type { JudgedRun } from "./judged-run.ts";

const MAX_TIMELINE_LINES = 60;

interface Outcome {
  readonly element: "failure" | "error" | "skipped" | null;
  readonly type: string;
  readonly message: string;
}

/**
 * Runs as JUnit XML.
 *
 * @example
 * ```ts
 * const report = await runCases(target, CASES);
 * writeFileSync("report.xml", formatJunit([{ report, judgement: judge(report, null) }]));
 * ```
 */
export function formatJunit(runs: readonly JudgedRun[]): string {
  const suites = runs.flatMap(suitesOf);
  const sums = sumOf(suites.map(({ counts }) => counts));
  const seconds = runs.reduce((sum, { report }) => sum + report.ms, 0) / 1000;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="virtio conformance" ${countAttributes(sums)} time="${seconds.toFixed(3)}">`,
    ...suites.map(({ xml }) => xml),
    "</testsuites>",
    "",
  ].join("\n");
}

interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
}

function sumOf(all: readonly Counts[]): Counts {
  const sum = (name: keyof Counts) => all.reduce((total, counts) => total + counts[name], 0);
  return { tests: sum("tests"), failures: sum("failures"), errors: sum("errors"), skipped: sum("skipped") };
}

function countAttributes({ tests, failures, errors, skipped }: Counts): string {
  return `tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}"`;
}

function suitesOf({ report, judgement }: JudgedRun): { xml: string; counts: Counts }[] {
  const findings = new Map(judgement.findings.map((finding) => [finding.caseId, finding]));
  const reasons = new Map(judgement.known.map(({ caseId, why }) => [caseId, why]));
  const byArea = new Map<string, CaseResult[]>();
  for (const result of report.cases) {
    const area = result.id.split("/", 1)[0] as string;
    byArea.set(area, [...(byArea.get(area) ?? []), result]);
  }
  const properties = [
    ["spec", report.spec],
    ["target", report.target],
    ["description", report.description],
    ...(report.incomplete === undefined ? [] : [["incomplete", report.incomplete]]),
    ...(report.notes ?? []).map((note) => ["note", note]),
  ].map(([name, value]) => `      <property name="${name}" value="${escapeXml(value as string)}"/>`);
  const suites = [...byArea].map(([area, cases]) => {
    const name = `${report.target}.${area}`;
    const outcomes = cases.map((result) =>
      outcomeOf(result, findings.get(result.id), reasons.get(result.id)),
    );
    return suite(name, report, properties, cases, outcomes, findings);
  });
  const stale = judgement.findings.filter(({ verdict }) => verdict === null);
  if (stale.length > 0) suites.push(staleSuite(report, stale));
  return suites;
}

function suite(
  name: string,
  report: RunReport,
  properties: readonly string[],
  cases: readonly CaseResult[],
  outcomes: readonly Outcome[],
  findings: ReadonlyMap<string, Finding>,
): { xml: string; counts: Counts } {
  const having = (element: Outcome["element"]) =>
    outcomes.filter((outcome) => outcome.element === element).length;
  const counts = {
    tests: cases.length,
    failures: having("failure"),
    errors: having("error"),
    skipped: having("skipped"),
  };
  const seconds = cases.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  // ISO 8601 without fractions and zone is what JUnit's own schema demands.
  const timestamp = report.startedAt.slice(0, 19);
  const xml = [
    `  <testsuite name="${escapeXml(name)}" ${countAttributes(counts)} time="${seconds.toFixed(3)}" timestamp="${escapeXml(timestamp)}">`,
    "    <properties>",
    ...properties,
    "    </properties>",
    ...cases.map((result, index) =>
      testcase(name, result, outcomes[index] as Outcome, findings.get(result.id)),
    ),
    "  </testsuite>",
  ].join("\n");
  return { xml, counts };
}

function staleSuite(report: RunReport, stale: readonly Finding[]): { xml: string; counts: Counts } {
  const name = `${report.target}.expected-results`;
  const outcomes = stale.map(({ message }): Outcome => ({ element: "failure", type: "stale", message }));
  const cases = stale.map(
    ({ caseId, message }): CaseResult => ({
      id: caseId,
      verdict: "unimplemented",
      ms: 0,
      clauses: [],
      title: message,
      detail: null,
    }),
  );
  return suite(name, report, [], cases, outcomes, new Map());
}

function outcomeOf(result: CaseResult, finding: Finding | undefined, why: string | undefined): Outcome {
  const { verdict, detail, title } = result;
  const message = detail?.message ?? title;
  if (why !== undefined) return { element: "skipped", type: "known", message: `known difference: ${why}` };
  if (finding !== undefined && verdict !== finding.expected && finding.expected !== null) {
    return {
      element: "failure",
      type: verdict,
      message: `expected ${finding.expected}, found ${verdict}: ${message}`,
    };
  }
  switch (verdict) {
    case "pass":
    case "reject":
      return { element: null, type: verdict, message };
    case "fail":
      return {
        element: detail?.gone === undefined ? "failure" : "error",
        type: detail?.gone ?? verdict,
        message,
      };
    case "wedged":
      return { element: "error", type: verdict, message };
    case "skip":
    case "unimplemented":
      return { element: "skipped", type: verdict, message };
  }
}

function testcase(
  suiteName: string,
  result: CaseResult,
  outcome: Outcome,
  finding: Finding | undefined,
): string {
  const { element, type, message } = outcome;
  const open =
    `    <testcase classname="${escapeXml(suiteName)}" name="${escapeXml(result.id)}" ` +
    `time="${(result.ms / 1000).toFixed(3)}"`;
  if (element === null) return `${open}/>`;
  const attribute = `message="${escapeXml(message)}"`;
  const inner =
    element === "skipped"
      ? `<skipped ${attribute}/>`
      : `<${element} ${attribute} type="${escapeXml(type)}">${escapeXml(bodyOf(result, finding))}</${element}>`;
  return `${open}>\n      ${inner}\n    </testcase>`;
}

function bodyOf({ title, clauses, detail }: CaseResult, finding: Finding | undefined): string {
  const timeline = detail?.timeline ?? [];
  const left = timeline.length - MAX_TIMELINE_LINES;
  const lines = [title, `statements: ${clauses.join(", ")}`, ...(detail === null ? [] : [detail.message])];
  for (const statement of finding?.statements ?? []) lines.push(...statementLines(statement));
  if (left > 0) lines.push(`… ${left} earlier`);
  return [...lines, ...timeline.slice(Math.max(0, left)).map(timelineLine)].join("\n");
}

function timelineLine({ ms, who, text }: TimelineEntry): string {
  return `${ms.toFixed(2).padStart(9)} ms  ${who.padEnd(6)}  ${text}`;
}

/** Text for an attribute or an element. What XML 1.0 cannot carry at all becomes U+FFFD. */
function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that XML does not have
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;")
  );
}
