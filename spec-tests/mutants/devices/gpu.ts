import type { Mutant } from "../../support/mutants/mutant.ts";

/** The GPU device: one rule broken each. */
export const GPU_MUTANTS: readonly Mutant[] = [];
