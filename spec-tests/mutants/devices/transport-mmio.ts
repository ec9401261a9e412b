import type { Mutant } from "../../support/mutants/mutant.ts";

/** Virtio over MMIO: one rule broken each. */
export const TRANSPORT_MMIO_MUTANTS: readonly Mutant[] = [];
