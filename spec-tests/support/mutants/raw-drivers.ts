import { RAW_CONTENT } from "./raw-content.ts";
import type { RawDriver } from "./raw-driver.ts";
import { RAW_GPU } from "./raw-gpu.ts";
import { RAW_PACKED } from "./raw-packed.ts";
import { RAW_PCI } from "./raw-pci.ts";
import { RAW_SPLIT } from "./raw-split.ts";

/** All of them, by name. */
export const RAW_DRIVERS: Readonly<Record<string, RawDriver>> = {
  ...RAW_CONTENT,
  ...RAW_SPLIT,
  ...RAW_PACKED,
  ...RAW_GPU,
  ...RAW_PCI,
};
