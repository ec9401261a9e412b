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

/** Refuses a state that belongs to another device or version. */
export function checkSavedDevice(state: SavedDevice, deviceId: number, queueCount: number): void {
  if (state.version !== DEVICE_STATE_VERSION) {
    throw new VirtioUsageError(`saved state has version ${state.version}, this is ${DEVICE_STATE_VERSION}`);
  }
  if (state.deviceId !== deviceId) {
    throw new VirtioUsageError(`saved state is of virtio device ${state.deviceId}, this is ${deviceId}`);
  }
  if (state.queues.length !== queueCount || state.driverFeatures.length !== 4) {
    throw new VirtioUsageError("saved state has another number of queues or feature words");
  }
}
