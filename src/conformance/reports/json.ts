import type { RunReport } from "../result.ts";

/**
 * Runs as JSON. One run is one object `{spec, target, description, startedAt, ms, clauses, cases, totals}`, see
 * {@link RunReport}; several are an array of such objects, in the order given. Ends with a line feed.
 */
export function formatJson(reports: readonly RunReport[]): string {
  return `${JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 1)}\n`;
}
