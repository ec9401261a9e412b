import type { RunReport } from "../result.ts";
import type { Judgement } from "./expectations.ts";

/** A run and what it comes to: what all reports are made of. */
export interface JudgedRun {
  readonly report: RunReport;
  readonly judgement: Judgement;
}
