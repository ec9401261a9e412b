import type { Reviewed } from "./reviewed.ts";

export const PACKED_RING_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
