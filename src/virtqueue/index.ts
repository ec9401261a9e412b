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
