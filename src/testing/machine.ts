import { VirtioUsageError } from "../base/errors.ts";
import {
  COUNT_FROM_0_RULE,
  checkArgument,
  checkOptions,
  type OptionRules,
  withDefaults,
} from "../base/options.ts";
import type { DeviceType, RequestDeviceType, VirtioDevice } from "../device/index.ts";
import { type DmaBuffer, type DriverQueue, ElementList, type VirtioDriver } from "../driver/index.ts";
import type { GuestMemory } from "../memory/index.ts";
import { VIRTIO_F_RING_PACKED } from "../wire/common.ts";
import { settle } from "./device-rig.ts";
import { DRIVEN_RULES, type Driven, type DrivenOptions, drive } from "./driven-device.ts";
import { SteppedScheduler } from "./stepped-scheduler.ts";

declare function setTimeout(task: () => void, milliseconds: number): unknown;

const DEFAULT_TIMEOUT_MS = 5000;

/** Choices for a {@link TestMachine}. */
export interface TestMachineOptions extends Omit<DrivenOptions, "transport"> {
  /** Default mmio. */
  readonly transport?: DrivenOptions["transport"];
  /** Which rings the driver asks for. Default split. */
  readonly format?: "split" | "packed";
  /** Feature bits of the device type that the driver accepts. Default all that are offered. */
  readonly features?: readonly number[];
  /** Real time that a request may take, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

const MACHINE_RULES: OptionRules<TestMachineOptions> = {
  ...DRIVEN_RULES,
  format: { oneOf: ["split", "packed"] },
  features: { each: [0, 127] },
  timeoutMs: COUNT_FROM_0_RULE,
};

/** What came back of a request. */
export interface Answer {
  /** The device-writable bytes, all of them. What the device did not write is 0xa5. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The used length: how many the device says it wrote. */
  readonly written: number;
}

/** A request that was sent. */
interface Pending {
  readonly elements: ElementList;
  readonly readable: DmaBuffer | null;
  readonly writable: DmaBuffer | null;
  answer: Answer | null;
}

/** What buffers hold before the device writes: anything but zeros. */
const FILLER = 0xa5;

/**
 * A whole machine around a device type: guest memory, a transport, and a driver that has brought the device up and takes
 * requests as raw bytes. The device's turns of the event loop are taken while somebody waits for an answer, or one by one
 * with `scheduler`.
 *
 * @example
 * ```ts
 * const machine = TestMachine.start(new RngDevice(), { transport: "pci", format: "packed" });
 * const { bytes, written } = await machine.request(0, new Uint8Array(0), 16);
 * ```
 */
export class TestMachine {
  readonly memory: GuestMemory;
  readonly device: VirtioDevice;
  readonly driver: VirtioDriver;
  /** What the device put off to later turns. */
  readonly scheduler: SteppedScheduler;
  /** Registers and transports, for tests that look closer. */
  readonly driven: Driven;
  readonly #timeoutMs: number;
  readonly #pending: Map<number, Pending>[];

  private constructor(driven: Driven, scheduler: SteppedScheduler, timeoutMs: number) {
    this.driven = driven;
    this.memory = driven.memory;
    this.device = driven.device;
    this.driver = driven.driver;
    this.scheduler = scheduler;
    this.#timeoutMs = timeoutMs;
    this.#pending = Array.from({ length: this.device.queueCount }, () => new Map<number, Pending>());
  }

  /** Builds the machine and takes the device to DRIVER_OK. Throws `DriverError` when it does not get there. */
  static start(type: DeviceType | RequestDeviceType, options: TestMachineOptions = {}): TestMachine {
    checkOptions("TestMachine", options, MACHINE_RULES);
    const {
      transport = "mmio",
      format = "split",
      features,
      timeoutMs = DEFAULT_TIMEOUT_MS,
      ...rest
    } = options;
    const scheduler = new SteppedScheduler();
    const driven = drive(type, {
      ...rest,
      transport,
      device: withDefaults({ schedule: scheduler.schedule }, rest.device),
    });
    const { device, driver } = driven;
    driver.initialize({
      deviceId: device.type.deviceId,
      features: features ?? device.type.features,
      dependencies: device.type.featureDependencies,
      refuse: format === "split" ? [VIRTIO_F_RING_PACKED] : [],
      required: format === "packed" ? [VIRTIO_F_RING_PACKED] : [],
      setUp: () => {
        for (const [index, { name }] of device.type.queues.entries()) driver.setUpQueue({ index, name });
      },
    });
    return new TestMachine(driven, scheduler, timeoutMs);
  }

