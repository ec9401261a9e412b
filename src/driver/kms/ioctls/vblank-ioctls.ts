/** Calls about vertical blanks. Only kernels that have them on this device answer; the others refuse them all. */
import { DriverError } from "../../errors.ts";
import type { PendingEvent } from "../atomic/atomic-state.ts";
import type { Crtc } from "../objects/mode-objects.ts";
import { type Task, waitFor } from "../time/tasks.ts";
import type { VblankTimer } from "../time/vblank.ts";
import type { DrmEventType, FileState } from "./file-state.ts";
import { findCrtc } from "./find.ts";

/** `type` of WAIT_VBLANK: the sequence number counts from now. Without it, it is the number of a blank. */
export const DRM_VBLANK_RELATIVE = 0x1;
/** Bits of `type` that tell the index of the CRTC, from 2 on. */
export const DRM_VBLANK_HIGH_CRTC_MASK = 0x3e;
/** Do not wait, send an event. */
export const DRM_VBLANK_EVENT = 0x4000000;
/** When the blank has passed already, wait for the next one. */
export const DRM_VBLANK_NEXTONMISS = 0x10000000;
/** The second CRTC. */
export const DRM_VBLANK_SECONDARY = 0x20000000;
/** Never possible. */
export const DRM_VBLANK_SIGNAL = 0x40000000;
/** `flags` of CRTC_QUEUE_SEQUENCE: the number counts from now. */
export const DRM_CRTC_SEQUENCE_RELATIVE = 1;
/** When the blank has passed already, take the next one. */
export const DRM_CRTC_SEQUENCE_NEXT_ON_MISS = 2;

const HIGH_CRTC_SHIFT = 1;
const VBLANK_TYPES =
  DRM_VBLANK_RELATIVE |
  DRM_VBLANK_HIGH_CRTC_MASK |
  DRM_VBLANK_EVENT |
  DRM_VBLANK_NEXTONMISS |
  DRM_VBLANK_SECONDARY;
const SEQUENCE_FLAGS = DRM_CRTC_SEQUENCE_RELATIVE | DRM_CRTC_SEQUENCE_NEXT_ON_MISS;
const WAIT_MS = 3000;
/** Sequence numbers wrap: what is further away than half of them has passed. */
const HALF_OF_U32 = 0x80000000;

/** What WAIT_VBLANK is asked for. */
export interface WaitVblank {
  /** DRM_VBLANK_*. */
  readonly type: number;
  /** 32 bits. */
  readonly sequence: number;
  /** Comes with the event. Default 0. */
  readonly userData?: number;
}

/** A vertical blank. */
export interface VblankInfo {
  /** How many there were. */
  readonly sequence: number;
  /** When it was, in the clock's milliseconds. */
  readonly timeMs: number;
}

/** What CRTC_GET_SEQUENCE gives. */
export interface CrtcSequence extends VblankInfo {
  /** Whether the CRTC has a mode. */
  readonly active: boolean;
}

/** What CRTC_QUEUE_SEQUENCE is asked for. */
export interface QueueSequence {
  readonly crtcId: number;
  /** DRM_CRTC_SEQUENCE_*. Default 0. */
  readonly flags?: number;
  readonly sequence: number;
  /** Comes with the event. Default 0. */
  readonly userData?: number;
}

/** Throws {@link DriverError} EOPNOTSUPP where there are no vertical blanks. */
function checkVblanks(file: FileState): void {
  file.check();
  if (file.card.gpu.vblanks.length === 0)
    throw new DriverError("EOPNOTSUPP", "the driver has no vertical blanks");
}

/** Holds the timer of a CRTC. Throws {@link DriverError} EINVAL while the CRTC is off. */
function holdVblank(crtc: Crtc): VblankTimer {
  const { vblank } = crtc;
  if (vblank === null || !vblank.hold())
    throw new DriverError("EINVAL", `CRTC ${crtc.id} is off: it has no vertical blanks`);
  return vblank;
}

