/** The atomic call: all of a change at once, property by property. */
import { DriverError } from "../../errors.ts";
import { checkAtomic } from "../atomic/atomic-check.ts";
import { commitAtomic, lockCrtcs } from "../atomic/atomic-commit.ts";
import { AtomicState, type PendingEvent } from "../atomic/atomic-state.ts";
import { KmsFence } from "../buffers/fences.ts";
import type { Crtc, DrmRect, Framebuffer } from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";
import type { Task } from "../time/tasks.ts";
import type { FileState } from "./file-state.ts";
import { findConnector, findCrtc, findPlane } from "./find.ts";
import { DRM_MODE_PAGE_FLIP_ASYNC } from "./mode-ioctls.ts";

/** All that `flags` can have: PAGE_FLIP_EVENT, PAGE_FLIP_ASYNC, TEST_ONLY, NONBLOCK, ALLOW_MODESET. */
const ATOMIC_FLAGS = 0x703;

/** Properties of a connector. What is not named stays as it is. */
export interface AtomicConnector {
  readonly id: number;
  /** CRTC_ID; 0: none. */
  readonly crtcId: number;
}

/** Properties of a CRTC. What is not named stays as it is. */
export interface AtomicCrtc {
  readonly id: number;
  /** ACTIVE. */
  readonly active?: boolean;
  /** MODE_ID; null: none. */
  readonly mode?: DrmMode | null;
  /** OUT_FENCE_PTR: ask for a fence that says when the change is visible. */
  readonly outFence?: boolean;
}

/** Properties of a plane. What is not named stays as it is. Coordinates in pixels. */
export interface AtomicPlane {
  readonly id: number;
  /** CRTC_ID; 0: none. */
  readonly crtcId?: number;
  /** FB_ID; 0: none. */
  readonly fbId?: number;
  readonly crtcX?: number;
  readonly crtcY?: number;
  readonly crtcW?: number;
  readonly crtcH?: number;
  readonly srcX?: number;
  readonly srcY?: number;
  readonly srcW?: number;
  readonly srcH?: number;
  /** FB_DAMAGE_CLIPS: Linux 6.12 and later. */
  readonly damageClips?: readonly DrmRect[];
  /** IN_FENCE_FD: what the change waits for before it touches the framebuffer. */
  readonly inFence?: KmsFence;
  /** HOTSPOT_X and HOTSPOT_Y of cursor planes: Linux 6.12 and later. */
  readonly hotX?: number;
  readonly hotY?: number;
}

/** What the atomic call is asked for. */
export interface AtomicRequest {
  readonly connectors?: readonly AtomicConnector[];
  readonly crtcs?: readonly AtomicCrtc[];
  readonly planes?: readonly AtomicPlane[];
  /** DRM_MODE_ATOMIC_TEST_ONLY: check it only. */
  readonly testOnly?: boolean;
  /** DRM_MODE_ATOMIC_NONBLOCK: do not wait until the device was told. */
  readonly nonblock?: boolean;
  /** DRM_MODE_ATOMIC_ALLOW_MODESET. */
  readonly allowModeset?: boolean;
  /** DRM_MODE_PAGE_FLIP_EVENT: an event for each CRTC. */
  readonly event?: boolean;
  readonly userData?: number;
  /** DRM_MODE_PAGE_FLIP_ASYNC: the driver never takes it. */
  readonly async?: boolean;
  /** More bits for `flags`: all that are not named here are refused. Default 0. */
  readonly flags?: number;
}

/** What the atomic call gives. */
export interface AtomicResult {
  /** The fences asked for, by the ids of their CRTCs. */
  readonly outFences: ReadonlyMap<number, KmsFence>;
}

function flagsOf({ flags = 0, async = false }: AtomicRequest): number {
  return flags | (async ? DRM_MODE_PAGE_FLIP_ASYNC : 0);
}

export function* atomicCommit(file: FileState, request: AtomicRequest): Task<AtomicResult> {
  file.checkMaster();
  if (!file.atomic) throw new DriverError("EINVAL", "the file has not asked for atomic mode setting");
  const flags = flagsOf(request);
  if ((flags & ~ATOMIC_FLAGS) !== 0) throw new DriverError("EINVAL", `flags 0x${(flags >>> 0).toString(16)}`);
  // Older kernels do not know it here; for newer ones no driver flag allows it.
  if ((flags & DRM_MODE_PAGE_FLIP_ASYNC) !== 0) {
    throw new DriverError("EINVAL", "the driver cannot flip without regard to vertical blanks");
  }
  if (request.testOnly === true && request.event === true) {
    throw new DriverError("EINVAL", "a test does not send events");
  }
  const { card } = file;
  const outFences = new Map<number, KmsFence>();
  const reserved: { cancel(): void }[] = [];
  const release = yield* lockCrtcs(card.crtcs);
  try {
    const state = new AtomicState(card);
    try {
      setProperties(file, state, request);
      if (request.testOnly === true) {
        checkAtomic(state, card.gpu.profile);
        state.dispose(false);
        return { outFences };
      }
      addEvents(file, state, request, outFences, reserved);
    } catch (error) {
      state.dispose(false);
      throw error;
    }
    yield* commitAtomic(card.context, state, request.nonblock === true);
  } catch (error) {
    for (const event of reserved) event.cancel();
    throw error;
  } finally {
    release();
  }
  return { outFences };
}

