import {
  COUNT_RULE,
  checkArgument,
  checkOptions,
  type OptionRules,
  QUEUE_SIZE_RULE,
  withDefaults,
} from "../base/options.ts";
// A device behind no transport, driven by rings written by hand: the smallest driver that can tell a device what to
// do. Nothing of src/driver and src/wire is in it, so that a wrong constant there does not cancel out.
import type { DeviceType, RequestDeviceType, TransportHooks, VirtioDeviceOptions } from "../device/index.ts";
import { VirtioDevice } from "../device/index.ts";
import { GUEST_MEMORY_RULE } from "../memory/guest-memory.ts";
import { GuestMemory } from "../memory/index.ts";
import { INDIRECT, NEXT, RawSplitRing, WRITE, writeSplitDescriptor } from "./raw-ring.ts";

/** Bits of the device status field (virtio 1.4, section 2.1). */
export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const NEEDS_RESET = 64;

const VERSION_1 = 32;
const INDIRECT_DESC = 28;
const RING_RESET = 40;

/** Choices for a {@link DeviceRig}. */
export interface RigOptions {
  /** Device-specific feature bits to accept. Default: all that are offered below 24. */
  readonly features?: readonly number[];
  /** Feature bits from 24 on to accept besides VERSION_1, INDIRECT_DESC and RING_RESET. */
  readonly ringFeatures?: readonly number[];
  /** Send every chain as one indirect descriptor. */
  readonly indirect?: boolean;
  readonly memoryBytes?: number;
  readonly memory?: GuestMemory;
  readonly device?: Partial<VirtioDeviceOptions>;
  /** Do not go through initialisation. */
  readonly idle?: boolean;
  readonly queueSize?: number;
}

const RIG_RULES: OptionRules<RigOptions> = {
  features: { each: [0, 127] },
  ringFeatures: { each: [0, 127] },
  indirect: "boolean",
  memoryBytes: COUNT_RULE,
  memory: GUEST_MEMORY_RULE,
  device: "object",
  idle: "boolean",
  queueSize: QUEUE_SIZE_RULE,
};

/** A chain that was sent. */
export interface Sent {
  readonly head: number;
  readonly queue: number;
  /** Address and length of each device-writable buffer. */
  readonly writable: readonly { readonly address: number; readonly length: number }[];
  readonly descriptors: readonly number[];
  /** Used length, -1 while the device has it. */
  written: number;
}

const RING_SPACE = 0x4000;
/** What response buffers hold before the device writes: anything but zeros. */
export const FILLER = 0xa5;

/**
 * A device and split rings written by hand, without a transport and without a driver in between: for tests of a device
 * type that decide every byte themselves. Nothing happens by itself; what the device puts off is in {@link scheduled}.
 *
 * @example
 * ```ts
 * const rig = new DeviceRig(new RngDevice());
 * const sent = rig.offer(0, [], [16]); // queue 0, nothing to read, 16 bytes to write
 * rig.notify(0);
 * assert.equal(sent.written, 16);
 * ```
 */
export class DeviceRig {
  readonly memory: GuestMemory;
  readonly device: VirtioDevice;
  readonly rings: RawSplitRing[] = [];
  readonly interrupts: number[];
  configInterrupts = 0;
  resets = 0;
  /** Called when the device wants to interrupt the driver because of a queue. */
  onQueueInterrupt: ((index: number) => void) | null = null;
  /** What the device has put off to its next turns, in order. */
  readonly scheduled: (() => void)[] = [];
  readonly #options: RigOptions;
  readonly #free: number[][] = [];
  readonly #seen: number[] = [];
  readonly #sent: Map<number, Sent>[] = [];
  #next = 0x40000;

  constructor(type: DeviceType | RequestDeviceType, options: RigOptions = {}) {
    checkOptions("DeviceRig", options, RIG_RULES);
    this.#options = options;
    this.memory =
      options.memory ??
      new GuestMemory([{ base: 0, memory: new ArrayBuffer(options.memoryBytes ?? 32 << 20) }]);
    const own = { memory: this.memory, schedule: (task: () => void) => this.scheduled.push(task) };
    this.device = new VirtioDevice(type, withDefaults<VirtioDeviceOptions>(own, options.device));
    this.interrupts = type.queues.map(() => 0);
    const hooks: TransportHooks = {
      queueInterrupt: (index) => {
        this.interrupts[index] = (this.interrupts[index] as number) + 1;
        this.onQueueInterrupt?.(index);
      },
      configInterrupt: () => this.configInterrupts++,
      deviceReset: () => this.resets++,
    };
    this.device.connect(hooks);
    if (options.idle !== true) this.initialize();
  }

