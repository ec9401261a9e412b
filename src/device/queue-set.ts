import { VirtioUsageError } from "../base/errors.ts";
import type { WorkBudget } from "../base/work-budget.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { activateQueue } from "../virtqueue/activate.ts";
import {
  initialQueueConfig,
  MAX_QUEUE_SIZE,
  type QueueConfig,
  type QueueOptions,
} from "../virtqueue/config.ts";
import type { DeviceQueue, QueueProgress } from "../virtqueue/device-queue.ts";
import type { QueueFault } from "../virtqueue/fault.ts";
import type { CompleteDeviceType } from "./complete-type.ts";
import type { QueueDescription } from "./device-type.ts";
import type { DevicePolicy } from "./policy.ts";
import type { SavedLiveQueue, SavedQueue } from "./state/saved-state.ts";
import { misfit } from "./state/schema.ts";
import type { TypeBorder } from "./type-border.ts";

/** What the queues need of the device they belong to. */
export interface QueueOwner {
  readonly type: CompleteDeviceType;
  /** Whoever calls the type for it. */
  readonly border: TypeBorder;
  readonly memory: GuestMemory;
  /** Memory as the device sees it with what is negotiated now. */
  dma(): DmaSpace;
  /** True while queues may be worked on: live, not suspended, not given up. */
  running(): boolean;
  format(): "split" | "packed";
  readonly policy: DevicePolicy;
  /** Options with what is negotiated; `maxSize` is filled in for each queue. */
  queueOptions(): QueueOptions;
  usedBuffers(index: number): void;
  queueFaulted(index: number, fault: QueueFault): void;
  /** A queue is notified and nothing happens; true when that is for want of DRIVER_OK, and was said. */
  tooEarly(index: number): boolean;
  /** A drain or flush ended: less may be in flight than before. */
  progressed(): void;
  /** What may be done in a turn. */
  readonly budget: WorkBudget;
}

// A driver in another thread can make a buffer available whenever the device has just found the ring empty: after this
// many rounds a drain ends all the same, so that the rest of the program gets its turn.
const MAX_DRAIN_ROUNDS = 16;

/** What a saved driver negotiated, as far as its rings go. */
export interface RestoredRing {
  readonly format: "split" | "packed";
  readonly dma: DmaSpace;
  readonly options: QueueOptions;
}

interface QueueSlot {
  readonly config: QueueConfig;
  enabled: boolean;
  queue: DeviceQueue | null;
  draining: boolean;
  /** A notification arrived during the drain. */
  again: boolean;
  faulted: boolean;
  /** It was said that the queue was notified before DRIVER_OK. */
  early: boolean;
  /** The drain goes on in the next turn: there is one continuation, and until then nothing is done. */
  waiting: boolean;
  readonly goOn: () => void;
}

/** The virtqueues of a device: their registers, their activation, their drains, their end. */
export class QueueSet {
  readonly #owner: QueueOwner;
  readonly #descriptions: readonly QueueDescription[];
  readonly #slots: readonly QueueSlot[];
  #options: QueueOptions | null = null;
  #epoch = -1;
  /** Drains under way, one within the other. */
  #depth = 0;

