import type { CheckedMachine } from "../checked-driver.ts";
import { RAW_CONTENT } from "./raw-content.ts";
import { RAW_GPU } from "./raw-gpu.ts";
import { RAW_PACKED } from "./raw-packed.ts";
import { RAW_PCI } from "./raw-pci.ts";
import { RAW_SPLIT } from "./raw-split.ts";

/**
 * A driver written for one statement: as it should be, or with that statement broken. Hands out its machine as soon as
 * there is one.
 */
export type RawDriver = (broken: boolean, made: (machine: CheckedMachine) => void) => void;

/** All of them, by name. */
export const RAW_DRIVERS: Readonly<Record<string, RawDriver>> = {
  ...RAW_CONTENT,
  ...RAW_SPLIT,
  ...RAW_PACKED,
  ...RAW_GPU,
  ...RAW_PCI,
};
