export {
  type DmaBuf,
  type DmaBufAttachment,
  type DmaBufImporter,
  GuestDmaBuf,
  PrimeFd,
} from "./buffers/dma-buf.ts";
export { ExportedBuffer } from "./buffers/exported-buffer.ts";
export { KmsFence, Reservation, type ReservationUsage } from "./buffers/fences.ts";
export { KmsCard, type KmsCardOptions } from "./card.ts";
export {
  type AsyncDrmFile,
  type CardResources,
  type ConnectorInfo,
  type CrtcInfo,
  type Cursor2,
  DrmFile,
  type PlaneInfo,
} from "./file.ts";
export type {
  AtomicConnector,
  AtomicCrtc,
  AtomicPlane,
  AtomicRequest,
  AtomicResult,
} from "./ioctls/atomic-ioctl.ts";
export {
  type BlobBuffer,
  type CreateBlob,
  type CreateDumb,
  type DumbBuffer,
  type ResourceInfo,
  VIRTGPU_PARAM_3D_FEATURES,
  VIRTGPU_PARAM_BLOB_ALIGNMENT,
  VIRTGPU_PARAM_CAPSET_QUERY_FIX,
  VIRTGPU_PARAM_CONTEXT_INIT,
  VIRTGPU_PARAM_CROSS_DEVICE,
  VIRTGPU_PARAM_EXPLICIT_DEBUG_NAME,
  VIRTGPU_PARAM_HOST_VISIBLE,
  VIRTGPU_PARAM_RESOURCE_BLOB,
  VIRTGPU_PARAM_SUPPORTED_CAPSET_IDS,
} from "./ioctls/buffer-ioctls.ts";
export type { FlipEvent } from "./ioctls/file-state.ts";
export {
  type AddFb2,
  CURRENT_FB,
  type DirtyOptions,
  type PageFlip,
  type SetCrtc,
  type SetPlane,
} from "./ioctls/mode-ioctls.ts";
export { DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888, type DrmRect } from "./objects/mode-objects.ts";
export { cvtMode, type DrmMode, sameMode } from "./objects/modes.ts";
export { LINUX_PROFILE_NAMES, type LinuxProfile, type LinuxProfileName, linuxProfile } from "./profiles.ts";
export { GUEST_PROGRAMS, type GuestProgram, type ProgramInput } from "./programs/guest-programs.ts";
export { type KmsClock, SystemClock, VirtualClock } from "./time/clock.ts";
export { KmsHangError } from "./time/tasks.ts";
export type { EntryListMemory } from "./virtio/command-queue.ts";
export type { KmsCapset } from "./virtio/probe.ts";
