import type { MemoryRegion } from "../../memory/region.ts";
import { copyBytes } from "../../memory/segments.ts";
import type { GuestPages } from "./backing.ts";

// Parts of rows up to this long are copied word by word: `set` needs a view of the part, which is garbage afterwards
// and costs as much as a hundred words. Measured, not derived.
const WORD_LOOP_BYTES = 512;

// Beyond it indexes would leave the range of small integers, in which loops are fast.
const MAX_INDEXED_OFFSET = 0x7ffffffc;

/** Shorter rows are copied word by word faster than through a kept view. */
const MIN_PLAN_ROW_BYTES = 64;

/** Rectangles that are remembered; a power of two. */
const PLANS = 64;
/** Parts of rows that a remembered rectangle may consist of: with all plans in use some megabytes of views. */
const MAX_PLAN_PARTS = 1024;

/** Pixels of a host resource: the same memory as bytes and as words. */
export interface HostPixels {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
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
  readonly #plans: readonly Plan[] = Array.from({ length: PLANS }, () => ({
    pages: null,
    revision: 0,
    position: 0,
    rowBytes: 0,
    rows: 0,
    views: null,
    targets: null,
    bytes: 0,
  }));

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
      const plan = this.#plans[planIndex(position, rowBytes, rows)] as Plan;
      if (
        plan.pages === pages &&
        plan.position === position &&
        plan.rowBytes === rowBytes &&
        plan.rows === rows &&
        plan.revision === pages.revision
      ) {
        if (plan.views === null) makePlan(plan, targetOffset, strideBytes);
        if (plan.views !== null && (plan.targets as Int32Array)[0] === targetOffset) {
          return follow(plan, target.u8);
        }
      } else {
        plan.pages = pages;
        plan.revision = pages.revision;
        plan.position = position;
        plan.rowBytes = rowBytes;
        plan.rows = rows;
        plan.views = null;
      }
    }
    return copyRows(pages, position, target, targetOffset, strideBytes, rowBytes, rows);
  }

  /** Forgets all rectangles. */
  clear(): void {
    for (const plan of this.#plans) {
      plan.pages = null;
      plan.views = null;
    }
  }
}

function planIndex(position: number, rowBytes: number, rows: number): number {
  const mixed = Math.imul((position >>> 2) ^ (rowBytes << 9) ^ (rows << 20), 0x9e3779b1);
  return mixed >>> 26;
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

/** Copies row by row. Rows lie in ascending order, so the piece of the next is found by going on from the last. */
function copyRows(
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
  let start = starts[piece] as number;
  let end = start + (lengths[piece] as number);
  let region = regions[piece] as MemoryRegion;
  let { buffer, byteOffset } = region.u8;
  let words = region.u32;
  let toRegion = (offsets[piece] as number) - start;
  const toTarget = targetOffset - position;
  let copied = 0;
  for (let row = 0; row < rows; row++) {
    let from = position + row * strideBytes;
    const rowEnd = from + rowBytes;
    while (from < rowEnd) {
      if (from >= end) {
        if (++piece === count) return copied;
        start = starts[piece] as number;
        end = start + (lengths[piece] as number);
        toRegion = (offsets[piece] as number) - start;
        const next = regions[piece] as MemoryRegion;
        if (next === region) continue;
        region = next;
        ({ buffer, byteOffset } = region.u8);
        words = region.u32;
        continue;
      }
      if (from < start) {
        // A hole: the target keeps what it has there.
        from = start;
        continue;
      }
      const part = (rowEnd < end ? rowEnd : end) - from;
      const source = toRegion + from;
      const to = from + toTarget;
      if (part > WORD_LOOP_BYTES) {
        target.u8.set(new Uint8Array(buffer, byteOffset + source, part), to);
      } else if (((source | to | part) & 3) === 0 && source <= MAX_INDEXED_OFFSET) {
        copyWords(words, source >>> 2, target.u32, to >>> 2, part >>> 2);
      } else {
        copyBytes(region.u8, source, target.u8, to, part);
      }
      copied += part;
      from += part;
    }
  }
  return copied;
}

// Four at a time: the compiler checks in every turn of the loop what kind of arrays these are.
function copyWords(source: Uint32Array, from: number, target: Uint32Array, to: number, words: number): void {
  let i = 0;
  for (const fours = words - 3; i < fours; i += 4) {
    target[to + i] = source[from + i] as number;
    target[to + i + 1] = source[from + i + 1] as number;
    target[to + i + 2] = source[from + i + 2] as number;
    target[to + i + 3] = source[from + i + 3] as number;
  }
  for (; i < words; i++) target[to + i] = source[from + i] as number;
}
