import type { Reviewed } from "./reviewed.ts";

export const TRANSPORT_PCI_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
