// An echo device behind a channel, and a driver that checks every byte that comes back.
import {
  type ChannelHandle,
  DeviceEndpoint,
  DriverEndpoint,
  runSoon,
  type ServeEnd,
} from "../../../src/adapters/worker/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import {
  createDriverRing,
  type DmaBuffer,
  type DriverRing,
  ElementList,
  GuestAllocator,
} from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
  VIRTIO_MMIO_DEVICE_FEATURES,
  VIRTIO_MMIO_DEVICE_FEATURES_SEL,
  VIRTIO_MMIO_DRIVER_FEATURES,
  VIRTIO_MMIO_DRIVER_FEATURES_SEL,
  VIRTIO_MMIO_INTERRUPT_ACK,
  VIRTIO_MMIO_INTERRUPT_STATUS,
  VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
  VIRTIO_MMIO_QUEUE_AVAIL_LOW,
  VIRTIO_MMIO_QUEUE_DESC_HIGH,
  VIRTIO_MMIO_QUEUE_DESC_LOW,
  VIRTIO_MMIO_QUEUE_NOTIFY,
  VIRTIO_MMIO_QUEUE_NUM,
  VIRTIO_MMIO_QUEUE_READY,
  VIRTIO_MMIO_QUEUE_SEL,
  VIRTIO_MMIO_QUEUE_USED_HIGH,
  VIRTIO_MMIO_QUEUE_USED_LOW,
  VIRTIO_MMIO_STATUS,
} from "../../../src/wire/index.ts";
import { CopyDevice } from "./copy-device.ts";

const QUEUE_SIZE = 64;
const MAX_REQUEST_BYTES = 120;
const ANSWER_TIMEOUT_MS = 20_000;
/** Guest memory an echo test needs. */
export const ECHO_RAM_BYTES = 1 << 20;

/** What the device's side reports when its channel ends. */
export interface EchoServed {
  readonly end: ServeEnd;
  readonly handled: number;
  readonly notifications: number;
  readonly interrupts: number;
  readonly sleeps: number;
}

/** Serves an echo device until the channel ends. With `deferred` every chain completes in a later turn. */
export async function serveEcho(
  handle: ChannelHandle,
  options: { deferred?: boolean; spinUs?: number } = {},
): Promise<EchoServed> {
  const { spinUs } = options;
  const endpoint = new DeviceEndpoint(handle, spinUs === undefined ? {} : { spinUs });
  const memory = new GuestMemory([{ base: 0, memory: endpoint.ram }]);
  const echo = new CopyDevice([QUEUE_SIZE, QUEUE_SIZE], options.deferred === true ? runSoon : null);
  const device = new VirtioDevice(echo, { memory, schedule: runSoon });
  const transport = new MmioTransport(device, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) });
  const end = await endpoint.serve(transport);
  const { notifications, queueInterrupts } = device.counters;
  return {
    end,
    handled: echo.answered,
    notifications,
    interrupts: queueInterrupts,
    sleeps: endpoint.counters.sleeps,
  };
}

/** What to negotiate and how much to send. */
export interface EchoRun {
  readonly format: "split" | "packed";
  readonly eventIdx: boolean;
  readonly requests: number;
  readonly seed: number;
  readonly spinUs?: number;
}

/** What the driver's side reports. */
export interface EchoDriven {
  readonly requests: number;
  readonly bytes: number;
  readonly notifications: number;
  readonly interrupts: number;
  readonly milliseconds: number;
}

interface Slot {
  readonly request: DmaBuffer;
  readonly answer: DmaBuffer;
  lengthBytes: number;
  fill: number;
}

/** Drives an echo device through a channel: random requests in random batches. */
export class EchoDriver {
  readonly bus: DriverEndpoint;
  readonly #run: EchoRun;
  readonly #ring: DriverRing;
  readonly #elements = new ElementList();
  readonly #slots: Slot[] = [];
  readonly #free: Slot[] = [];
  readonly #byToken: (Slot | null)[] = new Array<Slot | null>(QUEUE_SIZE).fill(null);
  readonly #started = performance.now();
  #random: number;
  #sent = 0;
  #received = 0;
  #bytes = 0;
  #interrupts = 0;

