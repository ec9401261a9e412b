/**
 * Device and driver in two threads over one `SharedArrayBuffer`, in Node and in browsers. {@link createChannel}
 * makes both ends.
 *
 * @module virtio-emulator/adapters/worker
 */

export { runSoon } from "../../base/run-soon.ts";
export { type AttachDriverOptions, attachDriver, pumpInterrupts } from "./attach-driver.ts";
export {
  type Channel,
  type ChannelHandle,
  type ChannelOptions,
  channelTransferList,
  createChannel,
} from "./channel.ts";
export { channelClock } from "./channel-clock.ts";
export {
  DeviceEndpoint,
  type DeviceEndpointCounters,
  type DeviceEndpointOptions,
  type MmioTarget,
  type ServeEnd,
} from "./device-endpoint.ts";
export {
  DriverEndpoint,
  type DriverEndpointCounters,
  type DriverEndpointOptions,
} from "./driver-endpoint.ts";
export { ChannelError, type ChannelErrorCode } from "./errors.ts";
export type { WakePort } from "./wake-port.ts";
