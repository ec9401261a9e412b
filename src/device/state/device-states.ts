import { VirtioUsageError } from "../../base/errors.ts";
import { atOnce } from "../../base/later.ts";
import type { WorkBudget } from "../../base/work-budget.ts";
import type { DeviceQueue } from "../../virtqueue/device-queue.ts";
import { VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_RING_PACKED } from "../../wire/common.ts";
import type { CompleteDeviceType } from "../complete-type.ts";
import type { ConfigSpace } from "../config-space.ts";
import type { VirtioDeviceOptions } from "../device-options.ts";
import type { PreparedRestore } from "../device-type.ts";
import type { DmaSpaces } from "../dma-spaces.ts";
import type { Negotiation } from "../negotiation.ts";
import type { DevicePolicy } from "../policy.ts";
import { queueOptions } from "../queue-options.ts";
import type { QueueSet } from "../queue-set.ts";
import { checkSavedDriver } from "./saved-driver.ts";
import { DEVICE_STATE_VERSION, readSavedDevice, type SavedDevice } from "./saved-state.ts";
import { inside } from "./schema.ts";

/** The parts of a device that have a state, and what live queues are made with. */
export interface StatefulDevice {
  readonly type: CompleteDeviceType;
  readonly policy: DevicePolicy;
  readonly options: VirtioDeviceOptions;
  readonly spaces: DmaSpaces;
  readonly budget: WorkBudget;
  readonly features: Negotiation;
  readonly queues: QueueSet;
  readonly config: ConfigSpace;
}

/** A saved device that was found good, with the live parts it becomes. */
export interface PreparedDevice {
  readonly saved: SavedDevice;
  readonly features: Negotiation;
  readonly live: readonly (DeviceQueue | null)[];
  readonly type: PreparedRestore;
}

/** The state of the device. Throws {@link VirtioUsageError} while something is under way. */
export function saveDevice(device: StatefulDevice, status: number, suspended: boolean): SavedDevice {
  const { type, policy, features, queues, config } = device;
  const { inFlight } = queues;
  if (inFlight > 0) {
    throw new VirtioUsageError(`${inFlight} chains are in flight; wait until they complete before saving`);
  }
  if (queues.unpublished) {
    throw new VirtioUsageError("used buffers are about to be shown to the driver; save after this callback");
  }
  return {
    version: DEVICE_STATE_VERSION,
    deviceId: type.deviceId,
    status,
    suspended,
    driverFeatures: [...features.accepted.words],
    agreedFeatures: policy.statusBits === "as-written" ? [...features.agreed.words] : null,
    ...config.save(),
    sharedMemory: type.sharedMemory.map(({ id, lengthBytes }) => [id, lengthBytes]),
    queues: queues.save(),
    type: nowOf(device, "save()", type.save()),
  };
}

/** Checks a saved state as a whole and makes its live parts; nothing of the device changes. */
export function prepareDevice(device: StatefulDevice, state: unknown): PreparedDevice {
  const { type, policy, queues } = device;
  const saved = readSavedDevice(state, type, policy.largestQueueSize);
  const features = device.features.forSaved(saved, policy.hiddenFeatures);
  checkSavedDriver(features, saved, policy);
  const hasFeature = (bit: number): boolean => features.has(bit);
  const live = inside("queues", () =>
    queues.prepareRestore(saved.queues, {
      format: hasFeature(VIRTIO_F_RING_PACKED) ? "packed" : "split",
      dma: device.spaces.for(hasFeature(VIRTIO_F_ACCESS_PLATFORM)),
      options: queueOptions(hasFeature, policy, device.options, device.budget),
    }),
  );
  const prepared = inside("type", () => nowOf(device, "prepareRestore()", type.prepareRestore(saved.type)));
  return {
    saved,
    features,
    live,
    type: {
      takeOver: () => nowOf(device, "takeOver()", prepared.takeOver()),
      resume: () => prepared.resume?.(),
    },
  };
}

/** What a device type returned, which may be no promise. */
function nowOf<T>({ type }: StatefulDevice, method: string, result: T): T {
  const instead = "have everything ready before the device is saved or restored";
  return atOnce(result, `${method} of the ${type.name}`, instead);
}
