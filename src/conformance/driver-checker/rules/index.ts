import { contentRules } from "./content.ts";
import { entropyRules } from "./entropy.ts";
import { gpuRules } from "./gpu.ts";
import { HintRules } from "./hints.ts";
import { mmioRules } from "./mmio.ts";
import { packedRingRules } from "./packed-ring.ts";
import { pciRules } from "./pci.ts";
import type { RuleMaker } from "./rule.ts";
import { splitRingRules } from "./split-ring.ts";

/** The rules of all areas. */
export const RULES: readonly RuleMaker[] = [
  contentRules,
  splitRingRules,
  packedRingRules,
  mmioRules,
  pciRules,
  gpuRules,
  entropyRules,
  (context) => new HintRules(context),
];
