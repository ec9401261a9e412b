import {
  PCI_CAP_ID_VNDR,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_CAP_VENDOR_CFG,
  VIRTIO_PCI_VNDR_DATA,
} from "../../../wire/pci.ts";
import type { DriverEvent } from "../events.ts";
import { type PciStructure, structureAt } from "../pci-layout.ts";
import { registerEvidence } from "../violation.ts";
import type { BarAccessEvent, PciAccess } from "./pci-access.ts";
import type { Rule, RuleContext } from "./rule.ts";

const CAPABILITIES = "transport-pci.driver.virtio-structure-pci-capabilities";
const VENDOR_DATA = "transport-pci.driver.vendor-data-capability";
const LAST_BAR = 5;
const KNOWN_TYPES: readonly number[] = [
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_CAP_VENDOR_CFG,
];
/** Types of which a driver uses one structure. */
const SINGLE_TYPES: readonly number[] = [
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
];

/** Which structures a driver uses, and what it does to the capabilities that describe them (virtio 1.4, 4.1.4). */
export class PciCapabilityRules implements Rule {
  readonly #context: RuleContext;
  /** Vendor data capabilities whose vendor_id was read. */
  readonly #qualified = new Set<number>();
  readonly #said = new Set<string>();

  constructor(context: RuleContext, access: PciAccess) {
    this.#context = context;
    access.listen((event) => this.#bar(event));
  }

  event(event: DriverEvent): void {
    if (event.kind !== "pci-config-read" && event.kind !== "pci-config-write") return;
    const writes = event.kind === "pci-config-write";
    for (const structure of this.#context.pciLayout()?.structures ?? []) {
      const from = event.offset - structure.at;
      const end = from + event.widthBytes;
      if (end <= 0 || from >= structure.capLength) continue;
      if (structure.type === VIRTIO_PCI_CAP_VENDOR_CFG)
        this.#vendorData(structure, writes, from, end, event.value);
      else if (writes) this.#written(structure, from, event.value);
    }
  }

  #written({ type, at }: PciStructure, from: number, value: number): void {
    // Of the configuration access capability the driver writes where to, how much, and the data.
    if (type === VIRTIO_PCI_CAP_PCI_CFG && from >= VIRTIO_PCI_CAP.bar) return;
    this.#context.report(
      `${CAPABILITIES}.7`,
      -1,
      `the capability at 0x${at.toString(16)}, of a structure of type ${type}, was written to at ${from}`,
      [registerEvidence(`configuration space at 0x${(at + from).toString(16)}`, value)],
    );
  }

  #vendorData({ at }: PciStructure, writes: boolean, from: number, end: number, value: number): void {
    const idEnd = VIRTIO_PCI_VNDR_DATA.vendor_id + 2;
    const what = [registerEvidence(`vendor data at ${from}`, value)];
    if (!writes && from < idEnd && end >= idEnd) this.#qualified.add(at);
    if (writes) {
      this.#context.report(
        `${VENDOR_DATA}.1`,
        -1,
        `the vendor data capability at 0x${at.toString(16)} was written to`,
        what,
        "vendor-data",
      );
    }
    if (end > idEnd && !this.#qualified.has(at) && this.#context.seesConfigSpace) {
      this.#context.report(
        `${VENDOR_DATA}.2`,
        -1,
        `vendor data was ${writes ? "written" : "read"} before vendor_id was read`,
        what,
        "vendor-data",
      );
    }
  }

  #report(clause: string, message: string, access: BarAccessEvent): void {
    const { bar, offset, writes, value } = access;
    const key = `${clause} ${bar}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#context.report(
      clause,
      -1,
      `0x${offset.toString(16)} of BAR ${bar} was ${writes ? "written" : "read"}: ${message}`,
      [registerEvidence("value", value)],
    );
  }

  #bar(access: BarAccessEvent): void {
    const { bar, offset } = access;
    if (bar > LAST_BAR) {
      this.#report(`${CAPABILITIES}.4`, "there is no such BAR, its number is reserved", access);
      return;
    }
    const layout = this.#context.pciLayout();
    if (layout === null) return;
    const known = structureAt(layout, bar, offset, KNOWN_TYPES);
    if (known === undefined) {
      const reserved = layout.structures.find(
        (found) =>
          !KNOWN_TYPES.includes(found.type) &&
          found.bar === bar &&
          offset >= found.offset &&
          offset < found.offset + found.lengthBytes,
      );
      if (
        reserved !== undefined &&
        layout.capabilities.some(({ id, at }) => at === reserved.at && id === PCI_CAP_ID_VNDR)
      ) {
        this.#report(
          `${CAPABILITIES}.1`,
          `only a structure of the reserved type ${reserved.type} is there`,
          access,
        );
      }
      return;
    }
    if (!SINGLE_TYPES.includes(known.type)) return;
    const first = layout.structures.find(({ type, bar: in_ }) => type === known.type && in_ <= LAST_BAR);
    // A first one behind an I/O BAR may be out of reach: the kind of a BAR is not the checker's to find out.
    if (first !== undefined && first !== known && first.bar === known.bar) {
      this.#report(`${CAPABILITIES}.2`, `it belongs to the second structure of type ${known.type}`, access);
    }
  }
}
