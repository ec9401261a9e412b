import { type OptionRules, QUEUE_SIZE_RULE, U32_RULE } from "../../base/options.ts";
import { PROFILE_RULE, type Profile } from "../../device/policy.ts";
import type { RandomBytes } from "../../device/random.ts";
import { SHARED_OBJECTS_RULE, type SharedObjectRegistry } from "../../device/shared-objects.ts";
import { VIRTIO_GPU_MAX_SCANOUTS } from "../../wire/gpu.ts";
import type { Display } from "./backend/display.ts";
import type { Renderer } from "./backend/renderer.ts";
import { MONITOR_RULES, SIDE_RULE } from "./output/edid.ts";
import { GPU_POLICY_RULES, type GpuPolicy } from "./policy.ts";
import type { GpuCommandObserver } from "./queue/observe.ts";
import type { HostHeap } from "./resources/host-heap.ts";

/** How one display is connected; the driver learns it through GET_DISPLAY_INFO and GET_EDID. */
export interface DisplayConfig {
  /** Whether a monitor is plugged in. Default true. */
  readonly enabled?: boolean;
  /** Where the display is in the arrangement of all displays, in pixels. Default 0. */
  readonly x?: number;
  readonly y?: number;
  /** Preferred size in pixels, 1 to 16384. Default 1280 × 800. */
  readonly widthPixels?: number;
  readonly heightPixels?: number;
  /**
   * Size in pixels, 1 to 16384, up to which the EDID offers standard modes besides the preferred one. Default: the
   * preferred size, so that drivers offer nothing larger.
   */
  readonly maxWidthPixels?: number;
  readonly maxHeightPixels?: number;
  /**
   * Frames per second in the EDID, 10 to 500. Default 60. The guest is told so and need not obey; a `PacedDisplay` makes it.
   */
  readonly refreshHz?: number;
  /** Name of the monitor in the EDID, up to 13 characters, the last one no space. */
  readonly name?: string;
  /** Three capital letters in the EDID. */
  readonly vendor?: string;
  readonly serial?: string | number;
  /** Size of the visible area in the EDID, 100 to 2550 mm. */
  readonly widthMm?: number;
  readonly heightMm?: number;
  /** An EDID of your own, at most 1024 bytes, in place of one made from the above. */
  readonly edid?: Uint8Array;
}

/** Bounds on what a guest can make the device do. Each is checked before anything is allocated. */
export interface GpuLimits {
  /** Resources at a time. Default 16384. */
  readonly maxResources: number;
  /** Bytes of host pixels and host blobs at a time, those of exported resources included. Default 256 MiB. */
  readonly maxHostBytes: number;
  /** Width and height of a 2D resource or of the frame on a blob, in pixels. Default 16384. */
  readonly maxResourceDimension: number;
  /** Entries of one resource's backing. Default 16384. */
  readonly maxBackingEntries: number;
  /** Entries of the backing of all resources together, or segments where an IOMMU makes more of them. Default 262144, which is 1 GiB in pages of 4 KiB. */
  readonly maxBackingEntriesTotal: number;
  /** Rendering contexts at a time. Default 256. */
  readonly maxContexts: number;
  /** Resources attached to rendering contexts, counted once for each context. Default 262144. */
  readonly maxContextAttachments: number;
  /**
   * Commands that wait for a display or a renderer; beyond it no more are taken from the control queue before one is
   * done. Default 256.
   */
  readonly maxCommandsInFlight: number;
  /**
   * Calls of a display, and of a renderer, that were begun before a device reset and have not settled. They hold up no
   * later command, so a reset helps even when a back end died. With so many of them, commands that need another call of
   * that back end are answered with ERR_UNSPEC until some settle, which bounds the back end's memory. Default 512.
   */
  readonly maxAbandonedCalls: number;
  /** Bytes of one SUBMIT_3D. Default 1 MiB. */
  readonly maxSubmitBytes: number;
}

export const DEFAULT_GPU_LIMITS: GpuLimits = {
  maxResources: 16384,
  maxHostBytes: 256 << 20,
  maxResourceDimension: 16384,
  maxBackingEntries: 16384,
  maxBackingEntriesTotal: 262144,
  maxContexts: 256,
  maxContextAttachments: 262144,
  maxCommandsInFlight: 256,
  maxAbandonedCalls: 512,
  maxSubmitBytes: 1 << 20,
};

/** Which features are offered. A feature that is not named is offered when the device can offer it. */
export interface GpuFeatures {
  readonly edid?: boolean;
  /** Default true, false with the profile `qemu`. */
  readonly resourceUuid?: boolean;
  /** Default true; with the profile `qemu` only if there is a `hostHeap` or `blobAlignmentBytes`. */
  readonly resourceBlob?: boolean;
  /** Needs a renderer. */
  readonly virgl?: boolean;
  /** Needs `virgl`. */
  readonly contextInit?: boolean;
}