  /**
   * Sends one request and waits for its answer; several may be under way at once. Rejects with `DriverError` when the
   * queue is full, and with an `Error` when no answer comes, or the device needs a reset.
   */
  async request(queue: number, readable: Uint8Array, writableBytes: number): Promise<Answer> {
    const pending = this.send(queue, readable, writableBytes);
    const deadline = Date.now() + this.#timeoutMs;
    for (;;) {
      this.#collect(queue);
      if (pending.answer !== null) return pending.answer;
      if (this.scheduler.step()) continue;
      await settle();
      this.#collect(queue);
      if (pending.answer !== null || this.scheduler.tasks.length > 0) continue;
      if (this.driver.needsReset()) throw new Error(`queue ${queue}: the device says DEVICE_NEEDS_RESET`);
      if (Date.now() > deadline) throw new Error(`queue ${queue}: no answer in ${this.#timeoutMs} ms`);
      // Files and sockets settle in turns of the real event loop.
      await new Promise<void>((resolve) => void setTimeout(resolve, 0));
    }
  }

  /**
   * Sends one request and does not wait: its `answer` is null until the device gave it back and somebody looked, with
   * {@link look} or by waiting for a request of the same queue.
   */
  send(queue: number, readable: Uint8Array, writableBytes: number): { readonly answer: Answer | null } {
    checkArgument("TestMachine", "readable", readable, "bytes");
    checkArgument("TestMachine", "writableBytes", writableBytes, COUNT_FROM_0_RULE);
    const target = this.#queue(queue);
    const { allocator } = this.driven;
    const elements = new ElementList();
    const request = readable.length === 0 ? null : allocator.allocate(readable.length);
    const reply = writableBytes === 0 ? null : allocator.allocate(writableBytes);
    if (request !== null) {
      request.region.u8.set(readable, request.offset);
      elements.readableBuffer(request, 0, readable.length);
    }
    if (reply !== null) {
      reply.region.u8.fill(FILLER, reply.offset, reply.offset + writableBytes);
      elements.writableBuffer(reply, 0, writableBytes);
    }
    const pending: Pending = { elements, readable: request, writable: reply, answer: null };
    const token = target.add(elements);
    if (token < 0) throw new VirtioUsageError(`queue ${queue} is full: wait for an answer first`);
    this.#pending[queue]?.set(token, pending);
    target.kick();
    return pending;
  }

  /** Takes what the device gave back on a queue. */
  look(queue: number): void {
    this.#collect(queue);
  }

  #collect(index: number): void {
    const queue = this.#queue(index);
    for (let token = queue.pollUsed(); token >= 0; token = queue.pollUsed()) {
      const pending = this.#pending[index]?.get(token);
      if (pending === undefined) throw new Error(`queue ${index}: a buffer came back that was never sent`);
      this.#pending[index]?.delete(token);
      const { readable, writable } = pending;
      const bytes =
        writable === null
          ? new Uint8Array(0)
          : new Uint8Array(writable.region.u8.slice(writable.offset, writable.offset + writable.lengthBytes));
      pending.answer = {
        bytes: bytes.slice(0, pending.elements.writableBytes),
        written: queue.ring.lastWritten,
      };
      if (readable !== null) this.driven.allocator.free(readable);
      if (writable !== null) this.driven.allocator.free(writable);
    }
  }

  #queue(index: number): DriverQueue {
    const queue = this.driver.queue(index);
    if (queue !== null) return queue;
    throw new VirtioUsageError(`there is no queue ${index}; the device has ${this.device.queueCount}`);
  }
}
