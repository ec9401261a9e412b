import type { Reviewed } from "./reviewed.ts";

export const SHARED_MEM_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
