import type { MemoryRegion } from "../../memory/region.ts";
import { copyBytes } from "../../memory/segments.ts";
import type { GuestPages } from "./backing.ts";
import {
  BAND_PARTS,
  CACHE_LINE_WORDS,
  INDEX_END,
  INDEX_MASK,
  MAX_INDEXED_OFFSET,
  MAX_PLAN_PARTS,
  MIN_PLAN_ROW_BYTES,
  PLAN_SETS,
  PLAN_WAYS,
  WORD_LOOP_BYTES,
} from "./transfer-limits.ts";

// Two words at a time are copied through arrays of bigints. V8, which is known by an object of its own, makes none of them
// in compiled code; other engines do, and are faster with single words.
const COPIES_PAIRS: boolean = /* @__PURE__ */ copiesPairs();

function copiesPairs(): boolean {
  return typeof Intl === "object" && Object.hasOwn(Intl, "v8BreakIterator");
}

/** Pixels of a host resource: the same memory as bytes, as words and as pairs of words. */
export interface HostPixels {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly u64: BigUint64Array<ArrayBuffer>;
}

/** The views that a rectangle consists of. Made when it comes a second time, used from then on. */
interface Plan {
  pages: GuestPages | null;
  revision: number;
  position: number;
  rowBytes: number;
  rows: number;
  views: Uint8Array[] | null;
  targets: Int32Array | null;
  bytes: number;
}

/**
 * Copies rectangles from guest pages into host pixels.
 *
 * Three ways, by what measured fastest: full-width rectangles as one run, whole pieces through views that are kept with
 * the pages; short rows word by word; long rows through views made on the spot. Guests draw at the same places again
 * and again (a blinking cursor, a video), so the views of a rectangle that comes a second time are kept.
 */
export class TransferEngine {
  readonly #plans: readonly Plan[] = Array.from({ length: PLAN_SETS * PLAN_WAYS }, () => ({
    pages: null,
    revision: 0,
    position: 0,
    rowBytes: 0,
    rows: 0,
    views: null,
    targets: null,
    bytes: 0,
  }));
  /** What each plan is looked for by. */
  readonly #keys = new Int32Array(PLAN_SETS * PLAN_WAYS);
  /** The way of each set that is to be given up next. */
  readonly #oldest = new Uint8Array(PLAN_SETS);
  readonly #band = new Band();

  /**
   * Copies `rows` rows of `rowBytes` bytes: those of the source start `strideBytes` apart from `position` on, those of
   * the target from `targetOffset` on. Returns the bytes copied: fewer than the rectangle has where the pages end early
   * or have holes, where the target keeps what it had. The target holds the whole rectangle: the caller checked.
   */
  copy(
    pages: GuestPages,
    position: number,
    target: HostPixels,
    targetOffset: number,
    strideBytes: number,
    rowBytes: number,
    rows: number,
  ): number {
    pages.refresh();
    // Rows of full width follow each other on both sides: one run of bytes.
    if (rowBytes === strideBytes) return copyRun(pages, position, target.u8, targetOffset, rowBytes * rows);
    if (rowBytes >= MIN_PLAN_ROW_BYTES && rows <= MAX_PLAN_PARTS / 2) {
      const plan = this.#plan(pages, position, rowBytes, rows);
      if (plan !== null) {
        if (plan.views === null) makePlan(plan, targetOffset, strideBytes);
        if (plan.views !== null && (plan.targets as Int32Array)[0] === targetOffset) {
          return follow(plan, target.u8);
        }
      }
    }
    if (position + rows * strideBytes > INDEX_END) {
      return copyFarRows(pages, position, target.u8, targetOffset, strideBytes, rowBytes, rows);
    }
    return copyRows(this.#band, pages, position, target, targetOffset, strideBytes, rowBytes, rows);
  }

  /** The plan for a rectangle that came before; null when it is new, and then it is remembered. */
  #plan(pages: GuestPages, position: number, rowBytes: number, rows: number): Plan | null {
    const key = Math.imul((position >>> 2) ^ (rowBytes << 9) ^ (rows << 20), 0x9e3779b1);
    const set = (key >>> 24) & (PLAN_SETS - 1);
    const first = set * PLAN_WAYS;
    const keys = this.#keys;
    for (let i = first; i < first + PLAN_WAYS; i++) {
      if (keys[i] !== key) continue;
      const plan = this.#plans[i] as Plan;
      if (
        plan.pages === pages &&
        plan.position === position &&
        plan.rowBytes === rowBytes &&
        plan.rows === rows &&
        plan.revision === pages.revision
      ) {
        return plan;
      }
    }
    const way = this.#oldest[set] as number;
    this.#oldest[set] = (way + 1) & (PLAN_WAYS - 1);
    keys[first + way] = key;
    const plan = this.#plans[first + way] as Plan;
    plan.pages = pages;
    plan.revision = pages.revision;
    plan.position = position;
    plan.rowBytes = rowBytes;
    plan.rows = rows;
    plan.views = null;
    return null;
  }

  /** Forgets all rectangles. */
  clear(): void {
    for (const plan of this.#plans) {
      plan.pages = null;
      plan.views = null;
    }
  }
}

