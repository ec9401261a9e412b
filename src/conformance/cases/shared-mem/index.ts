import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Shared memory regions (virtio 1.4, section 2.10). */
export const SHARED_MEM_CASES: readonly CaseDefinition[] = cases.all;
