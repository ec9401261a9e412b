/** Calls about what is shown: CRTCs, planes, cursors. */
import { DriverError } from "../../errors.ts";
import { checkSource } from "../atomic/atomic-check.ts";
import { lockCrtcs } from "../atomic/atomic-commit.ts";
import { checkMode, checkModeRange } from "../atomic/atomic-state.ts";
import { disablePlane, pageFlip, setConfig, setPlane } from "../atomic/display-changes.ts";
import { type Crtc, DRM_FORMAT_ARGB8888, type Framebuffer } from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";
import type { Task } from "../time/tasks.ts";
import type { FileState } from "./file-state.ts";
import { findConnector, findCrtc, findFb, findPlane } from "./find.ts";
import { createFramebuffer } from "./framebuffer-ioctls.ts";

const BYTES_PER_PIXEL = 4;
const FIXED_ONE = 0x10000;
/** `fbId` for SETCRTC: keep the framebuffer that is shown. */
export const CURRENT_FB: number = -1;

/** `flags` of PAGE_FLIP: tell the file when it is done. */
export const DRM_MODE_PAGE_FLIP_EVENT = 0x1;
/** Do not wait for a vertical blank: the driver never takes it. */
export const DRM_MODE_PAGE_FLIP_ASYNC = 0x2;
/** Flip at a certain blank: the driver never takes it. */
export const DRM_MODE_PAGE_FLIP_TARGET_ABSOLUTE = 0x4;
/** The same, counted from now. */
export const DRM_MODE_PAGE_FLIP_TARGET_RELATIVE = 0x8;
const PAGE_FLIP_TARGET = DRM_MODE_PAGE_FLIP_TARGET_ABSOLUTE | DRM_MODE_PAGE_FLIP_TARGET_RELATIVE;
const PAGE_FLIP_FLAGS = DRM_MODE_PAGE_FLIP_EVENT | DRM_MODE_PAGE_FLIP_ASYNC | PAGE_FLIP_TARGET;

/** What SETCRTC is asked for. Without a mode the CRTC goes off. */
export interface SetCrtc {
  readonly crtcId: number;
  /** {@link CURRENT_FB} keeps the one that is shown. */
  readonly fbId?: number;
  /** Where in the framebuffer the picture begins. Default 0. */
  readonly x?: number;
  readonly y?: number;
  /** Ids of the connectors. */
  readonly connectors?: readonly number[];
  readonly mode?: DrmMode | null;
}

/** What PAGE_FLIP is asked for. */
export interface PageFlip {
  readonly crtcId: number;
  readonly fbId: number;
  /** Tell the file when it is done. Default false. */
  readonly event?: boolean;
  /** Comes with the event. Default 0. */
  readonly userData?: number;
  /** DRM_MODE_PAGE_FLIP_ASYNC: the driver never takes it. */
  readonly async?: boolean;
  /** More bits for `flags`, DRM_MODE_PAGE_FLIP_*. Default 0. */
  readonly flags?: number;
  /** The blank to flip at, with a TARGET flag. Default 0. */
  readonly sequence?: number;
}

/** What SETPLANE is asked for, in pixels. */
export interface SetPlane {
  readonly planeId: number;
  /** 0 turns the plane off. */
  readonly fbId: number;
  readonly crtcId: number;
  readonly crtcX: number;
  readonly crtcY: number;
  readonly crtcW: number;
  readonly crtcH: number;
  readonly srcX: number;
  readonly srcY: number;
  readonly srcW: number;
  readonly srcH: number;
}

/** What the cursor calls are asked for. */
export interface CursorRequest {
  readonly crtcId: number;
  /** A new image; handle 0 hides the cursor. */
  readonly image?: {
    readonly handle: number;
    readonly width: number;
    readonly height: number;
    readonly hotX: number;
    readonly hotY: number;
  };
  /** A new position, which may be negative. */
  readonly position?: { readonly x: number; readonly y: number };
}

// CRTCs

export function* setCrtc(file: FileState, request: SetCrtc): Task<void> {
  file.checkMaster();
  const { card } = file;
  const { x = 0, y = 0, mode = null, connectors: ids = [] } = request;
  if (((x | y) & ~0xffff) !== 0) throw new DriverError("ERANGE", `panning to ${x},${y}`);
  const crtc = findCrtc(file, request.crtcId);
  const release = yield* lockCrtcs(card.crtcs);
  try {
    if (mode === null) {
      if (ids.length > 0) throw new DriverError("EINVAL", "connectors without a mode");
      yield* setConfig(card.context, crtc, null);
      return;
    }
    const fb = framebufferFor(file, crtc, request.fbId ?? 0);
    checkModeRange(mode);
    checkMode(mode);
    if (fb.format !== crtc.primary.format)
      throw new DriverError("EINVAL", "the primary plane takes XRGB8888 only");
    checkSource(fb, x, y, mode.hdisplay, mode.vdisplay);
    if (ids.length === 0 || ids.length > card.connectors.length) {
      throw new DriverError("EINVAL", `${ids.length} connectors for a mode`);
    }
    const connectors = ids.map((id) => findConnector(file, id));
    yield* setConfig(card.context, crtc, { fb, x, y, mode, connectors });
  } finally {
    release();
  }
}

function framebufferFor(file: FileState, crtc: Crtc, id: number): Framebuffer {
  if (id !== CURRENT_FB) return findFb(file, id);
  const { fb } = crtc.primary.state;
  if (fb === null) throw new DriverError("EINVAL", `CRTC ${crtc.id} has no framebuffer to keep`);
  return fb;
}