  /** Throws {@link VirtioUsageError} for a maximum queue size out of range. */
  constructor(owner: QueueOwner) {
    this.#owner = owner;
    this.#descriptions = owner.type.queues;
    this.#slots = this.#descriptions.map(({ name, maxSize }, index) => {
      if (!Number.isInteger(maxSize) || maxSize < 1 || maxSize > MAX_QUEUE_SIZE) {
        throw new VirtioUsageError(`${name}: maximum queue size ${maxSize} is not in 1 … ${MAX_QUEUE_SIZE}`);
      }
      return {
        config: initialQueueConfig(maxSize),
        enabled: false,
        queue: null,
        draining: false,
        again: false,
        faulted: false,
        early: false,
        waiting: false,
        goOn: () => this.#goOn(index),
      };
    });
  }

  get count(): number {
    return this.#slots.length;
  }

  /** Largest size of a queue, 0 when there is no such queue. */
  maxSize(index: number): number {
    return this.#descriptions[index]?.maxSize ?? 0;
  }

  /** Largest size that a queue may be given, 0 when there is no such queue. */
  sizeLimit(index: number): number {
    const offered = this.maxSize(index);
    return offered === 0 ? 0 : Math.max(offered, this.#owner.policy.largestQueueSize ?? 0);
  }

  config(index: number): Readonly<QueueConfig> | null {
    return this.#slots[index]?.config ?? null;
  }

  /** Writes registers of a queue; false when there is none, it is enabled, or it can't have that size. */
  writeConfig(index: number, fields: Partial<QueueConfig>): boolean {
    const slot = this.#slots[index];
    const { policy } = this.#owner;
    if (slot === undefined || (slot.enabled && policy.enabledQueueRegisters === "closed")) return false;
    const { size } = fields;
    if (size !== undefined && policy.impossibleQueueSize === "keep") {
      if (size < 1 || size > this.sizeLimit(index)) return false;
    }
    Object.assign(slot.config, fields);
    return true;
  }

  /** True while buffers of some queue are being handled, further up the stack. */
  get anyDraining(): boolean {
    return this.#slots.some(({ draining }) => draining);
  }

  /** True when some queue was activated. */
  get anyLive(): boolean {
    return this.#slots.some(({ queue }) => queue !== null);
  }

  enabled(index: number): boolean {
    return this.#slots[index]?.enabled ?? false;
  }

  queue(index: number): DeviceQueue | null {
    return this.#slots[index]?.queue ?? null;
  }

  /** Enables a queue, and activates it if the device is `live`; false when there is none or it is enabled. */
  enable(index: number, live: boolean): boolean {
    const slot = this.#slots[index];
    if (slot === undefined) return false;
    if (slot.enabled) return this.#owner.policy.enabledQueueRegisters === "open" && this.#renew(index, slot);
    slot.enabled = true;
    if (live) {
      this.enter();
      this.#activate(index, slot);
      // A driver of which nothing is asked may fill its ring later than this; it notifies.
      if (this.#owner.policy.queuesWork === "driver-ok") this.notified(index);
    }
    return true;
  }

  /** A live queue goes on with its registers, or features, as they are now; not when it holds chains, has used ones to show, or faulted. */
  #renew(index: number, slot: QueueSlot): boolean {
    const { queue } = slot;
    if (slot.faulted || slot.draining) return false;
    if (queue !== null && (queue.inFlight > 0 || queue.unpublished)) return false;
    this.enter();
    const progress = queue?.progress() ?? null;
    queue?.close();
    slot.queue = null;
    this.#activate(
      index,
      slot,
      progress !== null && progress.format === this.#owner.format() ? progress : null,
    );
    return true;
  }

  /** Other features are in force than before. */
  renegotiated(): void {
    this.#options = null;
    this.#slots.forEach((slot, index) => {
      if (slot.queue !== null) this.#renew(index, slot);
    });
  }

  /** No queue goes on before a reset. */
  stopAll(): void {
    for (const slot of this.#slots) slot.faulted = true;
  }

  /** Closes a queue and drops its chains; its registers go back to their reset values if `resetConfig`. */
  disable(index: number, resetConfig: boolean): void {
    const slot = this.#slots[index];
    if (slot === undefined) return;
    closeSlot(slot);
    // Before anybody hears of it, who may set the queue up again at once. [content.device.virtqueue-reset.2]
    if (resetConfig) this.#resetConfig(index, slot);
    // What waited for a command of this queue may now be answered in another one.
    this.enter();
    this.#owner.border.queueReset(index);
    this.#owner.progressed();
  }

  /** Closes all queues, with any number of chains in flight, and resets their registers. */
  reset(): void {
    for (const slot of this.#slots) closeSlot(slot);
    this.#slots.forEach((slot, index) => {
      slot.early = false;
      slot.waiting = false;
      this.#resetConfig(index, slot);
    });
    this.#options = null;
    this.#owner.budget.clear();
  }

  #resetConfig(index: number, slot: QueueSlot): void {
    Object.assign(slot.config, initialQueueConfig(this.maxSize(index)));
  }

  /** Activates every enabled queue that is not live yet. */
  activateEnabled(): void {
    this.#slots.forEach((slot, index) => {
      // One that faulted stays dead until it is reset: it must not begin anew.
      if (slot.enabled && !slot.faulted && slot.queue === null) this.#activate(index, slot);
    });
  }

  #activate(index: number, slot: QueueSlot, progress: QueueProgress | null = null): void {
    const owner = this.#owner;
    this.#options ??= owner.queueOptions();
    const options = { ...this.#options, maxSize: this.sizeLimit(index) };
    const result = activateQueue(owner.format(), slot.config, owner.dma(), options, progress);
    if ("pop" in result) {
      slot.queue = result;
    } else {
      slot.faulted = true;
      owner.queueFaulted(index, result);
    }
  }

  /** True when no queue holds a chain that may still come back, all that did was shown, and none is being drained. */
  get idle(): boolean {
    return this.#slots.every(
      ({ draining, queue }) =>
        !draining && (queue === null || queue.closed || (queue.inFlight === 0 && !queue.unpublished)),
    );
  }

  /** True when some queue has used buffers that its driver does not see yet. */
  get unpublished(): boolean {
    return this.#slots.some(({ queue }) => queue !== null && !queue.closed && queue.unpublished);
  }

  /** Chains popped and not yet pushed, of all queues whose rings are still there. */
  get inFlight(): number {
    return this.#slots.reduce(
      (sum, { queue }) => sum + (queue === null || queue.closed ? 0 : queue.inFlight),
      0,
    );
  }

  drainAll(): void {
    for (let i = 0; i < this.#slots.length; i++) this.drain(i);
  }

  /** Called when the driver asks for something: grants the work of a turn, unless work from before is still waiting. */
  notified(index: number): void {
    const slot = this.#slots[index];
    if (slot !== undefined && !this.#owner.running() && !slot.early) slot.early = this.#owner.tooEarly(index);
    if (this.#depth === 0) this.#owner.budget.renew();
    this.drain(index);
  }

  /** The index of a queue that an embedder or a device type named. Throws {@link VirtioUsageError} when there is none. */
  named(where: string, index: number): number {
    const count = this.#slots.length;
    if (index >>> 0 === index && index < count) return index;
    const { name } = this.#owner.type;
    throw new VirtioUsageError(
      `${where}: there is no queue ${String(index)}; the ${name} has ${count}, counted from 0`,
    );
  }

  /** Lets the device type work on what is available, publishes what it finished, and looks again. */
  drain(index: number): void {
    const slot = this.#slots[index] as QueueSlot;
    if (slot.draining) {
      slot.again = true;
      return;
    }
    // What is there now the continuation finds, too.
    if (slot.waiting) return;
    const owner = this.#owner;
    if (!owner.running() || slot.queue === null || slot.faulted) return;
    this.enter();
    const queue = slot.queue;
    if (queue === null || queue.fault !== null) return;
    const { budget } = owner;
    if (budget.left <= 0) {
      if (queue.hasNext) this.#drainLater(slot);
      return;
    }
    let rounds = 0;
    slot.draining = true;
    this.#depth++;
    try {
      do {
        slot.again = false;
        queue.beginDrain();
        owner.border.handleQueue(index, queue);
        const more = queue.endDrain();
        if (queue.flush()) owner.usedBuffers(index);
        if (queue.limited || budget.left <= 0) {
          slot.again = false;
          if (slot.queue === queue && (queue.limited || queue.hasNext)) this.#drainLater(slot);
        } else if (more) {
          if (++rounds < MAX_DRAIN_ROUNDS) slot.again = true;
          else if (slot.queue === queue) this.#drainLater(slot);
        }
      } while (slot.again && this.#goesOn(slot, queue));
    } finally {
      this.#depth--;
      slot.draining = false;
    }
    // The driver reset the queue from within its interrupt handler and filled the new one.
    if (slot.again && slot.queue !== queue) this.drain(index);
    if (slot.queue === queue) this.#checkFault(index, slot, queue);
    owner.progressed();
  }

  /** True when there is still something to drain after callbacks ran, which may have done anything. */
  #goesOn(slot: QueueSlot, queue: DeviceQueue): boolean {
    this.enter();
    return slot.queue === queue && queue.fault === null && !slot.faulted && this.#owner.running();
  }

  /** The rest in the next turn, once, however often it is asked for. */
  #drainLater(slot: QueueSlot): void {
    if (slot.waiting) return;
    slot.waiting = true;
    this.#owner.budget.later(slot.goOn);
  }

  /** Goes on with whatever the queue is by now. */
  #goOn(index: number): void {
    (this.#slots[index] as QueueSlot).waiting = false;
    this.drain(index);
  }

  /** Publishes what was pushed outside of a drain. */
  flush(index: number): void {
    const slot = this.#slots[index] as QueueSlot;
    const queue = slot.queue;
    if (slot.draining || queue === null) return;
    this.enter();
    if (queue.flush()) this.#owner.usedBuffers(index);
    this.#owner.progressed();
  }

  /** Every entry from outside comes by here before guest memory is touched: renews what moved. */
  enter(): void {
    const { memory } = this.#owner;
    memory.sync();
    if (memory.epoch === this.#epoch) return;
    this.#epoch = memory.epoch;
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i] as QueueSlot;
      if (slot.queue !== null && !slot.queue.refresh()) this.#checkFault(i, slot, slot.queue);
    }
  }

  #checkFault(index: number, slot: QueueSlot, queue: DeviceQueue): void {
    if (queue.fault === null || slot.faulted) return;
    slot.faulted = true;
    this.#owner.queueFaulted(index, queue.fault);
  }

  save(): SavedQueue[] {
    return this.#slots.map((slot) => ({
      config: { ...slot.config },
      enabled: slot.enabled,
      live: slot.faulted || slot.queue === null ? null : saveLive(slot.queue),
      faulted: slot.faulted,
    }));
  }

  /**
   * The live queues that saved ones become, null for those that were not live. Changes nothing. Throws
   * {@link SavedStateError} when the rings of one are not where they were.
   */
  prepareRestore(saved: readonly SavedQueue[], ring: RestoredRing): readonly (DeviceQueue | null)[] {
    return saved.map(({ live }, index) => {
      if (live === null) return null;
      const options = { ...ring.options, maxSize: this.sizeLimit(index) };
      const result = activateQueue(ring.format, { ...live.config }, ring.dma, options, live.progress);
      if ("pop" in result) return result;
      return misfit([index, "live", "config"], `does not make a queue in this memory: ${result.code}`);
    });
  }

  /** Takes over saved queues, as many as there are. */
  restore(saved: readonly SavedQueue[], live: readonly (DeviceQueue | null)[]): void {
    this.#slots.forEach((slot, index) => {
      const { config, enabled, faulted } = saved[index] as SavedQueue;
      Object.assign(slot.config, config);
      slot.enabled = enabled;
      slot.faulted = faulted;
      slot.queue = live[index] ?? null;
    });
    this.enter();
  }
}

function saveLive(queue: DeviceQueue): SavedLiveQueue {
  return { config: { ...queue.config }, progress: queue.progress() };
}

function closeSlot(slot: QueueSlot): void {
  slot.queue?.close();
  slot.queue = null;
  slot.enabled = false;
  slot.again = false;
  slot.faulted = false;
}
