import type { MaybeLater } from "../base/later.ts";
import type { TraceSink } from "../base/trace.ts";
import type { WorkBudget } from "../base/work-budget.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import type { DescriptorChain } from "../virtqueue/chain.ts";
import type { DeviceQueue } from "../virtqueue/device-queue.ts";
import type { FeatureDependency } from "./features.ts";

/** One virtqueue of a device type. */
export interface QueueDescription {
  /** As the specification calls it, for instance `controlq`. */
  readonly name: string;
  /** Largest size offered, at most 32768. Of split rings drivers are offered the next lower power of two. */
  readonly maxSize: number;
}

/** A shared memory region that a device exposes to its driver (virtio 1.4, section 2.10). */
export interface SharedMemoryRegion {
  /** `shmid`, 0 … 255. */
  readonly id: number;
  readonly lengthBytes: number;
  /** The bytes behind it. */
  readonly buffer: ArrayBufferLike;
}

/** A value that survives `structuredClone` and JSON: what device state is saved as. */
export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/**
 * What every device type may say of itself. Only {@link name}, {@link deviceId} and {@link queues} have no default.
 * {@link VirtioDevice} reads these once, when it is made.
 */
export interface DeviceTraits {
  /** For messages and traces: `gpu`, `rng`. */
  readonly name: string;
  /** Virtio device id (virtio 1.4, chapter 5), 1 … 65535. */
  readonly deviceId: number;
  /** At least one. */
  readonly queues: readonly QueueDescription[];

  /** PCI class code, 24 bits, used by the PCI transport. Default 0xff0000: a class that the PCI-SIG has no number for. */
  readonly pciClass?: number;
  /** Feature bits of the type that are offered: 0 … 23, or from 50 on. Default none. */
  readonly features?: readonly number[];
  /** Which of them need others. Default: none. */
  readonly featureDependencies?: readonly FeatureDependency[];
  /** Default none. */
  readonly sharedMemory?: readonly SharedMemoryRegion[];

  /**
   * The device-specific configuration space, byte by byte, as the driver reads it. What the driver writes is ignored
   * unless there is {@link writeConfig}; the device changes it within `host.changeConfig`. Default: there is none, or
   * it is described by the next two.
   */
  readonly config?: Uint8Array;
  /** Length of the device-specific configuration space in bytes. Default: that of {@link config}. */
  readonly configLengthBytes?: number;
  /**
   * Byte `offset` of the configuration space; must have no side effect. What throws reads as 0, is counted and traced.
   * Default: that of {@link config}.
   */
  readConfigByte?(offset: number): number;
  /**
   * The driver wrote `value`, little-endian, of 1, 2 or 4 bytes, wholly inside the configuration space. Ignore
   * what is read-only. Default: all of it is.
   */
  writeConfig?(offset: number, widthBytes: number, value: number): void;

  /** Called once, before anything else. Default: the type does without the framework. */
  attach?(host: DeviceHost): void;
  /**
   * The driver set DRIVER_OK. Queues are handled behind it without waiting for a promise. When this, `queueReset`, `quiesce`
   * or `handleQueue` fails, now or later, the trace names it and the device says DEVICE_NEEDS_RESET; a failure of any method
   * is counted in `VirtioDevice.counters.typeFailures`.
   */
  start?(): void;
  /** The queue is closed: forget its chains. Other queues go on. Default: there are none. */
  queueReset?(index: number): void;
  /** Back to the state before the driver came. All queues are closed already. Default: there is no state. */
  reset?(): void;
  /**
   * The driver asks to suspend: finish what is in flight soon. The framework waits until nothing is. Default: what is in
   * flight takes as long as it takes.
   */
  quiesce?(): void;
  /** State beyond queues and features, with nothing in flight. Default: there is none, null. */
  save?(): PlainValue;
  /**
   * Checks a saved state, which may come from a stranger, as a whole and changes nothing. Throws `VirtioUsageError`
   * when it does not fit. What it returns takes the state over, at once or never. To be given if {@link save} is.
   */
  prepareRestore?(state: PlainValue): PreparedRestore;
}

