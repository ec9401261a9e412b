import type { MaybeLater } from "../base/later.ts";
import type { DeviceQueue } from "../virtqueue/device-queue.ts";
import { RequestLoop } from "./backend/request-loop.ts";
import { checkDeviceType } from "./check-type.ts";
import type {
  DeviceHost,
  DeviceTraits,
  DeviceType,
  PlainValue,
  PreparedRestore,
  RequestDeviceType,
} from "./device-type.ts";
import { misfit } from "./state/schema.ts";

/** A device type with nothing left to defaults. */
export type CompleteDeviceType = Required<Omit<DeviceType, "config">>;

/** PCI class OTHERS: the specification assigns none. */
const PCI_CLASS_OTHERS = 0xff0000;

/**
 * The type with its defaults filled in; one that leaves nothing to them is returned as it is. Throws
 * `VirtioUsageError`, which says what is missing or wrong and what would be right.
 *
 * @example
 * ```ts
 * const { features, configLengthBytes } = completeDeviceType(new RngDevice());
 * ```
 */
export function completeDeviceType(type: DeviceType | RequestDeviceType): CompleteDeviceType {
  checkDeviceType(type);
  if (answersRequests(type)) return new CompletedType(type, new RequestLoop(type));
  return isComplete(type) ? type : new CompletedType(type, type);
}

function answersRequests(type: DeviceType | RequestDeviceType): type is RequestDeviceType {
  return typeof (type as Partial<RequestDeviceType>).handleRequest === "function";
}

const WITH_DEFAULTS: readonly (keyof CompleteDeviceType)[] = [
  "pciClass",
  "features",
  "featureDependencies",
  "sharedMemory",
  "configLengthBytes",
  "readConfigByte",
  "writeConfig",
  "attach",
  "start",
  "queueReset",
  "reset",
  "quiesce",
  "save",
  "prepareRestore",
];

function isComplete(type: DeviceType): type is DeviceType & CompleteDeviceType {
  return WITH_DEFAULTS.every((member) => type[member] !== undefined);
}

/** What takes requests from the queues: the type itself, or the loop that calls it for each request. */
interface QueueHandler {
  attach?(host: DeviceHost): void;
  handleQueue(index: number, queue: DeviceQueue): void;
  queueReset?(index: number): void;
  reset?(): void;
}

// A promise that a method returns is for the border to follow.
class CompletedType implements CompleteDeviceType {
  readonly name: string;
  readonly deviceId: number;
  readonly queues: DeviceType["queues"];
  readonly pciClass: number;
  readonly features: NonNullable<DeviceType["features"]>;
  readonly featureDependencies: NonNullable<DeviceType["featureDependencies"]>;
  readonly sharedMemory: NonNullable<DeviceType["sharedMemory"]>;
  readonly configLengthBytes: number;
  readonly #type: DeviceTraits;
  readonly #queues: QueueHandler;

  constructor(type: DeviceTraits, queues: QueueHandler) {
    this.#type = type;
    this.#queues = queues;
    this.name = type.name;
    this.deviceId = type.deviceId;
    this.queues = type.queues;
    this.pciClass = type.pciClass ?? PCI_CLASS_OTHERS;
    this.features = type.features ?? [];
    this.featureDependencies = type.featureDependencies ?? [];
    this.sharedMemory = type.sharedMemory ?? [];
    this.configLengthBytes = type.configLengthBytes ?? type.config?.length ?? 0;
  }

  attach(host: DeviceHost): MaybeLater<void> {
    return this.#queues.attach?.(host);
  }

  readConfigByte(offset: number): number {
    const type = this.#type;
    return type.readConfigByte === undefined ? (type.config?.[offset] ?? 0) : type.readConfigByte(offset);
  }

  writeConfig(offset: number, widthBytes: number, value: number): MaybeLater<void> {
    return this.#type.writeConfig?.(offset, widthBytes, value);
  }

  start(): MaybeLater<void> {
    return this.#type.start?.();
  }

  handleQueue(index: number, queue: DeviceQueue): MaybeLater<void> {
    return this.#queues.handleQueue(index, queue);
  }

  queueReset(index: number): MaybeLater<void> {
    return this.#queues.queueReset?.(index);
  }

  reset(): MaybeLater<void> {
    return this.#queues.reset?.();
  }

  quiesce(): MaybeLater<void> {
    return this.#type.quiesce?.();
  }

  save(): PlainValue {
    return this.#type.save?.() ?? null;
  }

  prepareRestore(state: PlainValue): PreparedRestore {
    if (this.#type.prepareRestore !== undefined) return this.#type.prepareRestore(state);
    if (state !== null) misfit([], `is there, and the ${this.name} has none`);
    return { takeOver() {} };
  }
}