/** Collects the views; leaves the plan without any when there are too many or the memory has holes. */
function makePlan(plan: Plan, targetOffset: number, strideBytes: number): void {
  const pages = plan.pages as GuestPages;
  const { segments, starts } = pages;
  const views: Uint8Array[] = [];
  const targets: number[] = [];
  let piece = pages.pieceAt(plan.position);
  for (let row = 0; row < plan.rows; row++) {
    let from = plan.position + row * strideBytes;
    let to = targetOffset + row * strideBytes;
    const rowEnd = from + plan.rowBytes;
    while (from < rowEnd) {
      if (piece === segments.count || views.length === MAX_PLAN_PARTS) return;
      const start = starts[piece] as number;
      const end = start + (segments.lengths[piece] as number);
      if (end <= from) {
        piece++;
        continue;
      }
      if (start > from) return;
      const part = Math.min(end, rowEnd) - from;
      const { u8 } = segments.regions[piece] as MemoryRegion;
      const offset = (segments.offsets[piece] as number) + (from - start);
      views.push(u8.subarray(offset, offset + part));
      targets.push(to);
      from += part;
      to += part;
    }
  }
  plan.views = views;
  plan.targets = Int32Array.from(targets);
  plan.bytes = plan.rowBytes * plan.rows;
}

function follow(plan: Plan, target: Uint8Array): number {
  const views = plan.views as Uint8Array[];
  const targets = plan.targets as Int32Array;
  for (let i = 0; i < views.length; i++) target.set(views[i] as Uint8Array, targets[i] as number);
  return plan.bytes;
}

/** Copies `lengthBytes` bytes in one run, whole pieces through their kept views. */
function copyRun(
  pages: GuestPages,
  position: number,
  target: Uint8Array,
  targetOffset: number,
  lengthBytes: number,
): number {
  const { segments, starts } = pages;
  const { lengths, count } = segments;
  const end = position + lengthBytes;
  const toTarget = targetOffset - position;
  let copied = 0;
  for (let piece = pages.pieceAt(position); piece < count; piece++) {
    const start = starts[piece] as number;
    if (start >= end) break;
    const length = lengths[piece] as number;
    const from = start > position ? start : position;
    const part = Math.min(start + length, end) - from;
    if (part <= 0) continue;
    const view = part === length ? pages.pieceView(piece) : pages.partView(piece, from - start, part);
    target.set(view, from + toTarget);
    copied += part;
  }
  return copied;
}

/** Parts of rows that are waiting to be copied, as indexes and numbers of words. */
class Band {
  readonly sources: Int32Array = new Int32Array(BAND_PARTS);
  readonly targets: Int32Array = new Int32Array(BAND_PARTS);
  readonly lengths: Int32Array = new Int32Array(BAND_PARTS);
  count = 0;
  /** Only so that nobody takes the reads of {@link copy} for superfluous. */
  touched = 0;

  /**
   * Copies what is waiting. First one word of every cache line of the source is read: these reads don't wait for each
   * other, while a loop that copies has the processor wait for memory again and again. (Stores wait for nobody.)
   */
  copy(region: MemoryRegion, pixels: HostPixels): void {
    const { sources, targets, lengths, count } = this;
    const source = region.u32;
    const target = pixels.u32;
    let touched = 0;
    for (let part = 0; part < count; part++) {
      touched |= touch(source, sources[part] as number, lengths[part] as number);
    }
    this.touched = touched;
    for (let part = 0; part < count; part++) {
      const from = sources[part] as number;
      const to = targets[part] as number;
      const words = lengths[part] as number;
      if (COPIES_PAIRS !== true || ((from ^ to) & 1) !== 0) {
        copyWords(source, from, target, to, words);
        continue;
      }
      const before = from & 1;
      const pairs = (words - before) >>> 1;
      if (before !== 0) target[to] = source[from] as number;
      copyPairs(region.u64, (from + before) >>> 1, pixels.u64, (to + before) >>> 1, pairs);
      const last = words - 1;
      if (before + 2 * pairs === last) target[to + last] = source[from + last] as number;
    }
    this.count = 0;
  }
}

/**
 * Copies row by row. Rows lie in ascending order, so the piece of the next is found by going on from the last. All is
 * within 2 GiB, so that the engine may count in 32-bit integers: that is what `| 0` says.
 */
