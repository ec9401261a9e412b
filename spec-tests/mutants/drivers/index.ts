import type { DriverMutant } from "../../support/mutants/driver-mutant.ts";
import { CONTENT_MUTANTS } from "./content.ts";
import { ENTROPY_MUTANTS } from "./entropy.ts";
import { GPU_MUTANTS } from "./gpu.ts";
import { PACKED_RING_MUTANTS } from "./packed-ring.ts";
import { SPLIT_RING_MUTANTS } from "./split-ring.ts";
import { TRANSPORT_MMIO_MUTANTS } from "./transport-mmio.ts";
import { TRANSPORT_PCI_MUTANTS } from "./transport-pci.ts";

/** Drivers with one rule broken, by area. */
export const DRIVER_MUTANTS: Readonly<Record<string, readonly DriverMutant[]>> = {
  content: CONTENT_MUTANTS,
  "split-ring": SPLIT_RING_MUTANTS,
  "packed-ring": PACKED_RING_MUTANTS,
  "transport-mmio": TRANSPORT_MMIO_MUTANTS,
  "transport-pci": TRANSPORT_PCI_MUTANTS,
  gpu: GPU_MUTANTS,
  entropy: ENTROPY_MUTANTS,
};
