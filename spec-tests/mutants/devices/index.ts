import type { Mutant } from "../../support/mutants/mutant.ts";
import { CONTENT_MUTANTS } from "./content.ts";
import { ENTROPY_MUTANTS } from "./entropy.ts";
import { FRAMING_MUTANTS } from "./framing.ts";
import { GPU_MUTANTS } from "./gpu.ts";
import { LEGACY_MUTANTS } from "./legacy.ts";
import { MISUSE_MUTANTS } from "./misuse.ts";
import { PACKED_RING_MUTANTS } from "./packed-ring.ts";
import { SHARED_MEM_MUTANTS } from "./shared-mem.ts";
import { SPLIT_RING_MUTANTS } from "./split-ring.ts";
import { TRANSPORT_MMIO_MUTANTS } from "./transport-mmio.ts";
import { TRANSPORT_PCI_MUTANTS } from "./transport-pci.ts";

/** Our devices with one rule broken each, by area. */
export const DEVICE_MUTANTS: Readonly<Record<string, readonly Mutant[]>> = {
  content: CONTENT_MUTANTS,
  "split-ring": SPLIT_RING_MUTANTS,
  "packed-ring": PACKED_RING_MUTANTS,
  framing: FRAMING_MUTANTS,
  "shared-mem": SHARED_MEM_MUTANTS,
  "transport-mmio": TRANSPORT_MMIO_MUTANTS,
  "transport-pci": TRANSPORT_PCI_MUTANTS,
  legacy: LEGACY_MUTANTS,
  gpu: GPU_MUTANTS,
  entropy: ENTROPY_MUTANTS,
  misuse: MISUSE_MUTANTS,
};
