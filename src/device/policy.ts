import { VirtioUsageError } from "../base/errors.ts";

/**
 * Whose behaviour to follow where the specification is silent and implementations differ: `spec` the strictest
 * reading of the text, `qemu` and `crosvm` what those do. Every place that asks is a named decision.
 */
export type Profile = "spec" | "qemu" | "crosvm";

/** What a profile decides about the ring and the status machine. */
export interface DevicePolicy {
  /** Elements of length zero: skipped, or the end of the queue. */
  readonly zeroLengthElement: "accept" | "fault";
  /** INDIRECT together with NEXT in one descriptor. */
  readonly indirectWithNext: "accept" | "fault";
  /** FEATURES_OK with a set the device cannot accept: refuse, or keep the bit and drop the excess. */
  readonly unacceptableFeatures: "refuse" | "drop";
}

/** The policies behind the profile names. */
export const DEVICE_POLICIES: Readonly<Record<Profile, DevicePolicy>> = {
  spec: { zeroLengthElement: "accept", indirectWithNext: "fault", unacceptableFeatures: "refuse" },
  qemu: { zeroLengthElement: "fault", indirectWithNext: "accept", unacceptableFeatures: "drop" },
  crosvm: { zeroLengthElement: "accept", indirectWithNext: "fault", unacceptableFeatures: "drop" },
};

/** What a profile decides, of the policies by profile; throws {@link VirtioUsageError} for a name that is none. */
export function policyOf<T>(policies: Readonly<Record<Profile, T>>, profile: Profile): T {
  if (!Object.hasOwn(policies, profile)) {
    throw new VirtioUsageError(`there is no profile ${profile}, only ${Object.keys(policies).join(", ")}`);
  }
  return policies[profile];
}
