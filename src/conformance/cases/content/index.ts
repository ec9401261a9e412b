import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Basic facilities and general initialization (virtio 1.4, chapters 2 and 3). */
export const CONTENT_CASES: readonly CaseDefinition[] = cases.all;
