import type { TimelineEntry } from "../result.ts";

/** As many as it keeps. */
export const TIMELINE_ENTRIES = 400;

/** Who is told of entries as they are added. */
export interface TimelineWitness {
  event(entry: TimelineEntry): void;
}

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
  readonly #onEntry: ((entry: TimelineEntry) => void) | null;

  /** `onEntry` is told of each entry as it is added. */
  constructor(onEntry?: (entry: TimelineEntry) => void) {
    this.#onEntry = onEntry ?? null;
  }

  /** Adds a line. */
  add(who: TimelineEntry["who"], text: string): void {
    if (this.#entries.length >= TIMELINE_ENTRIES) this.#entries.shift();
    const entry = { ms: Math.round((performance.now() - this.#begin) * 1000) / 1000, who, text };
    this.#entries.push(entry);
    this.#onEntry?.(entry);
  }

  /** The entries, oldest first. */
  entries(): readonly TimelineEntry[] {
    return [...this.#entries];
  }
}
