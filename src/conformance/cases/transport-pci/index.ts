import type { CaseDefinition } from "../../case.ts";
import { ACCESS_WINDOW_CASES } from "./access-window.ts";
import { CAPABILITY_CASES } from "./capabilities.ts";
import { COMMON_CONFIG_CASES } from "./common-config.ts";
import { DISCOVERY_CASES } from "./discovery.ts";
import { FUNCTION_CASES } from "./function.ts";
import { ISR_CASES } from "./isr.ts";
import { MISUSE_CASES } from "./misuse.ts";
import { MSIX_CASES } from "./msix.ts";
import { NOTIFICATION_CASES } from "./notification.ts";

/** virtio over PCI (virtio 1.4, section 4.1). */
export const TRANSPORT_PCI_CASES: readonly CaseDefinition[] = [
  ...FUNCTION_CASES,
  ...DISCOVERY_CASES,
  ...CAPABILITY_CASES,
  ...COMMON_CONFIG_CASES,
  ...NOTIFICATION_CASES,
  ...ISR_CASES,
  ...ACCESS_WINDOW_CASES,
  ...MSIX_CASES,
  ...MISUSE_CASES,
];
