import type { Mutant } from "../../support/mutants/mutant.ts";

/** Shared memory regions: one rule broken each. */
export const SHARED_MEM_MUTANTS: readonly Mutant[] = [];
