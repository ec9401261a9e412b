import type { Reviewed } from "./reviewed.ts";

export const TRANSPORT_MMIO_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
