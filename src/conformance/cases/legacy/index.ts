import type { CaseDefinition } from "../../case.ts";
import { LEGACY_DRIVER_CASES } from "./driver.ts";
import { LEGACY_INTERFACE_CASES } from "./interface.ts";

/** Legacy interfaces of all chapters, for transitional devices. */
export const LEGACY_CASES: readonly CaseDefinition[] = [...LEGACY_INTERFACE_CASES, ...LEGACY_DRIVER_CASES];