/** The flags of a flip. Throws {@link DriverError} EINVAL for those that no CRTC of the driver can do. */
function flipFlags({ event = false, async = false, flags: more = 0, sequence = 0 }: PageFlip): number {
  const flags = more | (event ? DRM_MODE_PAGE_FLIP_EVENT : 0) | (async ? DRM_MODE_PAGE_FLIP_ASYNC : 0);
  const target = flags & PAGE_FLIP_TARGET;
  if ((flags & ~PAGE_FLIP_FLAGS) !== 0)
    throw new DriverError("EINVAL", `flags 0x${(flags >>> 0).toString(16)}`);
  if (sequence !== 0 && target === 0) throw new DriverError("EINVAL", "a sequence number without a target");
  if (target === PAGE_FLIP_TARGET)
    throw new DriverError("EINVAL", "a target is absolute or relative, not both");
  if ((flags & DRM_MODE_PAGE_FLIP_ASYNC) !== 0) {
    throw new DriverError("EINVAL", "the driver cannot flip without regard to vertical blanks");
  }
  return flags;
}

export function* flipPage(file: FileState, request: PageFlip): Task<void> {
  file.checkMaster();
  const flags = flipFlags(request);
  const crtc = findCrtc(file, request.crtcId);
  if ((flags & PAGE_FLIP_TARGET) !== 0) throw new DriverError("EINVAL", "the driver's flips have no target");
  const release = yield* lockCrtcs([crtc]);
  try {
    const { state } = crtc.primary;
    if (state.fb === null)
      throw new DriverError("EBUSY", `CRTC ${crtc.id} shows nothing that could be flipped`);
    const fb = findFb(file, request.fbId);
    checkSource(fb, state.srcX, state.srcY, state.srcW, state.srcH);
    if (fb.format !== state.fb.format)
      throw new DriverError("EINVAL", "a flip does not change the pixel format");
    const hasEvent = (flags & DRM_MODE_PAGE_FLIP_EVENT) !== 0;
    const event = hasEvent ? file.reserveEvent(request.userData ?? 0) : null;
    try {
      yield* pageFlip(file.card.context, crtc, fb, event);
    } catch (error) {
      event?.cancel();
      throw error;
    }
  } finally {
    release();
  }
}

// Planes and cursors

export function* changePlane(file: FileState, request: SetPlane): Task<void> {
  file.checkMaster();
  const plane = findPlane(file, request.planeId);
  const fb = request.fbId === 0 ? null : findFb(file, request.fbId);
  const crtc = fb === null ? null : findCrtc(file, request.crtcId);
  const release = yield* lockCrtcs(file.card.crtcs);
  try {
    if (fb === null || crtc === null) yield* disablePlane(file.card.context, plane);
    else {
      const place = {
        crtcX: request.crtcX | 0,
        crtcY: request.crtcY | 0,
        crtcW: request.crtcW >>> 0,
        crtcH: request.crtcH >>> 0,
        srcX: inFixed(request.srcX),
        srcY: inFixed(request.srcY),
        srcW: inFixed(request.srcW),
        srcH: inFixed(request.srcH),
      };
      yield* setPlane(file.card.context, plane, crtc, fb, place);
    }
  } finally {
    release();
  }
}

/** A coordinate as it comes into the kernel: 16 bits before and 16 behind the point, without a sign. */
function inFixed(pixels: number): number {
  return (Math.floor(pixels * FIXED_ONE) >>> 0) / FIXED_ONE;
}

export function* changeCursor(file: FileState, request: CursorRequest): Task<void> {
  const { crtcId, image, position } = request;
  file.checkMaster();
  const crtc = findCrtc(file, crtcId);
  const release = yield* lockCrtcs([crtc]);
  try {
    let fb = crtc.cursorPlane.state.fb;
    if (image !== undefined) fb = image.handle === 0 ? null : cursorFramebuffer(file, image);
    else fb?.retain();
    try {
      yield* placeCursor(file, crtc, fb, position);
    } finally {
      fb?.release();
    }
  } finally {
    release();
  }
}

function cursorFramebuffer(file: FileState, image: NonNullable<CursorRequest["image"]>): Framebuffer {
  const { handle, width, height } = image;
  const fb = createFramebuffer(file, {
    width,
    height,
    handle,
    format: DRM_FORMAT_ARGB8888,
    pitch: width * BYTES_PER_PIXEL,
  });
  fb.hotX = image.hotX;
  fb.hotY = image.hotY;
  return fb;
}

function* placeCursor(
  file: FileState,
  crtc: Crtc,
  fb: Framebuffer | null,
  position: CursorRequest["position"],
): Task<void> {
  const { context } = file.card;
  const { x, y } = position ?? { x: crtc.cursorX, y: crtc.cursorY };
  if (fb === null) yield* disablePlane(context, crtc.cursorPlane);
  else {
    const { width, height, hotX, hotY } = fb;
    const place = {
      crtcX: x,
      crtcY: y,
      crtcW: width,
      crtcH: height,
      srcX: 0,
      srcY: 0,
      srcW: width,
      srcH: height,
    };
    yield* setPlane(context, crtc.cursorPlane, crtc, fb, place, { x: hotX, y: hotY });
  }
  if (position === undefined) return;
  crtc.cursorX = x;
  crtc.cursorY = y;
}
