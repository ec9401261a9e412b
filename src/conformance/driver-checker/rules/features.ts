import {
  VIRTIO_CONFIG_S_FAILED,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SR_IOV,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
  VIRTIO_ID_GPU,
  VIRTIO_ID_RNG,
} from "../../../wire/common.ts";
import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_VIRGL,
} from "../../../wire/gpu.ts";
import { addressText, type WatchedChain } from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import type { DriverEvent } from "../events.ts";
import type { Fault } from "../findings.ts";
import { type Evidence, registerEvidence } from "../violation.ts";
import { UNREAD_FEATURES } from "./faults.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Feature bits of chapter 6 that a driver of a non-legacy device may accept. */
const COMMON_BITS: ReadonlySet<number> = new Set([
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_VERSION_1,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_SR_IOV,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_SUSPEND,
]);
/** Of these, the ones that mean something on PCI only. */
const PCI_BITS: ReadonlySet<number> = new Set([
  VIRTIO_F_SR_IOV,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_ADMIN_VQ,
]);
const MOST_CHAIN_BYTES = 2 ** 32;
/** A legacy leftover, chapter 6.3. */
const UNUSED_BIT = 30;

/** What the checker knows of a device type. */
interface TypeFacts {
  /** Number of feature bits defined for it, from 0 on. */
  readonly featureBits: number;
  readonly configBytes: number;
  readonly requires: readonly (readonly [feature: number, needed: number])[];
  readonly optionalFields: readonly {
    readonly name: string;
    readonly offset: number;
    readonly feature: number;
  }[];
}

const TYPES: Readonly<Record<number, TypeFacts>> = {
  [VIRTIO_ID_GPU]: {
    featureBits: 6,
    configBytes: VIRTIO_GPU_CONFIG.sizeBytes,
    requires: [
      [VIRTIO_GPU_F_CONTEXT_INIT, VIRTIO_GPU_F_VIRGL],
      [VIRTIO_GPU_F_BLOB_ALIGNMENT, VIRTIO_GPU_F_RESOURCE_BLOB],
    ],
    optionalFields: [
      {
        name: "blob_alignment",
        offset: VIRTIO_GPU_CONFIG.blob_alignment,
        feature: VIRTIO_GPU_F_BLOB_ALIGNMENT,
      },
    ],
  },
  [VIRTIO_ID_RNG]: { featureBits: 0, configBytes: 0, requires: [], optionalFields: [] },
};

/** Offset of the control register in the SR-IOV capability, and its bit that enables virtual functions. */
const SRIOV_CONTROL = 8;
const SRIOV_VF_ENABLE = 1;

/** Feature negotiation and what depends on it (virtio 1.4, sections 2.2, 2.5 and 6). */
export class FeatureRules implements Rule {
  readonly #context: RuleContext;
  #wroteFeatures = false;
  /** SR-IOV was negotiated once: virtual functions may be enabled ever after. */
  #sriovNegotiated = false;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  get #facts(): TypeFacts | undefined {
    return TYPES[this.#context.view.deviceId];
  }

  event(event: DriverEvent): void {
    const { view } = this.#context;
    switch (event.kind) {
      case "status-write":
        if (event.value === 0) {
          this.#wroteFeatures = false;
          break;
        }
        // Who goes on after FAILED hears of that.
        if ((event.value & ~view.status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 && !view.failed)
          this.#negotiated();
        if ((event.value & ~view.status & VIRTIO_CONFIG_S_FAILED) !== 0) this.#gaveUp();
        break;
      case "status-read":
        if ((event.value & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 && view.hasFeature(VIRTIO_F_SR_IOV)) {
          this.#sriovNegotiated = true;
        }
        break;
      case "driver-features-write":
        this.#wroteFeatures = true;
        break;
      case "config-read":
      case "config-write":
        this.#optionalField(event.offset, event.widthBytes, event.value);
        break;
      case "pci-config-write":
        this.#virtualFunctions(event.offset, event.value);
        break;
      default:
        break;
    }
  }

  #report(clause: string, message: string, word: number, fault?: Fault): void {
    const accepted = this.#context.view.accepted[word] ?? 0;
    this.#context.report(
      clause,
      -1,
      message,
      [registerEvidence(`driver features, word ${word}`, accepted)],
      fault,
    );
  }

