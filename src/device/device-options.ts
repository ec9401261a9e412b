import type { OptionRule, OptionRules } from "../base/options.ts";
import type { TraceSink } from "../base/trace.ts";
import { TURN_LIMIT_RULE } from "../base/work-budget.ts";
import type { AddressTranslator } from "../memory/dma.ts";
import { GUEST_MEMORY_RULE, type GuestMemory } from "../memory/guest-memory.ts";
import { PROFILE_RULE, type Profile } from "./policy.ts";

/** How the device reaches its transport. */
export interface TransportHooks {
  /** Where a profile asks nothing of drivers: features are in force as soon as they are written, before FEATURES_OK. */
  readonly featuresAtOnce?: boolean;
  /** A used-buffer notification for the queue. */
  queueInterrupt(index: number): void;
  /** A configuration change notification. */
  configInterrupt(): void;
  /** The device was reset: clear registers of the transport that a reset clears. */
  deviceReset(): void;
}

/** Choices for a {@link VirtioDevice}. */
export interface VirtioDeviceOptions {
  readonly memory: GuestMemory;
  /**
   * Feature bits outside the device type's own that are offered, besides VIRTIO_F_VERSION_1 which always is.
   * Default `DEFAULT_RING_FEATURES`; with the profile `qemu` what QEMU offers, without packed rings and suspend.
   */
  readonly ringFeatures?: readonly number[];
  /** With a translator VIRTIO_F_ACCESS_PLATFORM is offered, and used once negotiated. */
  readonly translator?: AddressTranslator;
  /** Behaviour where the specification is silent. Default `spec`. */
  readonly profile?: Profile;
  /** Most elements of a chain, unless the queue is larger. Default 1024. */
  readonly maxChainElements?: number;
  /**
   * Ask drivers not to notify while the device is draining. Default: when some memory is shared between threads.
   */
  readonly suppressWhileDraining?: boolean;
  /** With IN_ORDER, return runs of wholly written buffers with one used entry. Default true. */
  readonly inOrderBatching?: boolean;
  readonly trace?: TraceSink;
  /**
   * Work that one notification may cause before the event loop gets its turn; the rest goes on in the next one, in order.
   * A unit is a byte copied; requests, segments of scattered memory, pixels that a display is told of and entries of tables
   * that end count for more, so that a unit is about 0.2 ns of a desktop processor's time. 1 to 1,073,741,823. Default
   * 16,777,216: a transfer of 1920 × 1080 pixels is done at once, and no turn takes more than a few milliseconds.
   */
  readonly maxTurnWork?: number;
  /** Runs a function soon, after the current one returned. Default `runSoon`: `setImmediate`, in browsers a message to itself. */
  readonly schedule?: (task: () => void) => void;
}

/** A device as an argument: not its type, which many a first program passes. */
export const VIRTIO_DEVICE_RULE: OptionRule = {
  like: "a VirtioDevice (new VirtioDevice(type, { memory }))",
  has: ["type", "memory", "connect", "writeStatus"],
};

export const VIRTIO_DEVICE_RULES: OptionRules<VirtioDeviceOptions> = {
  memory: GUEST_MEMORY_RULE,
  ringFeatures: { each: [0, 127] },
  translator: { like: "an AddressTranslator", has: ["translate"] },
  profile: PROFILE_RULE,
  maxChainElements: [1, 65536],
  maxTurnWork: TURN_LIMIT_RULE,
  suppressWhileDraining: "boolean",
  inOrderBatching: "boolean",
  trace: "function",
  schedule: "function",
};

/** Counts kept since the device was made, for diagnosis. */
export interface DeviceCounters {
  notifications: number;
  queueInterrupts: number;
  configInterrupts: number;
  /** Register accesses that had no effect because the state forbade them. */
  ignoredAccesses: number;
  resets: number;
  queueFaults: number;
  /** Calls of the device type that threw, were rejected, or returned what they must not. */
  typeFailures: number;
}

export function newCounters(): DeviceCounters {
  return {
    notifications: 0,
    queueInterrupts: 0,
    configInterrupts: 0,
    ignoredAccesses: 0,
    resets: 0,
    queueFaults: 0,
    typeFailures: 0,
  };
}