  constructor(handle: ChannelHandle, run: EchoRun) {
    this.#run = run;
    this.#random = run.seed;
    const { spinUs } = run;
    this.bus = new DriverEndpoint(handle, {
      timeoutMs: ANSWER_TIMEOUT_MS,
      ...(spinUs === undefined ? {} : { spinUs }),
    });
    const memory = new GuestMemory([{ base: 0, memory: this.bus.ram }]);
    const allocator = new GuestAllocator(memory, { base: 4096 });
    const { format, eventIdx } = run;
    this.#ring = createDriverRing({ format, eventIdx, size: QUEUE_SIZE, indirectDesc: true }, { allocator });
    for (let i = 0; i < QUEUE_SIZE; i++) {
      const slot: Slot = {
        request: allocator.allocate(MAX_REQUEST_BYTES),
        answer: allocator.allocate(MAX_REQUEST_BYTES),
        lengthBytes: 0,
        fill: 0,
      };
      this.#slots.push(slot);
      this.#free.push(slot);
    }
  }

  get done(): boolean {
    return this.#received === this.#run.requests;
  }

  result(): EchoDriven {
    return {
      requests: this.#received,
      bytes: this.#bytes,
      notifications: this.bus.counters.notifications,
      interrupts: this.#interrupts,
      milliseconds: performance.now() - this.#started,
    };
  }

