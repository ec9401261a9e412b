import { checkArgument } from "../../base/options.ts";
import { SystemClock } from "../../driver/kms/time/clock.ts";
import { VIRTIO_DRIVER_RULE, type VirtioDriver } from "../../driver/virtio-driver.ts";
import { DRIVER_ENDPOINT_RULE, type DriverEndpoint } from "./driver-endpoint.ts";

/** What a driver waits for need not come with an interrupt, so it looks by itself now and then. */
const LONGEST_SLICE_MS = 64;

/**
 * The time of a KMS card whose device is at the other end of a channel: its blocking calls sleep until the device's
 * interrupt, and take it in. For the calls that are promises let `pumpInterrupts` run.
 *
 * @example
 * ```ts
 * const bus = new DriverEndpoint(handle);
 * const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
 * const driver = attachDriver(bus, { allocator: new GuestAllocator(memory) });
 * const card = KmsCard.bind(driver, { clock: channelClock(bus, driver) });
 * ```
 */
export function channelClock(bus: DriverEndpoint, driver: VirtioDriver): SystemClock {
  checkArgument("channelClock", "bus", bus, DRIVER_ENDPOINT_RULE);
  checkArgument("channelClock", "driver", driver, VIRTIO_DRIVER_RULE);
  const clock: SystemClock = new SystemClock((untilMs) => {
    const slice = Math.min(untilMs - clock.now(), LONGEST_SLICE_MS);
    if (slice > 0 && bus.waitInterrupt(slice)) driver.handleInterrupt();
  });
  return clock;
}
