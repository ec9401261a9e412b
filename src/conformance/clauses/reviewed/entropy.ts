import type { Reviewed } from "./reviewed.ts";

export const ENTROPY_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
