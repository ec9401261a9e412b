import type { Mutant } from "../../support/mutants/mutant.ts";

/** Message framing: any request cut anywhere gets the same answer: one rule broken each. */
export const FRAMING_MUTANTS: readonly Mutant[] = [];
