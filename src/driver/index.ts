/**
 * The guest's side: rings, transports and drivers that talk to devices as a kernel would, through registers and
 * shared memory. It knows nothing of this library's devices, so that it drives anybody's.
 *
 * @module virtio-emulator/driver
 */

export { type DmaBuffer, GuestAllocator, type GuestAllocatorOptions, PAGE_BYTES } from "./allocator.ts";
export { DriverQueue } from "./driver-queue.ts";
export {
  type FramebufferOptions,
  GpuFramebuffer,
} from "./drivers/gpu/framebuffer.ts";
export { frameLikeLinux, type GpuFraming, type GpuRequestParts } from "./drivers/gpu/framing.ts";
export type { GpuAsync, GpuCommandName } from "./drivers/gpu/gpu-async.ts";
export {
  type FenceCounter,
  GpuChannel,
  type GpuChannelOptions,
  type GpuRequestWriter,
} from "./drivers/gpu/gpu-channel.ts";
export {
  GPU_DRIVER_FEATURES,
  type GpuConfig,
  GpuDriver,
  type GpuDriverOptions,
} from "./drivers/gpu/gpu-driver.ts";
export { GpuCommandError } from "./drivers/gpu/gpu-error.ts";
export {
  type BlobOptions,
  type GpuCapabilities,
  GpuCursorRequests,
  GpuRequests,
  type Resource3DOptions,
  type ScanoutBlobOptions,
  type Transfer3DOptions,
} from "./drivers/gpu/gpu-requests.ts";
export { MemEntryList } from "./drivers/gpu/mem-entries.ts";
export { ANY_RESPONSE } from "./drivers/gpu/request-slots.ts";
export type { GpuCapsetInfo, GpuDisplay, GpuRect, ResponseDecoder } from "./drivers/gpu/responses.ts";
export { RenderBuffer, type RenderImportPath } from "./drivers/render/render-buffer.ts";
export {
  ANY_RENDER_RESPONSE,
  RenderChannel,
  type RenderChannelOptions,
  type RenderMessage,
  RenderReply,
} from "./drivers/render/render-channel.ts";
export { type RenderConfig, RenderDriver, type RenderDriverOptions } from "./drivers/render/render-driver.ts";
export { RenderCommandError } from "./drivers/render/render-error.ts";
export { RenderJob, RenderJobs, type RenderJobsOptions } from "./drivers/render/render-jobs.ts";
export {
  type RenderCommandOptions,
  type RenderImportOptions,
  type RenderImportState,
  type RenderLayout,
  type RenderPoint,
  type RenderRect,
  RenderRequests,
} from "./drivers/render/render-requests.ts";
export { RngDriver, type RngDriverOptions } from "./drivers/rng/rng.ts";
export {
  VdmabufDriver,
  type VdmabufDriverEvent,
  type VdmabufDriverOptions,
} from "./drivers/vdmabuf/vdmabuf.ts";
export { VdmabufGuestBuffer } from "./drivers/vdmabuf/vdmabuf-buffer.ts";
export type { VdmabufBufferId, VdmabufReplies } from "./drivers/vdmabuf/vdmabuf-channel.ts";
export { VdmabufStatusError } from "./drivers/vdmabuf/vdmabuf-error.ts";
export { encodeVdmabufPicture, type VdmabufPicture } from "./drivers/vdmabuf/vdmabuf-messages.ts";
export { VdmabufTables } from "./drivers/vdmabuf/vdmabuf-tables.ts";
export { DriverError, type DriverErrorCode } from "./errors.ts";
export {
  chooseFeatures,
  DRIVER_RING_FEATURES,
  type DriverFeatureDependency,
  type DriverFeatureRules,
  type FeatureContext,
} from "./features.ts";
export { GuestBuffer } from "./guest-buffer.ts";
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
export { type MmioBus, MmioDriverTransport } from "./transports/mmio.ts";
export { type PciDriverOptions, PciDriverTransport } from "./transports/pci.ts";
export {
  findCapabilities,
  type PciBarInfo,
  type PciBus,
  type PciResources,
  type VirtioPciStructure,
} from "./transports/pci-function.ts";
export type { MsixTarget } from "./transports/pci-msix.ts";
export {
  type AccessWidth,
  type DriverTransport,
  INTERRUPT_CONFIG,
  INTERRUPT_QUEUE,
  type SharedMemoryWindow,
} from "./transports/transport.ts";
export {
  type DriverPlatform,
  type DriverProgram,
  type DriverState,
  type QueueRequest,
  VirtioDriver,
} from "./virtio-driver.ts";
export type { WaitOptions } from "./waiting.ts";
