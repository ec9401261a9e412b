/** The packed virtqueue, section 2.8: one descriptor ring and two event suppression structures. */
import { le16, le32, le64, offsetsOf, struct } from "./schema.ts";

export {
  PVIRTQ_DESC_ALIGN,
  PVIRTQ_EVENT_SUPPRESS_ALIGN,
  RING_EVENT_DESC_OFF_MASK,
  RING_EVENT_DESC_WRAP_SHIFT,
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  RING_EVENT_FLAGS_MASK,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "./ring-constants.ts";

export const pvirtq_desc = /* @__PURE__ */ struct({ addr: le64, len: le32, id: le16, flags: le16 });
export const PVIRTQ_DESC = /* @__PURE__ */ offsetsOf(pvirtq_desc);

export const pvirtq_event_suppress = /* @__PURE__ */ struct({ desc: le16, flags: le16 });
export const PVIRTQ_EVENT_SUPPRESS = /* @__PURE__ */ offsetsOf(pvirtq_event_suppress);

/**
 * Size in bytes of a descriptor ring of `queueSize` descriptors.
 *
 * @example
 * ```ts
 * packedDescRingBytes(64); // 1024
 * ```
 */
export function packedDescRingBytes(queueSize: number): number {
  return PVIRTQ_DESC.sizeBytes * queueSize;
}

/**
 * Size in bytes of the driver area as well as of the device area.
 *
 * @example
 * ```ts
 * packedEventSuppressBytes(); // 4
 * ```
 */
export function packedEventSuppressBytes(): number {
  return PVIRTQ_EVENT_SUPPRESS.sizeBytes;
}
