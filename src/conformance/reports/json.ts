import type { JudgedRun } from "./judged-run.ts";

/**
 * Runs as JSON. One run is one object `{spec, target, description, startedAt, ms, clauses, cases, totals}`, see
 * {@link RunReport}, with `findings` and `known`, see {@link Judgement}; several are an array of such objects, in the
 * order given. Ends with a line feed.
 *
 * @example
 * ```ts
 * const report = await runCases(target, CASES);
 * writeFileSync("report.json", formatJson([{ report, judgement: judge(report, null) }]));
 * ```
 */
export function formatJson(runs: readonly JudgedRun[]): string {
  const all = runs.map(({ report, judgement }) => ({ ...report, ...judgement }));
  return `${JSON.stringify(all.length === 1 ? all[0] : all, null, 1)}\n`;
}
