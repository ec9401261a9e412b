import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** The GPU device (virtio 1.4, section 5.7). */
export const GPU_CASES: readonly CaseDefinition[] = cases.all;
