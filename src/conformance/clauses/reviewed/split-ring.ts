import type { Reviewed } from "./reviewed.ts";

export const SPLIT_RING_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
