import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
} from "../../wire/common.ts";
import { VIRTIO_MMIO_DEVICE_ID, VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_NUM_MAX } from "../../wire/mmio.ts";
import { PCI_DEVICE_ID, VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_PCI_DEVICE_ID_BASE } from "../../wire/pci.ts";
import type { WatchedChain } from "./chain.ts";
import { DeviceView, type QueueView } from "./device-view.ts";
import { type DriverEvent, describeEvent, isAccess } from "./events.ts";
import { type CheckedMmio, MmioDecoder } from "./mmio-decoder.ts";
import { PciDecoder } from "./pci-decoder.ts";
import { virtioIdOfTransitional } from "./pci-ids.ts";
import type { CheckedPci } from "./pci-layout.ts";
import { PackedWatcher } from "./rings/packed-watcher.ts";
import { type RingWatcher, WatchBudget } from "./rings/ring-watcher.ts";
import { SplitWatcher } from "./rings/split-watcher.ts";
import { RULES } from "./rules/index.ts";
import type { Rule, RuleContext } from "./rules/rule.ts";
import type { MmioStage, PciStage, StageFacts } from "./stages/stage.ts";
import type { Evidence, TimelineEvent, Violation } from "./violation.ts";
import { type WatchedMemorySource, watchMemory } from "./watched-memory.ts";

/** Choices for a {@link DriverChecker}. */
export interface DriverCheckerOptions {
  /** The guest's memory, in which rings and buffers are. */
  readonly memory: WatchedMemorySource;
  /** Virtio device id, when the registers don't tell it before the driver does. */
  readonly deviceId?: number;
  /** How many events the timeline keeps. Default 4096. */
  readonly timelineLength?: number;
  /** How many violations of one statement are kept; all are counted. Default 16. */
  readonly violationsPerClause?: number;
  /**
   * How many times the checker looks at a queue before it says that a notification is missing. It looks before and
   * after every access to the device. Default 128.
   */
  readonly notificationPatience?: number;
  /**
   * Whether the device runs in another thread or process than the checker, so that it may do something at any time.
   * Default false.
   */
  readonly deviceElsewhere?: boolean;
  /** Whether the driver is a transitional one, which can use the legacy interface too. Default false. */
  readonly transitional?: boolean;
  /**
   * Whether all accesses to the PCI function's configuration space go through the checker, from the first on. Default
   * true. Emulators that keep configuration space themselves say false; nothing is concluded then from what was not
   * seen.
   */
  readonly seesConfigSpace?: boolean;
  /** Called for every violation that is kept, at the moment it is seen. */
  readonly onViolation?: (violation: Violation) => void;
}

declare function queueMicrotask(task: () => void): void;

const DEFAULT_TIMELINE = 4096;
const DEFAULT_PER_CLAUSE = 16;
const DEFAULT_PATIENCE = 128;
/** What is kept of all buffers in flight together. */
const MOST_REMEMBERED_BYTES = 32 << 20;
/** Queues watched at a time. */
const MOST_WATCHED_QUEUES = 256;

/**
 * Sits between a driver and a device, any driver and any device, and says which statements of the specification the
 * driver breaks. It sees the accesses to registers, the interrupts, and guest memory, which it only reads; the device
 * sees nothing of it. One checker watches one device.
 *
 * @example
 * ```ts
 * const checker = new DriverChecker({ memory });
 * const bus = checker.mmio(device);
 * const transport = MmioDriverTransport.probe(bus);
 * // … drive the device …
 * checker.finish();
 * for (const { clause, message } of checker.violations) process.stdout.write(`${clause}: ${message}\n`);
 * ```
 */
export class DriverChecker {
  readonly #options: DriverCheckerOptions;
  readonly #timelineLength: number;
  readonly #perClause: number;
  /** Events still in the timeline, by index modulo its length. */
  readonly #timeline: (DriverEvent | string)[] = [];
  #events = 0;
  readonly #violations: Violation[] = [];
  readonly #counts = new Map<string, number>();
  #view: DeviceView | null = null;
  #rules: readonly Rule[] = [];
  readonly #watchers = new Map<number, RingWatcher>();
  #budget = new WatchBudget(MOST_REMEMBERED_BYTES);
  #moment = 0;
  #awaitsTurn = false;
  #context: RuleContext | null = null;
  #pci: PciDecoder | null = null;

