import type { Mutant } from "../../support/mutants/mutant.ts";

/** Legacy interfaces of all chapters, for transitional devices: one rule broken each. */
export const LEGACY_MUTANTS: readonly Mutant[] = [];
