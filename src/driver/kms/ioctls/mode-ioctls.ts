/** Calls about what is shown: framebuffers, CRTCs, planes, cursors. */
import { DriverError } from "../../errors.ts";
import { checkSource } from "../atomic/atomic-check.ts";
import { lockCrtcs } from "../atomic/atomic-commit.ts";
import { checkMode } from "../atomic/atomic-state.ts";
import {
  dirty,
  disablePlane,
  pageFlip,
  removeFramebuffer,
  setConfig,
  setPlane,
} from "../atomic/display-changes.ts";
import type { CardState } from "../card-state.ts";
import {
  type Connector,
  type Crtc,
  DRM_FORMAT_ARGB8888,
  DRM_FORMAT_XRGB8888,
  type DrmRect,
  Framebuffer,
  MAX_DIMENSION,
  MIN_DIMENSION,
  type Plane,
} from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";
import { type Task, uninterruptible } from "../time/tasks.ts";
import type { FileState } from "./file-state.ts";

const BYTES_PER_PIXEL = 4;
const U32_MAX = 0xffffffff;
const MAX_CLIPS = 256;
/** `fbId` for SETCRTC: keep the framebuffer that is shown. */
export const CURRENT_FB: number = -1;

/** What ADDFB2 is asked for. */
export interface AddFb2 {
  readonly width: number;
  readonly height: number;
  /** DRM_FORMAT_*: XRGB8888 or ARGB8888. */
  readonly format: number;
  readonly handle: number;
  /** Bytes from row to row. */
  readonly pitch: number;
  /** Bytes before the first pixel. Default 0. */
  readonly offset?: number;
  /** The driver takes none. */
  readonly modifier?: bigint;
}

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

/** Choices for DIRTYFB. */
export interface DirtyOptions {
  /** Clips come in pairs of source and destination of a copy; every second one counts. Default false. */
  readonly annotateCopy?: boolean;
}

export function findCrtc(file: FileState, id: number): Crtc {
  return find(file.card.crtcs, id, "CRTC");
}

export function findConnector(file: FileState, id: number): Connector {
  return find(file.card.connectors, id, "connector");
}

export function findPlane(file: FileState, id: number): Plane {
  return find(file.card.planes, id, "plane");
}

export function findFb(file: FileState, id: number): Framebuffer {
  const fb = file.card.framebuffers.get(id);
  if (fb === undefined) throw new DriverError("ENOENT", `no framebuffer has id ${id}`);
  return fb;
}

function find<T extends { readonly id: number }>(list: readonly T[], id: number, what: string): T {
  const found = list.find((each) => each.id === id);
  if (found === undefined) throw new DriverError("ENOENT", `no ${what} has id ${id}`);
  return found;
}

// Framebuffers

/** A framebuffer that belongs to nobody yet. */
function createFramebuffer(file: FileState, request: AddFb2): Framebuffer {
  const { width, height, format, handle, pitch, offset = 0, modifier } = request;
  const fits = (size: number) => Number.isInteger(size) && size >= MIN_DIMENSION && size <= MAX_DIMENSION;
  if (!fits(width) || !fits(height)) {
    throw new DriverError("EINVAL", `framebuffers have ${MIN_DIMENSION} … ${MAX_DIMENSION} pixels a side`);
  }
  if (modifier !== undefined) throw new DriverError("EINVAL", "the driver takes no modifiers");
  if (handle === 0) throw new DriverError("EINVAL", "a framebuffer needs a buffer");
  if (height * pitch + offset > U32_MAX) throw new DriverError("ERANGE", "the framebuffer ends beyond 4 GiB");
  if (pitch < width * BYTES_PER_PIXEL)
    throw new DriverError("EINVAL", `rows of ${width} pixels in ${pitch} bytes`);
  if (format !== DRM_FORMAT_XRGB8888 && format !== DRM_FORMAT_ARGB8888) {
    throw new DriverError("ENOENT", `the driver does not take format 0x${format.toString(16)}`);
  }
  const object = file.handles.get(handle);
  if (object === undefined) throw new DriverError("EINVAL", `no buffer has handle ${handle}`);
  // Whether the buffer is large enough nobody asks: the device will say so.
  return new Framebuffer(file.card.newId(), object, { width, height, pitch, offset, format });
}

