/** The conditions a capture was made under, as far as it tells. */
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from "../../wire/common.ts";
import {
  VIRTIO_GPU_CMD_GET_EDID,
  VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_UNREF,
  VIRTIO_GPU_CMD_SET_SCANOUT,
  VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
} from "../../wire/gpu.ts";
import type { Capture, CaptureFolder } from "./capture-files.ts";
import { fieldOf, typeOf } from "./fields.ts";
import type { SentCommand } from "./sent-command.ts";

/** The capture of what the driver sends when it binds. */
export const BIND_SCENARIO = "init";

/** What was negotiated. */
export interface NegotiatedFeatures {
  /** Bits that the model knows about, of those the driver accepted. */
  readonly bits: ReadonlySet<number>;
  /** Whether the capture says so itself; else it follows from its commands. */
  readonly stated: boolean;
  /** The driver rendered, which the model does not. */
  readonly virgl: boolean;
}

const KNOWN_BITS = [
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
];

/** What the driver accepted: as the handshake says, else as the commands show. */
export function negotiatedFeatures(folder: CaptureFolder): NegotiatedFeatures {
  const { features } = folder;
  if (features !== null) {
    const has = (bit: number) => ((features >> BigInt(bit)) & 1n) !== 0n;
    return { bits: new Set(KNOWN_BITS.filter(has)), stated: true, virgl: has(VIRTIO_GPU_F_VIRGL) };
  }
  const commands = folder.captures.flatMap((capture) => capture.commands);
  const sent = (type: number) => commands.some(({ bytes }) => typeOf(bytes) === type);
  const bits = new Set<number>();
  // Only the driver's binding tells that there is no EDID; where that is not captured, there is one, as everywhere.
  const bindingKnown = folder.captures.some(({ name }) => name === BIND_SCENARIO);
  if (!bindingKnown || sent(VIRTIO_GPU_CMD_GET_EDID)) bits.add(VIRTIO_GPU_F_EDID);
  if (sent(VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID)) bits.add(VIRTIO_GPU_F_RESOURCE_UUID);
  if (sent(VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB)) bits.add(VIRTIO_GPU_F_RESOURCE_BLOB);
  if (commands.some(({ indirect }) => indirect)) bits.add(VIRTIO_F_INDIRECT_DESC);
  return { bits, stated: false, virgl: false };
}

/** Displays of the device: as many as were asked for their EDID. */
export function scanoutCount(folder: CaptureFolder): number {
  const asked = folder.captures
    .flatMap((capture) => capture.commands)
    .filter(({ bytes }) => typeOf(bytes) === VIRTIO_GPU_CMD_GET_EDID)
    .map(({ bytes }) => fieldOf(bytes, "scanout") ?? 0);
  return Math.min(16, 1 + Math.max(0, ...asked));
}

/** A size in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The mode a scenario sets: the size it tells a scanout, else that of its first buffer; null when it shows nothing. */
export function modeSize(capture: Capture): Size | null {
  for (const { bytes } of capture.commands) {
    const type = typeOf(bytes);
    if (type !== VIRTIO_GPU_CMD_SET_SCANOUT && type !== VIRTIO_GPU_CMD_SET_SCANOUT_BLOB) continue;
    const width = fieldOf(bytes, "r.width") ?? 0;
    const height = fieldOf(bytes, "r.height") ?? 0;
    if (width > 0 && height > 0) return { width, height };
  }
  const created = capture.commands.find(({ bytes }) => typeOf(bytes) === VIRTIO_GPU_CMD_RESOURCE_CREATE_2D);
  if (created === undefined) return null;
  return { width: fieldOf(created.bytes, "width") ?? 0, height: fieldOf(created.bytes, "height") ?? 0 };
}

/** What a CRTC does before a scenario. */
export type CrtcBefore = "off" | "on in the same mode" | "on in another mode";

/** What the CRTC must have done before a scenario, by what the driver does first to show something. */
export function crtcBefore(capture: Capture): CrtcBefore {
  let blanked = false;
  let sized = false;
  for (const command of capture.commands) {
    if (shows(command)) break;
    if (typeOf(command.bytes) !== VIRTIO_GPU_CMD_SET_SCANOUT) continue;
    if ((fieldOf(command.bytes, "r.width") ?? 0) === 0) blanked = true;
    else sized = true;
  }
  // Nothing but blanking: it was on, in whatever mode.
  if (blanked) return "on in another mode";
  return sized ? "off" : "on in the same mode";
}

function shows({ bytes }: SentCommand): boolean {
  const type = typeOf(bytes);
  if (type === VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D || type === VIRTIO_GPU_CMD_SET_SCANOUT_BLOB) return true;
  return type === VIRTIO_GPU_CMD_SET_SCANOUT && fieldOf(bytes, "resource_id") !== 0;
}

/** How often a scenario flips between its two buffers: frames after the second buffer was made. */
export function flipCount(capture: Capture): number {
  const { commands } = capture;
  const isCreation = ({ bytes }: SentCommand) =>
    typeOf(bytes) === VIRTIO_GPU_CMD_RESOURCE_CREATE_2D ||
    typeOf(bytes) === VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB;
  const second = commands.findLastIndex(isCreation);
  return commands.slice(second + 1).filter(startsFrame).length;
}

/** A frame that was cut may consist of nothing but its transfer. */
function startsFrame({ bytes }: SentCommand): boolean {
  return typeOf(bytes) === VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D;
}

/** Whether a scenario was recorded to its end: everything it made was given back. */
export function isComplete(capture: Capture): boolean {
  const count = (...types: number[]) =>
    capture.commands.filter(({ bytes }) => types.includes(typeOf(bytes))).length;
  const made = count(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB);
  return made <= count(VIRTIO_GPU_CMD_RESOURCE_UNREF);
}
