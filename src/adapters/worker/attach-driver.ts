import { checkArgument, checkOptions, type OptionRules, TIMER_MS_RULE } from "../../base/options.ts";
import { ALLOCATOR_RULE } from "../../driver/allocator.ts";
import { MmioDriverTransport } from "../../driver/transports/mmio.ts";
import { type DriverPlatform, VIRTIO_DRIVER_RULE, VirtioDriver } from "../../driver/virtio-driver.ts";
import { DRIVER_ENDPOINT_RULE, type DriverEndpoint } from "./driver-endpoint.ts";
import { ChannelError } from "./errors.ts";

/** Choices for {@link attachDriver}. */
export interface AttachDriverOptions extends Omit<DriverPlatform, "wait" | "maxAttempts"> {
  /**
   * Milliseconds before a wait gives up: a synchronous one with {@link ChannelError} `timeout`, an asynchronous one with
   * `DriverError` ETIMEDOUT. Default 5000.
   */
  readonly timeoutMs?: number;
}

const RULES: OptionRules<AttachDriverOptions> = {
  allocator: ALLOCATOR_RULE,
  timeoutMs: TIMER_MS_RULE,
  pollMs: TIMER_MS_RULE,
};

const DEFAULT_WAIT_TIMEOUT_MS = 5000;
// What a driver waits for need not come with an interrupt (a status bit), so it looks by itself now and then.
const LONGEST_SLICE_MS = 64;

/**
 * Makes a driver for the device at the other end of a channel. Its synchronous waits block the thread until the
 * device's interrupt; for its asynchronous ones let {@link pumpInterrupts} run. Throws `DriverError` ENODEV when there
 * is not a virtio device, {@link ChannelError} when nobody answers.
 *
 * @example
 * ```ts
 * const bus = new DriverEndpoint(handle);
 * const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
 * const driver = attachDriver(bus, { allocator: new GuestAllocator(memory) });
 * ```
 */
export function attachDriver(bus: DriverEndpoint, options: AttachDriverOptions): VirtioDriver {
  checkOptions("attachDriver", options, RULES, ["allocator"]);
  checkArgument("attachDriver", "bus", bus, DRIVER_ENDPOINT_RULE);
  const transport = MmioDriverTransport.open(bus);
  const timeoutMs = options.timeoutMs ?? DEFAULT_WAIT_TIMEOUT_MS;
  let started = 0;
  const wait = (attempt: number): void => {
    const now = performance.now();
    if (attempt === 0) started = now;
    if (now - started > timeoutMs) {
      throw new ChannelError(
        "timeout",
        `the device did not do what the driver waits for within ${timeoutMs} ms`,
      );
    }
    const pending = askForInterrupts(bus, driver);
    // Used buffers came since the caller looked, or those of a queue that nobody waits for lie about: the first time
    // the caller looks again at once.
    if (pending && attempt === 0) return;
    const slice = pending ? 1 : Math.min(LONGEST_SLICE_MS, 1 << Math.min(attempt, 6));
    if (bus.waitInterrupt(slice)) driver.handleInterrupt();
  };
  const driver: VirtioDriver = new VirtioDriver(transport, {
    ...options,
    wait,
    maxAttempts: Number.MAX_SAFE_INTEGER,
  });
  return driver;
}

/** Asks for notifications on all queues; true when there are used buffers already. */
function askForInterrupts(bus: DriverEndpoint, driver: VirtioDriver): boolean {
  let pending = false;
  for (let i = 0; i < bus.queues; i++) {
    const queue = driver.queue(i);
    if (queue?.ring.enableNotifications()) pending = true;
  }
  return pending;
}

/**
 * Hands the device's interrupts to a driver, without blocking the thread, until the driver's end is closed. Rejects
 * with {@link ChannelError} when the device's end is gone.
 *
 * @example
 * ```ts
 * const driver = attachDriver(bus, { allocator: new GuestAllocator(memory) });
 * pumpInterrupts(bus, driver).catch(report);
 * const bytes = await RngDriver.start(driver).readAsync(16);
 * ```
 */
export async function pumpInterrupts(bus: DriverEndpoint, driver: VirtioDriver): Promise<void> {
  checkArgument("pumpInterrupts", "bus", bus, DRIVER_ENDPOINT_RULE);
  checkArgument("pumpInterrupts", "driver", driver, VIRTIO_DRIVER_RULE);
  try {
    for (;;) {
      await bus.waitInterruptAsync();
      driver.handleInterrupt();
    }
  } catch (error) {
    if (error instanceof ChannelError && error.code === "driver-closed") return;
    throw error;
  }
}
