import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { MemoryRegion } from "../../../memory/region.ts";
import { MAX_PLAN_PARTS, PLAN_SETS, PLAN_WAYS } from "./limits.ts";

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
 * Remembers rectangles. Guests draw at the same places again and again (a blinking cursor, a video), and views that are
 * already there make the fastest copy; making them costs more than it gains.
 */
export class PlanCache {
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

  /**
   * Copies a rectangle that came before, and returns the bytes copied. A new one is remembered; for it, and for one that
   * cannot be copied like this, the result is -1.
   */
  copy(
    pages: GuestPages,
    position: number,
    target: Uint8Array,
    targetOffset: number,
    strideBytes: number,
    rowBytes: number,
    rows: number,
  ): number {
    const plan = this.#find(pages, position, rowBytes, rows);
    if (plan === null) return -1;
    if (plan.views === null) makePlan(plan, targetOffset, strideBytes);
    if (plan.views === null || (plan.targets as Int32Array)[0] !== targetOffset) return -1;
    return follow(plan, target);
  }

  /** The plan for a rectangle that came before; null when it is new, and then it is remembered. */
  #find(pages: GuestPages, position: number, rowBytes: number, rows: number): Plan | null {
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
  let segment = pages.segmentAt(plan.position);
  for (let row = 0; row < plan.rows; row++) {
    let from = plan.position + row * strideBytes;
    let to = targetOffset + row * strideBytes;
    const rowEnd = from + plan.rowBytes;
    while (from < rowEnd) {
      if (segment === segments.count || views.length === MAX_PLAN_PARTS) return;
      const start = starts[segment] as number;
      const end = start + (segments.lengths[segment] as number);
      if (end <= from) {
        segment++;
        continue;
      }
      if (start > from) return;
      const part = Math.min(end, rowEnd) - from;
      const { u8 } = segments.regions[segment] as MemoryRegion;
      const offset = (segments.offsets[segment] as number) + (from - start);
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
