/**
 * The whole library but its adapters and back ends: the device side from guest memory to devices, and the guest's
 * driver model. Every layer has an entry point of its own (`virtio-emulator/gpu`, `virtio-emulator/driver`, …) with
 * all its names; structs and constants of the wire are in `virtio-emulator/wire`.
 *
 * @module virtio-emulator
 */

export { MemoryDisplay, readScanoutRgba } from "./backends/display/memory/index.ts";
export {
  BackendError,
  type TraceEvent,
  type TraceSink,
  VirtioBugError,
  VirtioUsageError,
} from "./base/index.ts";
export {
  DEFAULT_RING_FEATURES,
  type DeviceHost,
  type DeviceType,
  type Profile,
  type RequestDeviceType,
  type SavedDevice,
  SharedObjectRegistry,
  VirtioDevice,
  type VirtioDeviceOptions,
} from "./device/index.ts";
export {
  type CursorImage,
  createEdid,
  type Display,
  type DisplayConfig,
  GpuDevice,
  type GpuDeviceOptions,
  HostHeap,
  type Renderer,
  type ScanoutSource,
} from "./devices/gpu/index.ts";
export { RngDevice } from "./devices/rng/index.ts";
export {
  DriverError,
  GpuCommandError,
  GpuDriver,
  GpuFramebuffer,
  GuestAllocator,
  MmioDriverTransport,
  PciDriverTransport,
  RngDriver,
  VirtioDriver,
} from "./driver/index.ts";
export { type AddressTranslator, GuestMemory, MemoryRegion, type RegionOptions } from "./memory/index.ts";
export { MmioTransport } from "./transport/mmio/index.ts";
export { PciTransport } from "./transport/pci/index.ts";
export { activateQueue, DescriptorChain, type DeviceQueue, type QueueFault } from "./virtqueue/index.ts";
