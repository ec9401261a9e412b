import type { CaseDefinition } from "../case.ts";
import { CONTENT_CASES } from "./content/index.ts";
import { ENTROPY_CASES } from "./entropy/index.ts";
import { FRAMING_CASES } from "./framing/index.ts";
import { GPU_CASES } from "./gpu/index.ts";
import { LEGACY_CASES } from "./legacy/index.ts";
import { PACKED_RING_CASES } from "./packed-ring/index.ts";
import { SHARED_MEM_CASES } from "./shared-mem/index.ts";
import { SPLIT_RING_CASES } from "./split-ring/index.ts";
import { TRANSPORT_MMIO_CASES } from "./transport-mmio/index.ts";
import { TRANSPORT_PCI_CASES } from "./transport-pci/index.ts";

/** All cases of the kit, in the order reports list them. */
export const CASES: readonly CaseDefinition[] = [
  ...CONTENT_CASES,
  ...SPLIT_RING_CASES,
  ...PACKED_RING_CASES,
  ...FRAMING_CASES,
  ...SHARED_MEM_CASES,
  ...TRANSPORT_MMIO_CASES,
  ...TRANSPORT_PCI_CASES,
  ...LEGACY_CASES,
  ...GPU_CASES,
  ...ENTROPY_CASES,
];
