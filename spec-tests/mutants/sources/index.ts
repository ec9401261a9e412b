import type { SourceMutant } from "../../support/mutants/source-mutant.ts";
import { BUDGET_MUTANTS } from "./budgets.ts";
import { DEVICE_RING_MUTANTS } from "./device-rings.ts";
import { DISPLAY_MUTANTS } from "./displays.ts";
import { DRIVER_RING_MUTANTS } from "./driver-rings.ts";
import { MEMORY_MUTANTS } from "./memory.ts";
import { OPTION_MUTANTS } from "./options.ts";
import { POLICY_MUTANTS } from "./policies.ts";
import { TRANSACTION_MUTANTS } from "./transactions.ts";
import { WORKER_MUTANTS } from "./worker.ts";

/** Our own sources with one thing broken each, by what is broken. */
export const SOURCE_MUTANTS: Readonly<Record<string, readonly SourceMutant[]>> = {
  "device rings": DEVICE_RING_MUTANTS,
  "driver rings": DRIVER_RING_MUTANTS,
  worker: WORKER_MUTANTS,
  budgets: BUDGET_MUTANTS,
  memory: MEMORY_MUTANTS,
  options: OPTION_MUTANTS,
  policies: POLICY_MUTANTS,
  transactions: TRANSACTION_MUTANTS,
  displays: DISPLAY_MUTANTS,
};
