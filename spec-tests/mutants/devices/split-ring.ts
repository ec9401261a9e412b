import type { Mutant } from "../../support/mutants/mutant.ts";

/** Split virtqueues: one rule broken each. */
export const SPLIT_RING_MUTANTS: readonly Mutant[] = [];
