import {
  COUNT_FROM_0_RULE,
  COUNT_RULE,
  checkArgument,
  checkOptions,
  type OptionRule,
  type OptionRules,
  U16_RULE,
} from "../../base/options.ts";
import type { TraceEvent } from "../../base/trace.ts";
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
import { type DriverEvent, isAccess } from "./events.ts";
import { Findings } from "./findings.ts";
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
import { Timeline } from "./timeline.ts";
import { noteTrace } from "./trace-words.ts";
import type { TimelineEvent, Violation } from "./violation.ts";
import { WATCHED_MEMORY_RULE, type WatchedMemorySource, watchMemory } from "./watched-memory.ts";

/** Choices for a {@link DriverChecker}. */
export interface DriverCheckerOptions {
  /** The guest's memory, in which rings and buffers are. */
  readonly memory: WatchedMemorySource;
  /** Virtio device id, when the registers don't tell it before the driver does. */
  readonly deviceId?: number;
  /** How many events the timeline keeps. Default 4096. */
  readonly timelineLength?: number;
  /** How many violations of one statement, or hints of one name, are kept; all are counted. Default 16. */
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
   * Whether the driver knows the legacy interface of PCI only, as those written before virtio 1.0 do. It is not bound to
   * look for virtio capabilities then. Default false.
   */
  readonly legacyOnly?: boolean;
  /**
   * Whether the driver is known to drive devices of this type, so that it can only give up because of what is peculiar about
   * this one: a feature it does not know, a larger configuration space. Default false: why it gave up is unknown then, and
   * what may be the reason a hint.
   */
  readonly drivesOthers?: boolean;
  /**
   * How the driver learns of used buffers. True: it polls, with interrupts masked at the processor, and nothing is
   * expected of it when the device raises one. False: every interrupt the device raises reaches the driver, so that what
   * binds drivers "after receiving an interrupt" is judged. When left out the checker cannot know whether an interrupt
   * was taken, and what looks like one that nobody handled is a hint.
   */
  readonly polled?: boolean;
  /**
   * Whether all accesses to the PCI function's configuration space go through the checker, from the first on. Default
   * true. Emulators that keep configuration space themselves say false; nothing is concluded then from what was not
   * seen.
   */
  readonly seesConfigSpace?: boolean;
  /** Called for every violation that is kept, at the moment it is seen. */
  readonly onViolation?: (violation: Violation) => void;
}

const MMIO_RULE: OptionRule = { like: "registers such as an MmioTransport", has: ["read", "write"] };
const PCI_RULE: OptionRule = {
  like: "a function such as a PciTransport",
  has: ["configRead", "configWrite", "barRead", "barWrite"],
};

const OPTION_RULES: OptionRules<DriverCheckerOptions> = {
  memory: WATCHED_MEMORY_RULE,
  deviceId: U16_RULE,
  timelineLength: COUNT_RULE,
  violationsPerClause: COUNT_FROM_0_RULE,
  notificationPatience: COUNT_RULE,
  deviceElsewhere: "boolean",
  transitional: "boolean",
  seesConfigSpace: "boolean",
  legacyOnly: "boolean",
  drivesOthers: "boolean",
  polled: "boolean",
  onViolation: "function",
};

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
 * driver breaks, and what else it does that cannot work. It sees the accesses to registers, the interrupts, and guest
 * memory, which it only reads; the device sees nothing of it. One checker watches one device, from its first access on.
 *
 * Between two accesses it sees guest memory change only if it is told of it: see {@link DriverChecker.stored}.
 *
 * @example
 * ```ts
 * const checker = new DriverChecker({ memory, polled: false });
 * const device = new VirtioDevice(new RngDevice(), { memory, trace: checker.trace });
 * const bus = checker.mmio(new MmioTransport(device, { onInterrupt: checker.line(onInterrupt) }));
 * const transport = MmioDriverTransport.probe(bus);
 * // … drive the device …
 * checker.finish();
 * for (const { level, id, message } of checker.violations) process.stdout.write(`${level} ${id}: ${message}\n`);
 * ```
 */
export class DriverChecker {
  readonly #options: DriverCheckerOptions;
  readonly #timeline: Timeline;
  readonly #findings: Findings;
  #view: DeviceView | null = null;
  #rules: readonly Rule[] = [];
  readonly #watchers = new Map<number, RingWatcher>();
  #budget = new WatchBudget(MOST_REMEMBERED_BYTES);
  #moment = 0;
  #awaitsTurn = false;
  #context: RuleContext | null = null;
  #pci: PciDecoder | null = null;