  constructor(options: DriverCheckerOptions) {
    this.#options = options;
    this.#timelineLength = Math.max(1, options.timelineLength ?? DEFAULT_TIMELINE);
    this.#perClause = options.violationsPerClause ?? DEFAULT_PER_CLAUSE;
  }

  // What it found

  /** Violations in the order they were seen; of each statement the first few. */
  get violations(): readonly Violation[] {
    return this.#violations;
  }

  /** How often each statement was broken, by clause id. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** How many events there were. */
  get eventCount(): number {
    return this.#events;
  }

  /** The events that are still remembered, oldest first, from index `from` on, at most `count`. */
  timeline(from = 0, count: number = this.#timelineLength): TimelineEvent[] {
    const first = Math.max(from, this.#events - this.#timelineLength, 0);
    const found: TimelineEvent[] = [];
    for (let index = first; index < this.#events && found.length < count; index++) {
      const event = this.#timeline[index % this.#timelineLength];
      if (event === undefined) continue;
      found.push({ index, text: typeof event === "string" ? event : describeEvent(event) });
    }
    return found;
  }

  /** To be called when the driver is done: what it left undone is reported. It may go on afterwards. */
  finish(): void {
    this.#look();
    for (const watcher of this.#watchers.values()) watcher.gone();
    for (const rule of this.#rules) rule.finish?.();
  }

  // In front of a device

  /** Registers of a virtio-mmio device with the checker in front; the device presented as a stage wants it. */
  mmio(presented: CheckedMmio, stage: MmioStage | null = null): CheckedMmio {
    const device = stage?.present(presented) ?? presented;
    const view = this.#begin("mmio", stage);
    const decoder = new MmioDecoder();
    return {
      read: (offset, widthBytes) => {
        this.#look();
        this.#moment++;
        const value = device.read(offset, widthBytes);
        if (offset === VIRTIO_MMIO_DEVICE_ID && widthBytes === 4) view.deviceId = value;
        this.#handle({ kind: "mmio-read", offset, widthBytes, value });
        this.#decoded(decoder.read(offset, widthBytes, value));
        this.#lookAfterDevice();
        return value;
      },
      write: (offset, widthBytes, value) => {
        this.#look();
        if (offset === VIRTIO_MMIO_QUEUE_NUM) learnQueueSizeMax(device, view);
        this.#handle({ kind: "mmio-write", offset, widthBytes, value });
        this.#decoded(decoder.write(offset, widthBytes, value));
        this.#moment++;
        device.write(offset, widthBytes, value);
        this.#lookAfterDevice();
      },
    };
  }

  /** A PCI function with the checker in front; presented as a stage wants it. */
  pci(presented: CheckedPci, stage: PciStage | null = null): CheckedPci {
    const device = stage?.present(presented) ?? presented;
    const view = this.#begin("pci", stage);
    const decoder = new PciDecoder(device, view);
    this.#pci = decoder;
    this.#learnPci(device, view);
    return {
      configRead: (offset, widthBytes) => {
        this.#look();
        const window = decoder.window(offset);
        this.#moment++;
        const value = device.configRead(offset, widthBytes);
        this.#handle({ kind: "pci-config-read", offset, widthBytes, value });
        if (window !== null) this.#decoded(decoder.read(window.bar, window.offset, window.widthBytes, value));
        this.#lookAfterDevice();
        return value;
      },
      configWrite: (offset, widthBytes, value) => {
        this.#look();
        this.#handle({ kind: "pci-config-write", offset, widthBytes, value });
        const window = decoder.window(offset);
        if (window !== null)
          this.#decoded(decoder.write(window.bar, window.offset, window.widthBytes, value));
        this.#moment++;
        device.configWrite(offset, widthBytes, value);
        this.#lookAfterDevice();
      },
      barRead: (bar, offset, widthBytes) => {
        this.#look();
        this.#moment++;
        const value = device.barRead(bar, offset, widthBytes);
        this.#handle({ kind: "pci-bar-read", bar, offset, widthBytes, value });
        this.#decoded(decoder.read(bar, offset, widthBytes, value));
        this.#lookAfterDevice();
        return value;
      },
      barWrite: (bar, offset, widthBytes, value) => {
        this.#look();
        this.#handle({ kind: "pci-bar-write", bar, offset, widthBytes, value });
        this.#decoded(decoder.write(bar, offset, widthBytes, value));
        this.#moment++;
        device.barWrite(bar, offset, widthBytes, value);
        this.#lookAfterDevice();
      },
    };
  }

  #learnPci(device: CheckedPci, view: DeviceView): void {
    if (view.deviceId < 0) {
      const id = device.configRead(PCI_DEVICE_ID, 2);
      view.deviceId =
        id >= VIRTIO_PCI_DEVICE_ID_BASE ? id - VIRTIO_PCI_DEVICE_ID_BASE : virtioIdOfTransitional(id);
    }
    const config = this.#pci?.layout.structures.find(({ type }) => type === VIRTIO_PCI_CAP_DEVICE_CFG);
    if (config !== undefined) view.configLengthBytes = config.lengthBytes;
  }

  /** The capabilities of the PCI function; null on another transport. */
  get pciLayout(): PciDecoder["layout"] | null {
    return this.#pci?.layout ?? null;
  }

  /** An interrupt line with the checker in front: to be given to the device in place of `next`. */
  line(next: (asserted: boolean) => void): (asserted: boolean) => void {
    return (asserted) => {
      this.#lookAfterDevice();
      this.#handle({ kind: "line", asserted });
      next(asserted);
    };
  }

  /** MSI-X messages with the checker in front: to be given to the device in place of `next`. */
  messages<M extends { readonly vector: number }>(next: (message: M) => void): (message: M) => void {
    return (message) => {
      this.#lookAfterDevice();
      this.#handle({ kind: "message", vector: message.vector });
      next(message);
    };
  }

  /** Looks at the rings now: for embedders who know of a moment when the driver did something. */
  look(): void {
    this.#lookAfterDevice();
  }

  #begin(transport: "mmio" | "pci", stage: StageFacts | null): DeviceView {
    const view = new DeviceView(transport);
    view.deviceId = this.#options.deviceId ?? -1;
    this.#view = view;
    this.#watchers.clear();
    this.#budget = new WatchBudget(MOST_REMEMBERED_BYTES);
    this.#context = {
      view,
      memory: watchMemory(this.#options.memory),
      stage,
      transitional: this.#options.transitional ?? false,
      seesConfigSpace: this.#options.seesConfigSpace ?? true,
      pciLayout: () => this.#pci?.layout ?? null,
      report: (clause, queue, message, evidence = []) => this.#report(clause, queue, message, evidence),
      note: (text) => this.#record(text),
    };
    const context = this.#context;
    this.#rules = RULES.map((make) => make(context));
    return view;
  }

  // Events

  #record(event: DriverEvent | string): void {
    this.#timeline[this.#events % this.#timelineLength] = event;
    this.#events++;
  }

