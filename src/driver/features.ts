import type { OptionRule } from "../base/options.ts";
import {
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from "../wire/common.ts";
import { DriverError } from "./errors.ts";

/** A feature that may only be accepted together with another. */
export interface DriverFeatureDependency {
  readonly feature: number;
  readonly requires: number;
}

/** Which features a driver wants. */
export interface DriverFeatureRules {
  /** Feature bits of the device type that the driver understands. */
  readonly features: readonly number[];
  /** Without these, and VIRTIO_F_VERSION_1, the driver can't work. Default none. */
  readonly required?: readonly number[];
  readonly dependencies?: readonly DriverFeatureDependency[];
  /** Bits not to accept although the driver understands them: to choose a ring format, for instance. */
  readonly refuse?: readonly number[];
}

/** Bits outside of the device types that this driver model understands. [content.driver.feature-bits.3] */
export const DRIVER_RING_FEATURES: readonly number[] = [
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_VERSION_1,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
];

/** Feature bits, as an option. */
export const REFUSE_RULE: OptionRule = { each: [0, 127] };

/** What transport and platform have to say. */
export interface FeatureContext {
  /** Bits the transport can't carry. */
  readonly unsupported: readonly number[];
  /** True when device addresses are not guest physical ones. */
  readonly translates: boolean;
}

/**
 * What of the offered features to accept. Unknown ones are ignored. [content.driver.feature-bits.5] Throws
 * {@link DriverError} ENODEV when something required is missing.
 *
 * @example
 * ```ts
 * const accepted = chooseFeatures(offered, { features: [VIRTIO_GPU_F_EDID] }, context);
 * ```
 */
export function chooseFeatures(
  offered: readonly number[],
  rules: DriverFeatureRules,
  context: FeatureContext,
): ReadonlySet<number> {
  const understood = new Set([...DRIVER_RING_FEATURES, ...rules.features]);
  // With addresses that are the same on both sides there is nothing to translate, and no need to say so.
  if (!context.translates) understood.delete(VIRTIO_F_ACCESS_PLATFORM);
  for (const bit of [...context.unsupported, ...(rules.refuse ?? [])]) understood.delete(bit);
  const accepted = new Set(offered.filter((bit) => understood.has(bit)));
  // [content.driver.feature-bits.1]
  for (let changed = true; changed; ) {
    changed = false;
    for (const { feature, requires } of rules.dependencies ?? []) {
      if (accepted.has(feature) && !accepted.has(requires)) {
        accepted.delete(feature);
        changed = true;
      }
    }
  }
  for (const bit of [VIRTIO_F_VERSION_1, ...(rules.required ?? [])]) {
    // [content.driver.reserved-feature-bits.1] [content.driver.feature-bits.4]
    if (!accepted.has(bit)) throw new DriverError("ENODEV", `the device does not offer feature bit ${bit}`);
  }
  // [content.driver.reserved-feature-bits.4]
  if (context.translates && !accepted.has(VIRTIO_F_ACCESS_PLATFORM)) {
    throw new DriverError(
      "ENODEV",
      "the device takes physical addresses only, and memory is behind a translation",
    );
  }
  return accepted;
}
