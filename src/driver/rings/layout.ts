import {
  PVIRTQ_DESC_ALIGN,
  PVIRTQ_EVENT_SUPPRESS_ALIGN,
  packedDescRingBytes,
  packedEventSuppressBytes,
} from "../../wire/packed-ring.ts";
import {
  availRingBytes,
  descTableBytes,
  usedRingBytes,
  VIRTQ_AVAIL_ALIGN,
  VIRTQ_DESC_ALIGN,
  VIRTQ_USED_ALIGN,
} from "../../wire/split-ring.ts";
import type { DmaBuffer, GuestAllocator } from "../allocator.ts";
import type { RingMemory } from "./driver-ring.ts";

/**
 * Allocates the three parts of a ring, zeroed and aligned. Throws `DriverError` ENOMEM; nothing stays allocated then.
 * [split-ring.driver.virtqueues.1] [packed-ring.driver.packed-virtqueues.1]
 * [split-ring.driver.available-buffer-notification-suppression.1]
 *
 * @example
 * ```ts
 * const memory = allocateRingMemory(allocator, "split", 64, true);
 * memory.desc.lo; // a multiple of 16
 * ```
 */
export function allocateRingMemory(
  allocator: GuestAllocator,
  format: "split" | "packed",
  size: number,
  eventIdx: boolean,
): RingMemory {
  const parts: DmaBuffer[] = [];
  const allocate = (lengthBytes: number, alignment: number): DmaBuffer => {
    const part = allocator.allocate(lengthBytes, alignment);
    parts.push(part);
    return part;
  };
  try {
    if (format === "split") {
      return {
        desc: allocate(descTableBytes(size), VIRTQ_DESC_ALIGN),
        driver: allocate(availRingBytes(size, eventIdx), VIRTQ_AVAIL_ALIGN),
        device: allocate(usedRingBytes(size, eventIdx), VIRTQ_USED_ALIGN),
      };
    }
    return {
      desc: allocate(packedDescRingBytes(size), PVIRTQ_DESC_ALIGN),
      driver: allocate(packedEventSuppressBytes(), PVIRTQ_EVENT_SUPPRESS_ALIGN),
      device: allocate(packedEventSuppressBytes(), PVIRTQ_EVENT_SUPPRESS_ALIGN),
    };
  } catch (error) {
    for (const part of parts) allocator.free(part);
    throw error;
  }
}

/**
 * Returns the memory of a ring.
 *
 * @example
 * ```ts
 * const memory = allocateRingMemory(allocator, "packed", 64, false);
 * freeRingMemory(allocator, memory);
 * ```
 */
export function freeRingMemory(allocator: GuestAllocator, memory: RingMemory): void {
  allocator.free(memory.desc);
  allocator.free(memory.driver);
  allocator.free(memory.device);
}
