import type { QueueConfig } from "../../virtqueue/config.ts";
import type { QueueProgress } from "../../virtqueue/device-queue.ts";
import {
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_SUSPEND,
} from "../../wire/common.ts";
import type { CompleteDeviceType } from "../complete-type.ts";
import type { PlainValue } from "../device-type.ts";
import {
  anything,
  type Field,
  flag,
  inside,
  type Lift,
  lifted,
  list,
  listOf,
  misfit,
  oneOf,
  orNull,
  record,
  size,
  whole,
} from "./schema.ts";

/** Version of {@link SavedDevice}; raised whenever its shape or meaning changes. */
export const DEVICE_STATE_VERSION = 4;

/** The state of one queue. */
export interface SavedQueue {
  /** Its registers. */
  readonly config: QueueConfig;
  readonly enabled: boolean;
  /** Null when the queue was not live, or had faulted. */
  readonly live: SavedLiveQueue | null;
  readonly faulted: boolean;
}

/** A queue that was in use. */
export interface SavedLiveQueue {
  /** What it was made of; a profile may let a driver write into the registers meanwhile. */
  readonly config: QueueConfig;
  readonly progress: QueueProgress;
}

/** The state of a device without its transport and without guest memory. Survives JSON and structuredClone. */
export interface SavedDevice {
  readonly version: number;
  readonly deviceId: number;
  readonly status: number;
  readonly suspended: boolean;
  readonly driverFeatures: readonly number[];
  /** What is in force, where a profile lets that differ from what the status says; null otherwise. */
  readonly agreedFeatures: readonly number[] | null;
  readonly configGeneration: number;
  readonly configChangedSinceRead: boolean;
  /** Bytes of the configuration space as they were; the driver is told when they are others after a restore. */
  readonly config: readonly number[] | null;
  /** Bytes of the configuration space as a suspended device still shows it, null when it did not change meanwhile. */
  readonly shownConfig: readonly number[] | null;
  /** Id and length in bytes of each shared memory region. */
  readonly sharedMemory: readonly (readonly number[])[] | null;
  readonly queues: readonly SavedQueue[];
  /** What the device type saved. */
  readonly type: PlainValue;
}

/** What made each version the next one. */
const LIFTS: readonly Lift[] = [
  // A suspended device's changes of its configuration waited beside the space, and were not saved.
  (state) => ({ ...state, shownConfig: null }),
  // What the driver had been shown was not known.
  (state) => ({
    ...state,
    agreedFeatures: state["agreedFeatures"] ?? null,
    config: null,
    sharedMemory: null,
  }),
  // Of a live queue there was one configuration for both: what it was made of.
  (state) => ({ ...state, queues: liftQueues(state["queues"]) }),
];

function liftQueues(queues: unknown): unknown {
  if (!Array.isArray(queues)) return queues;
  return queues.map((queue: unknown) => {
    if (typeof queue !== "object" || queue === null || Array.isArray(queue)) return queue;
    const { progress, ...rest } = queue as Readonly<Record<string, unknown>>;
    return { ...rest, live: progress === null ? null : { config: rest["config"], progress } };
  });
}

const u16 = whole(0, 0xffff);
const u8 = whole(0, 0xff);

const configField: Field<QueueConfig> = record({
  size: u16,
  descHi: whole(),
  descLo: whole(),
  driverHi: whole(),
  driverLo: whole(),
  deviceHi: whole(),
  deviceLo: whole(),
});

const progressField: Field<QueueProgress> = record({
  format: oneOf(["split", "packed"]),
  nextAvail: u16,
  nextUsed: u16,
  availWrap: whole(0, 1),
  usedWrap: whole(0, 1),
});

const queueField: Field<SavedQueue> = record({
  config: configField,
  enabled: flag,
  live: orNull(record({ config: configField, progress: progressField })),
  faulted: flag,
});

function deviceField({
  queues,
  configLengthBytes,
}: CompleteDeviceType): Field<Omit<SavedDevice, "type"> & { type: unknown }> {
  const config = listOf(u8, configLengthBytes);
  return record({
    version: whole(),
    deviceId: whole(),
    status: u8,
    suspended: flag,
    driverFeatures: listOf(whole(), 4),
    agreedFeatures: orNull(listOf(whole(), 4)),
    configGeneration: whole(),
    configChangedSinceRead: flag,
    config: orNull(config),
    shownConfig: orNull(config),
    sharedMemory: orNull(list(listOf(size, 2), 256)),
    queues: listOf(queueField, queues.length),
    type: anything,
  });
}

/**
 * Reads the state of a device of any version, as far as that can be judged without knowing what it offers. Throws
 * {@link SavedStateError} when it belongs to another device, contradicts itself or is not a state at all.
 */