function copyRows(
  band: Band,
  pages: GuestPages,
  position: number,
  target: HostPixels,
  targetOffset: number,
  strideBytes: number,
  rowBytes: number,
  rows: number,
): number {
  const { segments, starts } = pages;
  const { lengths, offsets, regions, count } = segments;
  let piece = pages.pieceAt(position);
  if (piece === count) return 0;
  let start = Math.min(starts[piece] as number, INDEX_END) | 0;
  let end = pieceEnd(start, lengths[piece] as number);
  let region = regions[piece] as MemoryRegion;
  let toRegion = (offsets[piece] as number) - start;
  const toTarget = (targetOffset - position) | 0;
  let copied = 0;
  let rowStart = position | 0;
  for (let row = 0; row < rows; row++) {
    let from = rowStart;
    const rowEnd = (from + rowBytes) | 0;
    rowStart = (rowStart + strideBytes) | 0;
    while (from < rowEnd) {
      if (from >= end) {
        if (++piece === count) {
          band.copy(region, target);
          return copied;
        }
        start = Math.min(starts[piece] as number, INDEX_END) | 0;
        end = pieceEnd(start, lengths[piece] as number);
        toRegion = (offsets[piece] as number) - start;
        const next = regions[piece] as MemoryRegion;
        if (next !== region) {
          band.copy(region, target);
          region = next;
        }
        continue;
      }
      if (from < start) {
        // A hole: the target keeps what it has there.
        from = start;
        continue;
      }
      const part = ((rowEnd < end ? rowEnd : end) - from) | 0;
      const source = toRegion + from;
      const to = (from + toTarget) | 0;
      if (part <= WORD_LOOP_BYTES && ((source | to | part) & 3) === 0 && source <= MAX_INDEXED_OFFSET) {
        const at = band.count;
        band.sources[at] = source >>> 2;
        band.targets[at] = to >>> 2;
        band.lengths[at] = part >>> 2;
        band.count = at + 1;
        if (at === BAND_PARTS - 1) band.copy(region, target);
      } else if (part > WORD_LOOP_BYTES) {
        const { buffer, byteOffset } = region.u8;
        target.u8.set(new Uint8Array(buffer, byteOffset + source, part), to);
      } else {
        copyBytes(region.u8, source, target.u8, to, part);
      }
      copied = (copied + part) | 0;
      from = (from + part) | 0;
    }
  }
  band.copy(region, target);
  return copied;
}

function pieceEnd(start: number, lengthBytes: number): number {
  return Math.min(start + lengthBytes, INDEX_END) | 0;
}

/** The same far behind in the backing, where nobody is in a hurry. */
function copyFarRows(
  pages: GuestPages,
  position: number,
  target: Uint8Array,
  targetOffset: number,
  strideBytes: number,
  rowBytes: number,
  rows: number,
): number {
  let copied = 0;
  for (let row = 0; row < rows; row++) {
    copied += pages.read(position + row * strideBytes, target, targetOffset + row * strideBytes, rowBytes);
  }
  return copied;
}

// In the loops below several turns are written out: the engine checks in each turn what kind of arrays these are. The
// masks tell it that indexes are not negative and that no sum of them overflows, which it would check as well.

/** Reads one word of each cache line. */
function touch(array: Uint32Array, from: number, words: number): number {
  let at = from;
  const last = from + words - 1;
  let touched = array[last] as number;
  for (const stop = last - 3 * CACHE_LINE_WORDS; at <= stop; at += 4 * CACHE_LINE_WORDS) {
    const i = at & INDEX_MASK;
    touched |=
      (array[i] as number) |
      (array[i + CACHE_LINE_WORDS] as number) |
      (array[i + 2 * CACHE_LINE_WORDS] as number) |
      (array[i + 3 * CACHE_LINE_WORDS] as number);
  }
  for (; at < last; at += CACHE_LINE_WORDS) touched |= array[at & INDEX_MASK] as number;
  return touched;
}

function copyWords(source: Uint32Array, from: number, target: Uint32Array, to: number, words: number): void {
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
  for (; done < words; done++)
    target[(to + done) & INDEX_MASK] = source[(from + done) & INDEX_MASK] as number;
}

function copyPairs(
  source: BigUint64Array,
  from: number,
  target: BigUint64Array,
  to: number,
  pairs: number,
): void {
  let done = 0;
  for (const stop = pairs - 8; done <= stop; done += 8) {
    const i = (from + done) & INDEX_MASK;
    const j = (to + done) & INDEX_MASK;
    target[j] = source[i] as bigint;
    target[j + 1] = source[i + 1] as bigint;
    target[j + 2] = source[i + 2] as bigint;
    target[j + 3] = source[i + 3] as bigint;
    target[j + 4] = source[i + 4] as bigint;
    target[j + 5] = source[i + 5] as bigint;
    target[j + 6] = source[i + 6] as bigint;
    target[j + 7] = source[i + 7] as bigint;
  }
  for (; done < pairs; done++)
    target[(to + done) & INDEX_MASK] = source[(from + done) & INDEX_MASK] as bigint;
}