  constructor(options: DriverCheckerOptions) {
    checkOptions("DriverChecker", options, OPTION_RULES, ["memory"]);
    this.#options = options;
    this.#timeline = new Timeline(options.timelineLength ?? DEFAULT_TIMELINE);
    this.#findings = new Findings(
      this.#timeline,
      options.violationsPerClause ?? DEFAULT_PER_CLAUSE,
      options.onViolation,
    );
  }

  // What it found

  /** Violations in the order they were seen, one for each fault; of each statement and each hint the first few. */
  get violations(): readonly Violation[] {
    return this.#findings.violations;
  }

  /** How often each statement was broken, by clause id, and each hint given, by its name. */
  get counts(): ReadonlyMap<string, number> {
    return this.#findings.counts;
  }

  /** How many events there were. */
  get eventCount(): number {
    return this.#timeline.count;
  }

  /**
   * The events of the indexes `from` to `from + count - 1`, counted since the checker was made; without `from` all that
   * are kept. In the place of events that are gone stands one that says so.
   */
  timeline(from?: number, count: number = Number.POSITIVE_INFINITY): TimelineEvent[] {
    return from === undefined ? this.#timeline.all() : this.#timeline.range(from, count);
  }

  /** To be called when the driver is done: what it left undone is reported. It may go on afterwards. */
  finish(): void {
    this.#look();
    for (const watcher of this.#watchers.values()) watcher.gone();
    for (const rule of this.#rules) rule.finish?.();
    this.#findings.settle();
  }

  // In front of a device

  /** Registers of a virtio-mmio device with the checker in front; the device presented as a stage wants it. */
  mmio(presented: CheckedMmio, stage: MmioStage | null = null): CheckedMmio {
    checkArgument("DriverChecker.mmio", "presented", presented, MMIO_RULE);
    const device = stage?.present(presented) ?? presented;
    const view = this.#begin("mmio", stage);
    const decoder = new MmioDecoder();
    return {
      read: (offset, widthBytes) => {
        this.#begins();
        this.#moment++;
        const value = device.read(offset, widthBytes);
        if (offset === VIRTIO_MMIO_DEVICE_ID && widthBytes === 4) view.deviceId = value;
        this.#handle({ kind: "mmio-read", offset, widthBytes, value });
        this.#decoded(decoder.read(offset, widthBytes, value));
        this.#lookAfterDevice();
        return value;
      },
      write: (offset, widthBytes, value) => {
        this.#begins();
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
    checkArgument("DriverChecker.pci", "presented", presented, PCI_RULE);
    const device = stage?.present(presented) ?? presented;
    const view = this.#begin("pci", stage);
    const decoder = new PciDecoder(device, view);
    this.#pci = decoder;
    this.#learnPci(device, view);
    return {
      configRead: (offset, widthBytes) => {
        this.#begins();
        const window = decoder.window(offset);
        this.#moment++;
        const value = device.configRead(offset, widthBytes);
        this.#handle({ kind: "pci-config-read", offset, widthBytes, value });
        if (window !== null) this.#decoded(decoder.read(window.bar, window.offset, window.widthBytes, value));
        this.#lookAfterDevice();
        return value;
      },
      configWrite: (offset, widthBytes, value) => {
        this.#begins();
        this.#handle({ kind: "pci-config-write", offset, widthBytes, value });
        const window = decoder.window(offset);
        if (window !== null)
          this.#decoded(decoder.write(window.bar, window.offset, window.widthBytes, value));
        this.#moment++;
        device.configWrite(offset, widthBytes, value);
        this.#lookAfterDevice();
      },
      barRead: (bar, offset, widthBytes) => {
        this.#begins();
        this.#moment++;
        const value = device.barRead(bar, offset, widthBytes);
        this.#handle({ kind: "pci-bar-read", bar, offset, widthBytes, value });
        this.#decoded(decoder.read(bar, offset, widthBytes, value));
        this.#lookAfterDevice();
        return value;
      },
      barWrite: (bar, offset, widthBytes, value) => {
        this.#begins();
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

  /** Looks at the rings now: for embedders who know of a moment when the driver or the device did something. */
  look(): void {
    this.#begins(true);
  }

  /**
   * The driver has just stored something in guest memory: to be called after each store by emulators that can, which is
   * step mode. The checker looks at the rings if the store went there, and so sees in which order a driver writes: that it
   * raises the available index, say, before the descriptors are filled. Without arguments it looks whatever was stored.
   *
   * @param address guest physical address of the store
   * @param lengthBytes how many bytes it wrote
   */
  stored(address?: number, lengthBytes = 1): void {
    if (address !== undefined && !this.#inRings(address, lengthBytes)) return;
    this.#begins();
  }

  /**
   * Step mode for a memory write hook: a function like `store` that tells the checker of each store. The first argument
   * is the guest physical address.
   *
   * @example
   * ```ts
   * // Where the emulator writes guest memory for its processor:
   * cpu.write8 = checker.afterEach(cpu.write8.bind(cpu), 1);
   * cpu.write32 = checker.afterEach(cpu.write32.bind(cpu), 4);
   * ```
   */
  afterEach<A extends readonly unknown[], R>(
    store: (address: number, ...rest: A) => R,
    lengthBytes: number,
  ): (address: number, ...rest: A) => R {
    return (address, ...rest) => {
      const result = store(address, ...rest);
      this.stored(address, lengthBytes);
      return result;
    };
  }

  /**
   * The device's own account of what it met with, to be passed to it as `trace`: it is put into the timeline, and where
   * a queue stopped the checker says why, if it does not know already.
   */
  readonly trace = (event: TraceEvent): void => {
    const context = this.#context;
    if (context === null) return;
    this.#look();
    noteTrace(context, this.#findings, event);
  };

  #inRings(address: number, lengthBytes: number): boolean {
    for (const watcher of this.#watchers.values()) if (watcher.touches(address, lengthBytes)) return true;
    return false;
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
      legacyOnly: this.#options.legacyOnly ?? false,
      polled: this.#options.polled ?? null,
      drivesOthers: this.#options.drivesOthers ?? false,
      report: (clause, queue, message, evidence = [], fault) =>
        this.#findings.clause(clause, queue, message, evidence, fault),
      hint: (name, queue, message, evidence = [], fault) =>
        this.#findings.hint(name, queue, message, evidence, fault),
      note: (text) => this.#timeline.add(text),
    };
    const context = this.#context;
    this.#rules = RULES.map((make) => make(context));
    return view;
  }

  // Events

  /** An access: the rules see it; the timeline keeps it unless it turns out to stand for something. */
  #handle(event: DriverEvent): void {
    this.#timeline.add(event);
    for (const rule of this.#rules) rule.event?.(event);
    if (!isAccess(event)) this.#view?.apply(event);
  }

  #decoded(event: DriverEvent | null): void {
    if (event === null) {
      this.#findings.settle();
      return;
    }
    this.#timeline.replaceLast(event);
    if (event.kind === "notify") this.#watchers.get(event.queue)?.notified(event.value);
    for (const rule of this.#rules) rule.event?.(event);
    this.#applyToQueues(event, "before");
    this.#view?.apply(event);
    this.#applyToQueues(event, "after");
    if (event.kind === "status-write" && event.value === 0) this.#findings.nextLife();
    this.#findings.settle();
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
      this.#timeline.add(
        `queue ${queue.index}: buffer ${chain.token} available, ${chain.elements.length} descriptors, ` +
          `${chain.readableBytes} bytes to read, ${chain.writableBytes} to write`,
      );
      for (const rule of this.#rules) rule.available?.(queue, chain);
    },
    used: (queue: QueueView, chain: WatchedChain, writtenBytes: number): void => {
      this.#timeline.add(`queue ${queue.index}: buffer ${chain.token} used, ${writtenBytes} bytes written`);
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

  /** Somebody from outside comes in: what the driver did since is looked at first. */
  #begins(afterDevice = false): void {
    this.#findings.nextAccess();
    if (afterDevice) this.#moment++;
    this.#look();
  }

  /** What changed since the last look may be the device's doing. */
  #lookAfterDevice(): void {
    this.#moment++;
    this.#look();
  }

  #look(): void {
    for (const watcher of this.#watchers.values()) watcher.look();
    this.#findings.settle();
  }
}

/** A driver may know what it writes; the checker has to. */
function learnQueueSizeMax(device: CheckedMmio, view: DeviceView): void {
  if (view.selectedQueue < 0) return;
  const queue = view.queue(view.selectedQueue);
  if (queue.sizeMax === 0) queue.sizeMax = device.read(VIRTIO_MMIO_QUEUE_NUM_MAX, 4);
}
