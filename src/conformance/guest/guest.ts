import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
} from "../../wire/common.ts";
import type { DeviceUnderTest } from "../device-under-test.ts";
import type { DeviceModel, Exchange } from "../models/index.ts";
import { CaseFailure } from "../verdicts.ts";
import { Arena } from "./arena.ts";
import { MmioVirtioRegisters } from "./mmio-registers.ts";
import { PackedRing } from "./packed-ring.ts";
import { PciVirtioRegisters } from "./pci-registers.ts";
import type { InterruptCauses, QueueAddresses, VirtioRegisters } from "./registers.ts";
import type { Element, Placed, PlaceOptions, Ring, Used } from "./ring.ts";
import { SplitRing } from "./split-ring.ts";
import { Timeline, type TimelineWitness } from "./timeline.ts";

/** Words of feature bits that exist: 128 bits. */
const FEATURE_WORDS = 4;
const DEFAULT_QUEUE_SIZE = 16;
/** How often to settle before a device that owes something is said to owe it for good. */
const PATIENCE = 20;

/** A request on its way. */
export interface Request {
  readonly ring: Ring;
  readonly placed: Placed;
  /** Its device-writable elements. */
  readonly writable: readonly Element[];
}

/** What came back. */
export interface Answer {
  /** The used length. */
  readonly lengthBytes: number;
  /** All device-writable bytes, in order. */
  readonly bytes: Uint8Array;
}

/** A way to cut a request into descriptors. */
export interface Layout extends PlaceOptions {
  /** Lengths of the device-readable elements; together the request's length. Default: one. */
  readonly readable?: readonly number[];
  /** Lengths of the device-writable elements. Default: one. */
  readonly writable?: readonly number[];
}

/** What to agree on with the device, and how far to go. */
export interface StartOptions {
  /** Feature bits to accept besides VIRTIO_F_VERSION_1 and, in a packed run, VIRTIO_F_RING_PACKED. */
  readonly features?: readonly number[];
  /** Entries of each queue; less where the device offers less. Default 16. */
  readonly queueSize?: number;
  /** Which queues to set up. Default: all the model has. */
  readonly queues?: readonly number[];
}

/**
 * The guest of one case: drives the device through its registers and rings, in the right order unless the case has it
 * otherwise, and keeps a timeline.
 *
 * @example
 * ```ts
 * const guest = await Guest.arrive(await target.open("rng"), RNG_MODEL, "split");
 * await guest.start();
 * const request = guest.place(guest.ring(0), new Uint8Array(0), 64);
 * await guest.kick(guest.ring(0));
 * ```
 */
export class Guest {
  readonly dut: DeviceUnderTest;
  readonly model: DeviceModel;
  readonly format: "split" | "packed";
  readonly registers: VirtioRegisters;
  readonly arena: Arena;
  readonly timeline: Timeline;
  /** The queues set up so far, by index. */
  readonly rings = new Map<number, Ring>();
  /** What was negotiated. */
  features: ReadonlySet<number> = new Set();

  private constructor(
    dut: DeviceUnderTest,
    model: DeviceModel,
    format: "split" | "packed",
    registers: VirtioRegisters,
    witness: TimelineWitness | null,
  ) {
    this.dut = dut;
    this.model = model;
    this.format = format;
    this.registers = registers;
    this.arena = new Arena(dut.ram);
    this.timeline = new Timeline(witness === null ? undefined : (entry) => witness.event(entry));
  }

  /** Finds the device's registers and resets it. The witness is told of every entry of the timeline. */
  static async arrive(
    dut: DeviceUnderTest,
    model: DeviceModel,
    format: "split" | "packed",
    witness: TimelineWitness | null = null,
  ): Promise<Guest> {
    const registers =
      dut.bus.kind === "mmio"
        ? new MmioVirtioRegisters(dut.bus.mmio)
        : await PciVirtioRegisters.find(dut.bus.pci);
    const guest = new Guest(dut, model, format, registers, witness);
    await guest.reset();
    return guest;
  }

