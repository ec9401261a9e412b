/**
 * Expected results: what a target is known to do differently. A run is held against them, so that a change on either
 * side shows, and every known difference stays in the report with its reason.
 */
import { VirtioUsageError } from "../../base/errors.ts";
import { citeStatement } from "../clauses/cite.ts";
import type { CitedStatement, WordingOf } from "../clauses/statement.ts";
import { type RunReport, VERDICTS, type Verdict } from "../result.ts";
import { byVerdict, isDifference } from "./names.ts";

/** What a case is known to come to, and why. */
export interface ExpectedCase {
  readonly verdict: Verdict;
  /** For people: what the target does instead, and where that is known from. */
  readonly why: string;
}

/**
 * The known results of one target: all its cases that fail or are wedged. Cases that are not listed are expected to do
 * neither.
 */
export interface Expectations {
  /** Name of the target. */
  readonly target: string;
  /** What it was, with its version, when this was written. */
  readonly description: string;
  /** By id of the case. */
  readonly cases: Readonly<Record<string, ExpectedCase>>;
}

/**
 * Something a run found that somebody has to look at: a difference to the specification, or, where there are
 * expectations, a difference to those.
 */
export interface Finding {
  /** Name of the target. */
  readonly target: string;
  readonly caseId: string;
  /** Ids of the statements the case covers. */
  readonly clauses: readonly string[];
  /** What those demand, and where they stand; without those that the specification does not have. */
  readonly statements: readonly CitedStatement[];
  /** What the case came to; null when it was expected and does not exist any more. */
  readonly verdict: Verdict | null;
  /** What it was expected to come to; null when there are no expectations of it. */
  readonly expected: Verdict | null;
  /** One line. */
  readonly message: string;
}

/** A difference to the specification that was expected. */
export interface KnownDifference {
  /** Name of the target. */
  readonly target: string;
  readonly caseId: string;
  /** Ids of the statements the case covers. */
  readonly clauses: readonly string[];
  /** What those demand, and where they stand; without those that the specification does not have. */
  readonly statements: readonly CitedStatement[];
  readonly verdict: "fail" | "wedged";
  /** The reason in the expectations. */
  readonly why: string;
}

/** What a run comes to, in the light of what was expected. */
export interface Judgement {
  readonly findings: readonly Finding[];
  readonly known: readonly KnownDifference[];
}

/**
 * Judges a run. Without expectations, each `fail` and each `wedged` is a finding. With them, each case that came to
 * something else than expected is one.
 *
 * `allCases` are the ids of all cases there are for the target, run or not: expectations of others are stale, which
 * is a finding, too. Left out, expectations of cases that did not run are taken for not selected. `wordingOf` gives the
 * specification's own words, where a copy of it is at hand.
 *
 * @example
 * ```ts
 * const judgement = judge(await runCases(target, CASES), null);
 * process.exitCode = judgement.findings.length > 0 ? 1 : 0;
 * ```
 */
export function judge(
  report: RunReport,
  expectations: Expectations | null,
  allCases?: ReadonlySet<string>,
  wordingOf?: WordingOf,
): Judgement {
  const findings: Finding[] = [];
  const known: KnownDifference[] = [];
  for (const result of report.cases) {
    const expected = expectedOf(expectations, result.id);
    const { id: caseId, verdict, clauses } = result;
    const message = result.detail?.message ?? result.title;
    const base = () => ({ target: report.target, caseId, clauses, statements: citeAll(clauses, wordingOf) });
    if (isAsExpected(verdict, expected)) {
      if (expected !== undefined && isDifference(verdict))
        known.push({ ...base(), verdict, why: expected.why });
    } else {
      findings.push({ ...base(), verdict, expected: expectedVerdict(expected, expectations), message });
    }
  }
  const stale = Object.entries(expectations?.cases ?? {}).filter(
    ([id]) => allCases !== undefined && !allCases.has(id),
  );
  for (const [caseId, { verdict }] of stale) {
    findings.push({
      target: report.target,
      caseId,
      clauses: [],
      statements: [],
      verdict: null,
      expected: verdict,
      message: "there is no such case any more: take it out of the expected results",
    });
  }
  findings.sort((a, b) => byVerdict(a.verdict ?? "skip", b.verdict ?? "skip"));
  return { findings, known };
}

