import type { Observer } from "./guest.ts";
import type { Transport } from "./subject.ts";

/** One thing that is done to QEMU and to the model; what was noted on the way is compared. */
export interface VersusCase {
  readonly id: string;
  /** Default: both. */
  readonly transport?: Transport;
  /** On a device that offers packed rings. Default false, as QEMU has it. */
  readonly packed?: boolean;
  readonly run: (guest: Observer) => Promise<void>;
}

export const GET_DISPLAY_INFO = 0x100;
export const CREATE_2D = 0x101;
export const UNREF = 0x102;
export const SET_SCANOUT = 0x103;
export const FLUSH = 0x104;
export const TRANSFER = 0x105;
export const ATTACH = 0x106;
export const DETACH = 0x107;
export const GET_EDID = 0x10a;
export const UPDATE_CURSOR = 0x300;
export const MOVE_CURSOR = 0x301;
/** Format of pixels: blue in the lowest byte. */
export const B8G8R8X8 = 2;
