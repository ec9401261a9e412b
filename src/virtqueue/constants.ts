// Without imports, for the reason that wire/ring-constants.ts gives.

/** State of a chain: in its queue's pool. */
export const CHAIN_FREE = 0;
/** State of a chain: with the device. */
export const CHAIN_IN_FLIGHT = 1;
/** State of a chain: pushed, but held back by an earlier buffer (IN_ORDER). */
export const CHAIN_HELD = 2;

/** Size of a descriptor of either format, in bytes. */
export const DESCRIPTOR_BYTES = 16;

/** Most bytes a chain may hold (virtio 1.4, section 2.7.5.2). */
export const MAX_CHAIN_BYTES = 0x100000000;

/**
 * An element of a buffer that is walked, in the units of a WorkBudget. The first two cost nothing beyond what its request
 * does; neither do those of the fast path.
 */
export const ELEMENT_WORK = 256;
/** A run of memory that a translator is asked for. */
export const TRANSLATED_WORK = 2048;

/** VIRTQ_DESC_F_AVAIL and VIRTQ_DESC_F_USED: together they say whose a packed descriptor is. */
export const AVAIL_USED = 0x8080;

/** VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE and VIRTQ_DESC_F_INDIRECT: together they say what a descriptor is. */
export const NEXT_WRITE_INDIRECT = 7;

// A driver in another thread can fill the ring as fast as the device empties it: after this many rounds of the ring
// a drain ends all the same, so that the rest of the program gets its turn.
export const DRAIN_LAPS = 4;

// Outside of a drain there is no limit. Not Infinity: a field that once held it is a floating-point number for ever.
export const POPS_WITHOUT_DRAIN = 0x3fffffff;
