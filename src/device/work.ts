import { runSoon } from "../base/run-soon.ts";
import { WorkBudget } from "../base/work-budget.ts";
import type { VirtioDeviceOptions } from "./device-options.ts";

// What things cost, in the units of a WorkBudget. Measured, not derived: what counts is that none is off by more than
// two or three, so that a budget lasts as long whatever it is spent on.

/**
 * Work of one turn, unless the embedder says otherwise: 16 MiB copied, in about three milliseconds. A frame of 1920 × 1080
 * is done at once; a larger budget would be felt by others on the thread.
 */
export const DEFAULT_MAX_TURN_WORK: number = 16 << 20;

/** A request taken, looked at and answered. */
export const REQUEST_WORK = 1024;
/** A byte of memory that is written for the first time, besides what the copy costs: the system has to find the page. */
export const FRESH_WORK = 2;
/** A segment of scattered memory found, listed or walked. */
export const SEGMENT_WORK = 512;
/** A run of memory that an embedder's translator is asked for, and then listed. */
export { TRANSLATED_WORK } from "../virtqueue/constants.ts";
/** A row of pixels begun. */
export const ROW_WORK = 64;
/** A pixel that a display is told of: it reads four bytes, if it is no more than a copy. */
export const PIXEL_WORK = 4;
/** An entry that is of no use any more and goes from a table. */
export const SWEEP_WORK = 6144;
/** An entry of a table that ends, with all that refers to it. */
export const ENTRY_WORK = 4096;

/** The budget of a device. */
export function budgetOf({ maxTurnWork, schedule }: VirtioDeviceOptions): WorkBudget {
  return new WorkBudget(maxTurnWork ?? DEFAULT_MAX_TURN_WORK, schedule ?? runSoon);
}