  /** The registers when the device is behind mmio; throws otherwise. */
  get mmio(): MmioVirtioRegisters {
    if (this.registers instanceof MmioVirtioRegisters) return this.registers;
    throw new CaseFailure("the case needs virtio-mmio");
  }

  /** The registers when the device is behind pci; throws otherwise. */
  get pci(): PciVirtioRegisters {
    if (this.registers instanceof PciVirtioRegisters) return this.registers;
    throw new CaseFailure("the case needs virtio-pci");
  }

  /** The queue of this index; it must have been set up. */
  ring(index: number): Ring {
    const ring = this.rings.get(index);
    if (ring === undefined) throw new CaseFailure(`queue ${index} was not set up`);
    return ring;
  }

  /** The queue as a split one; the case needs format `split`. */
  split(index: number): SplitRing {
    const ring = this.ring(index);
    if (ring instanceof SplitRing) return ring;
    throw new CaseFailure("the case needs a split ring");
  }

  /** The queue as a packed one; the case needs format `packed`. */
  packed(index: number): PackedRing {
    const ring = this.ring(index);
    if (ring instanceof PackedRing) return ring;
    throw new CaseFailure("the case needs a packed ring");
  }

  // Life of the device

  /** Resets the device and waits for it to say that it is reset. All queues are gone. */
  async reset(): Promise<void> {
    await this.writeStatus(0);
    for (let turn = 0; (await this.registers.status()) !== 0; turn++) {
      if (turn === PATIENCE) throw new CaseFailure("the device status does not become 0 after a reset");
      await this.dut.settle();
    }
    this.rings.clear();
    this.features = new Set();
    // What was pending before the case is none of its business.
    await this.registers.takeInterrupts();
  }

  /** Writes the device status. */
  async writeStatus(value: number): Promise<void> {
    this.timeline.add("driver", `device status ← 0x${value.toString(16).padStart(2, "0")}`);
    await this.registers.setStatus(value);
  }

  /** Reads the device status. */
  status(): Promise<number> {
    return this.registers.status();
  }

  /** True when the device says DEVICE_NEEDS_RESET. */
  async needsReset(): Promise<boolean> {
    return ((await this.status()) & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0;
  }

  /** The feature bits offered. */
  async offeredFeatures(): Promise<Set<number>> {
    const bits = new Set<number>();
    for (let word = 0; word < FEATURE_WORDS; word++) {
      const value = await this.registers.deviceFeatures(word);
      for (let bit = 0; bit < 32; bit++) if (((value >>> bit) & 1) === 1) bits.add(word * 32 + bit);
    }
    return bits;
  }

  /** ACKNOWLEDGE and DRIVER. */
  async acknowledge(): Promise<void> {
    await this.writeStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE);
    await this.writeStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
  }

  /** Writes exactly these bits as accepted. */
  async acceptFeatures(bits: Iterable<number>): Promise<void> {
    const words = new Array<number>(FEATURE_WORDS).fill(0);
    const accepted = [...bits];
    for (const bit of accepted) words[bit >> 5] = ((words[bit >> 5] ?? 0) | (1 << (bit & 31))) >>> 0;
    // From the highest word down: QEMU's virtio-mmio takes every word from 2 on for word 1.
    for (const [word, value] of [...words.entries()].reverse()) {
      await this.registers.setDriverFeatures(word, value);
    }
    this.timeline.add("driver", `accepts feature bits ${accepted.join(", ")}`);
  }

  /**
   * Everything up to FEATURES_OK; VIRTIO_F_VERSION_1 is accepted, and VIRTIO_F_RING_PACKED in a packed run. Returns
   * whether FEATURES_OK stands.
   */
  async negotiate(features: readonly number[] = []): Promise<boolean> {
    await this.acknowledge();
    const wanted = new Set([VIRTIO_F_VERSION_1, ...features]);
    if (this.format === "packed") wanted.add(VIRTIO_F_RING_PACKED);
    await this.acceptFeatures(wanted);
    const status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
    await this.writeStatus(status);
    const stands = ((await this.status()) & VIRTIO_CONFIG_S_FEATURES_OK) !== 0;
    if (stands) this.features = wanted;
    return stands;
  }

