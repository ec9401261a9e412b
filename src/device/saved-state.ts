import { VirtioUsageError } from "../base/errors.ts";
import type { QueueConfig } from "../virtqueue/config.ts";
import type { QueueProgress } from "../virtqueue/device-queue.ts";
import type { PlainValue } from "./device-type.ts";

/** Version of {@link SavedDevice}; raised whenever its meaning changes. */
export const DEVICE_STATE_VERSION = 1;

/** The state of one queue. */
export interface SavedQueue {
  readonly config: QueueConfig;
  readonly enabled: boolean;
  /** Null when the queue was not live. */
  readonly progress: QueueProgress | null;
  readonly faulted: boolean;
}

/** The state of a device without its transport and without guest memory. Survives JSON and structuredClone. */
export interface SavedDevice {
  readonly version: number;
  readonly deviceId: number;
  readonly status: number;
  readonly suspended: boolean;
  readonly driverFeatures: readonly number[];
  readonly configGeneration: number;
  readonly configChangedSinceRead: boolean;
  readonly queues: readonly SavedQueue[];
  /** What the device type saved. */
  readonly type: PlainValue;
}

const U32 = 0xffffffff;

function number(value: unknown, what: string, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
    throw new VirtioUsageError(`saved state: ${what} is not a whole number in 0 … ${max}`);
  }
  return value;
}

function checkSavedQueue(queue: SavedQueue, index: number): void {
  const what = `queue ${index}`;
  if (
    typeof queue !== "object" ||
    queue === null ||
    typeof queue.config !== "object" ||
    queue.config === null
  ) {
    throw new VirtioUsageError(`saved state: ${what} is missing`);
  }
  const { config, progress } = queue;
  number(config.size, `${what} size`, 0xffff);
  for (const field of ["descHi", "descLo", "driverHi", "driverLo", "deviceHi", "deviceLo"] as const) {
    number(config[field], `${what} ${field}`, U32);
  }
  if (progress === null) return;
  if (typeof progress !== "object" || (progress.format !== "split" && progress.format !== "packed")) {
    throw new VirtioUsageError(`saved state: ${what} has no proper progress`);
  }
  number(progress.nextAvail, `${what} nextAvail`, 0xffff);
  number(progress.nextUsed, `${what} nextUsed`, 0xffff);
  number(progress.availWrap, `${what} availWrap`, 1);
  number(progress.usedWrap, `${what} usedWrap`, 1);
}

/** Refuses a state that belongs to another device or version, or that is no state at all. */
export function checkSavedDevice(state: SavedDevice, deviceId: number, queueCount: number): void {
  if (typeof state !== "object" || state === null) throw new VirtioUsageError("saved state is no object");
  if (state.version !== DEVICE_STATE_VERSION) {
    throw new VirtioUsageError(`saved state has version ${state.version}, this is ${DEVICE_STATE_VERSION}`);
  }
  if (state.deviceId !== deviceId) {
    throw new VirtioUsageError(`saved state is of virtio device ${state.deviceId}, this is ${deviceId}`);
  }
  if (!Array.isArray(state.queues) || state.queues.length !== queueCount) {
    throw new VirtioUsageError("saved state has another number of queues");
  }
  if (!Array.isArray(state.driverFeatures) || state.driverFeatures.length !== 4) {
    throw new VirtioUsageError("saved state has another number of feature words");
  }
  number(state.status, "status", 0xff);
  number(state.configGeneration, "configGeneration", U32);
  for (const word of state.driverFeatures) number(word, "driverFeatures", U32);
  for (const [index, queue] of state.queues.entries()) checkSavedQueue(queue, index);
}
