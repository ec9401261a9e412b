import { VirtioUsageError } from "../base/errors.ts";
import {
  COUNT_FROM_0_RULE,
  COUNT_RULE,
  checkArgument,
  checkOptions,
  type OptionRule,
  type OptionRules,
  QUEUE_SIZE_RULE,
  TIMER_MS_RULE,
} from "../base/options.ts";
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FAILED,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
} from "../wire/common.ts";
import { ALLOCATOR_RULE, type GuestAllocator } from "./allocator.ts";
import { DriverQueue, type QueueOwner } from "./driver-queue.ts";
import { DriverError } from "./errors.ts";
import { chooseFeatures, type DriverFeatureRules } from "./features.ts";
import { createDriverRing } from "./rings/create.ts";
import type { DriverRingOptions } from "./rings/driver-ring.ts";
import {
  type AccessWidth,
  type DriverTransport,
  INTERRUPT_CONFIG,
  INTERRUPT_QUEUE,
  type SharedMemoryWindow,
} from "./transports/transport.ts";
import { Waiter, type WaitOptions } from "./waiting.ts";

/** What a driver stands on: memory, and a way to wait. */
export interface DriverPlatform extends WaitOptions {
  readonly allocator: GuestAllocator;
}

const PLATFORM_RULES: OptionRules<DriverPlatform> = {
  allocator: ALLOCATOR_RULE,
  wait: "function",
  maxAttempts: COUNT_RULE,
  timeoutMs: TIMER_MS_RULE,
  pollMs: TIMER_MS_RULE,
};

const TRANSPORT_RULE: OptionRule = {
  like: "a DriverTransport (MmioDriverTransport.open(bus), PciDriverTransport.open(bus))",
  has: ["deviceId", "readStatus", "enableQueue", "notify"],
};

/** A driver as an argument of what drives a certain device type. */
export const VIRTIO_DRIVER_RULE: OptionRule = {
  like: "a VirtioDriver (new VirtioDriver(transport, { allocator }))",
  has: ["transport", "platform", "initialize", "setUpQueue"],
};

/** A queue that a driver wants. */
export interface QueueRequest {
  readonly index: number;
  /** For messages. */
  readonly name: string;
  /** Most entries wanted; fewer when the device has fewer. Default: as many as the device has. */
  readonly size?: number;
  readonly ring?: Pick<DriverRingOptions, "maxIndirectElements" | "excessLength">;
}

/** The part of a {@link QueueRequest} that is an embedder's choice. */
export const QUEUE_CHOICE_RULE: OptionRule = {
  fields: {
    size: QUEUE_SIZE_RULE,
    ring: { fields: { maxIndirectElements: COUNT_FROM_0_RULE, excessLength: { oneOf: ["fault", "clamp"] } } },
  },
};

/** What a driver of a certain device type does during initialization. */
export interface DriverProgram extends DriverFeatureRules {
  /** Virtio device id it can drive. */
  readonly deviceId: number;
  /** Sets up queues and whatever else; between FEATURES_OK and DRIVER_OK. */
  readonly setUp: (driver: VirtioDriver) => void;
}

/** Where a driver stands with its device. */
export type DriverState = "idle" | "negotiating" | "set-up" | "live" | "suspended" | "failed";

const GENERATION_TRIES = 100;
/** How many looks of a wait pass between two looks at the device's status. */
const LOOKS_PER_STATUS = 64;

/**
 * Drives a device through its life: initialization, queues, configuration space, interrupts, suspend, reset (virtio
 * 1.4, chapters 2 and 3). What is specific to a device type stands above, how registers are reached below.
 *
 * @example
 * ```ts
 * const driver = new VirtioDriver(transport, { allocator });
 * driver.initialize({
 *   deviceId: 4,
 *   features: [],
 *   setUp: (driver) => void driver.setUpQueue({ index: 0, name: "requestq" }),
 * });
 * ```
 */
