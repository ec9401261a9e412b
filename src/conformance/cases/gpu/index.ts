import type { CaseDefinition } from "../../case.ts";
import { BLOB_CASES } from "./blobs.ts";
import { CONFIG_CASES } from "./config.ts";
import { CONTEXT_CASES } from "./contexts.ts";
import { CURSOR_CASES } from "./cursor.ts";
import { FENCE_CASES } from "./fences.ts";
import { HOST_VISIBLE_CASES } from "./host-visible.ts";
import { PIXEL_CASES } from "./pixels.ts";
import { PROTOCOL_CASES } from "./protocol.ts";
import { QUERY_CASES } from "./queries.ts";
import { RESOURCE_CASES } from "./resources.ts";
import { SCANOUT_CASES } from "./scanouts.ts";

/** The GPU device (virtio 1.4, section 5.7). */
export const GPU_CASES: readonly CaseDefinition[] = [
  ...CONFIG_CASES,
  ...PROTOCOL_CASES,
  ...FENCE_CASES,
  ...QUERY_CASES,
  ...RESOURCE_CASES,
  ...SCANOUT_CASES,
  ...CURSOR_CASES,
  ...BLOB_CASES,
  ...CONTEXT_CASES,
  ...HOST_VISIBLE_CASES,
  ...PIXEL_CASES,
];
