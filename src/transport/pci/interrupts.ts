import { VIRTIO_MSI_NO_VECTOR } from "../../wire/common.ts";
import {
  PCI_COMMAND,
  PCI_COMMAND_INTX_DISABLE,
  PCI_COMMAND_MASTER,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_MASKALL,
  PCI_STATUS,
  PCI_STATUS_INTERRUPT,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
} from "../../wire/pci.ts";
import type { CommonConfig } from "./common-config.ts";
import type { PciFunction } from "./function.ts";
import type { MsixTable } from "./msix.ts";
import type { PciPolicy } from "./policy.ts";

/**
 * How events of the device reach the driver: by the ISR byte and INTx, or by MSI-X once that is enabled. State is
 * changed first and callbacks come last, because the driver's handler may read and write registers.
 */
export class PciInterrupts {
  readonly #function: PciFunction;
  readonly #msix: MsixTable | null;
  readonly #common: CommonConfig;
  /** What else a configuration change raises. */
  readonly #besideConfig: number;
  readonly #onLine: ((asserted: boolean) => void) | null;
  #isr = 0;
  #asserted = false;
  #msixEnabled = false;

  constructor(
    pciFunction: PciFunction,
    msix: MsixTable | null,
    common: CommonConfig,
    onLine: ((asserted: boolean) => void) | null,
    policy: PciPolicy,
  ) {
    this.#besideConfig = policy.configChange === "both-bits" ? VIRTIO_PCI_ISR_QUEUE : 0;
    this.#function = pciFunction;
    this.#msix = msix;
    this.#common = common;
    this.#onLine = onLine;
  }

  /** Level of the INTx line. */
  get asserted(): boolean {
    return this.#asserted;
  }

  /** Whether the driver enabled MSI-X. */
  get msixEnabled(): boolean {
    return this.#msixEnabled;
  }

  /** The ISR byte, without the side effect of reading it. */
  get isr(): number {
    return this.#isr;
  }

  /** A used-buffer notification. */
  queueEvent(index: number): void {
    if (!this.#msixEnabled) {
      // [transport-pci.device.isr-status-capability.3]
      this.#isr |= VIRTIO_PCI_ISR_QUEUE;
      this.#updateLine();
      return;
    }
    // [transport-pci.device.used-buffer-notifications.1]
    this.#raise(this.#common.queueVector(index));
  }

  /** A configuration change notification. */
  configEvent(): void {
    // With MSI-X too. [transport-pci.device.isr-status-capability.2]
    this.#isr |= VIRTIO_PCI_ISR_CONFIG;
    this.#isr |= this.#besideConfig;
    // [transport-pci.device.notification-of-device-configuration-changes.1]
    if (this.#msixEnabled) this.#raise(this.#common.configVector);
    else this.#updateLine();
  }

  #raise(vector: number): void {
    if (vector !== VIRTIO_MSI_NO_VECTOR) this.#msix?.raise(vector);
  }

  /** The driver reads the ISR byte. [transport-pci.device.isr-status-capability.5] */
  readIsr(): number {
    const isr = this.#isr;
    this.setIsr(0);
    return isr;
  }

  setIsr(isr: number): void {
    this.#isr = isr;
    this.#updateLine();
  }

  /** Takes over what was saved, together with the configuration space. No interrupt is raised before the next `update`. */
  adopt(isr: number): void {
    this.#isr = isr;
    this.#readControl();
  }

  #readControl(): void {
    this.#msixEnabled = (this.#messageControl & PCI_MSIX_FLAGS_ENABLE) !== 0;
  }

  /** Command register, Message Control or power state may have changed. */
  update(): void {
    this.#readControl();
    this.#updateLine();
    this.#msix?.setOpen(this.#mayLeave);
  }

  get #messageControl(): number {
    const { space, msixControl } = this.#function;
    return msixControl < 0 ? 0 : space.get(msixControl, 2);
  }

  /** Messages are writes to memory: the function must be let do them. */
  get #mayLeave(): boolean {
    const { space, express } = this.#function;
    const control = this.#messageControl & (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    const master = (space.get(PCI_COMMAND, 2) & PCI_COMMAND_MASTER) !== 0;
    return control === PCI_MSIX_FLAGS_ENABLE && master && (express?.powered ?? true);
  }

  #updateLine(): void {
    const { space, express } = this.#function;
    // [transport-pci.device.isr-status-capability.4]
    const pending = !this.#msixEnabled && this.#isr !== 0;
    const status = space.get(PCI_STATUS, 1);
    space.set(PCI_STATUS, 1, pending ? status | PCI_STATUS_INTERRUPT : status & ~PCI_STATUS_INTERRUPT);
    const masked = (space.get(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) !== 0;
    const asserted = pending && !masked && (express?.powered ?? true);
    if (asserted === this.#asserted) return;
    this.#asserted = asserted;
    this.#onLine?.(asserted);
  }
}
