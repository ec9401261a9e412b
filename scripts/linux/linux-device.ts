// What `npm run linux` needs of the device that the guest drives, whoever makes it.
import type { V86 } from "v86";
import type { PciStage } from "../../src/conformance/driver-checker/index.ts";
import type { Display } from "../../src/devices/gpu/index.ts";
import type { CheckedDriver } from "./checked-driver.ts";
import type { DeviceIdentity } from "./snapshot.ts";

/** Pixels as 0xRRGGBB, or 0xAARRGGBB for a cursor, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
}

export interface CursorState {
  readonly x: number;
  readonly y: number;
  readonly hotX: number;
  readonly hotY: number;
  readonly image: Picture;
}

/** A value of a command, as it goes into JSON. */
export type PlainValue =
  | string
  | number
  | boolean
  | readonly PlainValue[]
  | { readonly [name: string]: PlainValue };

/** One request of the guest, as it was answered. */
export interface CommandRecord {
  /** Since the device was made. */
  readonly atMs: number;
  readonly queue: "controlq" | "cursorq";
  /** Head of the descriptor chain. */
  readonly head: number;
  /** Whether the chain is an indirect table. */
  readonly indirect: boolean;
  /** Without VIRTIO_GPU_CMD_, e.g. "SET_SCANOUT". */
  readonly command: string;
  readonly ctxId: number;
  /** Null for a command that names no ring. */
  readonly ringIdx: number | null;
  /** Null for a command that is not fenced. */
  readonly fenceId: number | null;
  /** The fields behind the header, named as in the specification. */
  readonly args: { readonly [name: string]: PlainValue };
  /** Of a command that brings a list of guest memory: the sum of its lengths. */
  readonly backingBytes: number | null;
  /** Lengths of the device-readable and of the device-writable descriptors. */
  readonly readableBytes: readonly number[];
  readonly writableBytes: readonly number[];
  /** Without VIRTIO_GPU_RESP_, e.g. "OK_NODATA". */
  readonly response: string;
  /** As in the used ring; 0 on the cursor queue, where no response is written. */
  readonly writtenBytes: number;
  /** Why it was refused; empty if it was not. */
  readonly reason: string;
}

/** VIRTIO_GPU_F_EDID, _RESOURCE_UUID, _RESOURCE_BLOB and VIRTIO_F_RING_PACKED. */
export const FEATURE_NAMES = ["edid", "uuid", "blob", "packed"] as const;
export type FeatureName = (typeof FEATURE_NAMES)[number];

export interface LinuxDeviceOptions {
  /** Those of the list above that are not here are not offered. */
  readonly features: readonly FeatureName[];
  /** Of the only scanout. */
  readonly width: number;
  readonly height: number;
  /** Where the pictures are shown besides. */
  readonly display?: Display | undefined;
  /** Watch what the driver does. Default false. */
  readonly checkDriver?: boolean;
  /** How the device is presented to the driver that is watched. Default: as it is. */
  readonly stage?: PciStage | undefined;
}

export interface LinuxDevice {
  readonly identity: DeviceIdentity;
  /** Puts the device on the emulator's bus. Called once, before the first instruction or before a state is restored. */
  attach(emulator: V86): void;
  /** Tells the guest that the display has another size now. */
  resize(width: number, height: number): void;
  /** What scanout 0 shows at this moment, up to the last flush; undefined when it is off. */
  scanout(): Picture | undefined;
  /** The cursor on scanout 0; undefined when it is hidden. */
  cursor(): CursorState | undefined;
  /** Every command so far, in the order of the answers. */
  readonly commands: readonly CommandRecord[];
  /** Ends the watch over the driver: what was found. Null when it was not watched. */
  checkedDriver(): CheckedDriver | null;
  /** What the device found wrong with what the guest did. */
  readonly complaints: readonly string[];
}

export type LinuxDeviceFactory = (options: LinuxDeviceOptions) => LinuxDevice;
