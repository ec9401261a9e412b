import type { Reviewed } from "./reviewed.ts";

export const GPU_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
