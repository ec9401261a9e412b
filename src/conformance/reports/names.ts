/** How reports name and order what a run found. */
import type { ClauseResult, ClauseStatus, Verdict } from "../result.ts";

/** All standings of a statement, worst first: the order in which reports show them. */
export const CLAUSE_STATUSES = [
  "fail",
  "wedged",
  "reject",
  "pass",
  "skip",
  "not-observable",
  "driver",
  "unimplemented",
] as const satisfies readonly ClauseStatus[];

/** A standing in words. */
export const STATUS_LABELS: Readonly<Record<ClauseStatus, string>> = {
  fail: "fail",
  wedged: "wedged",
  reject: "reject",
  pass: "pass",
  skip: "skip",
  "not-observable": "not observable",
  driver: "driver's",
  unimplemented: "unimplemented",
};

/** One sentence about each standing, for legends. */
export const STATUS_MEANINGS: Readonly<Record<ClauseStatus, string>> = {
  fail: "a case found the statement broken",
  wedged: "a case left the device dead until it was reset, and it did not say so",
  reject: "every case that ran broke a rule, was refused as it may be, and left the device alive",
  pass: "at least one case passed, none failed",
  skip: "the target lacks what the cases need",
  "not-observable": "cannot be seen from outside the device; the reason is given",
  driver: "binds the driver, which the driver checker judges",
  unimplemented: "the kit has no case for it yet",
};

/** A sign for each standing and verdict, so that nothing depends on colour alone. */
export const STATUS_SIGNS: Readonly<Record<ClauseStatus, string>> = {
  fail: "✗",
  wedged: "■",
  reject: "⊘",
  pass: "✓",
  skip: "–",
  "not-observable": "◌",
  driver: "→",
  unimplemented: "·",
};

const VERDICT_ORDER: Readonly<Record<Verdict, number>> = {
  fail: 0,
  wedged: 1,
  unimplemented: 2,
  reject: 3,
  skip: 4,
  pass: 5,
};

/** Sorts worst first, for `Array.sort`. */
export function byVerdict(a: Verdict, b: Verdict): number {
  return VERDICT_ORDER[a] - VERDICT_ORDER[b];
}

/** Whether a verdict says that the device differs from the specification. */
export function isDifference(verdict: Verdict): verdict is "fail" | "wedged" {
  return verdict === "fail" || verdict === "wedged";
}

/** Whether the kit has anything to say about a statement: it is covered, or there is a reason why not. */
export function isKnown({ status }: ClauseResult): boolean {
  return status !== "unimplemented";
}

/** `1 case`, `2 cases`, `1,661 statements`. */
export function count(number: number, noun: string): string {
  return `${thousands(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A whole number with commas between its thousands. */
export function thousands(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A time for people: `0.4 ms`, `12 ms`, `3.4 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
