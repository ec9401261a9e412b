import type { SourceMutant } from "../../support/mutants/source-mutant.ts";
import { BUDGET_MUTANTS } from "./budgets.ts";
import { DEVICE_RING_MUTANTS } from "./device-rings.ts";
import { DRIVER_RING_MUTANTS } from "./driver-rings.ts";
import { WORKER_MUTANTS } from "./worker.ts";

/** Our own sources with one thing broken each, by what is broken. */
export const SOURCE_MUTANTS: Readonly<Record<string, readonly SourceMutant[]>> = {
  "device rings": DEVICE_RING_MUTANTS,
  "driver rings": DRIVER_RING_MUTANTS,
  worker: WORKER_MUTANTS,
  budgets: BUDGET_MUTANTS,
};
