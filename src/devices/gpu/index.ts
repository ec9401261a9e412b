/**
 * virtio-gpu (virtio 1.4, section 5.7): 2D resources, blobs, cursors, EDID, UUIDs, and 3D commands for a renderer
 * of the embedder's. Pictures go to a {@link Display}: one of `virtio-emulator/backends/display/…`, or one of your
 * own.
 *
 * @module virtio-emulator/gpu
 */

export { BackendError } from "../../base/backend-error.ts";
export type { MaybeLater } from "../../base/later.ts";
export type { GuestPages } from "../../memory/guest-pages.ts";
export type { CursorImage, Display, PixelRectangle, ScanoutSource } from "./backend/display.ts";
export type { GpuBackendErrorCode } from "./backend/failure.ts";
export type {
  BlobInfo,
  Capset,
  PreparedRenderer,
  RenderedPixels,
  Renderer,
  Resource3dInfo,
  RestoredResource,
  Transfer3d,
} from "./backend/renderer.ts";
export type { GpuCounters } from "./core.ts";
export { GpuDevice, type GpuResourceInfo } from "./device.ts";
export {
  DEFAULT_GPU_LIMITS,
  type DisplayConfig,
  type GpuBackendFailure,
  type GpuDeviceOptions,
  type GpuFeatures,
  type GpuLimits,
} from "./options.ts";
export type { DisplayState } from "./output/displays.ts";
export { createEdid, EDID_MAX_PIXELS, type EdidOptions } from "./output/edid.ts";
export { GPU_POLICIES, type GpuPolicy } from "./policy.ts";
export type { GpuCommandObserver, GpuCommandRecord, GpuFieldValue } from "./queue/observe.ts";
export { type HostBlob, HostHeap } from "./resources/host-heap.ts";
export type { ResourceKind } from "./resources/resources.ts";
