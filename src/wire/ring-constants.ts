/**
 * Constants of the split virtqueue (section 2.7) and of the packed one (section 2.8).
 *
 * In a file of their own, without imports: of such files bundlers put the numbers into the code that uses them. What
 * every request needs must not be looked up each time.
 */

export const VIRTQ_DESC_F_NEXT = 1;
export const VIRTQ_DESC_F_WRITE = 2;
export const VIRTQ_DESC_F_INDIRECT = 4;
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
export const VIRTQ_USED_F_NO_NOTIFY = 1;

/** Alignments in bytes of the three parts, section 2.7. */
export const VIRTQ_DESC_ALIGN = 16;
export const VIRTQ_AVAIL_ALIGN = 2;
export const VIRTQ_USED_ALIGN = 4;

/** The largest queue size, in descriptors; a power of two. Packed queues have the same limit. */
export const VIRTQ_MAX_QUEUE_SIZE = 32768;

// Packed

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
