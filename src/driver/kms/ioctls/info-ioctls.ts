/** Calls that tell what there is, and what it does. */
import { MAX_DIMENSION, MIN_DIMENSION } from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";
import type { FileState } from "./file-state.ts";
import { findConnector, findCrtc, findPlane } from "./find.ts";

/** Ids of what a card has. */
export interface CardResources {
  readonly framebuffers: readonly number[];
  readonly crtcs: readonly number[];
  readonly connectors: readonly number[];
  readonly encoders: readonly number[];
  /** Size of framebuffers, in pixels. */
  readonly minWidth: number;
  readonly maxWidth: number;
  readonly minHeight: number;
  readonly maxHeight: number;
}

/** What GETCONNECTOR says. */
export interface ConnectorInfo {
  readonly id: number;
  /** `Virtual-1` … */
  readonly name: string;
  readonly encoderId: number;
  readonly connected: boolean;
  /** The preferred one first; none when nothing is connected. */
  readonly modes: readonly DrmMode[];
  /** The CRTC it is on, 0 for none. */
  readonly crtcId: number;
  /** As the device said it; null without one that makes sense. */
  readonly edid: Uint8Array<ArrayBuffer> | null;
}

/** What GETCRTC says. */
export interface CrtcInfo {
  readonly id: number;
  readonly active: boolean;
  readonly mode: DrmMode | null;
  /** 0 for none. */
  readonly fbId: number;
  readonly x: number;
  readonly y: number;
  /** Ids of its planes. */
  readonly primaryPlane: number;
  readonly cursorPlane: number;
}

/** What GETPLANE says. */
export interface PlaneInfo {
  readonly id: number;
  readonly type: "primary" | "cursor";
  /** DRM_FORMAT_*. */
  readonly formats: readonly number[];
  readonly crtcId: number;
  readonly fbId: number;
}

export function getResources(file: FileState): CardResources {
  file.checkModesetting();
  const { crtcs, connectors } = file.card;
  return {
    framebuffers: file.framebuffers.map(({ id }) => id),
    crtcs: crtcs.map(({ id }) => id),
    connectors: connectors.map(({ id }) => id),
    encoders: connectors.map(({ encoderId }) => encoderId),
    minWidth: MIN_DIMENSION,
    maxWidth: MAX_DIMENSION,
    minHeight: MIN_DIMENSION,
    maxHeight: MAX_DIMENSION,
  };
}

export function getConnector(file: FileState, connectorId: number): ConnectorInfo {
  file.checkModesetting();
  const connector = findConnector(file, connectorId);
  const { id, name, encoderId, connected, modes, edid } = connector;
  return { id, name, encoderId, connected, modes, edid, crtcId: connector.state.crtc?.id ?? 0 };
}

export function getCrtc(file: FileState, crtcId: number): CrtcInfo {
  file.checkModesetting();
  const crtc = findCrtc(file, crtcId);
  const plane = crtc.primary.state;
  return {
    id: crtc.id,
    active: crtc.state.active,
    mode: crtc.state.mode,
    fbId: plane.fb?.id ?? 0,
    x: plane.srcX,
    y: plane.srcY,
    primaryPlane: crtc.primary.id,
    cursorPlane: crtc.cursorPlane.id,
  };
}

export function getPlane(file: FileState, planeId: number): PlaneInfo {
  file.checkModesetting();
  const plane = findPlane(file, planeId);
  const { crtc, fb } = plane.state;
  return {
    id: plane.id,
    type: plane.type,
    formats: [plane.format],
    crtcId: crtc?.id ?? 0,
    fbId: fb?.id ?? 0,
  };
}
