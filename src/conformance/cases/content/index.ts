import type { CaseDefinition } from "../../case.ts";
import { CONFIG_CASES } from "./config.ts";
import { FEATURE_CASES } from "./features.ts";
import { IN_ORDER_CASES } from "./in-order.ts";
import { LEGACY_CONTENT_CASES } from "./legacy.ts";
import { MISUSE_CASES } from "./misuse.ts";
import { QUEUE_RESET_CASES } from "./queue-reset.ts";
import { RESERVED_CASES } from "./reserved.ts";
import { STATUS_CASES } from "./status.ts";
import { SUSPEND_CASES } from "./suspend.ts";

/** What all devices have in common (virtio 1.4, chapters 2, 3 and 6). */
export const CONTENT_CASES: readonly CaseDefinition[] = [
  ...STATUS_CASES,
  ...FEATURE_CASES,
  ...RESERVED_CASES,
  ...CONFIG_CASES,
  ...IN_ORDER_CASES,
  ...QUEUE_RESET_CASES,
  ...SUSPEND_CASES,
  ...MISUSE_CASES,
  ...LEGACY_CONTENT_CASES,
];
