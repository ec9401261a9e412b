import type { DmaSpace } from "../memory/dma.ts";
import { MAX_QUEUE_SIZE, type QueueConfig, type QueueOptions } from "./config.ts";
import type { DeviceQueue, QueueProgress } from "./device-queue.ts";
import type { QueueFault } from "./fault.ts";
import { PackedDeviceQueue } from "./packed.ts";
import { SplitDeviceQueue } from "./split.ts";

/**
 * Turns what a driver wrote into registers into a live queue, or says what is wrong with it. This is the only way
 * to a live queue, so that everything behind it stands on checked ground.
 *
 * `progress` continues where an earlier queue left off (restore); without it the queue starts from its beginning.
 *
 * @example
 * ```ts
 * const queue = activateQueue("split", config, new DmaSpace(memory), DEFAULT_QUEUE_OPTIONS);
 * if ("code" in queue) console.log(queue.code);
 * ```
 */
export function activateQueue(
  format: "split" | "packed",
  config: QueueConfig,
  dma: DmaSpace,
  options: QueueOptions,
  progress: QueueProgress | null = null,
): DeviceQueue | QueueFault {
  const { size } = config;
  const limit = Math.min(options.maxSize, MAX_QUEUE_SIZE);
  // Only split rings need a power of two. Packed rings take any size.
  const powerOfTwo = (size & (size - 1)) === 0;
  if (!(size > 0) || size > limit || (format === "split" && !powerOfTwo)) {
    return { code: "queue-size", head: -1, value: size };
  }
  dma.memory.sync();
  const queue =
    format === "split"
      ? new SplitDeviceQueue(config, dma, options, progress)
      : new PackedDeviceQueue(config, dma, options, progress);
  return queue.fault ?? queue;
}
