import { COUNT_RULE, type OptionRule, type OptionRules, QUEUE_SIZE_RULE } from "../../base/options.ts";
import { SHARED_OBJECTS_RULE, type SharedObjectRegistry } from "../../device/shared-objects.ts";
import type { RenderCommandObserver } from "./observe.ts";

/** Time on which the device draws. The clocks of the driver's KMS model fit, and so does anything like them. */
export interface RenderClock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Calls `task` at `atMs` or soon after, never from within `callAt`. Returns what takes the call back. */
  callAt(atMs: number, task: () => void): () => void;
}

/** How long drawing takes. Rows appear in slices, so that a display that looks too early shows half a picture. */
export interface RenderTiming {
  readonly clock: RenderClock;
  /** Default 1,000,000, which is a gigapixel a second. */
  readonly pixelsPerMs?: number;
  /** What a command takes before its first pixel, in milliseconds. Default 0.001. */
  readonly commandMs?: number;
  /**
   * Pixels drawn at a time, rounded to whole rows, at least one. Between two slices other contexts have their turn.
   * Default 65536.
   */
  readonly slicePixels?: number;
}

/** Bounds on what a guest can make the device do. Each is checked before anything is allocated or drawn. */
export interface RenderLimits {
  /** Imports at a time. Default 256. */
  readonly maxImports: number;
  /** Contexts at a time, context 0 included. Default 64. */
  readonly maxContexts: number;
  /** Commands that are not finished; beyond it no more are taken from the queue. Default 256. */
  readonly maxCommands: number;
  /** Width and height of a picture in pixels, at most 16384, which is also the default. */
  readonly maxDimension: number;
  /** Entries of one list of pages, and runs of memory that a translator makes of them. Default 16384. */
  readonly maxEntries: number;
  /** Entries of all lists of pages together, or segments where a translator makes more of them. Default 262144. */
  readonly maxEntriesTotal: number;
  /** Bytes from the first to the last pixel of a picture. Default 64 MiB. */
  readonly maxImportBytes: number;
  /** Pixels of commands that are not finished; with as many no more commands are taken. Default 33,554,432. */
  readonly maxPendingPixels: number;
}

export const DEFAULT_RENDER_LIMITS: RenderLimits = {
  maxImports: 256,
  maxContexts: 64,
  maxCommands: 256,
  maxDimension: 16384,
  maxEntries: 16384,
  maxEntriesTotal: 262144,
  maxImportBytes: 64 << 20,
  maxPendingPixels: 32 << 20,
};

/** Beyond this many pixels the integers of the triangle would no longer be exact. */
const LARGEST_DIMENSION = 16384;

/** Choices for a `RenderDevice`; all have defaults. */
export interface RenderDeviceOptions {
  /** Where objects are found by their UUIDs. Without one VIRTIO_RENDER_F_IMPORT_UUID is not offered. */
  readonly sharedObjects?: SharedObjectRegistry;
  /** Offer VIRTIO_RENDER_F_IMPORT_PAGES. Default true. */
  readonly importPages?: boolean;
  /** Largest size of the queue. Default 64. */
  readonly queueSize?: number;
  readonly limits?: Partial<RenderLimits>;
  /**
   * How long drawing takes. Default: no time at all. Commands are done when they are taken, as far as the
   * device's `maxTurnWork` reaches; the rest follows in later turns.
   */
  readonly timing?: RenderTiming;
  /** Called with every command once it is finished. Costs nothing when absent. */
  readonly onCommand?: RenderCommandObserver;
}

/** A number of 32 bits, at least one. */
const COUNT_32_RULE: OptionRule = [1, 0xffffffff];

const LIMIT_RULES: OptionRules<RenderLimits> = {
  maxImports: COUNT_32_RULE,
  maxContexts: COUNT_32_RULE,
  maxCommands: COUNT_32_RULE,
  maxDimension: [1, LARGEST_DIMENSION],
  maxEntries: COUNT_32_RULE,
  maxEntriesTotal: COUNT_32_RULE,
  maxImportBytes: COUNT_RULE,
  maxPendingPixels: COUNT_32_RULE,
};

export const RENDER_DEVICE_RULES: OptionRules<RenderDeviceOptions> = {
  sharedObjects: SHARED_OBJECTS_RULE,
  importPages: "boolean",
  queueSize: QUEUE_SIZE_RULE,
  limits: { fields: LIMIT_RULES },
  timing: {
    fields: {
      clock: { like: "a RenderClock", has: ["now", "callAt"] },
      pixelsPerMs: { number: [Number.MIN_VALUE, Number.MAX_SAFE_INTEGER] },
      commandMs: { number: [0, Number.MAX_SAFE_INTEGER] },
      slicePixels: COUNT_RULE,
    } satisfies OptionRules<RenderTiming>,
    required: ["clock"],
  },
  onCommand: "function",
};

/** The timing with its defaults, null when drawing takes no time. */
export function completeTiming(timing: RenderTiming | undefined): Required<RenderTiming> | null {
  if (timing === undefined) return null;
  const { clock, pixelsPerMs = 1_000_000, commandMs = 0.001, slicePixels = 65536 } = timing;
  return { clock, pixelsPerMs, commandMs, slicePixels };
}
