import { VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK } from "../../wire/common.ts";
import { FeatureSet } from "../features.ts";
import type { Negotiation } from "../negotiation.ts";
import type { DevicePolicy } from "../policy.ts";
import type { SavedDevice } from "./saved-state.ts";
import { misfit } from "./schema.ts";

/** Refuses a saved driver that negotiated what this device does not offer: `features` is what it wrote, here. */
export function checkSavedDriver(features: Negotiation, state: SavedDevice, policy: DevicePolicy): void {
  const { status, queues, agreedFeatures } = state;
  const { accepted, agreed } = features;
  const negotiated = (status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0;
  // A driver that had not come so far may have written anything: it was not accepted.
  const inUse = (status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 || queues.some(({ live }) => live !== null);
  if (agreedFeatures !== null) {
    const known = new FeatureSet([...features.offered.bits(), ...policy.hiddenFeatures]);
    const unknown = agreed.bits().find((bit) => !known.has(bit));
    if (unknown !== undefined)
      misfit("agreedFeatures", `include bit ${unknown}, which this device does not offer`);
    if (features.legacyDriver) checkOffered(features, accepted, "legacy");
    return;
  }
  if (!negotiated && !inUse) return;
  if (!negotiated && !features.legacyDriver) {
    misfit("driverFeatures", "are those of a legacy driver that uses the device, and this one takes none");
  }
  checkOffered(features, accepted, features.legacyDriver ? "legacy" : "modern");
  if (negotiated && !features.acceptable && policy.unacceptableFeatures === "refuse") {
    misfit("driverFeatures", "are features that no device would have agreed to");
  }
}

function checkOffered(features: Negotiation, bits: FeatureSet, driver: "modern" | "legacy"): void {
  const missing = features.firstMissing(bits, driver);
  if (missing >= 0) misfit("driverFeatures", `include bit ${missing}, which this device does not offer`);
}
