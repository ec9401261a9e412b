import type { Mutant } from "../../support/mutants/mutant.ts";

/** Packed virtqueues: one rule broken each. */
export const PACKED_RING_MUTANTS: readonly Mutant[] = [];
