import type { Mutant } from "../../support/mutants/mutant.ts";

/** Virtio over PCI: one rule broken each. */
export const TRANSPORT_PCI_MUTANTS: readonly Mutant[] = [];
