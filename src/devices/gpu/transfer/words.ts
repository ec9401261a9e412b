import { CACHE_LINE_WORDS, INDEX_MASK, MIN_PAIRED_WORDS, PAIRS_AT_ONCE } from "./limits.ts";

/** Pixels of a host resource: the same memory as bytes, as words and as pairs of words. */
export interface HostPixels {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly u64: BigUint64Array<ArrayBuffer>;
  /** Bytes from here on were never written: the platform finds memory for them when they are. */
  freshFrom: number;
}

/** Memory as words and as pairs of words. */
export interface WordViews {
  readonly u32: Uint32Array;
  readonly u64: BigUint64Array;
}

/** Copies runs of words: a list that is filled first, and then copied at once. */
export interface RunCopier {
  /** Index of the word in the source at which each run starts. */
  readonly sources: Int32Array;
  /** Index of the word in the target at which each run starts. */
  readonly targets: Int32Array;
  /** Number of words of each run, at least 1. */
  readonly lengths: Int32Array;
  /** Copies the first `count` runs. */
  copy(count: number, source: WordViews, target: WordViews): void;
}

/**
 * Makes a list of `capacity` runs. With `inPairs`, two words at a time are copied through arrays of bigints: faster where
 * the engine makes no bigints of them.
 *
 * It is a closure because V8 takes the arrays of one that is made once for constants, and reads and writes them without
 * looking at what they are each time: a rectangle takes 9 % less than with a class.
 */
export function createRunCopier(capacity: number, inPairs: boolean): RunCopier {
  const sources = new Int32Array(capacity);
  const targets = new Int32Array(capacity);
  const lengths = new Int32Array(capacity);
  /** What `touch` read: stored, so that the engine does not optimise its reads away. */
  const touched = new Int32Array(1);

  // In the loops below several turns are written out: the engine checks in each turn what kind of arrays these are. The
  // masks tell it that indexes are not negative and that no sum of them overflows, which it would check as well.

  /**
   * Reads one word of each cache line. Such reads don't wait for each other, while a loop that copies has the processor
   * wait for memory again and again. (Stores wait for nobody.)
   */
  function touch(count: number, array: Uint32Array): number {
    let read = 0;
    for (let run = 0; run < count; run++) {
      let at = sources[run] as number;
      const last = (at + (lengths[run] as number) - 1) | 0;
      read |= array[last] as number;
      for (const stop = (last - 3 * CACHE_LINE_WORDS) | 0; at <= stop; at = (at + 4 * CACHE_LINE_WORDS) | 0) {
        const i = at & INDEX_MASK;
        read |=
          (array[i] as number) |
          (array[i + CACHE_LINE_WORDS] as number) |
          (array[i + 2 * CACHE_LINE_WORDS] as number) |
          (array[i + 3 * CACHE_LINE_WORDS] as number);
      }
      for (; at < last; at = (at + CACHE_LINE_WORDS) | 0) read |= array[at & INDEX_MASK] as number;
    }
    return read;
  }

  function copyWords(
    source: Uint32Array,
    from: number,
    target: Uint32Array,
    to: number,
    words: number,
  ): void {
    let done = 0;
    for (const stop = words - 8; done <= stop; done += 8) {
      const i = (from + done) & INDEX_MASK;
      const j = (to + done) & INDEX_MASK;
      target[j] = source[i] as number;
      target[j + 1] = source[i + 1] as number;
      target[j + 2] = source[i + 2] as number;
      target[j + 3] = source[i + 3] as number;
      target[j + 4] = source[i + 4] as number;
      target[j + 5] = source[i + 5] as number;
      target[j + 6] = source[i + 6] as number;
      target[j + 7] = source[i + 7] as number;
    }
    for (; done < words; done++) {
      target[(to + done) & INDEX_MASK] = source[(from + done) & INDEX_MASK] as number;
    }
  }

  function copyRunsByWords(count: number, source: Uint32Array, target: Uint32Array): void {
    for (let run = 0; run < count; run++) {
      copyWords(source, sources[run] as number, target, targets[run] as number, lengths[run] as number);
    }
  }

  function copyRunsByPairs(
    count: number,
    source: Uint32Array,
    source64: BigUint64Array,
    target: Uint32Array,
    target64: BigUint64Array,
  ): void {
    for (let run = 0; run < count; run++) {
      const from = sources[run] as number;
      const to = targets[run] as number;
      const words = lengths[run] as number;
      if (((from ^ to) & 1) !== 0 || words < MIN_PAIRED_WORDS) {
        copyWords(source, from, target, to, words);
        continue;
      }
      // The first and the last word may be half of a pair. The pairs in between go by sixteens, of which the last sixteen
      // overlap with those before them rather than leaving some behind that would go one by one.
      const fromLast = (from + words - 1) | 0;
      const toLast = (to + words - 1) | 0;
      if ((from & 1) !== 0) target[to] = source[from] as number;
      if ((fromLast & 1) === 0) target[toLast] = source[fromLast] as number;
      let pair = (from + 1) >>> 1;
      const toTarget = (((to + 1) >>> 1) - pair) | 0;
      const lastTurn = (((fromLast + 1) >>> 1) - PAIRS_AT_ONCE) | 0;
      while (true) {
        const i = pair & INDEX_MASK;
        const j = (pair + toTarget) & INDEX_MASK;
        target64[j] = source64[i] as bigint;
        target64[j + 1] = source64[i + 1] as bigint;
        target64[j + 2] = source64[i + 2] as bigint;
        target64[j + 3] = source64[i + 3] as bigint;
        target64[j + 4] = source64[i + 4] as bigint;
        target64[j + 5] = source64[i + 5] as bigint;
        target64[j + 6] = source64[i + 6] as bigint;
        target64[j + 7] = source64[i + 7] as bigint;
        target64[j + 8] = source64[i + 8] as bigint;
        target64[j + 9] = source64[i + 9] as bigint;
        target64[j + 10] = source64[i + 10] as bigint;
        target64[j + 11] = source64[i + 11] as bigint;
        target64[j + 12] = source64[i + 12] as bigint;
        target64[j + 13] = source64[i + 13] as bigint;
        target64[j + 14] = source64[i + 14] as bigint;
        target64[j + 15] = source64[i + 15] as bigint;
        if (pair >= lastTurn) break;
        pair = (pair + PAIRS_AT_ONCE) | 0;
        if (pair > lastTurn) pair = lastTurn;
      }
    }
  }

  return {
    sources,
    targets,
    lengths,
    copy(count, source, target) {
      const { u32 } = source;
      touched[0] = touch(count, u32);
      if (inPairs) copyRunsByPairs(count, u32, source.u64, target.u32, target.u64);
      else copyRunsByWords(count, u32, target.u32);
    },
  };
}
