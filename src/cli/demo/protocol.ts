// What the threads of the demo tell each other outside of virtio.
import type { ChannelHandle } from "../../adapters/worker/channel.ts";
import type { DisplaySpec } from "../display/display-spec.ts";

/** Optional features of the gpu, by the names the command line has for them. */
export const GPU_FEATURE_NAMES = ["edid", "uuid", "blob"] as const;
export type GpuFeatureName = (typeof GPU_FEATURE_NAMES)[number];

/** What the demo is to do. */
export interface DemoSettings {
  readonly width: number;
  readonly height: number;
  /** Page flips. */
  readonly frames: number;
  /** Framebuffers that take turns. */
  readonly buffers: number;
  readonly ring: "split" | "packed";
  readonly features: readonly GpuFeatureName[];
  /** Where the pictures are shown besides; null for nowhere. */
  readonly display: DisplaySpec | null;
  /** Whether the flips go on, at the pace of a monitor, until the user ends them. */
  readonly live: boolean;
}

/** Pictures that are shown, flips that go on not included: a mode set, two DIRTYFB, the page flips. */
export function picturesOf({ frames }: DemoSettings): number {
  return 3 + frames;
}

/** What the device's thread starts with. */
export interface DeviceOrder {
  readonly settings: DemoSettings;
  readonly gpu: ChannelHandle;
  readonly painter: ChannelHandle;
}

/** What the guest's thread starts with. */
export interface GuestOrder {
  readonly settings: DemoSettings;
  /** Its first 32-bit word is not 0 when flips that go on are to end. */
  readonly stop: SharedArrayBuffer;
  readonly gpu: ChannelHandle;
  readonly painter: ChannelHandle;
}

/** One command as the devices saw it. Times are of `process.hrtime`, which all threads share, in nanoseconds. */
export interface CommandLine {
  readonly at: bigint;
  readonly queue: string;
  readonly head: number;
  readonly readable: readonly number[];
  readonly writable: readonly number[];
  readonly name: string;
  readonly parameters: string;
  readonly response: string;
  /** Why it was refused, empty on success. */
  readonly reason: string;
  readonly fence: bigint | null;
  readonly bytesCopied: number;
}

/** A picture that was shown. */
export interface ShownFrame {
  readonly width: number;
  readonly height: number;
  /** Of the bytes R, G, B, 255 of every pixel, row by row. */
  readonly sha256: string;
}

/** What the device's thread found out. */
export interface DeviceReport {
  readonly commands: readonly CommandLine[];
  readonly frames: readonly ShownFrame[];
  /** The last picture shown, as bytes R, G, B, 255. */
  readonly picture: {
    readonly width: number;
    readonly height: number;
    readonly rgba: Uint8Array<ArrayBuffer>;
  } | null;
  /** Bytes copied by transfers. */
  readonly bytesCopied: number;
  /** Requests of the painter served. */
  readonly painted: number;
  readonly notifications: number;
  readonly interrupts: number;
  /** Register accesses of the driver. */
  readonly registerAccesses: number;
  /** Guest requests the device found fault with. */
  readonly errors: number;
  /** Time the gpu spent on commands, in milliseconds, without what its display did. */
  readonly gpuMs: number;
  /** Time the painter spent, in milliseconds. */
  readonly painterMs: number;
  /** Time the gpu's display spent on reading and hashing pictures, in milliseconds. */
  readonly inspectionMs: number;
  /** What became of the display that pictures were shown on besides, null without one. */
  readonly display: string | null;
}

/** Messages of the device's thread. */
export type DeviceMessage =
  /** The display is there; the hint says how to see it. */
  | { readonly kind: "display"; readonly hint: string }
  /** It cannot be had: the user is told why. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "report"; readonly report: DeviceReport };

/** What the device's thread is told meanwhile: the terminal has another size. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The beginning of a part of the demo, for the timeline. */
export interface Chapter {
  readonly at: bigint;
  readonly title: string;
}

/** Why a picture was shown. */
export type ShownBy = "mode-set" | "dirtyfb" | "page-flip";

/** What the guest's thread did. */
export interface GuestReport {
  readonly chapters: readonly Chapter[];
  /** Why each picture was shown, in order. */
  readonly shown: readonly ShownBy[];
  readonly dirtyFb: number;
  readonly pageFlips: number;
  readonly uuid: string | null;
  /** From the first flip to the end of the last, in milliseconds. */
  readonly flipMs: number;
  /** The same as times of `process.hrtime`; null without flips. */
  readonly flips: { readonly from: bigint; readonly to: bigint } | null;
  /** From the first command to the end of the last, in milliseconds; without flips that went on. */
  readonly guestMs: number;
  /** The flips that went on until the user ended them; null when none were to. */
  readonly animated: { readonly flips: number; readonly ms: number } | null;
  /** Gpu features in force, and the ring's format. */
  readonly features: readonly GpuFeatureName[];
  readonly packed: boolean;
  /** Size of the connected monitor. */
  readonly width: number;
  readonly height: number;
  /** Pages of a framebuffer, and in how many segments they lie in memory. */
  readonly pages: number;
  readonly segments: number;
}

/** Messages of the guest's thread. */
export type GuestMessage =
  | { readonly kind: "flips"; readonly done: number }
  | { readonly kind: "report"; readonly report: GuestReport };