function setProperties(file: FileState, state: AtomicState, request: AtomicRequest): void {
  state.allowModeset = request.allowModeset === true;
  for (const { id, crtcId } of request.connectors ?? []) {
    const next = state.connector(findConnector(file, id));
    if (next.crtc !== null || crtcId !== 0) state.setConnectorCrtc(next, crtcOrNone(file, crtcId));
  }
  for (const { id, active, mode } of request.crtcs ?? []) {
    const change = state.crtc(findCrtc(file, id));
    if (mode !== undefined) state.setMode(change, mode);
    if (active !== undefined) change.next.active = active;
  }
  for (const properties of request.planes ?? []) setPlaneProperties(file, state, properties);
}

function setPlaneProperties(file: FileState, state: AtomicState, properties: AtomicPlane): void {
  const plane = findPlane(file, properties.id);
  const { profile } = file.card.gpu;
  const next = state.plane(plane);
  const { crtcId, fbId, damageClips, inFence, hotX, hotY } = properties;
  if (fbId !== undefined) state.setPlaneFb(next, fbOrNone(file, fbId));
  if (crtcId !== undefined) state.setPlaneCrtc(next, crtcOrNone(file, crtcId));
  for (const [name, isLegal] of PLACE) {
    const value = properties[name];
    if (value === undefined) continue;
    next[name] = checked(name, value, isLegal);
  }
  if (damageClips !== undefined) {
    if (!profile.hasDamageProperty || plane.type !== "primary") {
      throw new DriverError("ENOENT", `planes of this kind have no FB_DAMAGE_CLIPS in ${profile.name}`);
    }
    next.damage = damageClips.length === 0 ? null : damageClips;
  }
  if (inFence !== undefined) next.waitFor = inFence;
  if (hotX === undefined && hotY === undefined) return;
  if (!profile.hasHotspotProperty || plane.type !== "cursor") {
    throw new DriverError("ENOENT", `planes of this kind have no hot spot in ${profile.name}`);
  }
  if (hotX !== undefined) next.hotX = checked("hotX", hotX, isI32);
  if (hotY !== undefined) next.hotY = checked("hotY", hotY, isI32);
}

// The ranges of properties, which are checked before anybody looks at their meaning.
const I32_MAX = 0x7fffffff;
const FIXED_ONE = 0x10000;
const isI32 = (value: number) => Number.isInteger(value) && Math.abs(value + 0.5) <= I32_MAX + 0.5;
const isI31 = (value: number) => Number.isInteger(value) && value >= 0 && value <= I32_MAX;
const isSource = (value: number) => value >= 0 && value * FIXED_ONE <= 2 * I32_MAX + 1;

const PLACE = [
  ["crtcX", isI32],
  ["crtcY", isI32],
  ["crtcW", isI31],
  ["crtcH", isI31],
  ["srcX", isSource],
  ["srcY", isSource],
  ["srcW", isSource],
  ["srcH", isSource],
] as const;

function checked(name: string, value: number, isLegal: (value: number) => boolean): number {
  if (!isLegal(value)) throw new DriverError("EINVAL", `${name} is not a property value: ${value}`);
  return value;
}

/** An id that is not of an object of its kind is not a value of a property. */
function crtcOrNone(file: FileState, id: number): Crtc | null {
  if (id === 0) return null;
  const crtc = file.card.crtcs.find((each) => each.id === id);
  if (crtc === undefined) throw new DriverError("EINVAL", `no CRTC has id ${id}`);
  return crtc;
}

function fbOrNone(file: FileState, id: number): Framebuffer | null {
  if (id === 0) return null;
  const fb = file.card.framebuffers.get(id);
  if (fb === undefined) throw new DriverError("EINVAL", `no framebuffer has id ${id}`);
  return fb;
}

function addEvents(
  file: FileState,
  state: AtomicState,
  request: AtomicRequest,
  outFences: Map<number, KmsFence>,
  reserved: { cancel(): void }[],
): void {
  if (request.event === true && state.crtcs.length === 0) {
    throw new DriverError("EINVAL", "no CRTC changes: there is no event to come");
  }
  for (const change of state.crtcs) {
    const { crtc } = change;
    const parts: PendingEvent[] = [];
    if (request.event === true) {
      const event = file.reserveEvent(request.userData ?? 0);
      reserved.push(event);
      parts.push(event);
    }
    if (request.crtcs?.some(({ id, outFence }) => id === crtc.id && outFence === true) === true) {
      const fence = new KmsFence(`frame of CRTC ${crtc.id}`);
      outFences.set(crtc.id, fence);
      parts.push({ send: () => fence.signal() });
    }
    if (parts.length > 0) {
      change.event = {
        send: (to, sequence, timeMs) => {
          for (const part of parts) part.send(to, sequence, timeMs);
        },
      };
    }
  }
}
