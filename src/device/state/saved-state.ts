import { VirtioUsageError } from "../../base/errors.ts";
import type { QueueConfig } from "../../virtqueue/config.ts";
import type { QueueProgress } from "../../virtqueue/device-queue.ts";
import {
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_RING_PACKED,
} from "../../wire/common.ts";
import type { DeviceType, PlainValue } from "../device-type.ts";

/** Version of {@link SavedDevice}; raised whenever its meaning changes. */
export const DEVICE_STATE_VERSION = 2;

/** The state of one queue. */
export interface SavedQueue {
  readonly config: QueueConfig;
  readonly enabled: boolean;
  /** Null when the queue was not live, or had faulted. */
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
  /** What is in force, where a profile lets that differ from what the status says; left out otherwise. */
  readonly agreedFeatures?: readonly number[];
  readonly configGeneration: number;
  readonly configChangedSinceRead: boolean;
  /** Bytes of the configuration space as a suspended device still shows it, null when it did not change meanwhile. */
  readonly shownConfig: readonly number[] | null;
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

function flag(value: unknown, what: string): boolean {
  if (typeof value !== "boolean")
    throw new VirtioUsageError(`saved state: ${what} is neither true nor false`);
  return value;
}

function checkSavedQueue(queue: SavedQueue, index: number, maxSize: number, state: SavedDevice): void {
  const name = `queue ${index}`;
  if (
    typeof queue !== "object" ||
    queue === null ||
    typeof queue.config !== "object" ||
    queue.config === null
  ) {
    throw new VirtioUsageError(`saved state: ${name} is missing`);
  }
  const { config, progress } = queue;
  number(config.size, `${name} size`, 0xffff);
  for (const field of ["descHi", "descLo", "driverHi", "driverLo", "deviceHi", "deviceLo"] as const) {
    number(config[field], `${name} ${field}`, U32);
  }
  const enabled = flag(queue.enabled, `${name} enabled`);
  const faulted = flag(queue.faulted, `${name} faulted`);
  if (progress === null) {
    // What a driver enabled came to life at once, or faulted.
    if (enabled && !faulted && (state.status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) {
      throw new VirtioUsageError(`saved state: ${name} is in use, but there is no progress`);
    }
    return;
  }
  if (typeof progress !== "object" || progress.format !== formatOf(state)) {
    throw new VirtioUsageError(`saved state: ${name} has no proper progress`);
  }
  if (!enabled) throw new VirtioUsageError(`saved state: ${name} has progress, but is not enabled`);
  // Nothing a driver can bring about: the queue was in use with this size.
  if (!faulted && config.size > maxSize) {
    throw new VirtioUsageError(
      `saved state: ${name} has ${config.size} entries, here it has at most ${maxSize}`,
    );
  }
  const last = progress.format === "packed" ? config.size - 1 : 0xffff;
  number(progress.nextAvail, `${name} nextAvail`, last);
  number(progress.nextUsed, `${name} nextUsed`, last);
  number(progress.availWrap, `${name} availWrap`, 1);
  number(progress.usedWrap, `${name} usedWrap`, 1);
}

function formatOf({ status, driverFeatures, agreedFeatures }: SavedDevice): "split" | "packed" {
  const negotiated = agreedFeatures !== undefined || (status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0;
  const word = (agreedFeatures ?? driverFeatures)[VIRTIO_F_RING_PACKED >>> 5] as number;
  const packed = negotiated && (word >>> (VIRTIO_F_RING_PACKED & 31)) & 1;
  return packed ? "packed" : "split";
}

/**
 * Refuses a state that belongs to another device or version, or that is no state at all. `largestQueueSize` is what the
 * profile allows every queue, null for what the device type says.
 */
export function checkSavedDevice(
  state: SavedDevice,
  type: DeviceType,
  largestQueueSize: number | null = null,
): void {
  const { deviceId, queues, configLengthBytes } = type;
  if (typeof state !== "object" || state === null) throw new VirtioUsageError("saved state is no object");
  if (state.version !== DEVICE_STATE_VERSION) {
    throw new VirtioUsageError(`saved state has version ${state.version}, this is ${DEVICE_STATE_VERSION}`);
  }
  if (state.deviceId !== deviceId) {
    throw new VirtioUsageError(`saved state is of virtio device ${state.deviceId}, this is ${deviceId}`);
  }
  if (!Array.isArray(state.queues) || state.queues.length !== queues.length) {
    throw new VirtioUsageError("saved state has another number of queues");
  }
  if (!Array.isArray(state.driverFeatures) || state.driverFeatures.length !== 4) {
    throw new VirtioUsageError("saved state has another number of feature words");
  }
  number(state.status, "status", 0xff);
  number(state.configGeneration, "configGeneration", U32);
  flag(state.configChangedSinceRead, "configChangedSinceRead");
  const presented = state.status & (VIRTIO_CONFIG_S_SUSPEND | VIRTIO_CONFIG_S_DRIVER_OK);
  if (
    flag(state.suspended, "suspended")
      ? presented !== VIRTIO_CONFIG_S_SUSPEND
      : (presented & VIRTIO_CONFIG_S_SUSPEND) !== 0
  ) {
    throw new VirtioUsageError(`saved state: suspended is ${state.suspended}, the status says otherwise`);
  }
  const { shownConfig } = state;
  if (shownConfig !== null) {
    if (!state.suspended || !Array.isArray(shownConfig) || shownConfig.length !== configLengthBytes) {
      throw new VirtioUsageError(
        "saved state: shownConfig is not the configuration space of a suspended device",
      );
    }
    for (const byte of shownConfig) number(byte, "shownConfig", 0xff);
  }
  for (const word of state.driverFeatures) number(word, "driverFeatures", U32);
  const { agreedFeatures } = state;
  if (agreedFeatures !== undefined) {
    if (!Array.isArray(agreedFeatures) || agreedFeatures.length !== 4) {
      throw new VirtioUsageError("saved state: agreedFeatures are no four words");
    }
    for (const word of agreedFeatures) number(word, "agreedFeatures", U32);
  }
  for (const [i, { maxSize }] of queues.entries()) {
    checkSavedQueue(state.queues[i] as SavedQueue, i, Math.max(maxSize, largestQueueSize ?? 0), state);
  }
}