/** A display or a renderer that failed. */
export interface GpuBackendFailure {
  /** What the device was doing, for instance the name of a command. */
  readonly during: string;
  /** What was thrown, or rejected with. */
  readonly error: unknown;
}

/** Choices for a {@link GpuDevice}; all have defaults. */
export interface GpuDeviceOptions {
  /** Where pictures go. Without one they can still be read with `GpuDevice.scanout`. */
  readonly display?: Display;
  /** Executes 3D commands; with one VIRGL and CONTEXT_INIT are offered. */
  readonly renderer?: Renderer;
  /** The displays as they are at the beginning; their number is that of the scanouts. Default one of 1280 × 800. */
  readonly displays?: readonly DisplayConfig[];
  /** Number of scanouts, 1 to 16, if there are to be more than `displays`; the rest starts disabled. */
  readonly scanouts?: number;
  readonly features?: GpuFeatures;
  /**
   * Offers VIRTIO_GPU_F_BLOB_ALIGNMENT with this alignment in bytes, a power of two up to 2^31. Default: not offered.
   */
  readonly blobAlignmentBytes?: number;
  /** The host visible memory region, where guests map host blobs. Default none: MAP_BLOB is refused. */
  readonly hostHeap?: HostHeap;
  /** Largest size of the control queue. Default 64; with the profiles `qemu` and a renderer 256, `crosvm` 512. */
  readonly controlQueueSize?: number;
  /** Largest size of the cursor queue. Default 16. */
  readonly cursorQueueSize?: number;
  readonly limits?: Partial<GpuLimits>;
  /** Behaviour where the specification is silent. Default `spec`. */
  readonly profile?: Profile;
  /** Single decisions that differ from the profile. */
  readonly policy?: Partial<GpuPolicy>;
  /** Where resources with a UUID can be found by others. Default: a registry of the device's own. */
  readonly sharedObjects?: SharedObjectRegistry;
  /** What a second RESOURCE_ASSIGN_UUID for a resource returns: the same UUID (default), or another one besides it. */
  readonly uuidOnRepeat?: "same" | "new";
  /** What becomes of an exported object at UNREF: it lives as long as somebody uses it (default), or is revoked. */
  readonly exportLifetime?: "last-user" | "resource";
  /** Source of UUIDs. Default: the platform's cryptographic generator. */
  readonly randomBytes?: RandomBytes;
  /**
   * Called whenever a display or a renderer throws, rejects or returns nonsense. The guest gets an error response, which
   * many drivers ignore: without this callback, or `GpuDevice.lastBackendFailure`, all one sees is a black screen.
   * Must not throw.
   */
  readonly onBackendFailure?: (failure: GpuBackendFailure) => void;
  /** Called after every command with everything about it. Costs nothing when absent. */
  readonly onCommand?: GpuCommandObserver;
}

export const DISPLAY_RULES: OptionRules<DisplayConfig> = {
  enabled: "boolean",
  x: U32_RULE,
  y: U32_RULE,
  widthPixels: SIDE_RULE,
  heightPixels: SIDE_RULE,
  ...MONITOR_RULES,
  edid: "bytes",
};

const FEATURE_RULES: OptionRules<GpuFeatures> = {
  edid: "boolean",
  resourceUuid: "boolean",
  resourceBlob: "boolean",
  virgl: "boolean",
  contextInit: "boolean",
};

export const GPU_DEVICE_RULES: OptionRules<GpuDeviceOptions> = {
  display: { like: "a Display", has: ["setScanout", "flush"] },
  renderer: {
    like: "a Renderer",
    has: [
      "capsets",
      "getCapset",
      "createContext",
      "destroyContext",
      "attachResource",
      "detachResource",
      "createResource",
      "createBlob",
      "unrefResource",
      "setBacking",
      "transferToHost",
      "transferFromHost",
      "submit",
      "mapBlob",
      "unmapBlob",
      "reset",
    ],
  },
  displays: { each: { fields: DISPLAY_RULES } },
  scanouts: [1, VIRTIO_GPU_MAX_SCANOUTS],
  features: { fields: FEATURE_RULES },
  blobAlignmentBytes: U32_RULE,
  hostHeap: { like: "a HostHeap", has: ["buffer", "map", "unmap"] },
  controlQueueSize: QUEUE_SIZE_RULE,
  cursorQueueSize: QUEUE_SIZE_RULE,
  limits: { counts: DEFAULT_GPU_LIMITS },
  profile: PROFILE_RULE,
  policy: { fields: GPU_POLICY_RULES },
  sharedObjects: SHARED_OBJECTS_RULE,
  uuidOnRepeat: { oneOf: ["same", "new"] },
  exportLifetime: { oneOf: ["last-user", "resource"] },
  randomBytes: "function",
  onBackendFailure: "function",
  onCommand: "function",
};
