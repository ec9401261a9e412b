import { CONTENT_DRIVER } from "./content.ts";
import { GPU_DRIVER } from "./gpu.ts";
import { MMIO_DRIVER } from "./mmio.ts";
import { PCI_DRIVER } from "./pci.ts";
import { RINGS_DRIVER } from "./rings.ts";

/** What each statement demands that the driver checker judges, whether or not the kit has cases of it as well: by id. */
export const DRIVER_SENTENCES: Readonly<Record<string, string>> = /* @__PURE__ */ Object.assign(
  {},
  CONTENT_DRIVER,
  RINGS_DRIVER,
  MMIO_DRIVER,
  PCI_DRIVER,
  GPU_DRIVER,
);
