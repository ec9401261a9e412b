/**
 * What all virtio devices share: status, features, configuration space, queues, notifications, suspend, save and
 * restore. A {@link VirtioDevice} gets its purpose from a {@link DeviceType} and its registers from a transport.
 *
 * @module virtio-emulator/device
 */

export { type CompleteDeviceType, completeDeviceType } from "./complete-type.ts";
export type { DeviceCounters, TransportHooks, VirtioDeviceOptions } from "./device-options.ts";
export type {
  DeviceHost,
  DeviceTraits,
  DeviceType,
  PlainValue,
  PreparedRestore,
  QueueDescription,
  RequestDeviceType,
  SharedMemoryRegion,
} from "./device-type.ts";
export { FEATURE_BITS, type FeatureDependency, FeatureSet } from "./features.ts";
export { DEFAULT_RING_FEATURES, DEVICE_POLICIES, type DevicePolicy, type Profile } from "./policy.ts";
export { platformRandomBytes, type RandomBytes } from "./random.ts";
export {
  formatUuid,
  parseUuid,
  type SharedContent,
  type SharedImage,
  SharedObject,
  SharedObjectRegistry,
  SharedObjectUse,
} from "./shared-objects.ts";
export {
  DEVICE_STATE_VERSION,
  type SavedDevice,
  type SavedLiveQueue,
  type SavedQueue,
} from "./state/saved-state.ts";
/** The words in which a device type says what its saved state consists of, to read one that comes from a stranger. */
export * as fields from "./state/schema.ts";
export { SavedStateError, type StatePath } from "./state/schema.ts";
export { VirtioDevice } from "./virtio-device.ts";
