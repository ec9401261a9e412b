import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Packed virtqueues (virtio 1.4, section 2.8). */
export const PACKED_RING_CASES: readonly CaseDefinition[] = cases.all;
