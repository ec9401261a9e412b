import type { WorkBudget } from "../base/work-budget.ts";

/** Largest number of entries a queue can have (virtio 1.4, sections 2.7 and 2.8). */
export const MAX_QUEUE_SIZE = 32768;

/**
 * What the driver wrote into a queue's registers: untrusted, changeable, of no effect until the queue is
 * activated from it. Addresses in unsigned 32-bit halves.
 */
export interface QueueConfig {
  size: number;
  descHi: number;
  descLo: number;
  driverHi: number;
  driverLo: number;
  deviceHi: number;
  deviceLo: number;
}

/**
 * A configuration as it stands after reset.
 *
 * @example
 * ```ts
 * const config = { ...initialQueueConfig(256), size: 64 };
 * ```
 */
export function initialQueueConfig(maxSize: number): QueueConfig {
  return { size: maxSize, descHi: 0, descLo: 0, driverHi: 0, driverLo: 0, deviceHi: 0, deviceLo: 0 };
}

/** What was negotiated, and the device's own choices, as far as a queue cares. */
export interface QueueOptions {
  readonly indirectDesc: boolean;
  readonly eventIdx: boolean;
  readonly inOrder: boolean;
  /** Notify the driver of the last available buffer's use, whatever it asked for (VIRTIO_F_NOTIFY_ON_EMPTY, legacy). */
  readonly notifyOnEmpty: boolean;
  /** Largest size the device offered for this queue. */
  readonly maxSize: number;
  /**
   * Most elements a chain may have, counting through an indirect table. The specification limits drivers to the
   * queue size; Linux exceeds it with indirect tables, so the larger of this and the queue size applies.
   */
  readonly maxChainElements: number;
  /** What to do with an element of length zero: `accept` skips it, `fault` stops the queue as QEMU does. */
  readonly zeroLengthElement: "accept" | "fault";
  /** VIRTQ_DESC_F_INDIRECT with VIRTQ_DESC_F_NEXT in a split ring: drivers must not; QEMU ignores NEXT. */
  readonly indirectWithNext: "accept" | "fault";
  /** Alignment of the rings: `specified`, or `least`, as little as typed arrays take: 2 bytes for available and used ring, else 4. */
  readonly ringAlignment: "specified" | "least";
  /**
   * Ask the driver not to notify while the device drains. Worth its two stores only where the driver runs in
   * another thread.
   */
  readonly suppressWhileDraining: boolean;
  /** With IN_ORDER: return a run of wholly written buffers with one used entry. */
  readonly inOrderBatching: boolean;
  /** What walking long buffers is charged to, null where nobody counts. */
  readonly budget: WorkBudget | null;
}

/** Queue options with nothing negotiated and the library's defaults. */
export const DEFAULT_QUEUE_OPTIONS: QueueOptions = {
  indirectDesc: false,
  eventIdx: false,
  inOrder: false,
  notifyOnEmpty: false,
  maxSize: MAX_QUEUE_SIZE,
  maxChainElements: 1024,
  zeroLengthElement: "accept",
  indirectWithNext: "fault",
  ringAlignment: "specified",
  suppressWhileDraining: false,
  inOrderBatching: true,
  budget: null,
};
