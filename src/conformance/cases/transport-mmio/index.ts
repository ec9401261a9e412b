import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Virtio over MMIO (virtio 1.4, section 4.2). */
export const TRANSPORT_MMIO_CASES: readonly CaseDefinition[] = cases.all;
