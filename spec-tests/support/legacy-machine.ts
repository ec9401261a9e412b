// A transitional PCI function and a driver of before virtio 1.0, by the numbers of section 4.1.4.10.
import type { VirtioDeviceOptions } from "../../src/device/index.ts";
import { RawSplitRing, WRITE } from "../../src/testing/index.ts";
import type { PciTransportOptions } from "../../src/transport/pci/index.ts";
import { PciMachine } from "./pci-machine.ts";
import type { TransportTypeOptions } from "./transport-device.ts";

export const DEVICE_FEATURES = 0;
export const DRIVER_FEATURES = 4;
export const QUEUE_ADDRESS = 8;
export const QUEUE_SIZE = 12;
export const QUEUE_SELECT = 14;
export const QUEUE_NOTIFY = 16;
export const STATUS = 18;
export const ISR = 19;
/** While MSI-X is enabled. */
export const CONFIG_VECTOR = 20;
export const QUEUE_VECTOR = 22;

export const NOTIFY_ON_EMPTY = 24;
export const ANY_LAYOUT = 27;
export const INDIRECT_DESC = 28;
export const EVENT_IDX = 29;

const RINGS = 0x8000;
const DATA = 0x20000;

export class LegacyMachine extends PciMachine {
  constructor(
    options: TransportTypeOptions = {},
    transportOptions: PciTransportOptions = {},
    deviceOptions: Partial<VirtioDeviceOptions> = {},
  ) {
    super({ deviceId: 4, ...options }, { transitional: true, ...transportOptions }, deviceOptions);
  }

  in(offset: number, widthBytes: number): number {
    return this.transport.barRead(0, offset, widthBytes);
  }

  out(offset: number, widthBytes: number, value: number): void {
    this.transport.barWrite(0, offset, widthBytes, value);
  }

  /** An empty legacy queue in whole pages. */
  legacyRing(index: number, size = this.type.queues[index]?.maxSize ?? 8): RawSplitRing {
    const base = RINGS + 0x4000 * index;
    this.memory.write(base, new Uint8Array(0x4000));
    const ring = new RawSplitRing(this.memory, base, size, 4096);
    this.rings[index] = ring;
    return ring;
  }

  placeQueue(index: number, ring = this.legacyRing(index)): RawSplitRing {
    this.out(QUEUE_SELECT, 2, index);
    this.out(QUEUE_ADDRESS, 4, ring.desc / 4096);
    return ring;
  }

  /** Steps 1 to 5 and the queues, without FEATURES_OK and before DRIVER_OK. */
  legacyStart(features: readonly number[] = []): void {
    this.out(STATUS, 1, 0);
    this.out(STATUS, 1, 1);
    this.out(STATUS, 1, 3);
    let bits = 0;
    for (const bit of features) bits |= 1 << bit;
    this.out(DRIVER_FEATURES, 4, bits >>> 0);
    for (let i = 0; i < this.type.queues.length; i++) this.placeQueue(i);
  }

  /** A legacy driver's buffer with descriptor `head`, and the notification. */
  legacyExchange(index: number, head = 0): void {
    const ring = this.rings[index] as RawSplitRing;
    ring.descriptor(head, { addr: DATA, len: 4, flags: WRITE });
    ring.offer(head);
    this.out(QUEUE_NOTIFY, 2, index);
  }
}