  #report(clause: string, queue: number, message: string, evidence: readonly Evidence[]): void {
    const count = (this.#counts.get(clause) ?? 0) + 1;
    this.#counts.set(clause, count);
    if (count > this.#perClause) return;
    const violation: Violation = { clause, message, queue, at: Math.max(0, this.#events - 1), evidence };
    this.#violations.push(violation);
    this.#options.onViolation?.(violation);
  }

  /** An access: the rules see it; the timeline keeps it unless it turns out to stand for something. */
  #handle(event: DriverEvent): void {
    this.#record(event);
    for (const rule of this.#rules) rule.event?.(event);
    if (!isAccess(event)) this.#view?.apply(event);
  }

  #decoded(event: DriverEvent | null): void {
    if (event === null) return;
    // It takes the place of the access in the timeline.
    this.#events--;
    this.#record(event);
    if (event.kind === "notify") this.#watchers.get(event.queue)?.notified(event.value);
    for (const rule of this.#rules) rule.event?.(event);
    this.#applyToQueues(event, "before");
    this.#view?.apply(event);
    this.#applyToQueues(event, "after");
  }

  /** Begins and ends the watch over queues as an event says. */
  #applyToQueues(event: DriverEvent, when: "before" | "after"): void {
    if (when === "before") {
      if (event.kind === "status-write" && event.value === 0) {
        for (const index of [...this.#watchers.keys()]) this.#endQueue(index);
      } else if (
        (event.kind === "queue-reset-write" && event.value === 1) ||
        (event.kind === "queue-enable-write" && event.value === 0)
      ) {
        this.#endQueue(event.queue);
      }
      return;
    }
    if (event.kind === "queue-enable-write" && event.value === 1 && !this.#watchers.has(event.queue)) {
      this.#beginQueue(event.queue);
    }
  }

  #endQueue(index: number): void {
    const watcher = this.#watchers.get(index);
    const queue = this.#view?.queues.get(index);
    if (watcher === undefined) return;
    watcher.gone();
    this.#watchers.delete(index);
    if (queue !== undefined) for (const rule of this.#rules) rule.queueGone?.(queue);
  }

  #beginQueue(index: number): void {
    const view = this.#view;
    const context = this.#context;
    if (view === null || context === null) return;
    const queue = view.queue(index);
    for (const rule of this.#rules) rule.queueEnabled?.(queue);
    if (queue.size === 0 || !view.queues.has(index) || this.#watchers.size >= MOST_WATCHED_QUEUES) return;
    const watch = {
      context,
      queue,
      listener: this.#listener,
      indirect: view.hasFeature(VIRTIO_F_INDIRECT_DESC),
      eventIdx: view.hasFeature(VIRTIO_F_EVENT_IDX),
      inOrder: view.hasFeature(VIRTIO_F_IN_ORDER),
      budget: this.#budget,
      moment: () => this.#now(),
      patience: this.#options.notificationPatience ?? DEFAULT_PATIENCE,
    };
    const packed = view.hasFeature(VIRTIO_F_RING_PACKED);
    this.#watchers.set(index, packed ? new PackedWatcher(watch) : new SplitWatcher(watch));
  }

  readonly #listener = {
    available: (queue: QueueView, chain: WatchedChain): void => {
      this.#record(
        `queue ${queue.index}: buffer ${chain.token} available, ${chain.elements.length} descriptors, ` +
          `${chain.readableBytes} bytes to read, ${chain.writableBytes} to write`,
      );
      for (const rule of this.#rules) rule.available?.(queue, chain);
    },
    used: (queue: QueueView, chain: WatchedChain, writtenBytes: number): void => {
      this.#record(`queue ${queue.index}: buffer ${chain.token} used, ${writtenBytes} bytes written`);
      for (const rule of this.#rules) rule.used?.(queue, chain, writtenBytes);
    },
  };

  /** The same number as long as the device cannot have done anything: it is on this thread, and had no turn. */
  #now(): number {
    if (this.#options.deviceElsewhere === true) return ++this.#moment;
    if (!this.#awaitsTurn) {
      this.#awaitsTurn = true;
      queueMicrotask(() => {
        this.#awaitsTurn = false;
        this.#moment++;
      });
    }
    return this.#moment;
  }

  /** What changed since the last look may be the device's doing. */
  #lookAfterDevice(): void {
    this.#moment++;
    this.#look();
  }

  #look(): void {
    for (const watcher of this.#watchers.values()) watcher.look();
  }
}

/** A driver may know what it writes; the checker has to. */
function learnQueueSizeMax(device: CheckedMmio, view: DeviceView): void {
  if (view.selectedQueue < 0) return;
  const queue = view.queue(view.selectedQueue);
  if (queue.sizeMax === 0) queue.sizeMax = device.read(VIRTIO_MMIO_QUEUE_NUM_MAX, 4);
}