export class VirtioDriver {
  readonly transport: DriverTransport;
  readonly platform: DriverPlatform;
  /** Called after a configuration change notification. */
  onConfigChange: (() => void) | null = null;
  readonly #waiter: Waiter;
  readonly #owner: QueueOwner;
  #state: DriverState = "idle";
  #status = 0;
  #offered: readonly number[] = [];
  #features: ReadonlySet<number> = new Set();
  readonly #queues = new Map<number, DriverQueue>();
  readonly #requests = new Map<number, QueueRequest>();

  constructor(transport: DriverTransport, platform: DriverPlatform) {
    checkOptions("VirtioDriver", platform, PLATFORM_RULES, ["allocator"]);
    checkArgument("VirtioDriver", "transport", transport, TRANSPORT_RULE);
    this.transport = transport;
    this.platform = platform;
    this.#waiter = new Waiter(platform);
    this.#owner = {
      checkLive: () => this.#expect("live"),
      notify: (index, data) => transport.notify(index, data),
      waitSync: (done, what) => this.waitSync(done, what),
      wait: (done, what) => this.wait(done, what),
    };
  }

  get state(): DriverState {
    return this.#state;
  }

  /** Feature bits the device offered, as read during negotiation. */
  get offeredFeatures(): readonly number[] {
    return this.#offered;
  }

  /** Feature bits in force. */
  get features(): ReadonlySet<number> {
    return this.#features;
  }

  /** Whether the feature was negotiated. */
  hasFeature(bit: number): boolean {
    return this.#features.has(bit);
  }

  // Initialization

  /**
   * The whole sequence: reset, negotiation, `program.setUp`, DRIVER_OK. On any failure the device gets FAILED and the
   * error goes on to the caller. [content.driver.device-initialization.1]
   */
  initialize(program: DriverProgram): void {
    if (this.transport.deviceId !== program.deviceId) {
      throw new DriverError("ENODEV", `virtio device ${this.transport.deviceId}, not ${program.deviceId}`);
    }
    try {
      this.reset();
      this.acknowledge();
      this.negotiate(program);
      program.setUp(this);
      this.start();
    } catch (error) {
      this.fail();
      throw error;
    }
  }

  /** Steps 2 and 3: the device was noticed, and there is a driver for it. */
  acknowledge(): void {
    this.#expect("idle");
    // [content.driver.device-status-field.1]
    this.#addStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE);
    this.#addStatus(VIRTIO_CONFIG_S_DRIVER);
    this.#state = "negotiating";
  }

  /**
   * Steps 4 to 6: reads what is offered, accepts what both sides understand. Throws {@link DriverError} ENODEV when
   * the device lacks what is required, or does not agree.
   */
  negotiate(rules: DriverFeatureRules): void {
    this.#expect("negotiating");
    const words = [0, 1, 2, 3].map((word) => this.transport.readDeviceFeatures(word));
    this.#offered = bitsOf(words);
    const accepted = chooseFeatures(this.#offered, rules, {
      unsupported: this.transport.unsupportedFeatures,
      translates: this.platform.allocator.translates,
    });
    for (let word = 0; word < words.length; word++) {
      let value = 0;
      for (const bit of accepted) if (bit >>> 5 === word) value |= 1 << (bit & 31);
      // Words above 63 hold nothing a driver of today accepts; devices need not have registers for them.
      if (word < 2 || value !== 0) this.transport.writeDriverFeatures(word, value >>> 0);
    }
    this.#addStatus(VIRTIO_CONFIG_S_FEATURES_OK);
    if ((this.transport.readStatus() & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {
      throw new DriverError("ENODEV", `the device does not accept the features ${[...accepted].join(", ")}`);
    }
    this.#features = accepted;
    this.transport.negotiated((bit) => accepted.has(bit));
    this.#state = "set-up";
  }

  /**
   * Makes a ring and enables a queue with it. Throws {@link DriverError} ENODEV when the device has no such queue,
   * ENOMEM without memory.
   */
  setUpQueue(request: QueueRequest): DriverQueue {
    if (this.#state !== "live") this.#expect("set-up");
    if (this.#queues.has(request.index)) {
      throw new VirtioUsageError(`queue ${request.index} is set up already`);
    }
    const limit = this.transport.queueMaxSize(request.index);
    if (limit === 0)
      throw new DriverError("ENODEV", `the device has no queue ${request.index} (${request.name})`);
    const packed = this.hasFeature(VIRTIO_F_RING_PACKED);
    let size = Math.min(request.size ?? limit, limit, 32768);
    // [transport-pci.driver.common-configuration-structure-layout.3]
    if (!packed) size = 1 << (31 - Math.clz32(size));
    const ring = createDriverRing(
      {
        ...request.ring,
        format: packed ? "packed" : "split",
        size,
        indirectDesc: this.hasFeature(VIRTIO_F_INDIRECT_DESC),
        eventIdx: this.hasFeature(VIRTIO_F_EVENT_IDX),
        inOrder: this.hasFeature(VIRTIO_F_IN_ORDER),
      },
      { allocator: this.platform.allocator },
    );
    try {
      this.transport.enableQueue(request.index, size, ring.memory);
    } catch (error) {
      ring.release();
      throw error;
    }
    const queue = new DriverQueue(request.index, request.name, ring, this.#owner);
    this.#queues.set(request.index, queue);
    this.#requests.set(request.index, request);
    return queue;
  }

  /** The last step: DRIVER_OK. From now on buffers may be made available. */
  start(): void {
    this.#expect("set-up");
    this.#addStatus(VIRTIO_CONFIG_S_DRIVER_OK);
    this.#state = "live";
  }

  /** Gives up on the device: FAILED. Only {@link reset} leads on from there. [content.driver.device-initialization.4] */
  fail(): void {
    if (this.#state === "failed") return;
    this.#addStatus(VIRTIO_CONFIG_S_FAILED);
    this.#state = "failed";
  }

  /**
   * Resets the device and waits until it has. Rings and indirect tables are freed, what was in flight is lost. Throws
   * {@link DriverError} ETIMEDOUT; nothing is freed then, since the device may still use it.
   * [content.driver.device-reset.1] [content.driver.device-cleanup.2]
   */
  reset(): void {
    this.transport.writeStatus(0);
    this.#waiter.untilSync(() => this.transport.readStatus() === 0, "the device does not finish its reset");
    this.#afterReset();
  }

  /** As {@link reset}, without blocking. */
  async resetAsync(): Promise<void> {
    this.transport.writeStatus(0);
    await this.#waiter.until(() => this.transport.readStatus() === 0, "the device does not finish its reset");
    this.#afterReset();
  }

  #afterReset(): void {
    for (const queue of this.#queues.values()) queue.ring.release();
    this.#queues.clear();
    this.#requests.clear();
    this.#features = new Set();
    this.#status = 0;
    this.#state = "idle";
    this.#waiter.wake();
  }

  // Status

  /** Sets bits of the status field; never clears one. [content.driver.device-status-field.2] */
  #addStatus(bits: number): void {
    this.#status |= bits;
    this.transport.writeStatus(this.#status);
  }

  /** True when the device set DEVICE_NEEDS_RESET. */
  needsReset(): boolean {
    return (this.transport.readStatus() & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0;
  }

  #expect(state: DriverState): void {
    if (this.#state !== state) throw new DriverError("EINVAL", `the driver is ${this.#state}, not ${state}`);
  }

  // Suspend and resume

  /**
   * Suspends the device and waits until it has finished what it held. Until {@link resume} nothing may be made
   * available, notified or configured, which the driver then refuses. Throws {@link DriverError} EOPNOTSUPP without
   * VIRTIO_F_SUSPEND, EIO when the device fails to suspend. [content.driver.device-suspend.1]
   */
  suspend(): void {
    this.#beginSuspend();
    this.#waiter.untilSync(() => this.#hasSettled(true), "the device does not suspend");
  }

  /** As `suspend`, without blocking. */
  async suspendAsync(): Promise<void> {
    this.#beginSuspend();
    await this.#waiter.until(() => this.#hasSettled(true), "the device does not suspend");
  }

  #beginSuspend(): void {
    this.#expect("live");
    if (!this.hasFeature(VIRTIO_F_SUSPEND))
      throw new DriverError("EOPNOTSUPP", "VIRTIO_F_SUSPEND is not negotiated");
    this.#state = "suspended";
    this.transport.writeStatus(this.#status | VIRTIO_CONFIG_S_SUSPEND);
  }

  /** Resumes the device and waits until it runs. [content.driver.device-suspend.6] */
  resume(): void {
    this.#beginResume();
    this.#waiter.untilSync(() => this.#hasSettled(false), "the device does not resume");
    this.#state = "live";
  }

  /** As `resume`, without blocking. */
  async resumeAsync(): Promise<void> {
    this.#beginResume();
    await this.#waiter.until(() => this.#hasSettled(false), "the device does not resume");
    this.#state = "live";
  }

  #beginResume(): void {
    this.#expect("suspended");
    this.transport.writeStatus(this.transport.readStatus() | VIRTIO_CONFIG_S_DRIVER_OK);
  }

  // [content.driver.device-suspend.2]
  #hasSettled(suspended: boolean): boolean {
    const status = this.transport.readStatus();
    if ((status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0)
      throw new DriverError("EIO", "the device needs a reset");
    const wanted = suspended ? VIRTIO_CONFIG_S_SUSPEND : VIRTIO_CONFIG_S_DRIVER_OK;
    return (status & (VIRTIO_CONFIG_S_SUSPEND | VIRTIO_CONFIG_S_DRIVER_OK)) === wanted;
  }

  // Queues

  /** The driver side of a virtqueue. */
  queue(index: number): DriverQueue | null {
    return this.#queues.get(index) ?? null;
  }

  /**
   * Resets one queue, waits until the device has, and frees its ring. `lost` gets the token of every buffer that had
   * not come back. Throws {@link DriverError} EOPNOTSUPP without VIRTIO_F_RING_RESET.
   * [content.driver.virtqueue-reset.1] [content.driver.virtqueue-reset.2]
   */
  resetQueue(index: number, lost?: (token: number) => void): void {
    const queue = this.#beginQueueReset(index);
    this.#waiter.untilSync(
      () => this.transport.queueResetDone(index),
      `queue ${index} does not finish its reset`,
    );
    this.#endQueueReset(queue, lost);
  }

  /** As {@link resetQueue}, without blocking. */
  async resetQueueAsync(index: number, lost?: (token: number) => void): Promise<void> {
    const queue = this.#beginQueueReset(index);
    await this.#waiter.until(
      () => this.transport.queueResetDone(index),
      `queue ${index} does not finish its reset`,
    );
    this.#endQueueReset(queue, lost);
  }

  #beginQueueReset(index: number): DriverQueue {
    this.#expect("live");
    const queue = this.#queues.get(index);
    if (queue === undefined) throw new VirtioUsageError(`queue ${index} is not set up`);
    if (!this.hasFeature(VIRTIO_F_RING_RESET)) {
      throw new DriverError("EOPNOTSUPP", "VIRTIO_F_RING_RESET is not negotiated");
    }
    this.transport.startQueueReset(index);
    return queue;
  }

  #endQueueReset(queue: DriverQueue, lost: ((token: number) => void) | undefined): void {
    if (lost !== undefined) queue.ring.forEachInFlight(lost);
    queue.ring.release();
    this.#queues.delete(queue.index);
  }

  /**
   * Sets up a queue that was reset, as before or with another size. Returns a new `DriverQueue` with a new ring.
   * [content.driver.virtqueue-re-enable.1]
   */
  reEnableQueue(index: number, changes: Partial<Pick<QueueRequest, "size" | "ring">> = {}): DriverQueue {
    this.#expect("live");
    const request = this.#requests.get(index);
    if (request === undefined) throw new VirtioUsageError(`queue ${index} was never set up`);
    return this.setUpQueue({ ...request, ...changes });
  }

  // Configuration space

  /** Reads a byte of the configuration space. */
  readConfig8(offset: number): number {
    return this.transport.readConfig(offset, 1);
  }

  /** Reads 16 bits of the configuration space. */
  readConfig16(offset: number): number {
    return this.transport.readConfig(offset, 2);
  }

  /** Reads 32 bits of the configuration space. */
  readConfig32(offset: number): number {
    return this.transport.readConfig(offset, 4);
  }

  /** Two 32-bit reads under one generation. [content.driver.device-configuration-space.1] */
  readConfig64(offset: number): bigint {
    return this.readConfigTogether(
      () => (BigInt(this.readConfig32(offset + 4)) << 32n) | BigInt(this.readConfig32(offset)),
    );
  }

  /** Repeats `read` until nothing of the configuration space changed meanwhile; throws {@link DriverError} EIO. */
  readConfigTogether<T>(read: () => T): T {
    for (let attempt = 0; attempt < GENERATION_TRIES; attempt++) {
      const before = this.transport.configGeneration();
      const value = read();
      if (this.transport.configGeneration() === before) return value;
    }
    throw new DriverError("EIO", "the configuration space never comes to rest");
  }

  /**
   * Writes a field. Throws {@link DriverError} EINVAL before FEATURES_OK and while suspended.
   * [content.driver.device-initialization.2] [content.driver.device-suspend.5]
   */
  writeConfig(offset: number, widthBytes: AccessWidth, value: number): void {
    if (this.#state !== "live") this.#expect("set-up");
    this.transport.writeConfig(offset, widthBytes, value);
  }

  /** Looks a shared memory region up by its id; null when the device has none. */
  sharedMemory(id: number): SharedMemoryWindow | null {
    return this.transport.sharedMemory(id);
  }

  // Interrupts

  /**
   * To be called when the device's interrupt line is asserted, or with the vector of a message. Spurious calls are
   * harmless. [split-ring.driver.used-buffer-notification-suppression.5] Returns false when this device is not the
   * cause.
   */
  handleInterrupt(vector = -1): boolean {
    let causes = 0;
    if (vector >= 0) {
      if (this.transport.vectorOf(-1) === vector) causes |= INTERRUPT_CONFIG;
      for (const index of this.#queues.keys()) {
        if (this.transport.vectorOf(index) === vector) causes |= INTERRUPT_QUEUE;
      }
    } else {
      causes = this.transport.readInterruptCauses();
      // Acknowledged once noted and before it is acted upon: a cause that comes up again while the handlers run
      // asserts the line anew instead of being lost.
      if (causes !== 0) this.transport.acknowledgeInterrupt(causes);
    }
    if (causes === 0) return false;
    this.#waiter.wake();
    // One interrupt may stand for both. [transport-pci.driver.notification-of-device-configuration-changes.1]
    if ((causes & INTERRUPT_QUEUE) !== 0) {
      // [transport-mmio.driver.notifications-from-the-device.2]
      for (const queue of this.#queues.values()) {
        if (vector < 0 || this.transport.vectorOf(queue.index) === vector) queue.onUsed?.();
      }
    }
    if ((causes & INTERRUPT_CONFIG) !== 0) this.onConfigChange?.();
    return true;
  }

  // Waiting

  /**
   * Looks until `done`; throws {@link DriverError} ETIMEDOUT after a bounded number of looks, EIO when the device
   * needs a reset, since nothing it held can be relied on then. [content.driver.device-status-field.4]
   */
  waitSync(done: () => boolean, what: string): void {
    let looks = 0;
    this.#waiter.untilSync(() => done() || this.#stillHealthy(++looks), what);
  }

  /** As {@link waitSync}, without blocking. */
  wait(done: () => boolean, what: string): Promise<void> {
    let looks = 0;
    return this.#waiter.until(() => done() || this.#stillHealthy(++looks), what);
  }

  #stillHealthy(looks: number): false {
    if (this.#state === "idle" || this.#state === "failed") {
      throw new DriverError("ECANCELED", `the driver is ${this.#state}`);
    }
    // Not before the first wait: a device in another thread reads its registers once it is done with its work.
    if (looks % LOOKS_PER_STATUS === 2 && this.needsReset()) {
      throw new DriverError("EIO", "the device needs a reset");
    }
    return false;
  }
}

function bitsOf(words: readonly number[]): number[] {
  const bits: number[] = [];
  for (const [index, word] of words.entries()) {
    for (let bit = 0; bit < 32; bit++) if (((word >>> bit) & 1) !== 0) bits.push(index * 32 + bit);
  }
  return bits;
}
