// What `npm run linux` needs of the device that the guest drives, whoever makes it.
import type { V86 } from "v86";
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

/** One request of the guest. Recorded when it arrives; `response` is there once it is answered. */
export interface CommandRecord {
  /** Since the device was made. */
  readonly atMs: number;
  readonly queue: "control" | "cursor";
  /** Without VIRTIO_GPU_CMD_, e.g. "SET_SCANOUT". */
  readonly command: string;
  readonly flags: number;
  readonly fenceId: number;
  /** Fields behind the header, named as in the specification; of entry lists, their count and the sum of lengths. */
  readonly args: Readonly<Record<string, PlainValue>>;
  /** Lengths of the device-readable and of the device-writable descriptors. */
  readonly readableBytes: readonly number[];
  readonly writableBytes: readonly number[];
  readonly response: CommandResponse | undefined;
}

export interface CommandResponse {
  /** Without VIRTIO_GPU_RESP_, e.g. "OK_NODATA"; "NONE" for a chain without room for a response. */
  readonly type: string;
  readonly flags: number;
  readonly fenceId: number;
  /** As in the used ring. */
  readonly writtenBytes: number;
}

export const FEATURE_NAMES = ["edid", "uuid", "blob"] as const;
export type FeatureName = (typeof FEATURE_NAMES)[number];

export interface LinuxDeviceOptions {
  /** VIRTIO_GPU_F_EDID, VIRTIO_GPU_F_RESOURCE_UUID, VIRTIO_GPU_F_RESOURCE_BLOB; the others are not offered. */
  readonly features: readonly FeatureName[];
  /** Of the only scanout. */
  readonly width: number;
  readonly height: number;
}

export interface LinuxDevice {
  readonly identity: DeviceIdentity;
  /** Puts the device on the emulator's bus. Called once, before the first instruction or before a state is restored. */
  attach(emulator: V86): void;
  /** Tells the guest that the display has another size now. */
  resize(width: number, height: number): void;
  /** What scanout 0 shows at this moment; undefined when it is off. */
  scanout(): Picture | undefined;
  /** The cursor on scanout 0; undefined when it is hidden. */
  cursor(): CursorState | undefined;
  /** Every command so far, in the order of arrival. */
  readonly commands: readonly CommandRecord[];
}

export type LinuxDeviceFactory = (options: LinuxDeviceOptions) => LinuxDevice;