  /** Brings the device up to DRIVER_OK with queue 0. */
  start(): void {
    const set = (register: number, value: number): void => this.bus.write(register, 4, value);
    const { desc, driver, device } = this.#ring.memory;
    set(VIRTIO_MMIO_STATUS, 0);
    let status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    set(VIRTIO_MMIO_STATUS, status);
    const wanted = [VIRTIO_F_VERSION_1, VIRTIO_F_INDIRECT_DESC];
    if (this.#run.format === "packed") wanted.push(VIRTIO_F_RING_PACKED);
    if (this.#run.eventIdx) wanted.push(VIRTIO_F_EVENT_IDX);
    for (const word of [0, 1]) {
      const bits = wanted
        .filter((bit) => bit >>> 5 === word)
        .reduce((sum, bit) => sum | (1 << (bit & 31)), 0);
      set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
      if ((bits & ~this.bus.read(VIRTIO_MMIO_DEVICE_FEATURES, 4)) !== 0)
        throw new Error("features are missing");
      set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
      set(VIRTIO_MMIO_DRIVER_FEATURES, bits >>> 0);
    }
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    set(VIRTIO_MMIO_STATUS, status);
    if (this.bus.read(VIRTIO_MMIO_STATUS, 4) !== status) throw new Error("the device refused the features");
    set(VIRTIO_MMIO_QUEUE_SEL, 0);
    set(VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
    set(VIRTIO_MMIO_QUEUE_DESC_LOW, desc.lo);
    set(VIRTIO_MMIO_QUEUE_DESC_HIGH, desc.hi);
    set(VIRTIO_MMIO_QUEUE_AVAIL_LOW, driver.lo);
    set(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, driver.hi);
    set(VIRTIO_MMIO_QUEUE_USED_LOW, device.lo);
    set(VIRTIO_MMIO_QUEUE_USED_HIGH, device.hi);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    set(VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
  }

  /** Sends a random batch and collects what is there; true when it makes no sense to go on without an interrupt. */
  turn(): boolean {
    this.#send();
    this.#collect();
    if (this.done) return false;
    const mustWait = this.#free.length === 0 || this.#sent === this.#run.requests;
    if (!mustWait && this.#next(4) !== 0) return false;
    if (this.#ring.inFlight === 0) return false;
    // With EVENT_IDX sometimes only after several buffers.
    const outstanding = this.#run.eventIdx ? 1 + this.#next(this.#ring.inFlight) : 1;
    return !this.#ring.enableNotifications(outstanding);
  }

  /** Blocks until the device interrupts. */
  wait(): void {
    if (!this.bus.waitInterrupt(ANSWER_TIMEOUT_MS)) this.#lost();
    this.#acknowledge();
  }

  /** Waits until the device interrupts, without blocking. */
  async waitAsync(): Promise<void> {
    if (!(await this.bus.waitInterruptAsync(ANSWER_TIMEOUT_MS))) this.#lost();
    this.#acknowledge();
  }

  #lost(): never {
    const { inFlight } = this.#ring;
    throw new Error(
      `a notification was lost: no interrupt for ${ANSWER_TIMEOUT_MS} ms with ${inFlight} requests in flight, ` +
        `used ones waiting: ${this.#ring.hasUsed()}`,
    );
  }

  #acknowledge(): void {
    const bits = this.bus.read(VIRTIO_MMIO_INTERRUPT_STATUS, 4);
    if (bits !== 0) this.bus.write(VIRTIO_MMIO_INTERRUPT_ACK, 4, bits);
    this.#ring.disableNotifications();
    this.#interrupts++;
  }

  #send(): void {
    const batch = Math.min(1 + this.#next(QUEUE_SIZE), this.#run.requests - this.#sent);
    for (let i = 0; i < batch && this.#free.length > 0; i++) {
      const slot = this.#free[this.#free.length - 1] as Slot;
      const length = 1 + this.#next(MAX_REQUEST_BYTES);
      const elements = this.#elements;
      elements.clear();
      // One, two or three descriptors.
      const cut = this.#next(length);
      if (cut > 0) elements.readableBuffer(slot.request, 0, cut);
      elements.readableBuffer(slot.request, cut, length - cut);
      elements.writableBuffer(slot.answer, 0, length);
      const token = this.#ring.add(elements, this.#next(2) === 0 ? -1 : elements.count);
      if (token < 0) break;
      this.#free.pop();
      slot.lengthBytes = length;
      slot.fill = this.#next(256);
      fill(slot.request, length, slot.fill);
      this.#byToken[token] = slot;
      this.#sent++;
    }
    this.#ring.publish();
    if (this.#ring.shouldNotify()) this.bus.write(VIRTIO_MMIO_QUEUE_NOTIFY, 4, 0);
  }

  #collect(): void {
    for (let token = this.#ring.pollUsed(); token >= 0; token = this.#ring.pollUsed()) {
      const slot = this.#byToken[token];
      if (slot === null || slot === undefined) throw new Error(`token ${token} is not in flight`);
      this.#byToken[token] = null;
      if (this.#ring.lastWritten !== slot.lengthBytes) {
        throw new Error(`${this.#ring.lastWritten} bytes came back, not ${slot.lengthBytes}`);
      }
      check(slot.answer, slot.lengthBytes, slot.fill);
      this.#bytes += slot.lengthBytes;
      this.#received++;
      this.#free.push(slot);
    }
  }

  #next(below: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#random / 4294967296) * below);
  }
}

function fill({ region, offset }: DmaBuffer, length: number, seed: number): void {
  for (let i = 0; i < length; i++) region.u8[offset + i] = (seed + i * 7) & 0xff;
}

function check({ region, offset }: DmaBuffer, length: number, seed: number): void {
  for (let i = 0; i < length; i++) {
    const byte = region.u8[offset + i];
    if (byte !== ((seed + i * 7) & 0xff)) throw new Error(`byte ${i} of ${length} came back as ${byte}`);
  }
}

/** The whole run, blocking. */
export function driveEcho(handle: ChannelHandle, run: EchoRun): EchoDriven {
  const driver = new EchoDriver(handle, run);
  driver.start();
  while (!driver.done) if (driver.turn()) driver.wait();
  driver.bus.close();
  return driver.result();
}

/** The whole run, in a thread that must not block. */
export async function driveEchoAsync(handle: ChannelHandle, run: EchoRun): Promise<EchoDriven> {
  const driver = new EchoDriver(handle, run);
  await driver.bus.connect();
  driver.start();
  while (!driver.done) if (driver.turn()) await driver.waitAsync();
  driver.bus.close();
  return driver.result();
}
