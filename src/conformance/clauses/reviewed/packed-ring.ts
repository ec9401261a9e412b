import type { Reviewed } from "./reviewed.ts";

export const PACKED_RING_REVIEWED: Reviewed = {
  notObservable: {},
  bindsDriver: [
    // A memory barrier of the driver's, within a section that is marked as prose.
    "packed-ring.prose.implementation-example.1",
  ],
};
