// What things cost, in the units of a WorkBudget. Measured, not derived: what counts is that none is off by more than
// two or three, so that a budget lasts as long whatever it is spent on.

/**
 * Work of one turn, unless the embedder says otherwise: 32 MiB copied, which is a frame of 3840 × 2160, in about six
 * milliseconds. A smaller budget would cut common frames in two, a larger one would be felt by others on the thread.
 */
export const DEFAULT_MAX_TURN_WORK: number = 32 << 20;

/** A request taken, looked at and answered. */
export const REQUEST_WORK = 1024;
/** A segment of scattered memory found, listed or walked. */
export const SEGMENT_WORK = 512;
/** A row of pixels begun. */
export const ROW_WORK = 64;
/** A pixel that a display is told of: it reads four bytes, if it is no more than a copy. */
export const PIXEL_WORK = 4;
/** An entry of a table that ends, with all that refers to it. */
export const ENTRY_WORK = 4096;