  /** Takes the device from reset to DRIVER_OK with all queues enabled. */
  initialize(): void {
    const { device } = this;
    device.writeStatus(ACKNOWLEDGE);
    device.writeStatus(ACKNOWLEDGE | DRIVER);
    const offered = device.offeredFeatures;
    const wanted = this.#options.features ?? offered.filter((bit) => bit < 24);
    const bits = [...wanted, VERSION_1, INDIRECT_DESC, RING_RESET, ...(this.#options.ringFeatures ?? [])];
    const words = [0, 0];
    for (const bit of bits) words[bit >> 5] = ((words[bit >> 5] as number) | (1 << (bit & 31))) >>> 0;
    for (const [i, word] of words.entries()) device.writeDriverFeatureWord(i, word);
    device.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if ((device.status & FEATURES_OK) === 0) throw new Error("the device refused the features");
    for (let i = 0; i < device.queueCount; i++) this.enableQueue(i);
    device.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  }

  /** Sets up a queue in memory of its own, and enables it. */
  enableQueue(index: number): void {
    const size = Math.min(this.#options.queueSize ?? 64, this.device.queueMaxSize(index));
    const base = 0x1000 + index * RING_SPACE;
    this.memory.view(base, RING_SPACE).fill(0);
    const ring = new RawSplitRing(this.memory, base, size);
    this.rings[index] = ring;
    this.#free[index] = Array.from({ length: size }, (_, i) => size - 1 - i);
    this.#seen[index] = 0;
    this.#sent[index] = new Map();
    this.device.writeQueueConfig(index, ring.config());
    this.device.enableQueue(index);
  }

  /** Goes on with the rings of another rig whose memory was copied. */
  takeOver(index: number, before: DeviceRig): void {
    this.#free[index] = [...(before.#free[index] as number[])];
    this.#seen[index] = before.#seen[index] as number;
    this.#sent[index] = new Map();
    this.#next = Math.max(this.#next, before.#next);
  }

  /** Guest memory that nothing else uses; never given back. */
  allocate(length: number, alignment = 16): number {
    const address = Math.ceil(this.#next / alignment) * alignment;
    this.#next = address + length;
    return address;
  }

  /** Guest memory with these bytes in it. */
  place(bytes: ArrayLike<number>, alignment = 16): number {
    const address = this.allocate(Math.max(1, bytes.length), alignment);
    this.memory.write(address, bytes);
    return address;
  }

  /** Puts a chain into the available ring without telling the device. */
  offer(
    queue: number,
    readable: readonly Uint8Array[],
    writableLengths: readonly number[],
    indirect = this.#options.indirect === true,
  ): Sent {
    checkArgument("DeviceRig.offer", "queue", queue, [0, this.device.queueCount - 1]);
    const buffers = readable.map((bytes) => ({ address: this.place(bytes), length: bytes.length, flags: 0 }));
    const writable = writableLengths.map((length) => {
      const address = this.allocate(Math.max(1, length));
      this.memory.view(address, length).fill(FILLER);
      return { address, length };
    });
    for (const { address, length } of writable) buffers.push({ address, length, flags: WRITE });
    return this.offerBuffers(queue, buffers, writable, indirect);
  }

  /** The same with buffers that are in place already. */
  offerBuffers(
    queue: number,
    buffers: readonly { address: number; length: number; flags: number }[],
    writable: Sent["writable"],
    indirect = this.#options.indirect === true,
  ): Sent {
    const ring = this.rings[queue] as RawSplitRing;
    const free = this.#free[queue] as number[];
    const descriptors: number[] = [];
    const take = (): number => {
      const index = free.pop();
      if (index === undefined) throw new Error("no free descriptor");
      descriptors.push(index);
      return index;
    };
    if (indirect) {
      const table = this.allocate(16 * buffers.length);
      for (const [i, { address, length, flags }] of buffers.entries()) {
        const next = i + 1 < buffers.length ? NEXT : 0;
        writeSplitDescriptor(this.memory, table + 16 * i, {
          addr: address,
          len: length,
          flags: flags | next,
          next: next === 0 ? 0 : i + 1,
        });
      }
      ring.descriptor(take(), { addr: table, len: 16 * buffers.length, flags: INDIRECT });
    } else {
      const indexes = buffers.map(take);
      for (const [i, { address, length, flags }] of buffers.entries()) {
        const last = i + 1 === buffers.length;
        ring.descriptor(indexes[i] as number, {
          addr: address,
          len: length,
          flags: flags | (last ? 0 : NEXT),
          next: last ? 0 : (indexes[i + 1] as number),
        });
      }
    }
    const sent: Sent = { head: descriptors[0] as number, queue, writable, descriptors, written: -1 };
    (this.#sent[queue] as Map<number, Sent>).set(sent.head, sent);
    ring.offer(sent.head);
    return sent;
  }

  /** Tells the device that there is something in the ring, and collects what it used. */
  notify(queue: number): void {
    this.device.notify(queue);
    this.collect(queue);
  }

  /** Takes used elements out of the ring; returns the chains in the order in which they were used. */
  collect(queue: number): Sent[] {
    const ring = this.rings[queue] as RawSplitRing;
    const done: Sent[] = [];
    while (this.#seen[queue] !== ring.usedIdx) {
      const { id, len } = ring.usedElement(this.#seen[queue] as number);
      this.#seen[queue] = ((this.#seen[queue] as number) + 1) & 0xffff;
      const sent = (this.#sent[queue] as Map<number, Sent>).get(id);
      if (sent === undefined) throw new Error(`the device used ${id}, which it was never given`);
      (this.#sent[queue] as Map<number, Sent>).delete(id);
      sent.written = len;
      (this.#free[queue] as number[]).push(...sent.descriptors);
      done.push(sent);
    }
    return done;
  }

  /** What is in the device-writable buffers of a chain, one after the other. */
  response(sent: Sent): Uint8Array<ArrayBuffer> {
    const total = sent.writable.reduce((sum, { length }) => sum + length, 0);
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const { address, length } of sent.writable) {
      bytes.set(this.memory.read(address, length), at);
      at += length;
    }
    return bytes;
  }

  /** Sends one chain and waits until promises of the device have settled. */
  async exchange(
    queue: number,
    readable: readonly Uint8Array[],
    writableLengths: readonly number[],
  ): Promise<{ sent: Sent; bytes: Uint8Array<ArrayBuffer> }> {
    const sent = this.offer(queue, readable, writableLengths);
    this.notify(queue);
    for (let i = 0; i < 20 && sent.written < 0; i++) {
      await Promise.resolve();
      this.collect(queue);
    }
    return { sent, bytes: this.response(sent) };
  }
}

/**
 * Lets every promise that is ready settle.
 *
 * @example
 * ```ts
 * finishBackEnd();
 * await settle(); // now the device has answered
 * ```
 */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
