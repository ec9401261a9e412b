import type { TraceSink } from "../base/trace.ts";
import type { WorkBudget } from "../base/work-budget.ts";
import type { DmaSpace } from "../memory/dma.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
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
 * What makes a virtio device of a certain type. The framework, {@link VirtioDevice}, does everything that all
 * types share and calls these; a type never sees registers, status bits or interrupts.
 */
export interface DeviceType {
  /** For messages and traces: `gpu`, `rng`. */
  readonly name: string;
  /** Virtio device id (virtio 1.4, chapter 5). */
  readonly deviceId: number;
  /** PCI class code, 24 bits, used by the PCI transport. */
  readonly pciClass: number;
  /** Feature bits of the type that are offered. */
  readonly features: readonly number[];
  readonly featureDependencies: readonly FeatureDependency[];
  readonly queues: readonly QueueDescription[];
  /** Length of the device-specific configuration space in bytes, 0 when there is none. */
  readonly configLengthBytes: number;
  readonly sharedMemory: readonly SharedMemoryRegion[];

  /** Called once, before anything else. */
  attach(host: DeviceHost): void;
  /** Byte `offset` of the configuration space; must have no side effect. */
  readConfigByte(offset: number): number;
  /**
   * The driver wrote `value`, little-endian, of 1, 2 or 4 bytes, wholly inside the configuration space. Ignore
   * what is read-only.
   */
  writeConfig(offset: number, widthBytes: number, value: number): void;
  /** The driver set DRIVER_OK. */
  start(): void;
  /**
   * Buffers are available; those of a legacy driver maybe before {@link start}. Pop until null, until the device wants
   * no more or until `host.budget` is spent; push what is done. Chains may be kept and pushed later, followed by
   * `host.flush(index)`.
   */
  handleQueue(index: number, queue: DeviceQueue): void;
  /** The queue is closed: forget its chains. Other queues go on. */
  queueReset(index: number): void;
  /** Back to the state before the driver came. All queues are closed already. */
  reset(): void;
  /** The driver asks to suspend: finish what is in flight soon. The framework waits until nothing is. */
  quiesce(): void;
  /** State beyond queues and features, with nothing in flight. */
  save(): PlainValue;
  /**
   * Checks a saved state as a whole and changes nothing: whoever wrote it may be a stranger. Throws `VirtioUsageError`
   * when it does not fit. What it returns takes the state over, at once or never.
   */
  prepareRestore(state: PlainValue): PreparedRestore;
}

/** A saved state that was found good. */
export interface PreparedRestore {
  /** Takes the state over, right after a reset. Tells nobody; should throw no more, but resets what it did if it must. */
  takeOver(): void;
  /** Now that all of the device is as it was: shows it to whoever has to know. */
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
