import { PCI_CAP_FLAGS, PCI_CAP_ID_EXP, PCI_CAP_ID_PM } from "../../wire/pci.ts";
import type { PciConfigSpace } from "./config-space.ts";

// Power management capability, PCI Bus Power Management Interface 1.2, section 3.2.
const PM_BYTES = 8;
const PM_CTRL = 4;
const PM_CAP_VERSION_3 = 3;
const PM_CTRL_STATE_MASK = 3;
/** The function keeps its state when it comes back from D3hot. */
const PM_CTRL_NO_SOFT_RESET = 8;
const D0 = 0;
const D3_HOT = 3;

// PCI Express capability, PCI Express Base Specification, section 7.8. A root complex integrated endpoint of
// capability version 1 ends after the device registers: it has no link and no slot.
const EXP_BYTES = 12;
const EXP_DEVCAP = 4;
const EXP_DEVCTL = 8;
const EXP_FLAGS = 1 | (9 << 4);
/** Role-based error reporting, which all functions have; function level reset. Payload of 128 bytes. */
const EXP_DEVCAP_BITS = (1 << 15) | (1 << 28);
const EXP_DEVCTL_WRITABLE = 0x78ff;
/** Relaxed ordering and no-snoop enabled, read requests of 512 bytes. */
const EXP_DEVCTL_RESET = 0x2810;
const EXP_DEVCTL_INITIATE_FLR_HIGH = 0x80;

/** What makes a function a PCI Express one: power states, function level reset. */
export class ExpressCapabilities {
  readonly #space: PciConfigSpace;
  readonly #powerControl: number;
  readonly #deviceControl: number;

  constructor(space: PciConfigSpace) {
    this.#space = space;
    const power = space.addCapability(PCI_CAP_ID_PM, PM_BYTES);
    this.#powerControl = power + PM_CTRL;
    space.set(power + PCI_CAP_FLAGS, 2, PM_CAP_VERSION_3);
    space.set(this.#powerControl, 2, PM_CTRL_NO_SOFT_RESET);
    space.allow(this.#powerControl, 2, PM_CTRL_STATE_MASK);
    const express = space.addCapability(PCI_CAP_ID_EXP, EXP_BYTES);
    this.#deviceControl = express + EXP_DEVCTL;
    space.set(express + PCI_CAP_FLAGS, 2, EXP_FLAGS);
    space.set(express + EXP_DEVCAP, 4, EXP_DEVCAP_BITS);
    space.set(this.#deviceControl, 2, EXP_DEVCTL_RESET);
    space.allow(this.#deviceControl, 2, EXP_DEVCTL_WRITABLE);
  }

  /** False in D3hot, where the function answers to configuration accesses only. */
  get powered(): boolean {
    return (this.#space.get(this.#powerControl, 1) & PM_CTRL_STATE_MASK) === D0;
  }

  /**
   * Software writes to configuration space. The states D1 and D2, which the function does not have, leave the power
   * state as it was. True when the write asks for a function level reset.
   */
  write(offset: number, widthBytes: number, value: number): boolean {
    const before = this.#space.get(this.#powerControl, 1);
    this.#space.write(offset, widthBytes, value);
    const state = this.#space.get(this.#powerControl, 1) & PM_CTRL_STATE_MASK;
    if (state !== D0 && state !== D3_HOT) this.#space.set(this.#powerControl, 1, before);
    // The bit is in the upper byte of its register and always reads as 0.
    const at = this.#deviceControl + 1 - offset;
    return at >= 0 && at < widthBytes && ((value >>> (8 * at)) & EXP_DEVCTL_INITIATE_FLR_HIGH) !== 0;
  }
}
