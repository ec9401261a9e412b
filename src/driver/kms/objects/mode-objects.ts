import type { Commit } from "../atomic/commit.ts";
import type { BufferObject } from "../buffers/buffer-object.ts";
import type { KmsFence } from "../buffers/fences.ts";
import { TaskLock } from "../time/tasks.ts";
import type { VblankTimer } from "../time/vblank.ts";
import { edidModes } from "./edid-modes.ts";
import { cvtMode, type DrmMode, listModes, modesWithoutEdid } from "./modes.ts";

/** Drivers take framebuffers of this size and more … */
export const MIN_DIMENSION = 32;
/** … up to this one, in pixels. */
export const MAX_DIMENSION = 8192;
const DEFAULT_WIDTH = 1024;
const DEFAULT_HEIGHT = 768;
/** A preferred mode may be so much smaller than the display, in pixels. */
const PREFERRED_SLACK_PIXELS = 16;

/** Fourcc `XR24`: 32 bits 0xXXRRGGBB, little-endian. */
export const DRM_FORMAT_XRGB8888 = 0x34325258;
/** Fourcc `AR24`: 32 bits 0xAARRGGBB, little-endian. */
export const DRM_FORMAT_ARGB8888 = 0x34325241;

/** A rectangle in pixels: from `x1`, `y1` to before `x2`, `y2`. */
export interface DrmRect {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** A buffer object seen as a picture. */
export class Framebuffer {
  readonly id: number;
  readonly object: BufferObject;
  readonly width: number;
  readonly height: number;
  /** Bytes from row to row. */
  readonly pitch: number;
  /** Bytes before the first pixel. */
  readonly offset: number;
  /** DRM_FORMAT_*. */
  readonly format: number;
  /** Where kernels before the property keep the hot spot that the cursor calls give. */
  hotX = 0;
  hotY = 0;
  readonly #onFree: (fb: Framebuffer) => void;
  #holds = 1;

  constructor(
    id: number,
    object: BufferObject,
    shape: { width: number; height: number; pitch: number; offset: number; format: number },
    onFree: (fb: Framebuffer) => void,
  ) {
    this.id = id;
    this.object = object;
    this.width = shape.width;
    this.height = shape.height;
    this.pitch = shape.pitch;
    this.offset = shape.offset;
    this.format = shape.format;
    this.#onFree = onFree;
    object.retain();
  }

  /** How many hold it: the file that made it, planes, commits under way. */
  get holds(): number {
    return this.#holds;
  }

  retain(): void {
    this.#holds++;
  }

  release(): void {
    if (--this.#holds > 0) return;
    this.#onFree(this);
    this.object.release();
  }
}

/** What GET_DISPLAY_INFO said about a scanout. */
export interface OutputInfo {
  readonly enabled: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A scanout as a place to plug a monitor in. */
export class Connector {
  readonly id: number;
  readonly encoderId: number;
  readonly index: number;
  /** `Virtual-1` … */
  readonly name: string;
  info: OutputInfo;
  edid: Uint8Array<ArrayBuffer> | null = null;
  state: ConnectorState = { crtc: null, commit: null };

  constructor(id: number, encoderId: number, index: number) {
    this.id = id;
    this.encoderId = encoderId;
    this.index = index;
    this.name = `Virtual-${index + 1}`;
    // What the driver believes until the device has answered.
    const isFirst = index === 0;
    this.info = {
      enabled: isFirst,
      x: 0,
      y: 0,
      width: isFirst ? DEFAULT_WIDTH : 0,
      height: isFirst ? DEFAULT_HEIGHT : 0,
    };
  }

  get connected(): boolean {
    return this.info.enabled;
  }

