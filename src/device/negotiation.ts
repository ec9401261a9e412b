import { VirtioUsageError } from "../base/errors.ts";
import {
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_SR_IOV,
  VIRTIO_F_VERSION_1,
} from "../wire/common.ts";
import type { DeviceType } from "./device-type.ts";
import { FeatureSet } from "./features.ts";
import type { SavedDevice } from "./state/saved-state.ts";

// Not implemented by the library, so they must never be offered. [content.device.feature-bits.3]
const NEVER_OFFERED = [VIRTIO_F_SR_IOV, VIRTIO_F_ADMIN_VQ];

// What only legacy drivers are offered. [content.legacy.legacy-interface-reserved-feature-bits.1] [content.legacy.legacy-interface-reserved-feature-bits.3]
const LEGACY_ONLY = [VIRTIO_F_NOTIFY_ON_EMPTY, VIRTIO_F_ANY_LAYOUT];

/**
 * What a device offers and what its driver wrote.
 *
 * A *legacy driver* is one of before virtio 1.0, which a transitional device takes as well: it knows 32 feature bits
 * and no FEATURES_OK, so that what it wrote is in force at once.
 */
export class Negotiation {
  readonly offered: FeatureSet;
  /** What the driver wrote, including bits it should not have. */
  readonly accepted: FeatureSet = new FeatureSet();
  /** What is in force, without what only legacy drivers have. */
  readonly agreed: FeatureSet = new FeatureSet();
  readonly #dependencies: DeviceType["featureDependencies"];
  /** What legacy drivers are offered; null unless they are taken. */
  #legacyOffered: FeatureSet | null = null;

  /** Throws {@link VirtioUsageError} for features that can't be offered. */
  constructor(type: DeviceType, ringFeatures: readonly number[], translates: boolean) {
    this.#dependencies = type.featureDependencies;
    this.offered = new FeatureSet([VIRTIO_F_VERSION_1, ...ringFeatures, ...type.features]);
    if (translates) this.offered.add(VIRTIO_F_ACCESS_PLATFORM);
    else if (this.offered.has(VIRTIO_F_ACCESS_PLATFORM)) {
      throw new VirtioUsageError("VIRTIO_F_ACCESS_PLATFORM needs the option `translator`");
    }
    for (const bit of NEVER_OFFERED) {
      if (this.offered.has(bit)) throw new VirtioUsageError(`feature bit ${bit} is not supported`);
    }
    for (const { feature, requires } of this.#dependencies) {
      // [content.device.feature-bits.1]
      if (this.offered.has(feature) && !this.offered.has(requires)) {
        throw new VirtioUsageError(`feature bit ${feature} needs bit ${requires}, which is not offered`);
      }
    }
  }

  /** True when the bit is in force. */
  has(bit: number): boolean {
    return this.agreed.has(bit) || this.legacyHas(bit);
  }

  /** What the driver wrote is in force from now on, as far as it is offered or `hidden`. */
  agree(hidden: readonly number[]): void {
    const { accepted, agreed } = this;
    agreed.words.set(accepted.words);
    agreed.intersect(this.offered);
    for (const bit of hidden) if (accepted.has(bit)) agreed.add(bit);
  }

  /** Forgets what the driver accepted and is not offered; what only legacy drivers are offered stays theirs. */
  dropExcess(): void {
    if (!this.legacyDriver) this.accepted.intersect(this.offered);
  }

  /** Nothing was negotiated yet. */
  reset(): void {
    this.accepted.clear();
    this.agreed.clear();
  }

  /** From now on the device is transitional. */
  takeLegacyDrivers(): void {
    const bits = this.offered.bits().filter((bit) => bit < 32);
    this.#legacyOffered = new FeatureSet([...bits, ...LEGACY_ONLY]);
  }

  /** True while the driver is a legacy one, as far as one can tell: until it acknowledges VERSION_1. [content.device.feature-bits.6] */
  get legacyDriver(): boolean {
    return this.#legacyOffered !== null && !this.accepted.has(VIRTIO_F_VERSION_1);
  }

  /** Whether legacy drivers are taken at all. */
  get transitional(): boolean {
    return this.#legacyOffered !== null;
  }

  /** Feature bits 0 … 31 as legacy drivers are offered them. */
  get legacyWord(): number {
    return this.#legacyOffered?.word(0) ?? 0;
  }

  /** True when a legacy driver accepted the bit; unoffered ones have no effect. */
  legacyHas(bit: number): boolean {
    return this.legacyDriver && this.accepted.has(bit) && this.#legacyOffered?.has(bit) === true;
  }

  /** The driver is a legacy one: it knows nothing of bits 32 and up. [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.6] */
  forgetHighBits(): void {
    this.accepted.words.fill(0, 1);
  }

  /** A legacy driver begins to use the device: what it accepted is settled, and what was never offered is gone. */
  settleLegacy(): void {
    if (this.#legacyOffered !== null) this.accepted.intersect(this.#legacyOffered);
  }

  /** Whether the driver's set makes sense (FEATURES_OK). */
  get acceptable(): boolean {
    const { accepted } = this;
    if (!accepted.isSubsetOf(this.offered) || !accepted.has(VIRTIO_F_VERSION_1)) return false;
    for (const { feature, requires } of this.#dependencies) {
      if (accepted.has(feature) && !accepted.has(requires)) return false;
    }
    return true;
  }

  /**
   * Takes over what a saved driver wrote; false when it used what is not offered here. `negotiated`: it set FEATURES_OK;
   * `inUse`: it used the device.
   */
  restore(
    { driverFeatures, agreedFeatures }: Pick<SavedDevice, "driverFeatures" | "agreedFeatures">,
    negotiated: boolean,
    inUse: boolean,
    hidden: readonly number[],
  ): boolean {
    const { accepted, agreed } = this;
    accepted.words.set(driverFeatures);
    if (agreedFeatures !== undefined) {
      agreed.words.set(agreedFeatures);
      if (!agreed.isSubsetOf(new FeatureSet([...this.offered.bits(), ...hidden]))) return false;
      return !this.legacyDriver || accepted.isSubsetOf(this.#legacyOffered as FeatureSet);
    }
    const modern = negotiated && !this.legacyDriver;
    if (modern) this.agree(hidden);
    if (modern) return accepted.isSubsetOf(this.offered);
    return (
      !(negotiated || inUse) || (this.#legacyOffered !== null && accepted.isSubsetOf(this.#legacyOffered))
    );
  }
}
