// What a person decided about single statements, each with its reason. Reviewed as a whole: the statements that cannot be
// observed must stay below 8 % of those of the areas the kit covers (a test holds this).
import { CONTENT_REVIEWED } from "./content.ts";
import { ENTROPY_REVIEWED } from "./entropy.ts";
import { GPU_REVIEWED } from "./gpu.ts";
import { LEGACY_REVIEWED } from "./legacy.ts";
import { PACKED_RING_REVIEWED } from "./packed-ring.ts";
import type { Reviewed } from "./reviewed.ts";
import { SHARED_MEM_REVIEWED } from "./shared-mem.ts";
import { SPLIT_RING_REVIEWED } from "./split-ring.ts";
import { TRANSPORT_MMIO_REVIEWED } from "./transport-mmio.ts";
import { TRANSPORT_PCI_REVIEWED } from "./transport-pci.ts";

const ALL: readonly Reviewed[] = [
  CONTENT_REVIEWED,
  SPLIT_RING_REVIEWED,
  PACKED_RING_REVIEWED,
  SHARED_MEM_REVIEWED,
  TRANSPORT_MMIO_REVIEWED,
  TRANSPORT_PCI_REVIEWED,
  LEGACY_REVIEWED,
  GPU_REVIEWED,
  ENTROPY_REVIEWED,
];

/** Statements that bind a device and cannot be seen from outside it: id → why. */
export const NOT_OBSERVABLE: Readonly<Record<string, string>> = /* @__PURE__ */ Object.assign(
  {},
  ...ALL.map(({ notObservable }) => notObservable),
);

/** Statements of the roles `legacy` and `prose` that bind the driver: the driver checker's business. */
export const BINDS_DRIVER: readonly string[] = /* @__PURE__ */ ALL.flatMap(({ bindsDriver }) => bindsDriver);
