import type { VirtioDeviceOptions } from "../../src/device/index.ts";
import type { RawSplitRing } from "../../src/testing/index.ts";
import { MmioTransport, type MmioTransportOptions } from "../../src/transport/mmio/index.ts";
import { Machine, type Registers, type TransportTypeOptions } from "./transport-device.ts";

/** A machine whose device is behind virtio-mmio, driven by register offsets as in the table of section 4.2.2. */
export class MmioMachine extends Machine implements Registers {
  readonly transport: MmioTransport;
  /** Changes of the interrupt line. */
  readonly line: boolean[] = [];
  onLine: (asserted: boolean) => void = () => {};

  constructor(
    options: TransportTypeOptions = {},
    deviceOptions: Partial<VirtioDeviceOptions> = {},
    transportOptions: MmioTransportOptions = {},
  ) {
    super(options, deviceOptions);
    this.transport = new MmioTransport(this.device, {
      onInterrupt: (asserted) => {
        this.line.push(asserted);
        this.onLine(asserted);
      },
      ...transportOptions,
    });
  }

  read(offset: number): number {
    return this.transport.read(offset, 4);
  }

  write(offset: number, value: number): void {
    this.transport.write(offset, 4, value);
  }

  setStatus(value: number): void {
    this.write(0x70, value);
  }

  status(): number {
    return this.read(0x70);
  }

  acceptFeatures(word: number, bits: number): void {
    this.write(0x24, word);
    this.write(0x20, bits);
  }

  setUpQueue(index: number, ring: RawSplitRing): void {
    this.write(0x30, index);
    this.write(0x38, ring.size);
    this.write(0x80, ring.desc);
    this.write(0x84, 0);
    this.write(0x90, ring.avail);
    this.write(0x94, 0);
    this.write(0xa0, ring.used);
    this.write(0xa4, 0);
    this.write(0x44, 1);
  }

  notify(index: number): void {
    this.write(0x50, index);
  }

  queueReady(index: number): number {
    this.write(0x30, index);
    return this.read(0x44);
  }
}