/**
 * What makes a virtio device of a certain type. The framework, {@link VirtioDevice}, does everything that all
 * types share and calls these; a type never sees registers, status bits or interrupts.
 *
 * Where each request is answered by itself, now or later, a {@link RequestDeviceType} is less to write.
 *
 * @example
 * ```ts
 * class Discard implements DeviceType {
 *   readonly name = "discard";
 *   readonly deviceId = 42;
 *   readonly queues = [{ name: "requestq", maxSize: 64 }];
 *   handleQueue(_index: number, queue: DeviceQueue): void {
 *     for (let chain = queue.pop(); chain !== null; chain = queue.pop()) queue.push(chain, 0);
 *   }
 * }
 * ```
 */
export interface DeviceType extends DeviceTraits {
  /**
   * Buffers are available; those of a legacy driver maybe before {@link start}. Pop until null, until the device wants
   * no more or until `host.budget` is spent; push what is done. Chains may be kept and pushed later, followed by
   * `host.flush(index)`.
   */
  handleQueue(index: number, queue: DeviceQueue): void;
}

/**
 * A device type whose requests are answered one by one, at once or later and then in any order. The framework takes them
 * from the queues, counts what is under way, gives the event loop its turns, and forgets answers that come after a reset.
 *
 * @example
 * ```ts
 * class Echo implements RequestDeviceType {
 *   readonly name = "echo";
 *   readonly deviceId = 42;
 *   readonly queues = [{ name: "requestq", maxSize: 64 }];
 *   async handleRequest(chain: DescriptorChain): Promise<number> {
 *     const text = new Uint8Array(Math.min(chain.readableBytes, 4096));
 *     new ChainReader(chain).bytes(text);
 *     await thinkItOver(text);
 *     return chain.write(0, text, 0, text.length);
 *   }
 * }
 * ```
 */
export interface RequestDeviceType extends DeviceTraits {
  /**
   * One request of queue `index`. Returns how many device-writable bytes were written, or a promise of it; the chain is
   * the caller's again then. After a wait, `chain.abandoned` says that the queue was reset meanwhile; reading and writing
   * are harmless then, and move nothing.
   */
  handleRequest(chain: DescriptorChain, index: number): MaybeLater<number>;
  /**
   * {@link handleRequest} threw or rejected with `error`: writes what the protocol has for it and returns the number of
   * bytes written. Default: the chain is returned with nothing written, and the device says DEVICE_NEEDS_RESET.
   */
  failRequest?(chain: DescriptorChain, index: number, error: unknown): number;
  /** Requests of a queue that may wait; beyond it no more are taken before one is done. Default 64. */
  readonly maxRequestsInFlight?: number;
  /**
   * Promises that may be under way from before device resets: with this many, no request is taken before one settles.
   * Default 256.
   */
  readonly maxAbandonedCalls?: number;
}

/** A saved state that was found good. */
export interface PreparedRestore {
  /** Takes the state over, right after a reset. Notifies nobody. It should not throw any more; if it must, it first undoes what it did. */
  takeOver(): void;
  /** Called once all of the device is as it was: shows it to displays and other back ends. */
  resume?(): void;
}

/** What the framework offers a device type. */
export interface DeviceHost {
  readonly memory: GuestMemory;
  readonly trace: TraceSink | null;
  /** Memory as the device sees it, through the translator once VIRTIO_F_ACCESS_PLATFORM is negotiated. */
  readonly dma: DmaSpace;
  /**
   * What may be done in this turn of the event loop. A device type charges what it does, and returns from handleQueue
   * once nothing is left: it is called again in the next turn.
   */
  readonly budget: WorkBudget;
  /** True when the feature was negotiated (FEATURES_OK). */
  hasFeature(bit: number): boolean;
  /** Call before touching guest memory outside of handleQueue: renews views after memory grew. */
  sync(): void;
  /** Publishes chains pushed outside of handleQueue and notifies the driver if it wants that. */
  flush(index: number): void;
  /** Calls handleQueue again although the driver didn't notify: the device can take more buffers now. */
  kick(index: number): void;
  /**
   * Runs `change`, which alters the configuration space, and sends a configuration change notification. While
   * the device is suspended its driver sees neither before the resume.
   */
  changeConfig(change: () => void): void;
  /** The device can't go on: DEVICE_NEEDS_RESET and, after DRIVER_OK, a configuration change notification. */
  needsReset(reason: string): void;
}
