/**
 * Linux' DRM driver for virtio-gpu as a program with `/dev/dri/card0` sees it: dumb buffers, framebuffers, CRTCs,
 * page flips, atomic commits, cursors, PRIME. Sent, refused and paced as the kernel of the chosen profile does it.
 *
 * @module virtio-emulator/driver/kms
 */

export type { AsyncDrmFile } from "./async-file.ts";
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
export { DrmFile } from "./file.ts";
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
export {
  DRM_CAP_ADDFB2_MODIFIERS,
  DRM_CAP_ASYNC_PAGE_FLIP,
  DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP,
  DRM_CAP_CRTC_IN_VBLANK_EVENT,
  DRM_CAP_CURSOR_HEIGHT,
  DRM_CAP_CURSOR_WIDTH,
  DRM_CAP_DUMB_BUFFER,
  DRM_CAP_DUMB_PREFER_SHADOW,
  DRM_CAP_DUMB_PREFERRED_DEPTH,
  DRM_CAP_PAGE_FLIP_TARGET,
  DRM_CAP_PRIME,
  DRM_CAP_SYNCOBJ,
  DRM_CAP_SYNCOBJ_TIMELINE,
  DRM_CAP_TIMESTAMP_MONOTONIC,
  DRM_CAP_VBLANK_HIGH_CRTC,
  DRM_CLIENT_CAP_ASPECT_RATIO,
  DRM_CLIENT_CAP_ATOMIC,
  DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT,
  DRM_CLIENT_CAP_PLANE_COLOR_PIPELINE,
  DRM_CLIENT_CAP_STEREO_3D,
  DRM_CLIENT_CAP_UNIVERSAL_PLANES,
  DRM_CLIENT_CAP_WRITEBACK_CONNECTORS,
} from "./ioctls/capabilities.ts";
export type { Cursor2 } from "./ioctls/cursor2.ts";
export type { DrmEvent, DrmEventType } from "./ioctls/file-state.ts";
export type { AddFb, AddFb2, DirtyOptions, FbInfo } from "./ioctls/framebuffer-ioctls.ts";
export type { CardResources, ConnectorInfo, CrtcInfo, PlaneInfo } from "./ioctls/info-ioctls.ts";
export {
  CURRENT_FB,
  DRM_MODE_PAGE_FLIP_ASYNC,
  DRM_MODE_PAGE_FLIP_EVENT,
  DRM_MODE_PAGE_FLIP_TARGET_ABSOLUTE,
  DRM_MODE_PAGE_FLIP_TARGET_RELATIVE,
  type PageFlip,
  type SetCrtc,
  type SetPlane,
} from "./ioctls/mode-ioctls.ts";
export {
  type CrtcSequence,
  DRM_CRTC_SEQUENCE_NEXT_ON_MISS,
  DRM_CRTC_SEQUENCE_RELATIVE,
  DRM_VBLANK_EVENT,
  DRM_VBLANK_HIGH_CRTC_MASK,
  DRM_VBLANK_NEXTONMISS,
  DRM_VBLANK_RELATIVE,
  DRM_VBLANK_SECONDARY,
  DRM_VBLANK_SIGNAL,
  type QueueSequence,
  type VblankInfo,
  type WaitVblank,
} from "./ioctls/vblank-ioctls.ts";
export { DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888, type DrmRect } from "./objects/mode-objects.ts";
export { cvtMode, type DrmMode, sameMode } from "./objects/modes.ts";
export { LINUX_PROFILE_NAMES, type LinuxProfile, type LinuxProfileName, linuxProfile } from "./profiles.ts";
export { GUEST_PROGRAMS, type GuestProgram, type ProgramInput } from "./programs/guest-programs.ts";
export { type KmsClock, SystemClock, VirtualClock } from "./time/clock.ts";
export { KmsHangError } from "./time/tasks.ts";
export type { EntryListMemory } from "./virtio/command-queue.ts";
export type { KmsCapset } from "./virtio/probe.ts";