  /** Everything that was accepted, at the moment FEATURES_OK is set. */
  #negotiated(): void {
    const { view } = this.#context;
    const unchecked = new Set<number>();
    for (const bit of view.acceptedBits()) {
      const word = bit >>> 5;
      if (view.offered[word] === undefined) unchecked.add(word);
      else if (view.offers(bit) === false) {
        this.#report(
          "content.driver.feature-bits.1",
          `feature ${bit} was accepted, but not offered`,
          word,
          `feature ${bit}`,
        );
      }
      if (!this.#isDefined(bit)) {
        this.#report(
          "content.driver.feature-bits.3",
          `feature ${bit} was accepted, which is not defined here`,
          word,
          `feature ${bit}`,
        );
      }
      if (bit === UNUSED_BIT) {
        this.#report(
          "content.legacy.legacy-interface-reserved-feature-bits.4",
          "feature 30 was accepted",
          word,
          `feature ${bit}`,
        );
      }
    }
    for (const word of unchecked) {
      this.#report(
        "content.driver.feature-bits.2",
        `features of word ${word} were accepted without a look at what is offered`,
        word,
        UNREAD_FEATURES,
      );
    }
    for (const [feature, needed] of this.#facts?.requires ?? []) {
      if (view.hasFeature(feature) && !view.hasFeature(needed)) {
        this.#report(
          "content.driver.feature-bits.1",
          `feature ${feature} was accepted without feature ${needed}`,
          0,
        );
      }
    }
    this.#expected();
    if (view.hasFeature(VIRTIO_F_SR_IOV) && (this.#context.pciLayout()?.sriov ?? 0) === 0) {
      this.#report(
        "content.driver.reserved-feature-bits.9",
        "VIRTIO_F_SR_IOV was accepted without an SR-IOV capability",
        1,
        `feature ${VIRTIO_F_SR_IOV}`,
      );
    }
  }

  #isDefined(bit: number): boolean {
    const facts = this.#facts;
    if (COMMON_BITS.has(bit)) return this.#context.view.transport === "pci" || !PCI_BITS.has(bit);
    if (bit <= 23) return facts === undefined || bit < facts.featureBits;
    if (bit === 42 || (bit >= 50 && bit <= 127)) return facts === undefined;
    return false;
  }

  /** Features that are to be accepted when they are offered. */
  #expected(): void {
    const { view } = this.#context;
    const refused = (bit: number) => view.offers(bit) === true && !view.hasFeature(bit);
    // A device of this interface has to offer it: a driver need not have looked for the checker to know.
    if (view.offers(VIRTIO_F_VERSION_1) !== false && !view.hasFeature(VIRTIO_F_VERSION_1)) {
      this.#report(
        "content.driver.reserved-feature-bits.1",
        "VIRTIO_F_VERSION_1 was not accepted: write bit 0 of word 1 of the driver's features (feature 32)",
        1,
      );
    }
    if (refused(VIRTIO_F_RING_PACKED)) {
      this.#report("content.driver.reserved-feature-bits.5", "VIRTIO_F_RING_PACKED was not accepted", 1);
    }
    if (refused(VIRTIO_F_ORDER_PLATFORM)) {
      this.#report("content.driver.reserved-feature-bits.6", "VIRTIO_F_ORDER_PLATFORM was not accepted", 1);
    }
    if (view.transport === "pci" && refused(VIRTIO_F_NOTIF_CONFIG_DATA)) {
      this.#report(
        "content.driver.reserved-feature-bits.12",
        "VIRTIO_F_NOTIF_CONFIG_DATA was not accepted",
        1,
      );
    }
  }

  /** FAILED before any feature was accepted: what the driver saw of the device may be the reason. */
  #gaveUp(): void {
    const { view } = this.#context;
    const facts = this.#facts;
    if (this.#wroteFeatures || view.offers(VIRTIO_F_VERSION_1) !== true || facts === undefined) return;
    for (const [word, bits] of view.offered.entries()) {
      for (let bit = 0; bit < 32; bit++) {
        if ((((bits ?? 0) >>> bit) & 1) === 0 || this.#isDefined(32 * word + bit)) continue;
        this.#reportGivenUp(
          "content.driver.feature-bits.5",
          `the driver gave up on a device that offers feature ${32 * word + bit}, which it cannot know: such features are to be ignored`,
          [registerEvidence(`device features, word ${word}`, bits ?? 0)],
        );
        return;
      }
    }
    if (view.configLengthBytes > facts.configBytes) {
      this.#reportGivenUp(
        "content.driver.device-configuration-space.3",
        `the driver gave up on a device with ${view.configLengthBytes} bytes of configuration space, more than the ` +
          `${facts.configBytes} that are known: there may be more than a driver needs`,
        [],
      );
    }
  }

  /** A driver may have given up for reasons of its own, unless it is known to drive other devices. */
  #reportGivenUp(clause: string, message: string, evidence: readonly Evidence[]): void {
    if (this.#context.drivesOthers) this.#context.report(clause, -1, message, evidence);
    else this.#context.hint("gave-up", -1, `${message}; if it has another reason, all is well`, evidence);
  }

  #optionalField(offset: number, widthBytes: number, value: number): void {
    const { view } = this.#context;
    for (const field of this.#facts?.optionalFields ?? []) {
      if (offset + widthBytes <= field.offset || offset >= field.offset + 4) continue;
      if (view.offers(field.feature) === true) continue;
      this.#context.report(
        "content.driver.device-configuration-space.2",
        -1,
        `${field.name} was accessed although feature ${field.feature} was not seen to be offered`,
        [registerEvidence(field.name, value)],
      );
    }
  }

  #virtualFunctions(offset: number, value: number): void {
    const sriov = this.#context.pciLayout()?.sriov ?? 0;
    if (sriov === 0 || offset !== sriov + SRIOV_CONTROL || (value & SRIOV_VF_ENABLE) === 0) return;
    if (this.#sriovNegotiated) return;
    this.#context.report(
      "content.driver.reserved-feature-bits.10",
      -1,
      "virtual functions were enabled before VIRTIO_F_SR_IOV was negotiated",
      [registerEvidence("SR-IOV control", value)],
    );
  }

  /** Buffers have to be in memory, unless there is a translation. */
  available(queue: QueueView, chain: WatchedChain): void {
    const { view, memory } = this.#context;
    if (view.hasFeature(VIRTIO_F_ACCESS_PLATFORM) || chain.incomplete) return;
    // Chains longer than memory can be are another rule's.
    if (chain.readableBytes + chain.writableBytes > MOST_CHAIN_BYTES) return;
    const byte = new Uint8Array(1);
    for (const descriptor of chain.elements) {
      const { address, lengthBytes, index, at } = descriptor;
      if (lengthBytes === 0 || (memory.read(address, byte) && memory.read(address + lengthBytes - 1, byte)))
        continue;
      const text = addressText(descriptor);
      this.#context.report(
        "content.driver.reserved-feature-bits.4",
        queue.index,
        `descriptor ${index} points to ${text}, where no memory is`,
        [
          {
            what: `descriptor ${index}`,
            address: at,
            after: `${text}, ${lengthBytes} bytes`,
          },
        ],
      );
      return;
    }
  }
}
