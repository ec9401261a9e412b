import { VirtioUsageError } from "../base/errors.ts";
import { checkArgument, checkOptions } from "../base/options.ts";
import { guardTrace, type TraceSink } from "../base/trace.ts";
import type { WorkBudget } from "../base/work-budget.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import type { QueueConfig } from "../virtqueue/config.ts";
import type { DeviceQueue } from "../virtqueue/device-queue.ts";
import type { QueueFault } from "../virtqueue/fault.ts";
import {
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FAILED,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from "../wire/common.ts";
import { type CompleteDeviceType, completeDeviceType } from "./complete-type.ts";
import { ConfigSpace } from "./config-space.ts";
import { HostOfType } from "./device-host.ts";
import {
  type DeviceCounters,
  newCounters,
  type TransportHooks,
  VIRTIO_DEVICE_RULES,
  type VirtioDeviceOptions,
} from "./device-options.ts";
import type { DeviceHost, DeviceType, PreparedRestore, RequestDeviceType } from "./device-type.ts";
import { DmaSpaces } from "./dma-spaces.ts";
import { Negotiation } from "./negotiation.ts";
import { DEVICE_POLICIES, type DevicePolicy, type Profile, policyOf } from "./policy.ts";
import { queueOptions, usableSize } from "./queue-options.ts";
import { type QueueOwner, QueueSet } from "./queue-set.ts";
import {
  type PreparedDevice,
  prepareDevice,
  type StatefulDevice,
  saveDevice,
} from "./state/device-states.ts";
import type { SavedDevice } from "./state/saved-state.ts";
import { TypeBorder } from "./type-border.ts";
import { budgetOf } from "./work.ts";

const S_SETTABLE = 0xff & ~VIRTIO_CONFIG_S_NEEDS_RESET;

/**
 * A virtio device without its transport: status machine, feature negotiation, queue set-up, configuration space,
 * notifications, reset, suspend, save and restore (virtio 1.4, chapters 2 and 3). A transport translates registers
 * into calls of this class; a {@link DeviceType} gives it its purpose.
 *
 * @example
 * ```ts
 * const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
 * const device = new VirtioDevice(new RngDevice(), { memory });
 * const transport = new MmioTransport(device, { onInterrupt: (asserted) => {} });
 * ```
 */
export class VirtioDevice {
  /** Its purpose, with the defaults of all that was left out. */
  readonly type: CompleteDeviceType;
  readonly memory: GuestMemory;
  readonly profile: Profile;
  readonly counters: DeviceCounters = newCounters();

  readonly #options: VirtioDeviceOptions;
  readonly #policy: DevicePolicy;
  readonly #trace: TraceSink | null;
  readonly #budget: WorkBudget;
  readonly #spaces: DmaSpaces;
  readonly #features: Negotiation;
  readonly #queues: QueueSet;
  readonly #config: ConfigSpace;
  readonly #border: TypeBorder;
  #status = 0;
  #hooks: TransportHooks | null = null;

  #suspending = false;
  #suspended = false;
  #configInterruptDue = false;
  /** While a saved state is taken over, nobody is notified. */
  #restoring = false;

  /**
   * Throws {@link VirtioUsageError} that names what the type lacks, or which option is wrong. A type belongs to one device.
   */
  constructor(type: DeviceType | RequestDeviceType, options: VirtioDeviceOptions) {
    checkOptions("VirtioDevice", options, VIRTIO_DEVICE_RULES, ["memory"]);
    this.type = completeDeviceType(type);
    this.memory = options.memory;
    this.profile = options.profile ?? "spec";
    this.#options = options;
    this.#policy = policyOf(DEVICE_POLICIES, this.profile);
    this.#trace = options.trace === undefined ? null : guardTrace(options.trace, () => this.#queues.enter());
    this.#budget = budgetOf(options);
    this.#spaces = new DmaSpaces(options.memory, options.translator);
    const ringFeatures = options.ringFeatures ?? this.#policy.ringFeatures;
    this.#features = Negotiation.begin(this.type, ringFeatures, this.#spaces.translates);
    this.#border = new TypeBorder(this.type, this.counters, {
      emit: (kind, detail) => this.#emit(kind, detail),
      needsReset: (reason) => this.#needsReset(reason),
    });
    this.#queues = new QueueSet(this.#makeQueueOwner());
    this.#config = new ConfigSpace(this.type, this.#border);
    this.#border.attach(this.#makeHost());
  }

  #makeHost(): DeviceHost {
    return new HostOfType(
      {
        memory: this.memory,
        trace: this.#trace,
        budget: this.#budget,
        hasFeature: (bit) => this.hasFeature(bit),
        sync: () => this.#queues.enter(),
        flush: (index) => this.#queues.flush(this.#queues.named("host.flush", index)),
        kick: (index) => this.#queues.drain(this.#queues.named("host.kick", index)),
        changeConfig: (change) => this.#changeConfig(change),
        needsReset: (reason) => this.#needsReset(reason),
      },
      () => this.dma,
    );
  }

  #makeQueueOwner(): QueueOwner {
    return {
      type: this.type,
      border: this.#border,
      memory: this.memory,
      dma: () => this.dma,
      running: () => this.#running,
      format: () => (this.hasFeature(VIRTIO_F_RING_PACKED) ? "packed" : "split"),
      policy: this.#policy,
      queueOptions: () =>
        queueOptions((bit) => this.hasFeature(bit), this.#policy, this.#options, this.#budget),
      usedBuffers: (index) => this.#queueInterrupt(index),
      queueFaulted: (index, fault) => this.#queueFaulted(index, fault),
      progressed: () => {
        if (this.#suspending) this.#checkSuspended();
      },
      tooEarly: (index) => this.#tooEarly(index),
      budget: this.#budget,
    };
  }

  /**
   * Connects the transport. `unsupportedFeatures` are bits the transport can't carry; they are no longer offered.
   * A `transitional` device takes legacy drivers too, see {@link legacyDriver}. Throws {@link VirtioUsageError} when there is a transport already.
   */
  connect(hooks: TransportHooks, unsupportedFeatures: readonly number[] = [], transitional = false): void {
    if (this.#hooks !== null) throw new VirtioUsageError("the device already has a transport");
    this.#hooks = hooks;
    for (const bit of unsupportedFeatures) this.#features.offered.delete(bit);
    if (transitional) this.#features.takeLegacyDrivers();
  }

  /** Memory as the device sees it with what is negotiated now. */
  get dma(): DmaSpace {
    return this.#spaces.for(this.hasFeature(VIRTIO_F_ACCESS_PLATFORM));
  }

  // Features

  /** The bits offered. */
  get offeredFeatures(): readonly number[] {
    return this.#features.offered.bits();
  }

  /**
   * True when the device is transitional and its driver did not acknowledge VIRTIO_F_VERSION_1: one from before
   * virtio 1.0. What it accepts is in force without FEATURES_OK, and it uses queues as soon as they are set up, before
   * DRIVER_OK. A driver that has not negotiated features yet counts as one, too.
   */
  get legacyDriver(): boolean {
    return this.#features.legacyDriver;
  }

  /** True when the driver accepted the bit and the device agreed (FEATURES_OK). A legacy driver's need no agreement. */
  hasFeature(bit: number): boolean {
    return this.#features.has(bit);
  }

  /** Offered feature bits of word `index`; 0 for any word beyond. [transport-pci.device.common-configuration-structure-layout.3] */
  deviceFeatureWord(index: number): number {
    return this.#features.offered.word(index);
  }

  /** What the driver wrote, including bits it should not have. */
  driverFeatureWord(index: number): number {
    return this.#features.accepted.word(index);
  }

  /**
   * The driver accepts features; only before FEATURES_OK, a legacy driver before it uses the device. Where the status
   * is as written, so are they, and FEATURES_OK takes them over.
   */
  writeDriverFeatureWord(index: number, value: number): void {
    const agreed = (this.#status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0;
    const settled = agreed || (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 || this.#queues.anyLive;
    const free = this.#policy.statusBits === "as-written" && !this.#features.transitional;
    if (settled && !free) {
      this.ignored("driver-features-after-features-ok", index);
      return;
    }
    const { words } = this.#features.accepted;
    if (index < words.length) words[index] = value >>> 0;
    else if (value !== 0) this.ignored("driver-features-beyond-127", index);
    if (free && !agreed && this.#hooks?.featuresAtOnce === true) this.#agree();
  }

  #agree(): void {
    this.#features.agree(this.#policy.hiddenFeatures);
    this.#queues.renegotiated();
  }

  /** Feature bits 0 … 31 offered to a legacy driver; 0 unless the device is transitional. */
  get legacyFeatureWord(): number {
    return this.#features.legacyWord;
  }

  /**
   * The driver does what only a legacy driver does: bits 32 and up count as not acknowledged. False when a driver has
   * negotiated the modern way, or the device is not transitional; then it must not have an effect.
   */
  claimLegacy(): boolean {
    if (!this.#features.transitional) return false;
    // FEATURES_OK alone makes no driver modern: some legacy ones write it, and not every profile takes it back.
    if ((this.#status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) return this.legacyDriver;
    this.#features.forgetHighBits();
    return true;
  }

  // Status

  /** The device status field. */
  get status(): number {
    return this.#status;
  }

  /** The driver reads the status field: work left for later turns goes on, since drivers poll it while they wait. */
  pollStatus(): number {
    if (!this.#queues.anyDraining) this.#budget.takeTurn();
    return this.#status;
  }

  /** The driver writes the status field; 0 resets. */
  writeStatus(value: number): void {
    const wanted = value & S_SETTABLE;
    if ((value & 0xff) === 0) {
      this.reset();
      return;
    }
    if (this.#suspended) {
      // Only DRIVER_OK means anything now: resume.
      if ((wanted & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) this.#resume();
      if ((wanted & VIRTIO_CONFIG_S_FAILED) !== 0) this.#status |= VIRTIO_CONFIG_S_FAILED;
      return;
    }
    if (this.#policy.statusBits === "as-written") {
      this.#takeStatus(value & 0xff & ~VIRTIO_CONFIG_S_SUSPEND);
      if ((wanted & VIRTIO_CONFIG_S_SUSPEND) !== 0) this.#suspend();
      return;
    }
    const old = this.#status;
    // Drivers must not clear bits; a write without them leaves them set. [content.driver.device-status-field.2]
    if ((old & S_SETTABLE & ~wanted) !== 0) this.ignored("status-bits-cleared", value);
    let next = old | (wanted & ~VIRTIO_CONFIG_S_SUSPEND);
    if ((next & ~old & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 && !this.#features.acceptable) {
      if (this.#policy.unacceptableFeatures === "drop") {
        this.#features.dropExcess();
      } else {
        // [content.device.feature-bits.2]
        next &= ~VIRTIO_CONFIG_S_FEATURES_OK;
        this.#emit("features-refused", { features: this.#features.accepted.bits().join(",") });
      }
    }
    const started = next & ~old & VIRTIO_CONFIG_S_DRIVER_OK;
    if (started !== 0 && (next & VIRTIO_CONFIG_S_FEATURES_OK) === 0 && !this.legacyDriver) {
      next &= ~VIRTIO_CONFIG_S_DRIVER_OK;
      this.ignored("driver-ok-without-features-ok", value);
    }
    this.#takeStatus(next);
    if ((wanted & VIRTIO_CONFIG_S_SUSPEND) !== 0) this.#suspend();
  }

  #takeStatus(next: number): void {
    const come = next & ~this.#status;
    this.#status = next;
    if ((come & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) this.#agree();
    if ((come & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) this.#start();
  }

  #start(): void {
    const { resets } = this.counters;
    this.#queues.enter();
    this.#activateQueues();
    // A queue faulted, and the driver reset the device at once, and maybe began anew.
    if (this.counters.resets !== resets) return;
    this.#border.start();
    this.#queues.drainAll();
  }

  #activateQueues(): void {
    if (this.legacyDriver) this.#features.settleLegacy();
    this.#queues.activateEnabled();
  }

  /** Device reset, from any state, with any number of chains in flight. */
  reset(): void {
    this.counters.resets++;
    this.#queues.reset();
    this.#status = 0;
    this.#features.reset();
    this.#suspending = false;
    this.#suspended = false;
    this.#configInterruptDue = false;
    this.#restoring = false;
    this.#config.reset();
    this.#border.reset();
    this.#hooks?.deviceReset();
  }

  #needsReset(reason: string): void {
    this.#emit("needs-reset", { reason });
    if ((this.#status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0) return;
    if (this.#policy.needsReset === "version-1" && !this.hasFeature(VIRTIO_F_VERSION_1)) return;
    this.#status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    // [content.device.device-status-field.3]
    this.#configInterrupt();
  }

  // Suspend

  #suspend(): void {
    // [content.device.device-suspend.1]
    if (!this.hasFeature(VIRTIO_F_SUSPEND) || (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) {
      this.ignored("suspend-without-driver-ok", this.#status);
      return;
    }
    if (this.#suspending) return;
    this.#suspending = true;
    this.#queues.enter();
    this.#border.quiesce();
    this.#checkSuspended();
  }

  #checkSuspended(): void {
    if (!this.#suspending || this.#suspended) return;
    // [content.device.device-suspend.8]
    if (!this.#queues.idle) return;
    this.#suspending = false;
    this.#suspended = true;
    this.#status = (this.#status | VIRTIO_CONFIG_S_SUSPEND) & ~VIRTIO_CONFIG_S_DRIVER_OK;
  }

  #resume(): void {
    this.#suspended = false;
    this.#status = (this.#status | VIRTIO_CONFIG_S_DRIVER_OK) & ~VIRTIO_CONFIG_S_SUSPEND;
    this.#queues.enter();
    // A queue that was enabled meanwhile could not come to life before.
    this.#queues.activateEnabled();
    this.#config.resume();
    // [content.device.device-suspend.5]
    if (this.#configInterruptDue) this.#configInterrupt();
    this.#queues.drainAll();
  }

  // Queues

  /** Number of virtqueues. */
  get queueCount(): number {
    return this.#queues.count;
  }

  /** Largest size of a queue, 0 when there is no such queue. */
  queueMaxSize(index: number): number {
    return usableSize(this.#queues.maxSize(index), this.hasFeature(VIRTIO_F_RING_PACKED));
  }

  /** Largest size that a queue may be given, which a profile may set above what is offered; 0 when there is no such queue. */
  queueSizeLimit(index: number): number {
    return usableSize(this.#queues.sizeLimit(index), this.hasFeature(VIRTIO_F_RING_PACKED));
  }

  /** The registers of a queue; a copy of its configuration is taken at activation. Null: no such queue. */
  queueConfig(index: number): Readonly<QueueConfig> | null {
    return this.#queues.config(index);
  }

  /** Writes registers of a queue; ignored while it is enabled. */
  writeQueueConfig(index: number, fields: Partial<QueueConfig>): void {
    if (!this.#queues.writeConfig(index, fields)) this.ignored("queue-config-while-enabled", index);
  }

  /** Whether the driver enabled the queue; false when there is no such queue. */
  queueEnabled(index: number): boolean {
    return this.#queues.enabled(index);
  }

  /** The live queue, null before it is activated; for tests and diagnosis. */
  activeQueue(index: number): DeviceQueue | null {
    return this.#queues.queue(index);
  }

  /** The driver enables a queue. It comes to life now, or with DRIVER_OK; a legacy driver's with its first notification. */
  enableQueue(index: number): void {
    if (this.#policy.queuesWork === "enabled" && !this.legacyDriver) {
      if (!this.#queues.enable(index, true)) this.ignored("queue-enable-again", index);
      return;
    }
    const negotiated = (this.#status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0 || this.legacyDriver;
    const live = (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0;
    if (!negotiated || !this.#queues.enable(index, live)) this.ignored("queue-enable", index);
  }

  /** The driver disables a queue (virtio-mmio QueueReady = 0, a legacy queue's address 0): its chains are dropped, its registers stay. */
  disableQueue(index: number): void {
    if (this.#queues.enabled(index)) this.#queues.disable(index, false);
  }

  /** Queue reset (virtio 1.4, section 2.6.1); ignored unless VIRTIO_F_RING_RESET is negotiated. */
  resetQueue(index: number): void {
    if (index < this.#queues.count && this.hasFeature(VIRTIO_F_RING_RESET)) this.#queues.disable(index, true);
    else this.ignored("queue-reset", index);
  }

  /** An available-buffer notification. Spurious ones are harmless; for no queue at all it is ignored. */
  notify(index: number): void {
    this.counters.notifications++;
    if (index >>> 0 !== index || index >= this.#queues.count) {
      // What a guest writes is an integer, with a sign in some emulators.
      if (!Number.isInteger(index)) this.#queues.named("notify", index);
      this.ignored("notify-no-such-queue", index);
      return;
    }
    // [content.legacy.legacy-interface-device-initialization.3]
    if ((this.#status & VIRTIO_CONFIG_S_DRIVER_OK) === 0 && this.legacyDriver) {
      this.#queues.enter();
      this.#activateQueues();
    }
    this.#queues.notified(index);
  }

  /** True when queues may be worked on: live, not suspended, not given up. */
  get #running(): boolean {
    const gaveUp = (this.#status & VIRTIO_CONFIG_S_FAILED) !== 0 && this.#policy.failed === "stops";
    return this.#begun && !gaveUp && !this.#suspending && !this.#suspended;
  }

  /** DRIVER_OK, which legacy drivers don't wait for, and which some profiles don't ask for. */
  get #begun(): boolean {
    if (this.#policy.queuesWork === "enabled") return true;
    return (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 || this.legacyDriver;
  }

  /** A driver that forgets DRIVER_OK sees nothing happen, and its author wants to know why. */
  #tooEarly(queue: number): boolean {
    if (this.#begun) return false;
    this.#emit("notified-before-driver-ok", { queue, status: this.#status });
    return true;
  }

  #queueFaulted(index: number, { code, head, value }: QueueFault): void {
    this.counters.queueFaults++;
    this.#emit("queue-fault", { queue: index, code, head, value });
    if (this.#policy.malformedRing === "device") this.#queues.stopAll();
    this.#needsReset(`queue ${index}: ${code} (head ${head}, value ${value})`);
  }

  #queueInterrupt(index: number): void {
    // [content.device.device-status-field.1]
    if (!this.#begun) return;
    this.counters.queueInterrupts++;
    this.#hooks?.queueInterrupt(index);
  }

  // Configuration space

  /** Value describing the version of the configuration space; the transports show as many bits as they have. */
  get configGeneration(): number {
    return this.#config.generation;
  }

  /** Reads 1, 2 or 4 bytes, little-endian; bytes beyond the end read as 0. */
  readConfig(offset: number, widthBytes: number): number {
    return this.#config.read(offset, widthBytes);
  }

  /** The driver writes 1, 2 or 4 bytes; ignored outside of the space and while suspended. */
  writeConfig(offset: number, widthBytes: number, value: number): void {
    if (offset + widthBytes > this.type.configLengthBytes || this.#suspended) {
      this.ignored("config-write", offset);
      return;
    }
    this.#queues.enter();
    this.#border.writeConfig(offset, widthBytes, value);
  }

  #changeConfig(change: () => void): void {
    checkArgument("host.changeConfig", "change", change, "function");
    this.#config.change(change, this.#suspended);
    this.#configInterrupt();
  }

  #configInterrupt(): void {
    if (this.#suspended || this.#restoring) {
      this.#configInterruptDue = true;
      return;
    }
    this.#configInterruptDue = false;
    if ((this.#status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) return;
    this.counters.configInterrupts++;
    this.#hooks?.configInterrupt();
  }

  // Save and restore

  /** Chains taken from queues and not yet returned: while there are any, nothing can be saved. */
  get chainsInFlight(): number {
    return this.#queues.inFlight;
  }

  /**
   * The whole state of the device as one plain object. Throws {@link VirtioUsageError} while chains are in flight:
   * suspend the device or wait until it is idle; and in callbacks between the use of a buffer and its return to the
   * driver. Guest memory is the embedder's to save.
   */
  save(): SavedDevice {
    return saveDevice(this.#stateful, this.#status, this.#suspended);
  }

  /**
   * Takes over a saved state, of this version or an older one; guest memory must be restored already. What the driver
   * can see and is not as it was is announced as a configuration change.
   *
   * The state is checked as a whole first: when it does not fit, {@link VirtioUsageError} names what is wrong, and the
   * device stays as it was. Only a back end that refuses its part of a good state leaves the device reset.
   */
  restore(state: SavedDevice): void {
    this.prepareRestore(state)(null);
  }

  /**
   * For transports: checks a saved state without changing anything. The function returned takes it over, together with
   * the registers of the transport.
   */
  prepareRestore(state: unknown): (registers: PreparedRestore | null) => void {
    const prepared = prepareDevice(this.#stateful, state);
    return (registers) => this.#takeOver(prepared, registers);
  }

  get #stateful(): StatefulDevice {
    return {
      type: this.type,
      policy: this.#policy,
      options: this.#options,
      spaces: this.#spaces,
      budget: this.#budget,
      features: this.#features,
      queues: this.#queues,
      config: this.#config,
    };
  }

  /** First the whole state, then those that have to be notified. */
  #takeOver({ saved, features, live, type }: PreparedDevice, registers: PreparedRestore | null): void {
    this.reset();
    const { resets } = this.counters;
    this.#restoring = true;
    this.#features.adopt(features);
    this.#status = saved.status;
    this.#suspended = saved.suspended;
    // The driver has not heard of it: that waits for the resume.
    this.#configInterruptDue =
      saved.suspended && (saved.shownConfig !== null || (saved.status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0);
    try {
      type.takeOver();
    } catch (error) {
      this.reset();
      throw error;
    }
    this.#queues.restore(saved.queues, live);
    registers?.takeOver();
    if (this.#config.restore(saved)) this.#configInterruptDue = true;
    // From here on a driver or a back end may do anything, even reset the device and begin anew.
    const goesOn = (): boolean => this.counters.resets === resets;
    type.resume?.();
    if (goesOn()) registers?.resume?.();
    if (!goesOn()) return;
    this.#restoring = false;
    if (this.#configInterruptDue && !this.#suspended) this.#configInterrupt();
    if (goesOn()) this.#queues.drainAll();
  }

  // Diagnosis

  /** Counts and traces an access that had no effect; for transports too. */
  ignored(what: string, value: number): void {
    this.counters.ignoredAccesses++;
    this.#emit("register-ignored", { what, value });
  }

  #emit(kind: string, detail: Readonly<Record<string, string | number | boolean>>): void {
    this.#trace?.({ source: this.type.name, kind, detail });
  }
}
