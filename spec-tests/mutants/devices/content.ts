import type { Mutant } from "../../support/mutants/mutant.ts";

/** Basic facilities and general initialization: one rule broken each. */
export const CONTENT_MUTANTS: readonly Mutant[] = [];
