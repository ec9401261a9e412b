/** What each call changes of the display configuration: the legacy calls as Linux translates them to atomic changes. */
import { DriverError } from "../../errors.ts";
import type { Connector, Crtc, DrmRect, Framebuffer, Plane } from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";
import type { Task } from "../time/tasks.ts";
import { type CommitContext, commitAtomic } from "./atomic-commit.ts";
import { AtomicState, type ModeObjects, type PendingEvent } from "./atomic-state.ts";

/** What changes work with. */
export interface ChangeContext extends CommitContext {
  readonly objects: ModeObjects;
}

/** Puts a change together and applies it; lets go of everything when that fails. */
export function* change(
  context: ChangeContext,
  build: (state: AtomicState) => void,
  nonblock = false,
): Task<void> {
  const state = new AtomicState(context.objects);
  try {
    build(state);
  } catch (error) {
    state.dispose(false);
    throw error;
  }
  yield* commitAtomic(context, state, nonblock);
}

/** What SETCRTC shows: a mode with framebuffer and connectors, or nothing. */
export interface CrtcConfig {
  readonly fb: Framebuffer;
  readonly x: number;
  readonly y: number;
  readonly mode: DrmMode;
  readonly connectors: readonly Connector[];
}

/** SETCRTC. */
export function* setConfig(context: ChangeContext, crtc: Crtc, config: CrtcConfig | null): Task<void> {
  yield* change(context, (state) => {
    const crtcChange = state.crtc(crtc);
    const plane = state.plane(crtc.primary);
    state.setMode(crtcChange, config?.mode ?? null);
    crtcChange.next.active = config !== null;
    state.setPlaneCrtc(plane, config === null ? null : crtc);
    state.setPlaneFb(plane, config?.fb ?? null);
    if (config !== null) {
      const { hdisplay, vdisplay } = config.mode;
      plane.crtcX = 0;
      plane.crtcY = 0;
      plane.crtcW = hdisplay;
      plane.crtcH = vdisplay;
      plane.srcX = config.x;
      plane.srcY = config.y;
      plane.srcW = hdisplay;
      plane.srcH = vdisplay;
    }
    state.addConnectorsOf(crtc);
    for (const { next } of state.connectors) if (next.crtc === crtc) state.setConnectorCrtc(next, null);
    for (const connector of config?.connectors ?? []) {
      state.setConnectorCrtc(state.connector(connector), crtc);
    }
    // A CRTC that loses its last connector to this one goes off.
    for (const other of state.crtcs) {
      if (other.crtc === crtc || state.connectorsOf(other.crtc).length > 0) continue;
      state.setMode(other, null);
      other.next.active = false;
    }
  });
}

/** PAGE_FLIP. */
export function* pageFlip(
  context: ChangeContext,
  crtc: Crtc,
  fb: Framebuffer,
  event: PendingEvent | null,
): Task<void> {
  const build = (state: AtomicState) => {
    const crtcChange = state.crtc(crtc);
    crtcChange.event = event;
    const plane = state.plane(crtc.primary);
    state.setPlaneCrtc(plane, crtc);
    state.setPlaneFb(plane, fb);
    state.allowModeset = false;
    if (!crtcChange.next.active)
      throw new DriverError("EINVAL", `CRTC ${crtc.id} is off: nothing can be flipped`);
  };
  yield* change(context, build, true);
}

/** Where a plane goes. */
export interface PlanePlace {
  readonly crtcX: number;
  readonly crtcY: number;
  readonly crtcW: number;
  readonly crtcH: number;
  readonly srcX: number;
  readonly srcY: number;
  readonly srcW: number;
  readonly srcH: number;
}

/** SETPLANE, and the cursor calls. */
export function* setPlane(
  context: ChangeContext,
  plane: Plane,
  crtc: Crtc,
  fb: Framebuffer,
  place: PlanePlace,
  hot: { readonly x: number; readonly y: number } | null = null,
): Task<void> {
  yield* change(context, (state) => {
    const next = state.plane(plane);
    state.setPlaneCrtc(next, crtc);
    state.setPlaneFb(next, fb);
    Object.assign(next, place);
    if (hot !== null) {
      next.hotX = hot.x;
      next.hotY = hot.y;
    }
    state.legacyCursor = plane === crtc.cursorPlane;
  });
}

const NOWHERE: PlanePlace = {
  crtcX: 0,
  crtcY: 0,
  crtcW: 0,
  crtcH: 0,
  srcX: 0,
  srcY: 0,
  srcW: 0,
  srcH: 0,
};

/** Turns a plane off. */
export function* disablePlane(context: ChangeContext, plane: Plane): Task<void> {
  yield* change(context, (state) => {
    const next = state.plane(plane);
    state.legacyCursor = plane.type === "cursor" && next.crtc !== null;
    state.setPlaneCrtc(next, null);
    state.setPlaneFb(next, null);
    Object.assign(next, NOWHERE);
  });
}

/** DIRTYFB: all planes that show the framebuffer; `damage` null is everything. */
export function* dirty(
  context: ChangeContext,
  fb: Framebuffer,
  damage: readonly DrmRect[] | null,
): Task<void> {
  yield* change(context, (state) => {
    for (const plane of context.objects.planes) {
      if (plane.state.fb === fb) state.plane(plane).damage = damage;
    }
  });
}

/** Takes a framebuffer off the screen, wherever it is. The CRTCs stay on, with nothing to show. */
export function* removeFramebuffer(context: ChangeContext, fb: Framebuffer): Task<void> {
  const planes = context.objects.planes.filter((plane) => plane.state.fb === fb);
  if (planes.length === 0) return;
  yield* change(context, (state) => {
    for (const plane of planes) {
      const next = state.plane(plane);
      state.setPlaneFb(next, null);
      state.setPlaneCrtc(next, null);
    }
  });
}
