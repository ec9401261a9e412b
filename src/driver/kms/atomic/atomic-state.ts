import { DriverError } from "../../errors.ts";
import type {
  Connector,
  ConnectorState,
  Crtc,
  CrtcState,
  Framebuffer,
  Plane,
  PlaneState,
} from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";

/** Something that happened, for the file that asked to be told. */
export interface PendingEvent {
  /** Vertical blanks so far, and the time in milliseconds. */
  send(crtc: Crtc, sequence: number, timeMs: number): void;
}

/** A CRTC in a change. */
export interface CrtcChange {
  readonly crtc: Crtc;
  readonly old: CrtcState;
  readonly next: CrtcState;
  modeChanged: boolean;
  activeChanged: boolean;
  connectorsChanged: boolean;
  event: PendingEvent | null;
}

/** A plane in a change. */
export interface PlaneChange {
  readonly plane: Plane;
  readonly old: PlaneState;
  readonly next: PlaneState;
}

/** A connector in a change. */
export interface ConnectorChange {
  readonly connector: Connector;
  readonly old: ConnectorState;
  readonly next: ConnectorState;
}

/** Whether a change of a CRTC is a mode set. */
export function needsModeset(change: CrtcChange): boolean {
  return change.modeChanged || change.activeChanged || change.connectorsChanged;
}

/** All there is to change. */
export interface ModeObjects {
  readonly crtcs: readonly Crtc[];
  /** By their index. */
  readonly planes: readonly Plane[];
  readonly connectors: readonly Connector[];
}

/**
 * A change of the display configuration that is being put together: copies of the states of all objects it touches.
 * Objects come in the order of their indexes, whatever the order in which they were added.
 */
export class AtomicState {
  readonly objects: ModeObjects;
  readonly crtcs: CrtcChange[] = [];
  readonly planes: PlaneChange[] = [];
  readonly connectors: ConnectorChange[] = [];
  allowModeset = true;
  /** A change by the legacy cursor ioctls: nobody waits for its completion. */
  legacyCursor = false;

  constructor(objects: ModeObjects) {
    this.objects = objects;
  }

  crtc(crtc: Crtc): CrtcChange {
    for (const change of this.crtcs) if (change.crtc === crtc) return change;
    const change: CrtcChange = {
      crtc,
      old: crtc.state,
      next: {
        enable: crtc.state.enable,
        active: crtc.state.active,
        mode: crtc.state.mode,
        commit: null,
      },
      modeChanged: false,
      activeChanged: false,
      connectorsChanged: false,
      event: null,
    };
    insert(this.crtcs, change, (each) => each.crtc.index);
    return change;
  }

  /** Adds the CRTC that the plane is on as well. */
  plane(plane: Plane): PlaneState {
    for (const change of this.planes) if (change.plane === plane) return change.next;
    const old = plane.state;
    const next = nextPlaneState(old);
    insert(this.planes, { plane, old, next }, (each) => each.plane.index);
    next.fb?.retain();
    if (next.crtc !== null) this.crtc(next.crtc);
    return next;
  }

  connector(connector: Connector): ConnectorState {
    for (const change of this.connectors) if (change.connector === connector) return change.next;
    const old = connector.state;
    const next: ConnectorState = { ...old, commit: null };
    insert(this.connectors, { connector, old, next }, (each) => each.connector.index);
    if (next.crtc !== null) this.crtc(next.crtc);
    return next;
  }

  setPlaneCrtc(state: PlaneState, crtc: Crtc | null): void {
    if (state.crtc !== null) this.crtc(state.crtc);
    state.crtc = crtc;
    if (crtc !== null) this.crtc(crtc);
  }

  setPlaneFb(state: PlaneState, fb: Framebuffer | null): void {
    fb?.retain();
    state.fb?.release();
    state.fb = fb;
  }

  setConnectorCrtc(state: ConnectorState, crtc: Crtc | null): void {
    if (state.crtc !== null) this.crtc(state.crtc);
    state.crtc = crtc;
    if (crtc !== null) this.crtc(crtc);
  }

  /** Throws {@link DriverError} EINVAL for a mode that is none. */
  setMode(change: CrtcChange, mode: DrmMode | null): void {
    if (mode !== null) checkMode(mode);
    change.next.mode = mode;
    change.next.enable = mode !== null;
  }

  /** Connectors that the change leaves on a CRTC. */
  connectorsOf(crtc: Crtc): Connector[] {
    return this.objects.connectors.filter((connector) => {
      const change = this.connectors.find((each) => each.connector === connector);
      return (change?.next ?? connector.state).crtc === crtc;
    });
  }

  /** Adds the connectors that are on a CRTC now. */
  addConnectorsOf(crtc: Crtc): void {
    for (const connector of this.objects.connectors) {
      if (connector.state.crtc === crtc) this.connector(connector);
    }
  }

  /** Adds the planes that are on a CRTC now. */
  addPlanesOf(crtc: Crtc): void {
    for (const plane of this.objects.planes) if (plane.state.crtc === crtc) this.plane(plane);
  }

  /** Lets go of the framebuffers of the states that are dropped: the new ones of a failed change, else the old ones. */
  dispose(applied: boolean): void {
    for (const { old, next } of this.planes) (applied ? old : next).fb?.release();
  }
}

/** A copy without what belongs to one change. Field by field: frames pass through here, and spreading is slow. */
function nextPlaneState(old: PlaneState): PlaneState {
  return {
    crtc: old.crtc,
    fb: old.fb,
    crtcX: old.crtcX,
    crtcY: old.crtcY,
    crtcW: old.crtcW,
    crtcH: old.crtcH,
    srcX: old.srcX,
    srcY: old.srcY,
    srcW: old.srcW,
    srcH: old.srcH,
    hotX: old.hotX,
    hotY: old.hotY,
    visible: old.visible,
    visibleX: old.visibleX,
    visibleY: old.visibleY,
    visibleW: old.visibleW,
    visibleH: old.visibleH,
    damage: null,
    ignoreDamage: old.ignoreDamage,
    waitFor: null,
    flushFence: null,
    commit: null,
  };
}

const I32_MAX = 0x7fffffff;

/** Throws {@link DriverError} ERANGE for a mode whose clock or frame rate is beyond all numbers. */
export function checkModeRange({ name, clock, vrefresh }: DrmMode): void {
  if (clock > I32_MAX || vrefresh > I32_MAX)
    throw new DriverError("ERANGE", `mode ${name} is beyond all numbers`);
}

/** Throws {@link DriverError} EINVAL unless the numbers of a mode make sense. */
export function checkMode(mode: DrmMode): void {
  const isLegal =
    mode.clock > 0 &&
    mode.clock <= I32_MAX &&
    mode.hdisplay > 0 &&
    mode.hsyncStart >= mode.hdisplay &&
    mode.hsyncEnd >= mode.hsyncStart &&
    mode.htotal >= mode.hsyncEnd &&
    mode.vdisplay > 0 &&
    mode.vsyncStart >= mode.vdisplay &&
    mode.vsyncEnd >= mode.vsyncStart &&
    mode.vtotal >= mode.vsyncEnd;
  if (!isLegal) throw new DriverError("EINVAL", `the timing of mode ${mode.name} makes no sense`);
}

function insert<T>(list: T[], item: T, indexOf: (item: T) => number): void {
  let at = list.length;
  while (at > 0 && indexOf(list[at - 1] as T) > indexOf(item)) at--;
  if (at === list.length) list.push(item);
  else list.splice(at, 0, item);
}
