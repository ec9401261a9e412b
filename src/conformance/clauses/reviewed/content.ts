import type { Reviewed } from "./reviewed.ts";

export const CONTENT_REVIEWED: Reviewed = {
  notObservable: {
    "content.device.reserved-feature-bits.8":
      "It recommends two features to devices on add-in cards; nothing that a driver can read says whether a device is on one.",
  },
  bindsDriver: [],
};