  /** Tells the device of a queue, without enabling it; `addresses` are where it lies, by default memory of its own. */
  async configureQueue(index: number, size = DEFAULT_QUEUE_SIZE, addresses?: QueueAddresses): Promise<Ring> {
    const max = await this.registers.queueSize(index);
    if (max === 0) throw new CaseFailure(`the device has no queue ${index}`);
    const entries = Math.min(size, max);
    const name = this.model.queues[index] ?? `queue ${index}`;
    const ring =
      this.format === "packed"
        ? new PackedRing(this.arena, index, name, entries, addresses)
        : new SplitRing(this.arena, index, name, entries, addresses);
    await this.registers.setQueueSize(index, entries);
    await this.registers.setQueueAddresses(index, ring.addresses);
    this.rings.set(index, ring);
    this.timeline.add(
      "driver",
      `${name}: ${entries} entries at 0x${ring.addresses.descriptors.toString(16)}`,
    );
    return ring;
  }

  /** Allocates a queue and enables it. */
  async addQueue(index: number, size = DEFAULT_QUEUE_SIZE): Promise<Ring> {
    const ring = await this.configureQueue(index, size);
    await this.registers.setQueueEnabled(index, 1);
    return ring;
  }

  /** DRIVER_OK. */
  async driverOk(): Promise<void> {
    await this.writeStatus(
      VIRTIO_CONFIG_S_ACKNOWLEDGE |
        VIRTIO_CONFIG_S_DRIVER |
        VIRTIO_CONFIG_S_FEATURES_OK |
        VIRTIO_CONFIG_S_DRIVER_OK,
    );
  }

  /** From reset to a device that runs. Throws {@link CaseFailure} when the device does not accept the features. */
  async start(options: StartOptions = {}): Promise<void> {
    if (!(await this.negotiate(options.features))) {
      throw new CaseFailure(`the device does not accept feature bits ${(options.features ?? []).join(", ")}`);
    }
    for (const index of options.queues ?? this.model.queues.keys())
      await this.addQueue(index, options.queueSize);
    await this.driverOk();
  }

  // Requests

  /** Places a request, cut as the layout says; the device does not see it before {@link kick}. */
  place(ring: Ring, readable: Uint8Array, writableBytes: number, layout: Layout = {}): Request {
    const elements: Element[] = [];
    let at = 0;
    for (const lengthBytes of layout.readable ?? (readable.length > 0 ? [readable.length] : [])) {
      const address = this.arena.place(readable.subarray(at, at + lengthBytes));
      elements.push({ address, lengthBytes, writable: false });
      at += lengthBytes;
    }
    const writable = (layout.writable ?? (writableBytes > 0 ? [writableBytes] : [])).map((lengthBytes) => ({
      address: this.arena.allocate(lengthBytes),
      lengthBytes,
      writable: true,
    }));
    elements.push(...writable);
    return this.placeElements(ring, elements, layout);
  }

  /** Places a chain of elements as they are. */
  placeElements(ring: Ring, elements: readonly Element[], options: PlaceOptions = {}): Request {
    const placed = ring.place(elements, options);
    const lengths = elements.map((e) => `${e.lengthBytes}${e.writable ? " writable" : ""}`).join(" + ");
    const how = options.indirectFrom === undefined ? "" : ", indirect";
    this.timeline.add("driver", `${ring.name}: id ${placed.id}, ${lengths} bytes${how}`);
    return { ring, placed, writable: elements.filter((element) => element.writable) };
  }

  /** Makes what was placed available and notifies the device. */
  async kick(ring: Ring): Promise<void> {
    ring.publish();
    await this.notify(ring);
  }

