import type { Reviewed } from "./reviewed.ts";

export const CONTENT_REVIEWED: Reviewed = { notObservable: {}, bindsDriver: [] };
