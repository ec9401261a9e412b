import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Message framing: any request cut anywhere gets the same answer (virtio 1.4, sections 2.7.4 and 2.8). */
export const FRAMING_CASES: readonly CaseDefinition[] = cases.all;
