import type { CaseDefinition } from "../../case.ts";
import { overlapCases } from "../support/overlaps.ts";
import { AREA_CASES } from "./areas.ts";
import { INDIRECT_CASES } from "./indirect.ts";
import { LIST_CASES } from "./lists.ts";
import { MISUSE_CASES } from "./misuse.ts";
import { NOTIFICATION_CASES } from "./notifications.ts";
import { USED_CASES } from "./used.ts";

/** Packed virtqueues (virtio 1.4, section 2.8). */
export const PACKED_RING_CASES: readonly CaseDefinition[] = [
  ...AREA_CASES,
  ...LIST_CASES,
  ...INDIRECT_CASES,
  ...USED_CASES,
  ...NOTIFICATION_CASES,
  ...MISUSE_CASES,
  ...overlapCases("packed-ring", "packed", ["packed-ring.device.scatter-gather-support.2"]),
];
