// A device type and a machine around it for the tests of transports. Offsets and values in those tests are the
// specification's numbers, not src/wire's names.
import {
  DEFAULT_RING_FEATURES,
  type DeviceHost,
  type DeviceType,
  type PlainValue,
  type PreparedRestore,
  type QueueDescription,
  type SharedMemoryRegion,
  VirtioDevice,
  type VirtioDeviceOptions,
} from "../../src/device/index.ts";
import { listOf, whole } from "../../src/device/state/schema.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { RawSplitRing, WRITE } from "../../src/testing/index.ts";
import type { DeviceQueue } from "../../src/virtqueue/index.ts";

export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;

export const VERSION_1 = 32;
export const RING_PACKED = 34;
export const NOTIFICATION_DATA = 38;
export const NOTIF_CONFIG_DATA = 39;
export const RING_RESET = 40;
export const ADMIN_VQ = 41;

/** Where {@link Machine.ring} puts the ring of queue 0; others follow at distances of 0x1000. */
const RINGS = 0x1000;
const DATA = 0x20000;

export interface TransportTypeOptions {
  readonly queueSizes?: readonly number[];
  readonly configBytes?: number;
  readonly deviceId?: number;
  readonly sharedMemory?: readonly SharedMemoryRegion[];
}

/** Consumes every buffer at once, without reading or writing it. */
export class TransportType implements DeviceType {
  readonly name = "transport-test";
  readonly deviceId: number;
  readonly pciClass = 0x0380_00;
  readonly features: readonly number[] = [0, 3, 64];
  readonly featureDependencies = [];
  readonly queues: readonly QueueDescription[];
  readonly config: Uint8Array;
  readonly sharedMemory: readonly SharedMemoryRegion[];
  readonly events: string[] = [];
  /** Queues whose buffers were taken, in order. */
  readonly handled: number[] = [];
  onQueueReset: (index: number) => void = () => {};
  host: DeviceHost | null = null;

  constructor(options: TransportTypeOptions = {}) {
    this.queues = (options.queueSizes ?? [8, 16]).map((maxSize, i) => ({ name: `queue${i}`, maxSize }));
    this.config = Uint8Array.from({ length: options.configBytes ?? 12 }, (_, i) => 0x10 + i);
    this.deviceId = options.deviceId ?? 16;
    this.sharedMemory = options.sharedMemory ?? [];
  }

  get configLengthBytes(): number {
    return this.config.length;
  }

  attach(host: DeviceHost): void {
    this.host = host;
  }

  readConfigByte(offset: number): number {
    return this.config[offset] ?? 0;
  }

  writeConfig(offset: number, widthBytes: number, value: number): void {
    this.events.push(`config ${offset} ${widthBytes} ${value}`);
    for (let i = 0; i < widthBytes; i++) this.config[offset + i] = (value >>> (8 * i)) & 0xff;
  }

  start(): void {
    this.events.push("start");
  }

  handleQueue(index: number, queue: DeviceQueue): void {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
      this.handled.push(index);
      queue.push(chain, 0);
    }
  }

  queueReset(index: number): void {
    this.events.push(`queueReset ${index}`);
    this.onQueueReset(index);
  }

  reset(): void {
    this.events.push("reset");
  }

  quiesce(): void {}

  save(): PlainValue {
    return [...this.config];
  }

  prepareRestore(state: PlainValue): PreparedRestore {
    const config = listOf(whole(0, 0xff), this.config.length)(state);
    return { takeOver: () => this.config.set(config) };
  }
}

/** What a driver does to the registers of a transport, whichever that is. */
export interface Registers {
  setStatus(value: number): void;
  status(): number;
  acceptFeatures(word: number, bits: number): void;
  setUpQueue(index: number, ring: RawSplitRing): void;
  notify(index: number): void;
}

/** A device, its memory, and everything it said. */
export class Machine {
  readonly type: TransportType;
  readonly memory: GuestMemory;
  readonly device: VirtioDevice;
  readonly traced: string[] = [];
  readonly rings: RawSplitRing[] = [];

  constructor(options: TransportTypeOptions = {}, deviceOptions: Partial<VirtioDeviceOptions> = {}) {
    this.type = new TransportType(options);
    this.memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x40000) }]);
    this.device = new VirtioDevice(this.type, {
      memory: this.memory,
      schedule: (task) => task(),
      trace: ({ kind, detail }) => {
        if (kind === "register-ignored") this.traced.push(String(detail["what"]));
      },
      ...deviceOptions,
    });
  }

  /** Runs `action` and returns what the device ignored meanwhile; the counter must agree with the trace. */
  ignored(action: () => void): string[] {
    const from = this.traced.length;
    const count = this.device.counters.ignoredAccesses;
    action();
    const found = this.traced.slice(from);
    if (this.device.counters.ignoredAccesses - count !== found.length) throw new Error("counted otherwise");
    return found;
  }

  /** An empty split ring for a queue. */
  ring(index: number, size = this.type.queues[index]?.maxSize ?? 8): RawSplitRing {
    const base = RINGS + 0x1000 * index;
    this.memory.write(base, new Uint8Array(0x1000));
    const ring = new RawSplitRing(this.memory, base, size);
    this.rings[index] = ring;
    return ring;
  }

  /** Makes a buffer available. */
  offer(index: number): void {
    const ring = this.rings[index] as RawSplitRing;
    ring.descriptor(0, { addr: DATA, len: 4, flags: WRITE });
    ring.offer(0);
  }

  /** Buffers the driver finds used. */
  used(index: number): number {
    return (this.rings[index] as RawSplitRing).usedIdx;
  }

  /** Status and features up to FEATURES_OK; VERSION_1 and the bits given. */
  negotiate(registers: Registers, bits: readonly number[] = []): void {
    registers.setStatus(0);
    registers.setStatus(ACKNOWLEDGE);
    registers.setStatus(ACKNOWLEDGE | DRIVER);
    for (let word = 0; word < 4; word++) {
      let value = 0;
      for (const bit of [VERSION_1, ...bits]) {
        if (Math.floor(bit / 32) === word) value = (value | (1 << (bit % 32))) >>> 0;
      }
      registers.acceptFeatures(word, value);
    }
    registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
  }

  /** All the way to DRIVER_OK with every queue set up. */
  bringUp(registers: Registers, bits: readonly number[] = []): void {
    this.negotiate(registers, bits);
    for (let i = 0; i < this.type.queues.length; i++) registers.setUpQueue(i, this.ring(i));
    registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  }

  /** The device changes its first configuration byte. */
  changeConfig(value: number): void {
    this.type.host?.changeConfig(() => {
      this.type.config[0] = value;
    });
  }
}

/** Ring features with some more. */
export function ringFeatures(...bits: readonly number[]): readonly number[] {
  return [...DEFAULT_RING_FEATURES, ...bits];
}