  /** An available-buffer notification, as negotiated. */
  async notify(ring: Ring): Promise<void> {
    this.timeline.add("driver", `${ring.name}: available-buffer notification`);
    const data = this.features.has(VIRTIO_F_NOTIFICATION_DATA) ? ring.notificationData() : undefined;
    await this.registers.notify(ring.index, data);
  }

  /** The next buffer the device returns; null when it returns none however long one waits. */
  async used(ring: Ring): Promise<Used | null> {
    for (let turn = 0; ; turn++) {
      const used = ring.takeUsed();
      if (used !== null) {
        this.timeline.add("device", `${ring.name}: used id ${used.id}, ${used.lengthBytes} bytes`);
        return used;
      }
      if (turn === PATIENCE) return null;
      await this.dut.settle();
    }
  }

  /** Waits for the device to do what it will; then says whether it returned a buffer. */
  async returnedNothing(ring: Ring): Promise<boolean> {
    await this.dut.settle();
    const used = ring.takeUsed();
    if (used !== null) {
      this.timeline.add("device", `${ring.name}: used id ${used.id}, ${used.lengthBytes} bytes`);
    }
    return used === null;
  }

  /** Waits for a request to come back, which must be the next one to do so. Throws {@link CaseFailure} if not. */
  async answer(request: Request): Promise<Answer> {
    const used = await this.used(request.ring);
    if (used === null) throw new CaseFailure(`${request.ring.name}: the device does not return the buffer`);
    if (used.id !== request.placed.id) {
      throw new CaseFailure(
        `${request.ring.name}: the device returned id ${used.id}, not ${request.placed.id}`,
      );
    }
    return { lengthBytes: used.lengthBytes, bytes: this.writtenBytes(request) };
  }

  /** All device-writable bytes of a request as they are now. */
  writtenBytes({ writable }: Pick<Request, "writable">): Uint8Array {
    const parts = writable.map((e) => this.arena.ram.read(Number(e.address), e.lengthBytes));
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Sends a request and waits for its answer. */
  async exchange(
    queue: number,
    readable: Uint8Array,
    writableBytes: number,
    layout?: Layout,
  ): Promise<Answer> {
    const ring = this.ring(queue);
    const request = this.place(ring, readable, writableBytes, layout);
    await this.kick(ring);
    return this.answer(request);
  }

  /**
   * Sends the model's probe; returns what is wrong with the answer, null when nothing is. With `onOther`, buffers that
   * come back before it are none of its business and go there.
   */
  async probe(queue = 0, layout?: Layout, onOther?: (used: Used) => void): Promise<string | null> {
    const probe: Exchange = this.model.probe(queue);
    const ring = this.ring(queue);
    const request = this.place(ring, probe.readable, probe.writableBytes, layout);
    await this.kick(ring);
    let used = await this.used(ring);
    // The ring holds no more than that: a device that returns others for ever is not waited for.
    for (let others = 1; onOther !== undefined && used !== null && used.id !== request.placed.id; others++) {
      if (others >= ring.size) return `the device returned ${others} others, and the ring holds ${ring.size}`;
      onOther(used);
      used = await this.used(ring);
    }
    if (used === null) return "the device does not return the buffer";
    if (used.id !== request.placed.id) return `the device returned id ${used.id}, not ${request.placed.id}`;
    return probe.check(this.writtenBytes(request), used.lengthBytes);
  }

  /** True when indirect descriptors were negotiated. */
  get hasIndirect(): boolean {
    return this.features.has(VIRTIO_F_INDIRECT_DESC);
  }

  // Interrupts

  /** Lets the device settle, then reads and acknowledges why it interrupts. Not for use with MSI-X. */
  async takeInterrupts(): Promise<InterruptCauses> {
    await this.dut.settle();
    const causes = await this.registers.takeInterrupts();
    if (causes.queue) this.timeline.add("device", "used-buffer notification");
    if (causes.config) this.timeline.add("device", "configuration change notification");
    return causes;
  }
}
