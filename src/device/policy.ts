import { VirtioUsageError } from "../base/errors.ts";
import type { OptionRule } from "../base/options.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
} from "../wire/common.ts";

/**
 * Whose behaviour to follow where the specification is silent and implementations differ: `spec` the strictest
 * reading of the text, `qemu` and `crosvm` what those do. Every place that asks is a named decision.
 */
export type Profile = "spec" | "qemu" | "crosvm";

export const PROFILE_RULE: OptionRule = { oneOf: ["spec", "qemu", "crosvm"] };

/** What a profile decides about the ring, the status machine and how a driver brings a device up. */
export interface DevicePolicy {
  /** Elements of length zero: skipped, or the end of the queue. */
  readonly zeroLengthElement: "accept" | "fault";
  /** INDIRECT together with NEXT in one descriptor. */
  readonly indirectWithNext: "accept" | "fault";
  /** An indirect table from a driver that did not negotiate VIRTIO_F_INDIRECT_DESC. */
  readonly indirectUnnegotiated: "accept" | "fault";
  /** FEATURES_OK with a set the device cannot accept: refuse, or keep the bit and drop the excess. */
  readonly unacceptableFeatures: "refuse" | "drop";
  /** Feature bits that drivers may accept although the modern ones are not shown them. */
  readonly hiddenFeatures: readonly number[];
  /** The status field: bits only come, in their order, until a reset; or it is what was written last. */
  readonly statusBits: "accumulate" | "as-written";
  /** When a queue works: from DRIVER_OK on, or as soon as it is enabled, whatever the status says. */
  readonly queuesWork: "driver-ok" | "enabled";
  /** FAILED: the queues stand still until reset, or it has no effect. */
  readonly failed: "stops" | "nothing";
  /** Registers of an enabled queue: closed, or open, and taken over when the queue is enabled once more. */
  readonly enabledQueueRegisters: "closed" | "open";
  /** Largest size of every queue, where that is not what the device type says. */
  readonly largestQueueSize: number | null;
  /** A size of 0 or above the largest: refused when the queue is enabled, or never taken. */
  readonly impossibleQueueSize: "refuse" | "keep";
  /** Alignment of the rings: as specified, or as little as the device can work with. */
  readonly ringAlignment: "specified" | "least";
  /** What a malformed ring stops: its queue, or all of them. */
  readonly malformedRing: "queue" | "device";
  /** Which drivers see DEVICE_NEEDS_RESET: all, or those that negotiated VIRTIO_F_VERSION_1. */
  readonly needsReset: "always" | "version-1";
  /** Feature bits outside the device type's own that are offered unless the embedder says otherwise. */
  readonly ringFeatures: readonly number[];
}

/** Ring features offered unless the profile or the embedder says otherwise. */
export const DEFAULT_RING_FEATURES: readonly number[] = [
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
];

const SPEC: DevicePolicy = {
  zeroLengthElement: "accept",
  indirectWithNext: "fault",
  indirectUnnegotiated: "fault",
  unacceptableFeatures: "refuse",
  hiddenFeatures: [],
  statusBits: "accumulate",
  queuesWork: "driver-ok",
  failed: "stops",
  enabledQueueRegisters: "closed",
  largestQueueSize: null,
  impossibleQueueSize: "refuse",
  ringAlignment: "specified",
  malformedRing: "queue",
  needsReset: "always",
  ringFeatures: DEFAULT_RING_FEATURES,
};

/** The policies behind the profile names. */
export const DEVICE_POLICIES: Readonly<Record<Profile, DevicePolicy>> = {
  spec: SPEC,
  // Each as observed on QEMU 7.2 and 11.1, which ask very little of a driver.
  qemu: {
    zeroLengthElement: "fault",
    indirectWithNext: "accept",
    indirectUnnegotiated: "accept",
    unacceptableFeatures: "drop",
    hiddenFeatures: [VIRTIO_F_NOTIFY_ON_EMPTY],
    statusBits: "as-written",
    queuesWork: "enabled",
    failed: "nothing",
    enabledQueueRegisters: "open",
    largestQueueSize: 1024,
    impossibleQueueSize: "keep",
    ringAlignment: "least",
    malformedRing: "device",
    needsReset: "version-1",
    // Packed rings are an option there, off by default: a driver that accepts all it is offered has split rings.
    ringFeatures: [VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_RESET],
  },
  crosvm: { ...SPEC, unacceptableFeatures: "drop" },
};

/** What a profile decides, of the policies by profile; throws {@link VirtioUsageError} for an unknown name. */
export function policyOf<T>(policies: Readonly<Record<Profile, T>>, profile: Profile): T {
  if (!Object.hasOwn(policies, profile)) {
    throw new VirtioUsageError(`there is no profile ${profile}, only ${Object.keys(policies).join(", ")}`);
  }
  return policies[profile];
}
