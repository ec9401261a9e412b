export { type DmaBuffer, GuestAllocator, type GuestAllocatorOptions, PAGE_BYTES } from "./allocator.ts";
export { DriverError, type DriverErrorCode } from "./errors.ts";
export { GuestPages } from "./guest-pages.ts";
export { createDriverRing } from "./rings/create.ts";
export {
  type DriverRing,
  type DriverRingOptions,
  type RingContext,
  type RingMemory,
  type RingViolation,
  type RingViolationCode,
  SHAPE_AUTO,
  SHAPE_DIRECT,
  SHAPE_INDIRECT,
} from "./rings/driver-ring.ts";
export { ElementList } from "./rings/elements.ts";
export { allocateRingMemory, freeRingMemory } from "./rings/layout.ts";
export { PackedDriverRing } from "./rings/packed.ts";
export { SplitDriverRing } from "./rings/split.ts";
