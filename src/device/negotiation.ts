import { VirtioUsageError } from "../base/errors.ts";
import {
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_SR_IOV,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from "../wire/common.ts";
import type { CompleteDeviceType } from "./complete-type.ts";
import { FeatureSet } from "./features.ts";
import type { SavedDevice } from "./state/saved-state.ts";

// Not implemented by the library, so they must never be offered. [content.device.feature-bits.3]
const NEVER_OFFERED = [VIRTIO_F_SR_IOV, VIRTIO_F_ADMIN_VQ];

// What only legacy drivers are offered. [content.legacy.legacy-interface-reserved-feature-bits.1] [content.legacy.legacy-interface-reserved-feature-bits.3]
const LEGACY_ONLY = [VIRTIO_F_NOTIFY_ON_EMPTY, VIRTIO_F_ANY_LAYOUT];

// Where the bits are that no device type defines, and those among them that nobody does. (section 2.2)
const FIRST_RING_FEATURE = VIRTIO_F_NOTIFY_ON_EMPTY;
const LAST_RING_FEATURE = VIRTIO_F_SUSPEND;
const FIRST_LATE_TYPE_FEATURE = 50;
const RESERVED: readonly number[] = [25, 26, 30, 31, 42];

/**
 * What a device offers and what its driver wrote.
 *
 * A *legacy driver* is one from before virtio 1.0, which a transitional device accepts as well: it knows 32 feature bits
 * and no FEATURES_OK, so that what it wrote is in force at once.
 */
export class Negotiation {
  readonly offered: FeatureSet;
  /** What the driver wrote, including bits it should not have. */
  readonly accepted: FeatureSet = new FeatureSet();
  /** What is in force, without what only legacy drivers have. */
  readonly agreed: FeatureSet = new FeatureSet();
  readonly #dependencies: CompleteDeviceType["featureDependencies"];
  /** What legacy drivers are offered; null unless they are taken. */
  #legacyOffered: FeatureSet | null = null;

  private constructor(dependencies: CompleteDeviceType["featureDependencies"], offered: Iterable<number>) {
    this.#dependencies = dependencies;
    this.offered = new FeatureSet(offered);
  }

  /** What a device offers at first. Throws {@link VirtioUsageError} for features that can't be offered. */
  static begin(type: CompleteDeviceType, ringFeatures: readonly number[], translates: boolean): Negotiation {
    for (const bit of ringFeatures) {
      if (bit >= FIRST_RING_FEATURE && bit <= LAST_RING_FEATURE && !RESERVED.includes(bit)) continue;
      throw new VirtioUsageError(
        `ringFeatures: bit ${bit} is ${
          bit < FIRST_RING_FEATURE || bit >= FIRST_LATE_TYPE_FEATURE
            ? `a feature of the device type, an option of the ${type.name} device if it has it`
            : "reserved"
        }; use VIRTIO_F_* constants from ${FIRST_RING_FEATURE} to ${LAST_RING_FEATURE}`,
      );
    }
    const bits = [VIRTIO_F_VERSION_1, ...ringFeatures, ...type.features];
    const { offered } = new Negotiation([], translates ? [...bits, VIRTIO_F_ACCESS_PLATFORM] : bits);
    if (!translates && offered.has(VIRTIO_F_ACCESS_PLATFORM)) {
      throw new VirtioUsageError("VIRTIO_F_ACCESS_PLATFORM needs the option `translator`");
    }
    for (const bit of NEVER_OFFERED) {
      if (offered.has(bit)) throw new VirtioUsageError(`feature bit ${bit} is not supported`);
    }
    for (const { feature, requires } of type.featureDependencies) {
      // [content.device.feature-bits.1]
      if (offered.has(feature) && !offered.has(requires)) {
        throw new VirtioUsageError(`feature bit ${feature} needs bit ${requires}, which is not offered`);
      }
    }
    return new Negotiation(type.featureDependencies, offered.bits());
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

  /** Forgets accepted features that are not offered; what only legacy drivers are offered stays theirs. */
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

  /** The same offer, unchecked, to the driver of a saved device. */
  forSaved({ status, driverFeatures, agreedFeatures }: SavedDevice, hidden: readonly number[]): Negotiation {
    const other = new Negotiation(this.#dependencies, this.offered.bits());
    other.#legacyOffered = this.#legacyOffered;
    other.accepted.words.set(driverFeatures);
    if (agreedFeatures !== null) other.agreed.words.set(agreedFeatures);
    else if ((status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 && !other.legacyDriver) other.agree(hidden);
    return other;
  }

  /** Takes over what the driver of another negotiation accepted, and what it was agreed to. */
  adopt({ accepted, agreed }: Negotiation): void {
    this.accepted.words.set(accepted.words);
    this.agreed.words.set(agreed.words);
  }

  /** The first of these bits that is not offered to such a driver here, -1 if all are. */
  firstMissing(bits: FeatureSet, driver: "modern" | "legacy"): number {
    const offered = driver === "modern" ? this.offered : this.#legacyOffered;
    return bits.bits().find((bit) => offered?.has(bit) !== true) ?? -1;
  }
}
