/**
 * The device's side of split and packed virtqueues: a {@link QueueConfig}, which a driver wrote and nobody trusts,
 * becomes a live {@link DeviceQueue} through {@link activateQueue}, or a typed fault. Embedders and authors of
 * devices meet queues through `virtio-emulator/device`; this layer is for those who bring a device framework of
 * their own.
 *
 * @module virtio-emulator/virtqueue
 */

export { activateQueue } from "./activate.ts";
export { DescriptorChain, Scratch } from "./chain.ts";
export { ChainReader } from "./chain-reader.ts";
export { ChainWriter } from "./chain-writer.ts";
export {
  DEFAULT_QUEUE_OPTIONS,
  initialQueueConfig,
  MAX_QUEUE_SIZE,
  type QueueConfig,
  type QueueOptions,
} from "./config.ts";
export type { DeviceQueue, QueueProgress } from "./device-queue.ts";
export type { QueueFault, QueueFaultCode } from "./fault.ts";
export { PackedDeviceQueue } from "./packed.ts";
export { SplitDeviceQueue } from "./split.ts";
