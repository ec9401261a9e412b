import type { TimelineEntry } from "../result.ts";

const MAX_ENTRIES = 400;

declare const performance: { now(): number };

/**
 * What went on during a case: the newest entries.
 *
 * @example
 * ```ts
 * const timeline = new Timeline();
 * timeline.add("driver", "status ← 0x1");
 * timeline.entries().length; // 1
 * ```
 */
export class Timeline {
  readonly #entries: TimelineEntry[] = [];
  readonly #begin = performance.now();

  /** Adds a line. */
  add(who: TimelineEntry["who"], text: string): void {
    if (this.#entries.length >= MAX_ENTRIES) this.#entries.shift();
    this.#entries.push({ ms: Math.round((performance.now() - this.#begin) * 1000) / 1000, who, text });
  }

  /** The entries, oldest first. */
  entries(): readonly TimelineEntry[] {
    return [...this.#entries];
  }
}
