export { Arena, toHex } from "./arena.ts";
export { type Answer, Guest, type Layout, type Request, type StartOptions } from "./guest.ts";
export { LegacyPci, type LegacyRegister, legacyHeaderBytes } from "./legacy-pci.ts";
export { MmioVirtioRegisters } from "./mmio-registers.ts";
export { Msix } from "./msix.ts";
export { type EventSuppression, type PackedDescriptor, PackedRing } from "./packed-ring.ts";
export { type ProbedBar, probeBars } from "./pci-bars.ts";
export {
  capabilitiesOf,
  type FoundCapability,
  type FoundStructure,
  PciVirtioRegisters,
} from "./pci-registers.ts";
export type {
  InterruptCauses,
  QueueAddresses,
  SharedMemoryWindow,
  VirtioRegisters,
} from "./registers.ts";
export { type Element, type Placed, type PlaceOptions, Ring, type Used } from "./ring.ts";
export { type SplitDescriptor, SplitRing } from "./split-ring.ts";
export { Timeline } from "./timeline.ts";
