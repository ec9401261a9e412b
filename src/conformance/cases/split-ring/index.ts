import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Split virtqueues (virtio 1.4, section 2.7). */
export const SPLIT_RING_CASES: readonly CaseDefinition[] = cases.all;
