import type { Reviewed } from "./reviewed.ts";

/** Statements on legacy interfaces, in chapters whose others are in lists of their own. */
export const LEGACY_REVIEWED: Reviewed = {
  notObservable: {},
  bindsDriver: [
    "content.legacy.legacy-interface-device-configuration-space.1",
    "content.legacy.legacy-interface-device-initialization.1",
    "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.1",
  ],
};
