import {
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CFG_CAP,
} from "../../../wire/pci.ts";
import type { DriverEvent } from "../events.ts";
import { type PciStructure, structureAt } from "../pci-layout.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

const WINDOW = "transport-pci.driver.pci-configuration-access-capability";

/** An access to a BAR, straight or through the configuration access capability. */
export interface BarAccessEvent {
  readonly writes: boolean;
  readonly bar: number;
  readonly offset: number;
  readonly widthBytes: number;
  readonly value: number;
}

/**
 * Finds out which accesses to BARs there are: follows the configuration access capability, and the switch of MSI-X.
 * Judges how the capability is used.
 */
export class PciAccess implements Rule {
  readonly #context: RuleContext;
  readonly #listeners: ((access: BarAccessEvent) => void)[] = [];
  /** The fields of the configuration access capability, by offset, as the driver wrote them. */
  readonly #window = new Map<number, number>();
  /** Whether the driver enabled MSI-X. */
  msixEnabled = false;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  /** Calls back for every access to a BAR. */
  listen(listener: (access: BarAccessEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** The structure of a type that an access goes to, and the field in it. */
  within(access: BarAccessEvent, types: readonly number[]): { found: PciStructure; field: number } | null {
    const layout = this.#context.pciLayout();
    const found = layout === null ? undefined : structureAt(layout, access.bar, access.offset, types);
    return found === undefined ? null : { found, field: access.offset - found.offset };
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "pci-bar-read":
      case "pci-bar-write": {
        const { bar, offset, widthBytes, value } = event;
        this.#tell({ writes: event.kind === "pci-bar-write", bar, offset, widthBytes, value });
        break;
      }
      case "pci-config-read":
      case "pci-config-write":
        this.#config(event.kind === "pci-config-write", event.offset, event.widthBytes, event.value);
        break;
      default:
        break;
    }
  }

  #tell(access: BarAccessEvent): void {
    for (const listener of this.#listeners) listener(access);
  }

  #config(writes: boolean, offset: number, widthBytes: number, value: number): void {
    const layout = this.#context.pciLayout();
    if (layout === null) return;
    if (writes && layout.msix !== null) this.#msixControl(offset - layout.msix.at, widthBytes, value);
    const window = layout.structures.find(({ type }) => type === VIRTIO_PCI_CAP_PCI_CFG);
    if (window === undefined) return;
    const relative = offset - window.at;
    const data = VIRTIO_PCI_CFG_CAP.pci_cfg_data;
    if (relative >= data && relative < VIRTIO_PCI_CFG_CAP.sizeBytes) {
      this.#through(writes, value);
    } else if (writes && relative >= VIRTIO_PCI_CAP.bar && relative < data) {
      for (let i = 0; i < widthBytes; i++) this.#window.set(relative + i, (value >>> (8 * i)) & 0xff);
    }
  }

  #msixControl(relative: number, widthBytes: number, value: number): void {
    const shift = 8 * (PCI_MSIX_FLAGS - relative);
    // Only accesses that reach the upper byte of Message Control hold the bit.
    if (relative > PCI_MSIX_FLAGS + 1 || relative + widthBytes <= PCI_MSIX_FLAGS + 1) return;
    const control = shift >= 0 ? value >>> shift : value << -shift;
    this.msixEnabled = (control & PCI_MSIX_FLAGS_ENABLE) !== 0;
  }

  #word(at: number): number {
    let value = 0;
    for (let i = 0; i < 4; i++) value |= (this.#window.get(at + i) ?? 0) << (8 * i);
    return value >>> 0;
  }

  #through(writes: boolean, value: number): void {
    const bar = this.#window.get(VIRTIO_PCI_CAP.bar) ?? 0;
    const offset = this.#word(VIRTIO_PCI_CAP.offset);
    const widthBytes = this.#word(VIRTIO_PCI_CAP.length);
    const layout = this.#context.pciLayout();
    const place = `${widthBytes} bytes at 0x${offset.toString(16)} of BAR ${bar}`;
    if (widthBytes !== 0 && offset % widthBytes !== 0) {
      this.#context.report(
        `${WINDOW}.1`,
        -1,
        `pci_cfg_data was accessed for ${place}, not aligned`,
        [registerEvidence("cap.offset", offset), registerEvidence("cap.length", widthBytes)],
        "width",
      );
    }
    const inside = layout?.structures.some(
      (found) =>
        found.type !== VIRTIO_PCI_CAP_PCI_CFG &&
        found.bar === bar &&
        offset >= found.offset &&
        offset + widthBytes <= found.offset + found.lengthBytes,
    );
    if (inside !== true || ![1, 2, 4].includes(widthBytes)) {
      this.#context.report(
        `${WINDOW}.2`,
        -1,
        `pci_cfg_data was accessed for ${place}, which no virtio structure has`,
        [registerEvidence("pci_cfg_data", value)],
        "width",
      );
    }
    this.#tell({ writes, bar, offset, widthBytes, value });
  }
}
