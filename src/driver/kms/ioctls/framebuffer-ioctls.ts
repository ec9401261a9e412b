/** Calls about framebuffers. */
import { DriverError } from "../../errors.ts";
import { lockCrtcs } from "../atomic/atomic-commit.ts";
import { dirty, removeFramebuffer } from "../atomic/display-changes.ts";
import type { CardState } from "../card-state.ts";
import { formatInfo, fourcc, minPitchBytes } from "../objects/formats.ts";
import {
  DRM_FORMAT_ARGB8888,
  DRM_FORMAT_XRGB8888,
  type DrmRect,
  Framebuffer,
  MAX_DIMENSION,
  MIN_DIMENSION,
} from "../objects/mode-objects.ts";
import { type Task, uninterruptible } from "../time/tasks.ts";
import type { FileState } from "./file-state.ts";
import { findFb } from "./find.ts";

const U32_MAX = 0xffffffff;
const MAX_CLIPS = 256;
/** DRM_MODE_FB_INTERLACED and DRM_MODE_FB_MODIFIERS. */
const FB_FLAGS = 0x3;
const FB_MODIFIERS = 0x2;

/** What ADDFB is asked for: a framebuffer as it was before formats had names. */
export interface AddFb {
  readonly width: number;
  readonly height: number;
  /** Bits per pixel, and those of them that are colour. */
  readonly bpp: number;
  readonly depth: number;
  readonly handle: number;
  /** Bytes from row to row. */
  readonly pitch: number;
}

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
  /** DRM_MODE_FB_*. Default 0. */
  readonly flags?: number;
}

/** What GETFB2 gives. */
export interface FbInfo {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly format: number;
  readonly pitch: number;
  readonly offset: number;
  /** A new handle to the buffer, 0 for who is not master. */
  readonly handle: number;
}

/** Choices for DIRTYFB. */
export interface DirtyOptions {
  /** Clips come in pairs of source and destination of a copy; every second one counts. Default false. */
  readonly annotateCopy?: boolean;
}

/** A framebuffer that belongs to nobody yet. */
export function createFramebuffer(file: FileState, request: AddFb2): Framebuffer {
  const { width, height, format, handle, pitch, offset = 0, modifier } = request;
  const flags = (request.flags ?? 0) | (modifier === undefined ? 0 : FB_MODIFIERS);
  if ((flags & ~FB_FLAGS) !== 0) throw new DriverError("EINVAL", `flags 0x${(flags >>> 0).toString(16)}`);
  const fits = (size: number) => Number.isInteger(size) && size >= MIN_DIMENSION && size <= MAX_DIMENSION;
  if (!fits(width) || !fits(height)) {
    throw new DriverError("EINVAL", `framebuffers have ${MIN_DIMENSION} … ${MAX_DIMENSION} pixels a side`);
  }
  if ((flags & FB_MODIFIERS) !== 0) throw new DriverError("EINVAL", "the driver takes no modifiers");
  checkLayout(request);
  // All that came before is the same for all drivers; this one looks at the rest.
  if (format !== DRM_FORMAT_XRGB8888 && format !== DRM_FORMAT_ARGB8888) {
    throw new DriverError("ENOENT", `the driver does not take format 0x${format.toString(16)}`);
  }
  const object = file.handles.get(handle);
  if (object === undefined) throw new DriverError("EINVAL", `no buffer has handle ${handle}`);
  // Whether the buffer is large enough nobody asks: the device will say so.
  const { framebuffers } = file.card;
  const shape = { width, height, pitch, offset, format };
  const fb = new Framebuffer(file.card.newId(), object, shape, ({ id }) => framebuffers.delete(id));
  framebuffers.set(fb.id, fb);
  return fb;
}

/** Throws {@link DriverError} EINVAL or ERANGE for what cannot be a framebuffer of its format. */
function checkLayout({ width, height, format, handle, pitch, offset = 0 }: AddFb2): void {
  const refuse = (reason: string) => new DriverError("EINVAL", reason);
  const info = formatInfo(format);
  if (info === null) throw refuse(`nobody knows format 0x${(format >>> 0).toString(16)}`);
  if (info.blockBytes === 0) throw refuse(`format 0x${format.toString(16)} needs a modifier`);
  if (handle === 0) throw refuse("a framebuffer needs a buffer");
  if (height * pitch + offset > U32_MAX) throw new DriverError("ERANGE", "the framebuffer ends beyond 4 GiB");
  if (pitch < minPitchBytes(info, width)) throw refuse(`rows of ${width} pixels in ${pitch} bytes`);
  if (info.planes > 1) throw refuse("there is no buffer for the second plane");
}

/** The format that bits and depth stand for; throws {@link DriverError} EINVAL when there is none. */
function legacyFormat(bpp: number, depth: number): number {
  const name = LEGACY_FORMATS[`${bpp}/${depth}`];
  if (name === undefined) throw new DriverError("EINVAL", `no format has ${bpp} bits and depth ${depth}`);
  return fourcc(name);
}

const LEGACY_FORMATS: Readonly<Record<string, string>> = {
  "1/1": "C1",
  "2/2": "C2",
  "4/4": "C4",
  "8/8": "C8",
  "16/15": "XR15",
  "16/16": "RG16",
  "24/24": "RG24",
  "32/24": "XR24",
  "32/30": "XR30",
  "32/32": "AR24",
};

export function addFb(file: FileState, { width, height, bpp, depth, handle, pitch }: AddFb): number {
  file.checkModesetting();
  return addFb2(file, { width, height, format: legacyFormat(bpp, depth), handle, pitch });
}

export function addFb2(file: FileState, request: AddFb2): number {
  file.checkModesetting();
  const fb = createFramebuffer(file, request);
  file.framebuffers.push(fb);
  return fb.id;
}

export function* rmFb(file: FileState, id: number): Task<void> {
  file.checkModesetting();
  yield* dropFramebuffer(file, takeOwnFb(file, id));
}

/** A framebuffer of the file's own, which is not its any more. Throws {@link DriverError} ENOENT. */
function takeOwnFb(file: FileState, id: number): Framebuffer {
  const fb = findFb(file, id);
  const at = file.framebuffers.indexOf(fb);
  if (at < 0) throw new DriverError("ENOENT", `framebuffer ${id} is not of this file`);
  file.framebuffers.splice(at, 1);
  return fb;
}

/** What is shown stays on the screen: the framebuffer ends when nobody shows it any more. */
export function closeFb(file: FileState, id: number): void {
  file.check();
  const { profile } = file.card.gpu;
  if (!profile.hasCloseFb) throw new DriverError("EINVAL", `${profile.name} has no DRM_IOCTL_MODE_CLOSEFB`);
  file.checkModesetting();
  takeOwnFb(file, id).release();
}

export function getFb2(file: FileState, id: number): FbInfo {
  file.check();
  if (!file.card.hasModesetting) throw new DriverError("EINVAL", "the card has no scanouts: no mode setting");
  const fb = findFb(file, id);
  const { width, height, format, pitch, offset, object } = fb;
  const handle = file.isMaster ? file.createHandle(object) : 0;
  return { id, width, height, format, pitch, offset, handle };
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
