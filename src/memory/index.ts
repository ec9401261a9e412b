/**
 * Guest physical memory: regions of buffers with holes between them, 64-bit addresses, translation by an IOMMU,
 * lists of segments. The start of every machine is a {@link GuestMemory}.
 *
 * @module virtio-emulator/memory
 */

export { type AddressTranslator, type DmaError, type DmaRun, DmaSpace, type Translation } from "./dma.ts";
export { GuestMemory } from "./guest-memory.ts";
export { GuestPages } from "./guest-pages.ts";
export { type GrowableMemory, MemoryRegion, type RegionKind, type RegionOptions } from "./region.ts";
export { copyBytes, SegmentList } from "./segments.ts";
