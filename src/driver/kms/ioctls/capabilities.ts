/** What the kernel tells about a card (GET_CAP), and what a program tells about itself (SET_CLIENT_CAP). */
import { DriverError } from "../../errors.ts";
import type { LinuxProfile } from "../profiles.ts";
import type { FileState } from "./file-state.ts";

/** Dumb buffers: 1. */
export const DRM_CAP_DUMB_BUFFER = 0x1;
/** WAIT_VBLANK can name more than two CRTCs: 1. */
export const DRM_CAP_VBLANK_HIGH_CRTC = 0x2;
/** Not said: 0. */
export const DRM_CAP_DUMB_PREFERRED_DEPTH = 0x3;
/** 0. */
export const DRM_CAP_DUMB_PREFER_SHADOW = 0x4;
/** DRM_PRIME_CAP_IMPORT and DRM_PRIME_CAP_EXPORT: 3. */
export const DRM_CAP_PRIME = 0x5;
/** 1. */
export const DRM_CAP_TIMESTAMP_MONOTONIC = 0x6;
/** DRM_MODE_PAGE_FLIP_ASYNC is not possible: 0. */
export const DRM_CAP_ASYNC_PAGE_FLIP = 0x7;
/** In pixels: 64. */
export const DRM_CAP_CURSOR_WIDTH = 0x8;
/** In pixels: 64. */
export const DRM_CAP_CURSOR_HEIGHT = 0x9;
/** The driver takes no modifiers: 0. */
export const DRM_CAP_ADDFB2_MODIFIERS = 0x10;
/** Flips have no target: 0. */
export const DRM_CAP_PAGE_FLIP_TARGET = 0x11;
/** Events name their CRTC: 1. */
export const DRM_CAP_CRTC_IN_VBLANK_EVENT = 0x12;
/** Linux 6.12 and later: 1. */
export const DRM_CAP_SYNCOBJ = 0x13;
/** Linux 6.12 and later: 1. */
export const DRM_CAP_SYNCOBJ_TIMELINE = 0x14;
/** Known since Linux 6.12, and not possible: 0. */
export const DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP = 0x15;

/** 3D modes are to be listed. */
export const DRM_CLIENT_CAP_STEREO_3D = 1;
/** Primary and cursor planes are to be listed, too. */
export const DRM_CLIENT_CAP_UNIVERSAL_PLANES = 2;
/** Atomic mode setting. */
export const DRM_CLIENT_CAP_ATOMIC = 3;
/** Aspect ratios are to be listed. */
export const DRM_CLIENT_CAP_ASPECT_RATIO = 4;
/** Writeback connectors are to be listed. */
export const DRM_CLIENT_CAP_WRITEBACK_CONNECTORS = 5;
/** The program sets hot spots, and may have cursor planes therefore; Linux 6.12 and later. */
export const DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT = 6;
/** Linux 7.3. */
export const DRM_CLIENT_CAP_PLANE_COLOR_PIPELINE = 7;

const CURSOR_PIXELS = 64;
const PRIME_IMPORT_AND_EXPORT = 3;

export function getCap(file: FileState, capability: number): number {
  file.check();
  const { profile } = file.card.gpu;
  switch (capability) {
    case DRM_CAP_TIMESTAMP_MONOTONIC:
      return 1;
    case DRM_CAP_PRIME:
      return PRIME_IMPORT_AND_EXPORT;
    case DRM_CAP_SYNCOBJ:
    case DRM_CAP_SYNCOBJ_TIMELINE:
      return Number(profile.hasSyncObjects);
    default:
  }
  file.checkModesetting();
  return displayCap(profile, capability);
}

function displayCap(profile: LinuxProfile, capability: number): number {
  switch (capability) {
    case DRM_CAP_DUMB_BUFFER:
    case DRM_CAP_VBLANK_HIGH_CRTC:
    case DRM_CAP_CRTC_IN_VBLANK_EVENT:
      return 1;
    case DRM_CAP_DUMB_PREFERRED_DEPTH:
    case DRM_CAP_DUMB_PREFER_SHADOW:
    case DRM_CAP_ASYNC_PAGE_FLIP:
    case DRM_CAP_PAGE_FLIP_TARGET:
    case DRM_CAP_ADDFB2_MODIFIERS:
      return 0;
    case DRM_CAP_CURSOR_WIDTH:
    case DRM_CAP_CURSOR_HEIGHT:
      return CURSOR_PIXELS;
    case DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP:
      if (profile.knowsAtomicAsyncFlip) return 0;
      break;
    default:
  }
  throw new DriverError("EINVAL", `${profile.name} does not know capability 0x${capability.toString(16)}`);
}

export function setClientCap(file: FileState, capability: number, value: number): void {
  file.checkModesetting();
  const { profile } = file.card.gpu;
  const atMost = (most: number) => {
    if (!(value >= 0 && value <= most))
      throw new DriverError("EINVAL", `client capability ${capability} is ${value}`);
  };
  const needsAtomic = () => {
    if (!file.atomic)
      throw new DriverError("EINVAL", `client capability ${capability} is for atomic programs`);
  };
  const unknown = () => new DriverError("EINVAL", `${profile.name} has no client capability ${capability}`);
  switch (capability) {
    case DRM_CLIENT_CAP_STEREO_3D:
    case DRM_CLIENT_CAP_ASPECT_RATIO:
      // No mode has either.
      atMost(1);
      return;
    case DRM_CLIENT_CAP_UNIVERSAL_PLANES:
      atMost(1);
      file.universalPlanes = value !== 0;
      return;
    case DRM_CLIENT_CAP_ATOMIC:
      atMost(2);
      file.atomic = value !== 0;
      file.universalPlanes = value !== 0;
      return;
    case DRM_CLIENT_CAP_WRITEBACK_CONNECTORS:
      needsAtomic();
      atMost(1);
      return;
    case DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT:
      if (!profile.hasHotspotProperty) throw unknown();
      needsAtomic();
      atMost(1);
      file.cursorHotspots = value !== 0;
      return;
    case DRM_CLIENT_CAP_PLANE_COLOR_PIPELINE:
      if (!profile.knowsColorPipeline) throw unknown();
      needsAtomic();
      atMost(1);
      return;
    default:
      throw unknown();
  }
}

/** Ids of the planes that a program gets to see. */
export function planeIds(file: FileState): number[] {
  file.checkModesetting();
  const { profile } = file.card.gpu;
  // There are no overlays, which are all that a program sees that does not know the others.
  if (!file.universalPlanes) return [];
  const hidesCursors = profile.hasHotspotProperty && file.atomic && !file.cursorHotspots;
  return file.card.planes.filter(({ type }) => type !== "cursor" || !hidesCursors).map(({ id }) => id);
}
