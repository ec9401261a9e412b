/**
 * virtio-pci (virtio 1.4, section 4.1): configuration space with capabilities, base address registers, INTx and
 * MSI-X; modern, or transitional with the legacy interface.
 *
 * @module virtio-emulator/transport/pci
 */

export type { PciBar, PciStructure, PciWindow } from "./bar.ts";
export { ByteLanes, type ByteLanesTarget } from "./byte-lanes.ts";
export type { MsixMessage } from "./msix.ts";
export type {
  PciLayout,
  PciMsixOptions,
  PciStructurePlace,
  PciTransportOptions,
  PciVendorData,
} from "./options.ts";
export { PciTransport } from "./pci-transport.ts";
export { PCI_STATE_VERSION, type SavedCommonConfig, type SavedPciTransport } from "./saved-state.ts";