export function addFb2(file: FileState, request: AddFb2): number {
  file.checkModesetting();
  const fb = createFramebuffer(file, request);
  file.card.framebuffers.set(fb.id, fb);
  file.framebuffers.push(fb);
  return fb.id;
}

export function* rmFb(file: FileState, id: number): Task<void> {
  file.checkModesetting();
  const fb = findFb(file, id);
  const at = file.framebuffers.indexOf(fb);
  if (at < 0) throw new DriverError("ENOENT", `framebuffer ${id} is not of this file`);
  file.framebuffers.splice(at, 1);
  yield* dropFramebuffer(file, fb);
}

/** Takes a framebuffer off the screen if it is on one, and lets go of it. */
export function* dropFramebuffer(file: FileState, fb: Framebuffer): Task<void> {
  const { card } = file;
  card.framebuffers.delete(fb.id);
  // A worker's task.
  if (fb.holds > 1) yield* uninterruptible(takeOffScreen(card, fb));
  fb.release();
}

function* takeOffScreen(card: CardState, fb: Framebuffer): Task<void> {
  const release = yield* lockCrtcs(card.crtcs);
  try {
    yield* removeFramebuffer(card.context, fb);
  } finally {
    release();
  }
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

export function* flipPage(file: FileState, request: PageFlip): Task<void> {
  file.checkMaster();
  const crtc = findCrtc(file, request.crtcId);
  const release = yield* lockCrtcs([crtc]);
  try {
    const { state } = crtc.primary;
    if (state.fb === null)
      throw new DriverError("EBUSY", `CRTC ${crtc.id} shows nothing that could be flipped`);
    const fb = findFb(file, request.fbId);
    checkSource(fb, state.srcX, state.srcY, state.srcW, state.srcH);
    if (fb.format !== state.fb.format)
      throw new DriverError("EINVAL", "a flip does not change the pixel format");
    const event = request.event === true ? file.reserveEvent(request.userData ?? 0) : null;
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

export function* dirtyFb(
  file: FileState,
  id: number,
  clips: readonly DrmRect[] | null,
  { annotateCopy = false }: DirtyOptions,
): Task<void> {
  file.checkMaster();
  const fb = findFb(file, id);
  let damage: DrmRect[] | null = null;
  if (clips !== null) {
    if (clips.length === 0) throw new DriverError("EINVAL", "a list of no clips");
    if (annotateCopy && clips.length % 2 !== 0)
      throw new DriverError("EINVAL", "clips of copies come in pairs");
    if (clips.length > MAX_CLIPS)
      throw new DriverError("EINVAL", `${clips.length} clips; ${MAX_CLIPS} at most`);
    damage = clips.filter((_, i) => !annotateCopy || i % 2 === 0).map(in16Bits);
  }
  const release = yield* lockCrtcs(file.card.crtcs);
  try {
    yield* dirty(file.card.context, fb, damage);
  } finally {
    release();
  }
}

/** Clips are 16-bit numbers on their way into the kernel. */
function in16Bits({ x1, y1, x2, y2 }: DrmRect): DrmRect {
  return { x1: x1 & 0xffff, y1: y1 & 0xffff, x2: x2 & 0xffff, y2: y2 & 0xffff };
}

// Planes and cursors

export function* changePlane(file: FileState, request: SetPlane): Task<void> {
  file.checkMaster();
  const plane = findPlane(file, request.planeId);
  const fb = request.fbId === 0 ? null : findFb(file, request.fbId);
  const crtc = fb === null ? null : findCrtc(file, request.crtcId);
  const release = yield* lockCrtcs(file.card.crtcs);
  try {
    const { crtcX, crtcY, crtcW, crtcH, srcX, srcY, srcW, srcH } = request;
    if (fb === null || crtc === null) yield* disablePlane(file.card.context, plane);
    else {
      const place = { crtcX, crtcY, crtcW, crtcH, srcX, srcY, srcW, srcH };
      yield* setPlane(file.card.context, plane, crtc, fb, place);
    }
  } finally {
    release();
  }
}

export function* changeCursor(file: FileState, { crtcId, image, position }: CursorRequest): Task<void> {
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
