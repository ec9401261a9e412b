import { VIRTIO_ID_BALLOON } from "../../../wire/common.ts";
import {
  PCI_CAP_ID_VNDR,
  PCI_CAPABILITY_LIST,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_LEGACY_CFG,
} from "../../../wire/pci.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import { configFields } from "./config-fields.ts";
import type { BarAccessEvent, PciAccess } from "./pci-access.ts";
import type { Rule, RuleContext } from "./rule.ts";

const DETECTION = "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti";
const LAYOUT = "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout";
/** The general headers: with the fields for MSI-X, and without. */
const LONG_HEADERS = VIRTIO_PCI_LEGACY_CFG.sizeBytes;
const SHORT_HEADERS = VIRTIO_PCI_LEGACY_CFG.config_msix_vector;

/**
 * Whether drivers look for the virtio capabilities, and what they do when there are none (virtio 1.4, sections
 * 4.1.4.10 and 4.1.5.1.1.1). What binds transitional drivers only is judged when the driver is known to be one.
 */
export class PciLegacyRules implements Rule {
  readonly #context: RuleContext;
  readonly #access: PciAccess;
  /** Offsets of configuration space that were read. */
  readonly #read = new Set<number>();
  readonly #said = new Set<string>();
  #usedLegacy = false;

  constructor(context: RuleContext, access: PciAccess) {
    this.#context = context;
    this.#access = access;
    access.listen((event) => this.#bar(event));
  }

  event(event: DriverEvent): void {
    if (event.kind !== "pci-config-read") return;
    for (let i = 0; i < event.widthBytes; i++) this.#read.add(event.offset + i);
  }

  finish(): void {
    if (this.#context.legacyOnly || !this.#context.transitional || !this.#isLegacy() || this.#usedLegacy)
      return;
    this.#report(
      `${DETECTION}.3`,
      "a device without virtio capabilities was not used by the legacy interface",
      null,
    );
  }

  #report(clause: string, message: string, access: BarAccessEvent | null): void {
    if (this.#said.has(clause)) return;
    this.#said.add(clause);
    const evidence =
      access === null
        ? []
        : [registerEvidence(`0x${access.offset.toString(16)} of BAR ${access.bar}`, access.value)];
    this.#context.report(clause, -1, message, evidence);
  }

  #isLegacy(): boolean {
    return (
      this.#context.pciLayout()?.structures.every(({ type }) => type !== VIRTIO_PCI_CAP_COMMON_CFG) ?? false
    );
  }

  /** Whether the driver walked the list as far as the common configuration, the first thing it needs. */
  #looked(): boolean {
    if (!this.#context.seesConfigSpace) return true;
    const capabilities = this.#context.pciLayout()?.capabilities ?? [];
    if (!this.#read.has(PCI_CAPABILITY_LIST)) return false;
    const common = this.#context
      .pciLayout()
      ?.structures.find(({ type }) => type === VIRTIO_PCI_CAP_COMMON_CFG);
    if (common !== undefined) return this.#read.has(common.at + VIRTIO_PCI_CAP.cfg_type);
    return capabilities.every(({ at, id }) => this.#read.has(at) || id === PCI_CAP_ID_VNDR);
  }

  #bar(access: BarAccessEvent): void {
    const { transitional, legacyOnly } = this.#context;
    // A driver of before version 1 is not bound by it.
    if (legacyOnly) return;
    if (access.bar === this.#context.pciLayout()?.msix?.bar) return;
    if (!this.#looked()) {
      this.#report(
        transitional ? `${DETECTION}.2` : `${DETECTION}.4`,
        "a BAR was accessed before the capability list was looked through for virtio capabilities",
        access,
      );
    }
    if (!this.#isLegacy()) return;
    if (transitional) this.#legacy(access);
    else
      this.#report(
        `${DETECTION}.5`,
        "a device without virtio capabilities was accessed all the same",
        access,
      );
  }

  #legacy(access: BarAccessEvent): void {
    const { bar, offset, widthBytes } = access;
    if (bar !== 0) {
      this.#report(
        `${LAYOUT}.2`,
        `BAR ${bar} was accessed for the legacy interface, which is in BAR 0`,
        access,
      );
      return;
    }
    this.#usedLegacy = true;
    const headers = this.#access.msixEnabled ? LONG_HEADERS : SHORT_HEADERS;
    if (offset < SHORT_HEADERS) return;
    const between = offset < headers && widthBytes !== 2;
    const { deviceId } = this.#context.view;
    const fields = configFields(deviceId);
    const beyond = fields !== null && offset >= headers && offset + widthBytes > headers + fields.length;
    if (between || beyond) {
      this.#report(
        `${LAYOUT}.4`,
        `${8 * widthBytes} bits at ${offset} were accessed; the device-specific configuration${
          deviceId === VIRTIO_ID_BALLOON ? " of a balloon" : ""
        } begins at ${headers}`,
        access,
      );
    }
  }
}
