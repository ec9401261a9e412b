import type { GuestPages } from "../../../memory/guest-pages.ts";
import { INDEX_END, MAX_PLAN_PARTS, MIN_PLAN_ROW_BYTES, WORD_LOOP_BYTES } from "./limits.ts";
import { PlanCache } from "./plans.ts";
import { copyFarRows, createRowCopier, type RowCopier } from "./rows.ts";
import type { HostPixels } from "./words.ts";

const rowCopier: RowCopier = /* @__PURE__ */ createRowCopier(/* @__PURE__ */ isV8());

/** Whether this is V8, which copies elements of bigint arrays without making bigints once the code is compiled. */
function isV8(): boolean {
  // Node hides what gives V8 away in browsers; Bun says that it has V8's version.
  if (typeof Intl === "object" && Object.hasOwn(Intl, "v8BreakIterator")) return true;
  const { process } = globalThis as { process?: { versions?: Record<string, string> } };
  return process?.versions?.["v8"] !== undefined && process.versions["bun"] === undefined;
}

/**
 * Copies rectangles from guest pages into host pixels.
 *
 * The way is chosen by what measured fastest: full-width rectangles as one run, whole segments through views that are kept
 * with the pages; rectangles that come again through views that are kept of them; short rows word by word; long rows
 * through views made on the spot.
 */
export class TransferEngine {
  readonly #plans = new PlanCache();

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
    const end = targetOffset + (rows - 1) * strideBytes + rowBytes;
    if (end > target.freshFrom) target.freshFrom = end;
    // Rows of full width follow each other on both sides: one run of bytes.
    if (rowBytes === strideBytes) return copyRun(pages, position, target.u8, targetOffset, rowBytes * rows);
    if (rowBytes >= MIN_PLAN_ROW_BYTES && rows <= MAX_PLAN_PARTS / 2) {
      const copied = this.#plans.copy(pages, position, target.u8, targetOffset, strideBytes, rowBytes, rows);
      if (copied >= 0) return copied;
    }
    if (rowBytes <= WORD_LOOP_BYTES && ((position | targetOffset | strideBytes | rowBytes) & 3) === 0) {
      const table = pages.pageTable();
      if (table !== null && position + (rows - 1) * strideBytes + rowBytes <= table.endBytes) {
        const copied = rowCopier.copyPageRows(
          table,
          position,
          target,
          targetOffset,
          strideBytes,
          rowBytes,
          rows,
        );
        if (copied >= 0) return copied;
      }
    }
    if (position + rows * strideBytes > INDEX_END) {
      return copyFarRows(pages, position, target, targetOffset, strideBytes, rowBytes, rows);
    }
    return rowCopier.copySegmentRows(pages, position, target, targetOffset, strideBytes, rowBytes, rows);
  }

  /** Forgets all rectangles. */
  clear(): void {
    this.#plans.clear();
  }
}

/** Copies `lengthBytes` bytes in one run, whole segments through their kept views. */
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
  for (let segment = pages.segmentAt(position); segment < count; segment++) {
    const start = starts[segment] as number;
    if (start >= end) break;
    const length = lengths[segment] as number;
    const from = start > position ? start : position;
    const part = Math.min(start + length, end) - from;
    if (part <= 0) continue;
    const view =
      part === length ? pages.segmentView(segment) : pages.segmentPart(segment, from - start, part);
    target.set(view, from + toTarget);
    copied += part;
  }
  return copied;
}
