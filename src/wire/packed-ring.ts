/** The packed virtqueue, section 2.8: one descriptor ring and two event suppression structures. */
import { le16, le32, le64, offsetsOf, struct } from "./schema.ts";

export const VIRTQ_DESC_F_AVAIL = 1 << 7;
export const VIRTQ_DESC_F_USED = 1 << 15;

/** Values of `pvirtq_event_suppress.flags`, bits 0 and 1; the others are reserved. */
export const RING_EVENT_FLAGS_ENABLE = 0x0;
export const RING_EVENT_FLAGS_DISABLE = 0x1;
export const RING_EVENT_FLAGS_DESC = 0x2;
export const RING_EVENT_FLAGS_MASK = 0x3;

/** `pvirtq_event_suppress.desc`: offset in descriptors in bits 0 to 14, wrap counter in bit 15. */
export const RING_EVENT_DESC_OFF_MASK = 0x7fff;
export const RING_EVENT_DESC_WRAP_SHIFT = 15;

/** Alignments in bytes of the three parts, section 2.8.10.1. */
export const PVIRTQ_DESC_ALIGN = 16;
export const PVIRTQ_EVENT_SUPPRESS_ALIGN = 4;

export const pvirtq_desc = /* @__PURE__ */ struct({ addr: le64, len: le32, id: le16, flags: le16 });
export const PVIRTQ_DESC = /* @__PURE__ */ offsetsOf(pvirtq_desc);

export const pvirtq_event_suppress = /* @__PURE__ */ struct({ desc: le16, flags: le16 });
export const PVIRTQ_EVENT_SUPPRESS = /* @__PURE__ */ offsetsOf(pvirtq_event_suppress);

/** Size in bytes of a descriptor ring of `queueSize` descriptors. */
export function packedDescRingBytes(queueSize: number): number {
  return PVIRTQ_DESC.sizeBytes * queueSize;
}

/** Size in bytes of the driver area as well as of the device area. */
export function packedEventSuppressBytes(): number {
  return PVIRTQ_EVENT_SUPPRESS.sizeBytes;
}
