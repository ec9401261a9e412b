import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

/** Virtio over PCI (virtio 1.4, section 4.1). */
export const TRANSPORT_PCI_CASES: readonly CaseDefinition[] = cases.all;
