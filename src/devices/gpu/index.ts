export type { MaybeLater } from "../../base/later.ts";
export { GpuBackendError, type GpuBackendErrorCode } from "./backend-error.ts";
export type { GuestPages } from "./backing.ts";
export type { GpuCounters } from "./core.ts";
export { GpuDevice, type GpuResourceInfo } from "./device.ts";
export type { CursorImage, Display, ScanoutSource } from "./display.ts";
export type { DisplayState } from "./displays.ts";
export { createEdid, EDID_MAX_PIXELS, type EdidOptions } from "./edid.ts";
export { type HostBlob, HostHeap } from "./host-heap.ts";
export { MemoryDisplay, type MemoryScreen } from "./memory-display.ts";
export type { GpuCommandObserver, GpuCommandRecord, GpuFieldValue } from "./observe.ts";
export {
  DEFAULT_GPU_LIMITS,
  type DisplayConfig,
  type GpuDeviceOptions,
  type GpuFeatures,
  type GpuLimits,
} from "./options.ts";
export { GPU_POLICIES, type GpuPolicy } from "./policy.ts";
export { type PixelRectangle, readScanoutRgba } from "./read-scanout.ts";
export type {
  BlobInfo,
  Capset,
  RenderedPixels,
  Renderer,
  Resource3dInfo,
  Transfer3d,
} from "./renderer.ts";
export type { ResourceKind } from "./resources.ts";