  /** The modes of the monitor, the preferred one first; none when nothing is connected. */
  get modes(): DrmMode[] {
    if (!this.connected) return [];
    const listed = this.edid === null ? [] : edidModes(this.edid);
    const modes = listed.length > 0 ? listed : this.#modesWithoutEdid();
    return listModes(modes.filter((mode) => this.#accepts(mode)));
  }

  #modesWithoutEdid(): DrmMode[] {
    const { width, height } = this.info;
    const modes = modesWithoutEdid();
    if (width !== 0 && height !== 0) return [...modes, cvtMode(width, height, 60, true)];
    return modes.map((mode) =>
      mode.hdisplay === DEFAULT_WIDTH && mode.vdisplay === DEFAULT_HEIGHT
        ? { ...mode, preferred: true }
        : mode,
    );
  }

  /** A preferred mode has to have the size of the display, about. */
  #accepts(mode: DrmMode): boolean {
    if (mode.hdisplay > MAX_DIMENSION || mode.vdisplay > MAX_DIMENSION) return false;
    if (!mode.preferred) return true;
    if (mode.hdisplay === DEFAULT_WIDTH && mode.vdisplay === DEFAULT_HEIGHT) return true;
    const { width, height } = this.info;
    return (
      mode.hdisplay <= width &&
      mode.hdisplay >= width - PREFERRED_SLACK_PIXELS &&
      mode.vdisplay <= height &&
      mode.vdisplay >= height - PREFERRED_SLACK_PIXELS
    );
  }
}

/** What a connector is connected to. */
export interface ConnectorState {
  crtc: Crtc | null;
  commit: Commit | null;
}

/** What a CRTC does. */
export interface CrtcState {
  /** Has a mode and connectors. */
  enable: boolean;
  /** Shows something, or would. */
  active: boolean;
  mode: DrmMode | null;
  commit: Commit | null;
}

/** The cursor command of a scanout as it was sent last: the next one changes parts of it. */
export interface CursorCommand {
  resourceId: number;
  hotX: number;
  hotY: number;
}

/** A scanout as a pipeline of pictures. */
export class Crtc {
  readonly id: number;
  readonly index: number;
  readonly primary: Plane;
  readonly cursorPlane: Plane;
  readonly lock: TaskLock;
  /** Null where the kernel has no vertical blanks. */
  readonly vblank: VblankTimer | null;
  state: CrtcState = { enable: false, active: false, mode: null, commit: null };
  /** The mode was set since the plane was updated last: the next update has to set the scanout. */
  needsModeset = false;
  /** Where the legacy cursor ioctls have put the cursor. */
  cursorX = 0;
  cursorY = 0;
  readonly cursorCommand: CursorCommand = { resourceId: 0, hotX: 0, hotY: 0 };
  /** Commits that are not cleaned up, the newest first. */
  readonly commits: Commit[] = [];

  constructor(id: number, index: number, primary: Plane, cursorPlane: Plane, vblank: VblankTimer | null) {
    this.id = id;
    this.index = index;
    this.primary = primary;
    this.cursorPlane = cursorPlane;
    this.vblank = vblank;
    this.lock = new TaskLock(`CRTC ${id}`);
  }
}

/** What a plane shows, where. All in pixels. */
export interface PlaneState {
  crtc: Crtc | null;
  fb: Framebuffer | null;
  crtcX: number;
  crtcY: number;
  crtcW: number;
  crtcH: number;
  srcX: number;
  srcY: number;
  srcW: number;
  srcH: number;
  hotX: number;
  hotY: number;
  /** Follows from the above: the part of the source that is on the CRTC, and whether there is one. */
  visible: boolean;
  visibleX: number;
  visibleY: number;
  visibleW: number;
  visibleH: number;
  /** What changed in the framebuffer; null: everything. */
  damage: readonly DrmRect[] | null;
  ignoreDamage: boolean;
  /** What the commit waits for before it touches the framebuffer. */
  waitFor: KmsFence | null;
  /** Fence of the command that sends the framebuffer to the device. */
  flushFence: KmsFence | null;
  commit: Commit | null;
}

/** A layer of a CRTC. */
export class Plane {
  readonly id: number;
  /** In the order of all planes: primary and cursor of the first CRTC, of the second … */
  readonly index: number;
  readonly type: "primary" | "cursor";
  readonly crtcIndex: number;
  state: PlaneState = {
    crtc: null,
    fb: null,
    crtcX: 0,
    crtcY: 0,
    crtcW: 0,
    crtcH: 0,
    srcX: 0,
    srcY: 0,
    srcW: 0,
    srcH: 0,
    hotX: 0,
    hotY: 0,
    visible: false,
    visibleX: 0,
    visibleY: 0,
    visibleW: 0,
    visibleH: 0,
    damage: null,
    ignoreDamage: false,
    waitFor: null,
    flushFence: null,
    commit: null,
  };

  constructor(id: number, index: number, type: "primary" | "cursor", crtcIndex: number) {
    this.id = id;
    this.index = index;
    this.type = type;
    this.crtcIndex = crtcIndex;
  }

  /** The one pixel format it takes, DRM_FORMAT_*. */
  get format(): number {
    return this.type === "primary" ? DRM_FORMAT_XRGB8888 : DRM_FORMAT_ARGB8888;
  }
}
