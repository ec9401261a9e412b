import type { CaseDefinition } from "../../case.ts";
import { overlapCases } from "../support/overlaps.ts";
import { AREA_CASES } from "./areas.ts";
import { AVAILABLE_CASES } from "./available.ts";
import { CHAIN_CASES } from "./chains.ts";
import { INDIRECT_CASES } from "./indirect.ts";
import { MISUSE_CASES } from "./misuse.ts";
import { NOTIFICATION_CASES } from "./notifications.ts";
import { USED_CASES } from "./used.ts";

/** Split virtqueues (virtio 1.4, section 2.7). */
export const SPLIT_RING_CASES: readonly CaseDefinition[] = [
  ...AREA_CASES,
  ...CHAIN_CASES,
  ...INDIRECT_CASES,
  ...AVAILABLE_CASES,
  ...USED_CASES,
  ...NOTIFICATION_CASES,
  ...MISUSE_CASES,
  ...overlapCases("split-ring", "split", ["split-ring.device.message-framing.2"]),
];
