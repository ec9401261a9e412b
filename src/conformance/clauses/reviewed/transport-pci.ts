import type { Reviewed } from "./reviewed.ts";

const DISCOVERY = "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti";
const LAYOUT = "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout";

export const TRANSPORT_PCI_REVIEWED: Reviewed = {
  notObservable: {
    "transport-pci.device.virtio-structure-pci-capabilities.3":
      "Which of several structures is the optimal one depends on the platform and cannot be told from their descriptions.",
    "transport-pci.legacy.device-requirements-non-transitional-device-with.1":
      "It binds devices on platforms where a legacy driver for the very same ids existed, which is history and not part of the device; none is known.",
  },
  bindsDriver: [
    // A driver may map no more than 4 KiB of a structure.
    "transport-pci.prose.virtio-structure-pci-capabilities.4",
    `${LAYOUT}.2`,
    `${LAYOUT}.4`,
    `${DISCOVERY}.2`,
    `${DISCOVERY}.3`,
    `${DISCOVERY}.4`,
    `${DISCOVERY}.5`,
  ],
};
