/** The split virtqueue, section 2.7: descriptor table, available ring, used ring. */
import { array, le16, le32, le64, offsetsOf, struct } from "./schema.ts";

export {
  VIRTQ_AVAIL_ALIGN,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_ALIGN,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_MAX_QUEUE_SIZE,
  VIRTQ_USED_ALIGN,
  VIRTQ_USED_F_NO_NOTIFY,
} from "./ring-constants.ts";

export const virtq_desc = /* @__PURE__ */ struct({ addr: le64, len: le32, flags: le16, next: le16 });
export const VIRTQ_DESC = /* @__PURE__ */ offsetsOf(virtq_desc);

/** `used_event` follows the last ring entry. */
export const virtq_avail = /* @__PURE__ */ struct({
  flags: le16,
  idx: le16,
  ring: /* @__PURE__ */ array(le16, 0),
});
export const VIRTQ_AVAIL = /* @__PURE__ */ offsetsOf(virtq_avail);
/** Size in bytes of one entry of the available ring. */
export const VIRTQ_AVAIL_ELEM_BYTES = 2;

export const virtq_used_elem = /* @__PURE__ */ struct({ id: le32, len: le32 });
export const VIRTQ_USED_ELEM = /* @__PURE__ */ offsetsOf(virtq_used_elem);

/** `avail_event` follows the last ring entry. */
export const virtq_used = /* @__PURE__ */ struct({
  flags: le16,
  idx: le16,
  ring: /* @__PURE__ */ array(virtq_used_elem, 0),
});
export const VIRTQ_USED = /* @__PURE__ */ offsetsOf(virtq_used);

/** Size in bytes of `used_event` and of `avail_event`. */
export const VIRTQ_EVENT_BYTES = 2;

/**
 * Size in bytes of a descriptor table of `queueSize` descriptors.
 *
 * @example
 * ```ts
 * descTableBytes(256); // 4096
 * ```
 */
export function descTableBytes(queueSize: number): number {
  return VIRTQ_DESC.sizeBytes * queueSize;
}

/**
 * Size in bytes of an available ring; `eventIdx` when VIRTIO_F_EVENT_IDX is negotiated.
 *
 * @example
 * ```ts
 * availRingBytes(256, true); // 518
 * ```
 */
export function availRingBytes(queueSize: number, eventIdx: boolean): number {
  return usedEventOffset(queueSize) + (eventIdx ? VIRTQ_EVENT_BYTES : 0);
}

/**
 * Size in bytes of a used ring; `eventIdx` when VIRTIO_F_EVENT_IDX is negotiated.
 *
 * @example
 * ```ts
 * usedRingBytes(256, true); // 2054
 * ```
 */
export function usedRingBytes(queueSize: number, eventIdx: boolean): number {
  return availEventOffset(queueSize) + (eventIdx ? VIRTQ_EVENT_BYTES : 0);
}

/**
 * Byte offset of `used_event` in the available ring.
 *
 * @example
 * ```ts
 * usedEventOffset(256); // 516
 * ```
 */
export function usedEventOffset(queueSize: number): number {
  return VIRTQ_AVAIL.ring + VIRTQ_AVAIL_ELEM_BYTES * queueSize;
}

/**
 * Byte offset of `avail_event` in the used ring.
 *
 * @example
 * ```ts
 * availEventOffset(256); // 2052
 * ```
 */
export function availEventOffset(queueSize: number): number {
  return VIRTQ_USED.ring + VIRTQ_USED_ELEM.sizeBytes * queueSize;
}

/**
 * Byte offset of the used ring in a legacy virtqueue, one piece of memory with that alignment, section 2.7.2.
 *
 * @example
 * ```ts
 * legacyUsedOffset(256, 4096); // 8192
 * ```
 */
export function legacyUsedOffset(queueSize: number, alignBytes: number): number {
  const driverBytes = descTableBytes(queueSize) + availRingBytes(queueSize, true);
  return Math.ceil(driverBytes / alignBytes) * alignBytes;
}

/**
 * Size in bytes of a legacy virtqueue.
 *
 * @example
 * ```ts
 * legacyQueueBytes(256, 4096); // 10246, where the used ring ends
 * ```
 */
export function legacyQueueBytes(queueSize: number, alignBytes: number): number {
  const usedBytes = Math.ceil(usedRingBytes(queueSize, true) / alignBytes) * alignBytes;
  return legacyUsedOffset(queueSize, alignBytes) + usedBytes;
}
