import type { VirtioDeviceOptions } from "../../src/device/index.ts";
import type { RawSplitRing } from "../../src/testing/index.ts";
import {
  type MsixMessage,
  type PciBar,
  PciTransport,
  type PciTransportOptions,
} from "../../src/transport/pci/index.ts";
import { Machine, type Registers, type TransportTypeOptions } from "./transport-device.ts";

/** A capability as found by walking the list. */
export interface FoundCapability {
  readonly at: number;
  readonly id: number;
}

/** A struct virtio_pci_cap as found in configuration space. */
export interface FoundStructure {
  readonly at: number;
  readonly length: number;
  readonly type: number;
  readonly bar: number;
  readonly id: number;
  readonly offset: number;
  readonly size: number;
}

/** A machine whose device is a PCI function, driven by the numbers of section 4.1 and of the PCI specification. */
export class PciMachine extends Machine implements Registers {
  readonly transport: PciTransport;
  /** Changes of INTx. */
  readonly line: boolean[] = [];
  /** Vectors of MSI-X messages. */
  readonly vectors: number[] = [];
  readonly barChanges: PciBar[] = [];
  onLine: (asserted: boolean) => void = () => {};
  onMsix: (message: MsixMessage) => void = () => {};
  onBarChange: (bar: PciBar) => void = () => {};

  constructor(
    options: TransportTypeOptions = {},
    transportOptions: PciTransportOptions = {},
    deviceOptions: Partial<VirtioDeviceOptions> = {},
  ) {
    super(options, deviceOptions);
    this.transport = new PciTransport(this.device, {
      onInterrupt: (asserted) => {
        this.line.push(asserted);
        this.onLine(asserted);
      },
      onMsix: (message) => {
        this.vectors.push(message.vector);
        this.onMsix(message);
      },
      onBarChange: (bar) => {
        this.barChanges.push(bar);
        this.onBarChange(bar);
      },
      ...transportOptions,
    });
  }

  /** Memory and I/O decoding and bus mastering on. */
  enable(command = 7): void {
    this.transport.configWrite(4, 2, command);
  }

  capabilities(): FoundCapability[] {
    const found: FoundCapability[] = [];
    if ((this.transport.configRead(6, 2) & 0x10) === 0) return found;
    for (let at = this.transport.configRead(0x34, 1); at !== 0; at = this.transport.configRead(at + 1, 1)) {
      if (found.length > 48) throw new Error("the capability list does not end");
      found.push({ at, id: this.transport.configRead(at, 1) });
    }
    return found;
  }

  structures(type?: number): FoundStructure[] {
    const { transport } = this;
    return this.capabilities()
      .filter(({ id }) => id === 9)
      .map(({ at }) => ({
        at,
        length: transport.configRead(at + 2, 1),
        type: transport.configRead(at + 3, 1),
        bar: transport.configRead(at + 4, 1),
        id: transport.configRead(at + 5, 1),
        offset: transport.configRead(at + 8, 4),
        size: transport.configRead(at + 12, 4),
      }))
      .filter((found) => type === undefined || found.type === type);
  }

  structure(type: number): FoundStructure {
    const [first] = this.structures(type);
    if (first === undefined) throw new Error(`no structure of type ${type}`);
    return first;
  }

  /** Reads a register of the common configuration. */
  common(offset: number, widthBytes: number): number {
    const { bar, offset: start } = this.structure(1);
    return this.transport.barRead(bar, start + offset, widthBytes);
  }

  setCommon(offset: number, widthBytes: number, value: number): void {
    const { bar, offset: start } = this.structure(1);
    this.transport.barWrite(bar, start + offset, widthBytes, value);
  }

  isr(): number {
    const { bar, offset } = this.structure(3);
    return this.transport.barRead(bar, offset, 1);
  }

  setStatus(value: number): void {
    this.setCommon(0x14, 1, value);
  }

  status(): number {
    return this.common(0x14, 1);
  }

  acceptFeatures(word: number, bits: number): void {
    this.setCommon(0x08, 4, word);
    this.setCommon(0x0c, 4, bits);
  }

  select(index: number): void {
    this.setCommon(0x16, 2, index);
  }

  setUpQueue(index: number, ring: RawSplitRing): void {
    this.select(index);
    this.setCommon(0x18, 2, ring.size);
    this.setCommon(0x20, 4, ring.desc);
    this.setCommon(0x24, 4, 0);
    this.setCommon(0x28, 4, ring.avail);
    this.setCommon(0x2c, 4, 0);
    this.setCommon(0x30, 4, ring.used);
    this.setCommon(0x34, 4, 0);
    this.setCommon(0x1c, 2, 1);
  }

  queueEnabled(index: number): number {
    this.select(index);
    return this.common(0x1c, 2);
  }

  /** Where a queue's notifications go, by the first notification capability or another one. */
  notifyAddress(index: number, which = 0): { readonly bar: number; readonly offset: number } {
    const cap = this.structures(2)[which] as FoundStructure;
    const multiplier = this.transport.configRead(cap.at + 16, 4);
    this.select(index);
    return { bar: cap.bar, offset: cap.offset + this.common(0x1e, 2) * multiplier };
  }

  notify(index: number, value = index, widthBytes = 2): void {
    const { bar, offset } = this.notifyAddress(index);
    this.transport.barWrite(bar, offset, widthBytes, value);
  }

  /** Offset of the MSI-X capability. */
  get msix(): number {
    return this.capabilities().find(({ id }) => id === 0x11)?.at ?? 0;
  }

  setMsix(enabled: boolean, functionMasked = false): void {
    this.transport.configWrite(this.msix + 2, 2, (enabled ? 0x8000 : 0) | (functionMasked ? 0x4000 : 0));
  }

  #msixPlace(register: number, offset: number): { readonly bar: number; readonly offset: number } {
    const value = this.transport.configRead(this.msix + register, 4);
    return { bar: value & 7, offset: (value & ~7) + offset };
  }

  msixTable(vector: number, word: number): number {
    const { bar, offset } = this.#msixPlace(4, 16 * vector + 4 * word);
    return this.transport.barRead(bar, offset, 4);
  }

  setMsixTable(vector: number, word: number, value: number): void {
    const { bar, offset } = this.#msixPlace(4, 16 * vector + 4 * word);
    this.transport.barWrite(bar, offset, 4, value);
  }

  pending(word = 0): number {
    const { bar, offset } = this.#msixPlace(8, 4 * word);
    return this.transport.barRead(bar, offset, 4);
  }

  /** MSI-X on, vector n unmasked with address 0xfee00000 + n << 4 and data 0x40 + n, mapped as given. */
  useMsix(queueVectors: readonly number[], configVector: number): void {
    const vectors = (this.transport.configRead(this.msix + 2, 2) & 0x7ff) + 1;
    this.enable();
    this.setMsix(true);
    for (let v = 0; v < vectors; v++) {
      this.setMsixTable(v, 0, 0xfee00000 + (v << 4));
      this.setMsixTable(v, 1, 0);
      this.setMsixTable(v, 2, 0x40 + v);
      this.setMsixTable(v, 3, 0);
    }
    this.setCommon(0x10, 2, configVector);
    for (const [index, vector] of queueVectors.entries()) {
      this.select(index);
      this.setCommon(0x1a, 2, vector);
    }
  }

  /** One buffer through a queue. */
  exchange(index: number): void {
    this.offer(index);
    this.notify(index);
  }
}
