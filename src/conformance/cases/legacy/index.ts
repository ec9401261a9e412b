import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Legacy interfaces of all chapters, for transitional devices. */
export const LEGACY_CASES: readonly CaseDefinition[] = cases.all;