/** The CRTC that a `type` names. */
function crtcOfType(file: FileState, type: number): Crtc {
  const high = (type & DRM_VBLANK_HIGH_CRTC_MASK) >> HIGH_CRTC_SHIFT;
  const index = high > 0 ? high : (type & DRM_VBLANK_SECONDARY) === 0 ? 0 : 1;
  const crtc = file.card.crtcs[index];
  if (crtc === undefined) throw new DriverError("EINVAL", `there is no CRTC of index ${index}`);
  return crtc;
}

/** The number of a blank whose last 32 bits are given, the one next to where the count is. */
function widen(sequence32: number, now: number): number {
  const ahead = (sequence32 - now) >>> 0;
  return ahead < HALF_OF_U32 ? now + ahead : now + ahead - 2 * HALF_OF_U32;
}

/** Room for an event; lets go of the timer when there is none. */
function reserve(file: FileState, vblank: VblankTimer, userData: number, type: DrmEventType): PendingEvent {
  try {
    return file.reserveEvent(userData, type);
  } catch (error) {
    vblank.drop();
    throw error;
  }
}

/** Sends an event at a blank; at once when it has passed. Takes over the hold of the caller. */
function sendAt(vblank: VblankTimer, crtc: Crtc, event: PendingEvent, sequence: number): void {
  const now = vblank.sequence;
  if (sequence > now) {
    vblank.callAt(sequence, (at, timeMs) => event.send(crtc, at, timeMs));
    return;
  }
  vblank.drop();
  event.send(crtc, now, vblank.timeMs);
}

export function* waitVblank(file: FileState, request: WaitVblank): Task<VblankInfo> {
  checkVblanks(file);
  const { type, userData = 0 } = request;
  if ((type & ~VBLANK_TYPES) !== 0) throw new DriverError("EINVAL", `type 0x${(type >>> 0).toString(16)}`);
  const crtc = crtcOfType(file, type);
  const vblank = holdVblank(crtc);
  const now = vblank.sequence;
  const given = request.sequence >>> 0;
  let sequence = (type & DRM_VBLANK_RELATIVE) === 0 ? widen(given, now) : now + given;
  if ((type & DRM_VBLANK_NEXTONMISS) !== 0 && sequence <= now) sequence = now + 1;
  if ((type & DRM_VBLANK_EVENT) !== 0) {
    sendAt(vblank, crtc, reserve(file, vblank, userData, "vblank"), sequence);
    return { sequence: Math.max(sequence, now), timeMs: vblank.timeMs };
  }
  try {
    const done = () => vblank.sequence >= sequence || !vblank.isOn;
    const outcome = yield* waitFor(file.card.gpu.clock, done, WAIT_MS, `blank ${sequence}`, true);
    if (outcome === "interrupted") throw new DriverError("EINTR", "killed while it waits for a blank");
    if (outcome === "timeout") throw new DriverError("EBUSY", `blank ${sequence} has not come in 3 s`);
    return { sequence: vblank.sequence, timeMs: vblank.timeMs };
  } finally {
    vblank.drop();
  }
}

export function getSequence(file: FileState, crtcId: number): CrtcSequence {
  checkVblanks(file);
  const crtc = findCrtc(file, crtcId);
  const vblank = holdVblank(crtc);
  const { sequence, timeMs } = vblank;
  vblank.drop();
  return { active: crtc.state.enable, sequence, timeMs };
}

/** Returns the number of the blank that the event comes with. */
export function queueSequence(file: FileState, request: QueueSequence): number {
  checkVblanks(file);
  const { crtcId, flags = 0, userData = 0 } = request;
  const crtc = findCrtc(file, crtcId);
  if ((flags & ~SEQUENCE_FLAGS) !== 0)
    throw new DriverError("EINVAL", `flags 0x${(flags >>> 0).toString(16)}`);
  const vblank = holdVblank(crtc);
  const now = vblank.sequence;
  let sequence = (flags & DRM_CRTC_SEQUENCE_RELATIVE) === 0 ? request.sequence : now + request.sequence;
  if ((flags & DRM_CRTC_SEQUENCE_NEXT_ON_MISS) !== 0 && sequence <= now) sequence = now + 1;
  sendAt(vblank, crtc, reserve(file, vblank, userData, "crtc-sequence"), sequence);
  return Math.max(sequence, now);
}
