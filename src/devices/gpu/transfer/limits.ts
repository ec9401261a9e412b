// How TransferEngine copies. Without imports: bundlers put the constants of such files into the code that uses them, and the
// engine knows what the loops do.

/**
 * Parts of rows up to this long are copied word by word: `set` needs a view of the part, which is garbage afterwards and
 * costs as much as some hundred words. Measured, not derived.
 */
export const WORD_LOOP_BYTES = 1024;

/** Beyond it indexes would leave the range of small integers, in which loops are fast. */
export const MAX_INDEXED_OFFSET = 0x7ffffffc;

/** Shorter rows are copied word by word faster than through a kept view. */
export const MIN_PLAN_ROW_BYTES = 64;

/** The number of sets that rectangles are remembered in. */
export const PLAN_SETS = 8;
/** Places in each set, for those that fall into it. */
export const PLAN_WAYS = 8;
/** Parts of rows that a remembered rectangle may consist of: with all plans in use some megabytes of views. */
export const MAX_PLAN_PARTS = 1024;

/** Bytes that are copied in one go: with what they go to, no more than the first-level cache of a processor holds. */
export const BAND_BYTES = 16384;
/** Runs of words that are copied in one go. */
export const MAX_RUNS = 128;
/** Pairs of words that are copied in each turn of the loop. */
export const PAIRS_AT_ONCE = 16;
/** Shorter runs are copied word by word: they may not have as many whole pairs. */
export const MIN_PAIRED_WORDS = 33;
/** Words of a cache line. */
export const CACHE_LINE_WORDS = 16;
/** Positions up to here are 32-bit integers. */
export const INDEX_END = 0x7fffffff;
/** All indexes of words up to {@link MAX_INDEXED_OFFSET} bytes. */
export const INDEX_MASK = 0x1fffffff;