function citeAll(ids: readonly string[], wordingOf: WordingOf | undefined): CitedStatement[] {
  return ids.flatMap((id) => citeStatement(id, wordingOf) ?? []);
}

function expectedOf(expectations: Expectations | null, id: string): ExpectedCase | undefined {
  return expectations !== null && Object.hasOwn(expectations.cases, id) ? expectations.cases[id] : undefined;
}

function expectedVerdict(
  expected: ExpectedCase | undefined,
  expectations: Expectations | null,
): Verdict | null {
  return expected?.verdict ?? (expectations === null ? null : "pass");
}

/** Where nothing was expected, whatever is no difference to the specification will do. */
function isAsExpected(verdict: Verdict, expected: ExpectedCase | undefined): boolean {
  return expected === undefined ? !isDifference(verdict) : verdict === expected.verdict;
}

/**
 * The expectations that a run fulfils. Of `previous` ones the reasons are kept, and all that is about cases which did
 * not run; reasons that are new are what the cases have said. `allCases` as for {@link judge}: of others nothing is
 * kept.
 *
 * @example
 * ```ts
 * writeFileSync("known.json", formatExpectations([expectationsOf(report)]));
 * ```
 */
export function expectationsOf(
  report: RunReport,
  previous: Expectations | null = null,
  allCases?: ReadonlySet<string>,
): Expectations {
  const ran = new Set(report.cases.map(({ id }) => id));
  const kept = Object.entries(previous?.cases ?? {}).filter(
    ([id]) => !ran.has(id) && (allCases?.has(id) ?? true),
  );
  const found = report.cases
    .filter(({ verdict }) => isDifference(verdict))
    .map(({ id, verdict, detail, title }): [string, ExpectedCase] => {
      const before = expectedOf(previous, id);
      const why = before?.verdict === verdict ? before.why : (detail?.message ?? title);
      return [id, { verdict, why }];
    });
  const cases = [...kept, ...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return { target: report.target, description: report.description, cases: Object.fromEntries(cases) };
}

/**
 * Expectations as a file: those of one target, or an array of those of several.
 *
 * @example
 * ```ts
 * writeFileSync("known.json", formatExpectations([expectationsOf(report)]));
 * ```
 */
export function formatExpectations(all: readonly Expectations[]): string {
  return `${JSON.stringify(all.length === 1 ? all[0] : all, null, 2)}\n`;
}

/**
 * Reads what {@link formatExpectations} writes. Throws {@link VirtioUsageError}, in one line, when it is not that.
 *
 * @example
 * ```ts
 * const [known = null] = parseExpectations(readFileSync("known.json", "utf8"));
 * const { findings } = judge(report, known);
 * ```
 */
export function parseExpectations(text: string): Expectations[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new VirtioUsageError(`is not JSON: ${(error as Error).message.replace(/\s+/g, " ")}`);
  }
  const all = (Array.isArray(parsed) ? parsed : [parsed]).map(checkExpectations);
  const targets = all.map(({ target }) => target);
  const twice = targets.find((target, index) => targets.indexOf(target) !== index);
  if (twice !== undefined)
    throw new VirtioUsageError(`says twice what to expect of ${JSON.stringify(twice)}`);
  return all;
}

function checkExpectations(value: unknown): Expectations {
  if (!isRecord(value)) throw new VirtioUsageError("is not an object {target, description, cases}");
  const { target, description, cases } = value;
  if (typeof target !== "string") throw new VirtioUsageError('has no "target", the name of one');
  if (typeof description !== "string") throw new VirtioUsageError(`has no "description" of ${target}`);
  if (!isRecord(cases)) throw new VirtioUsageError(`has no "cases" of ${target}, an object by id`);
  for (const [id, expected] of Object.entries(cases)) checkCase(id, expected);
  return { target, description, cases: cases as Record<string, ExpectedCase> };
}

function checkCase(id: string, value: unknown): void {
  const verdict = isRecord(value) ? value["verdict"] : undefined;
  if (!(VERDICTS as readonly unknown[]).includes(verdict)) {
    throw new VirtioUsageError(`expects no verdict of ${JSON.stringify(id)}: give ${VERDICTS.join(", ")}`);
  }
  const why = isRecord(value) ? value["why"] : undefined;
  if (typeof why !== "string" || why.trim() === "") {
    throw new VirtioUsageError(`does not say "why" it expects ${String(verdict)} of ${JSON.stringify(id)}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
