import { CONTENT_DEVICE } from "./content.ts";
import { GPU_DEVICE } from "./gpu.ts";
import { MMIO_DEVICE } from "./mmio.ts";
import { PCI_DEVICE } from "./pci.ts";
import { RINGS_DEVICE } from "./rings.ts";

/** What each statement demands that cases of the kit are about and the driver checker does not judge: by id. */
export const DEVICE_SENTENCES: Readonly<Record<string, string>> = /* @__PURE__ */ Object.assign(
  {},
  CONTENT_DEVICE,
  RINGS_DEVICE,
  MMIO_DEVICE,
  PCI_DEVICE,
  GPU_DEVICE,
);