export function readSavedDevice(
  state: unknown,
  type: CompleteDeviceType,
  largestQueueSize: number | null,
): SavedDevice {
  const newest = lifted(state, LIFTS);
  inside("deviceId", () => {
    const id = newest["deviceId"];
    if (id !== type.deviceId) misfit([], `is ${String(id)}, and this is virtio device ${type.deviceId}`);
  });
  const saved = deviceField(type)(newest) as SavedDevice;
  checkSuspension(saved);
  checkSharedMemory(saved, type);
  for (const [i, queue] of saved.queues.entries()) {
    inside("queues", () =>
      inside(i, () =>
        checkQueue(queue, Math.max(type.queues[i]?.maxSize ?? 0, largestQueueSize ?? 0), saved),
      ),
    );
  }
  return saved;
}

function checkSuspension(state: SavedDevice): void {
  const { status, suspended, shownConfig } = state;
  const presented = status & (VIRTIO_CONFIG_S_SUSPEND | VIRTIO_CONFIG_S_DRIVER_OK);
  const shows = (status & VIRTIO_CONFIG_S_SUSPEND) !== 0;
  if (suspended ? presented !== VIRTIO_CONFIG_S_SUSPEND : shows) {
    misfit("suspended", `is ${suspended}, and the status says otherwise`);
  }
  if (suspended && !has(state, VIRTIO_F_SUSPEND)) {
    misfit("suspended", "is true, and the driver has not negotiated VIRTIO_F_SUSPEND");
  }
  if (shownConfig !== null && !suspended) {
    misfit("shownConfig", "is present, but only a suspended device has one");
  }
}

function checkSharedMemory({ sharedMemory }: SavedDevice, type: CompleteDeviceType): void {
  if (sharedMemory === null) return;
  const here = type.sharedMemory;
  if (sharedMemory.length !== here.length) {
    misfit("sharedMemory", `has ${sharedMemory.length} regions, and this device has ${here.length}`);
  }
  for (const [i, [id, lengthBytes]] of sharedMemory.entries()) {
    const region = here[i];
    if (region?.id === id && region?.lengthBytes === lengthBytes) continue;
    // The driver looked once, and has no way to learn of another size.
    misfit(
      ["sharedMemory", i],
      `is region ${id} of ${lengthBytes} bytes, and here it is ${region?.id} of ${region?.lengthBytes}`,
    );
  }
}

function checkQueue({ enabled, live, faulted }: SavedQueue, maxSize: number, state: SavedDevice): void {
  if (live === null) {
    // What a driver enabled came to life at once, or faulted.
    if (enabled && !faulted && (state.status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) {
      misfit("live", "is null, and the queue is in use");
    }
    return;
  }
  if (faulted) misfit("live", "is there, and the queue has faulted");
  if (!enabled) misfit("live", "is there, and the queue is not enabled");
  inside("live", () => checkLive(live, maxSize, formatOf(state)));
}

function checkLive({ config, progress }: SavedLiveQueue, maxSize: number, format: "split" | "packed"): void {
  // Nothing a driver can bring about: the queue was in use with this size.
  if (config.size === 0 || config.size > maxSize) {
    misfit(
      ["config", "size"],
      `is ${config.size}, and a ${format} queue here has at most ${maxSize} entries`,
    );
  }
  inside("progress", () => checkProgress(progress, config.size, format));
}

function checkProgress(progress: QueueProgress, size: number, format: "split" | "packed"): void {
  const { nextAvail, nextUsed, availWrap, usedWrap } = progress;
  if (progress.format !== format)
    misfit("format", `is ${progress.format}, and the driver negotiated ${format}`);
  const last = format === "packed" ? size - 1 : 0xffff;
  if (nextAvail > last) misfit("nextAvail", `is ${nextAvail}, beyond ${last}`);
  // Nothing is in flight while a device is saved: what was taken was given back.
  if (nextUsed !== nextAvail) {
    misfit("nextUsed", `is ${nextUsed}, and nextAvail is ${nextAvail} with nothing in flight`);
  }
  const wrong = format === "split" ? availWrap !== 0 || usedWrap !== 0 : availWrap !== usedWrap;
  if (wrong) {
    misfit(
      "usedWrap",
      `is ${usedWrap}, and availWrap is ${availWrap} in a ${format} queue with nothing in flight`,
    );
  }
}

function has(
  {
    status,
    driverFeatures,
    agreedFeatures,
  }: Pick<SavedDevice, "status" | "driverFeatures" | "agreedFeatures">,
  bit: number,
): boolean {
  const negotiated = agreedFeatures !== null || (status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0;
  const word = (agreedFeatures ?? driverFeatures)[bit >>> 5] as number;
  return negotiated && ((word >>> (bit & 31)) & 1) !== 0;
}

function formatOf(state: SavedDevice): "split" | "packed" {
  return has(state, VIRTIO_F_RING_PACKED) ? "packed" : "split";
}
