import type { WorkBudget } from "../../../base/work-budget.ts";
import { FRESH_WORK, ROW_WORK, SEGMENT_WORK } from "../../../device/work.ts";
import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { TransferEngine } from "./engine.ts";
import type { HostPixels } from "./words.ts";

/** Up to this many segments a search is not worth it. */
const FEW_SEGMENTS = 64;

/** What a transfer costs, in units of work; arguments as for {@link TransferEngine.copy}. */
export function transferWork(
  pages: GuestPages,
  position: number,
  target: HostPixels,
  targetOffset: number,
  strideBytes: number,
  rowBytes: number,
  rows: number,
): number {
  const fresh = targetOffset + (rows - 1) * strideBytes + rowBytes - Math.max(targetOffset, target.freshFrom);
  const work =
    rowBytes * rows + (rowBytes === strideBytes ? 0 : rows * ROW_WORK) + Math.max(0, fresh) * FRESH_WORK;
  if (pages.count <= FEW_SEGMENTS) return work + pages.count * SEGMENT_WORK;
  const end = position + (rows - 1) * strideBytes + rowBytes;
  return work + (pages.segmentAt(end) - pages.segmentAt(position) + 1) * SEGMENT_WORK;
}

/** A transfer that is done in slices of whole rows, each as large as the budget allows. */
export class SlicedTransfer {
  readonly #engine: TransferEngine;
  readonly #pages: GuestPages;
  readonly #target: HostPixels;
  readonly #strideBytes: number;
  readonly #rowBytes: number;
  #position: number;
  #targetOffset: number;
  #rows: number;
  /** Bytes copied so far. */
  copied = 0;

  /** Arguments as for {@link TransferEngine.copy}. */
  constructor(
    engine: TransferEngine,
    pages: GuestPages,
    position: number,
    target: HostPixels,
    targetOffset: number,
    strideBytes: number,
    rowBytes: number,
    rows: number,
  ) {
    this.#engine = engine;
    this.#pages = pages;
    this.#position = position;
    this.#target = target;
    this.#targetOffset = targetOffset;
    this.#strideBytes = strideBytes;
    this.#rowBytes = rowBytes;
    this.#rows = rows;
  }

  /** Copies what the budget allows, charges it, and returns true when nothing is left. */
  step(budget: WorkBudget): boolean {
    while (this.#rows > 0) {
      const { left } = budget;
      if (left <= 0) return false;
      let rows = Math.min(this.#rows, Math.max(1, Math.floor(left / (this.#rowBytes + ROW_WORK))));
      let work = this.#workOf(rows);
      while (rows > 1 && work > left) {
        rows >>>= 1;
        work = this.#workOf(rows);
      }
      // Rows are not cut: one that is too long for the rest of a turn has the next turn to itself.
      if (work > left && left < budget.max) return false;
      this.#copy(rows);
      budget.charge(work);
    }
    return true;
  }

  #workOf(rows: number): number {
    return transferWork(
      this.#pages,
      this.#position,
      this.#target,
      this.#targetOffset,
      this.#strideBytes,
      this.#rowBytes,
      rows,
    );
  }

  #copy(rows: number): void {
    this.copied += this.#engine.copy(
      this.#pages,
      this.#position,
      this.#target,
      this.#targetOffset,
      this.#strideBytes,
      this.#rowBytes,
      rows,
    );
    this.#position += rows * this.#strideBytes;
    this.#targetOffset += rows * this.#strideBytes;
    this.#rows -= rows;
  }
}
