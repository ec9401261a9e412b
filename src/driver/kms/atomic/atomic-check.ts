import { DriverError } from "../../errors.ts";
import type { Framebuffer, PlaneState } from "../objects/mode-objects.ts";
import { sameMode } from "../objects/modes.ts";
import type { LinuxProfile } from "../profiles.ts";
import {
  type AtomicState,
  type ConnectorChange,
  type CrtcChange,
  needsModeset,
  type PlaneChange,
} from "./atomic-state.ts";

const MAX_COORDINATE = 0x7fffffff;
/** A pixel in numbers with 16 bits behind the point. */
const FIXED_ONE = 0x10000;

/**
 * Checks a change and completes it: marks mode sets, adds what they affect, works out what of each plane is visible.
 * Throws {@link DriverError} EINVAL, ERANGE or ENOSPC.
 */
export function checkAtomic(state: AtomicState, profile: LinuxProfile): void {
  for (const change of state.planes) checkPlane(change);
  for (const change of state.crtcs) checkCrtc(change);
  markModesets(state);
  for (const change of state.planes) completePlane(state, change, profile);
  if (state.allowModeset) return;
  for (const change of state.crtcs) {
    if (needsModeset(change))
      throw new DriverError("EINVAL", `CRTC ${change.crtc.id} requires a full mode set`);
  }
}

function checkPlane({ plane, old, next }: PlaneChange): void {
  const { crtc, fb } = next;
  if ((crtc === null) !== (fb === null)) {
    throw new DriverError("EINVAL", `plane ${plane.id} has ${fb === null ? "a CRTC" : "a framebuffer"} only`);
  }
  if (crtc === null || fb === null) return;
  if (crtc.index !== plane.crtcIndex) {
    throw new DriverError("EINVAL", `plane ${plane.id} is not for CRTC ${crtc.id}`);
  }
  if (fb.format !== plane.format) {
    throw new DriverError("EINVAL", `plane ${plane.id} does not take format 0x${fb.format.toString(16)}`);
  }
  if (
    next.crtcW > MAX_COORDINATE ||
    next.crtcH > MAX_COORDINATE ||
    next.crtcX > MAX_COORDINATE - next.crtcW ||
    next.crtcY > MAX_COORDINATE - next.crtcH
  ) {
    throw new DriverError("ERANGE", `plane ${plane.id} lies beyond all coordinates`);
  }
  checkSource(fb, next.srcX, next.srcY, next.srcW, next.srcH);
  for (const { x1, y1, x2, y2 } of next.damage ?? []) {
    // The limits are those of the source, in parts of a pixel.
    const isInside = x1 >= 0 && y1 >= 0 && x2 <= fb.width * FIXED_ONE && y2 <= fb.height * FIXED_ONE;
    if (x1 >= x2 || y1 >= y2 || !isInside) {
      throw new DriverError(
        "EINVAL",
        `damage from ${x1},${y1} to ${x2},${y2} is not a rectangle of the framebuffer`,
      );
    }
  }
  if (old.crtc !== null && old.crtc !== crtc) {
    throw new DriverError("EINVAL", `plane ${plane.id} goes from one CRTC to another`);
  }
}

/** Throws {@link DriverError} ENOSPC unless the source lies inside the framebuffer. */
export function checkSource(fb: Framebuffer, x: number, y: number, width: number, height: number): void {
  if (width > fb.width || x > fb.width - width || height > fb.height || y > fb.height - height) {
    throw new DriverError(
      "ENOSPC",
      `${width}×${height}+${x}+${y} of a framebuffer of ${fb.width}×${fb.height}`,
    );
  }
}

function checkCrtc({ crtc, old, next, event }: CrtcChange): void {
  if (next.active && !next.enable) {
    throw new DriverError("EINVAL", `CRTC ${crtc.id} would be active without being enabled`);
  }
  if (event !== null && !next.active && !old.active) {
    throw new DriverError("EINVAL", `CRTC ${crtc.id} is off and stays off: there is no event to come`);
  }
}

function markModesets(state: AtomicState): void {
  for (const change of state.crtcs) {
    const { crtc, old, next } = change;
    if (!sameMode(old.mode, next.mode)) change.modeChanged = true;
    if (old.enable !== next.enable) {
      change.modeChanged = true;
      change.connectorsChanged = true;
    }
    if (old.active !== next.active) change.activeChanged = true;
    if (next.enable !== state.connectorsOf(crtc).length > 0) {
      throw new DriverError("EINVAL", `CRTC ${crtc.id} has a mode or connectors, but not both`);
    }
  }
  for (const change of state.connectors) checkRouting(state, change);
  for (const change of state.crtcs) {
    if (!needsModeset(change)) continue;
    state.addConnectorsOf(change.crtc);
    state.addPlanesOf(change.crtc);
  }
}

function checkRouting(state: AtomicState, { connector, old, next }: ConnectorChange): void {
  if (old.crtc !== next.crtc) {
    if (old.crtc !== null) state.crtc(old.crtc).connectorsChanged = true;
    if (next.crtc !== null) state.crtc(next.crtc).connectorsChanged = true;
  }
  // Each scanout has an encoder of its own.
  if (next.crtc !== null && next.crtc.index !== connector.index) {
    throw new DriverError("EINVAL", `connector ${connector.id} cannot be driven by CRTC ${next.crtc.id}`);
  }
}

function completePlane(state: AtomicState, { plane, old, next }: PlaneChange, profile: LinuxProfile): void {
  const { crtc, fb } = next;
  if (crtc === null || fb === null) return;
  const change = state.crtc(crtc);
  if (needsModeset(change)) next.damage = null;
  // The mark is copied from state to state, and nobody takes it back.
  if (profile.forgetsDamage && old.fb !== fb) next.ignoreDamage = true;
  if ((next.crtcW !== 0 && next.srcW !== next.crtcW) || (next.crtcH !== 0 && next.srcH !== next.crtcH)) {
    throw new DriverError("ERANGE", `plane ${plane.id} would have to scale`);
  }
  clipToCrtc(next, change);
  if (plane.type === "cursor" || !next.visible) return;
  const { mode } = change.next;
  const covers =
    next.crtcX <= 0 &&
    next.crtcY <= 0 &&
    next.visibleW === (mode?.hdisplay ?? 0) &&
    next.visibleH === (mode?.vdisplay ?? 0);
  if (!covers) throw new DriverError("EINVAL", `plane ${plane.id} must cover all of CRTC ${crtc.id}`);
}

/** Works out which part of the source is on the CRTC. */
function clipToCrtc(next: PlaneState, change: CrtcChange): void {
  const mode = change.next.enable ? change.next.mode : null;
  const left = Math.max(0, next.crtcX);
  const top = Math.max(0, next.crtcY);
  const right = Math.min(mode?.hdisplay ?? 0, next.crtcX + next.crtcW);
  const bottom = Math.min(mode?.vdisplay ?? 0, next.crtcY + next.crtcH);
  next.visible = right > left && bottom > top;
  next.visibleX = next.srcX + left - next.crtcX;
  next.visibleY = next.srcY + top - next.crtcY;
  next.visibleW = Math.max(0, right - left);
  next.visibleH = Math.max(0, bottom - top);
}
