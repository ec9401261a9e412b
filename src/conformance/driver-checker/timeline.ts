import { COUNT_RULE, checkArgument } from "../../base/options.ts";
import { type DriverEvent, describeEvent } from "./events.ts";
import type { TimelineEvent } from "./violation.ts";

/** What happened, as far as it is kept: the last so many events, counted from the first one ever. */
export class Timeline {
  readonly #length: number;
  /** Events that are still kept, by index modulo the length. */
  readonly #events: (DriverEvent | string)[] = [];
  #count = 0;

  constructor(length: number) {
    checkArgument("Timeline", "length", length, COUNT_RULE);
    this.#length = length;
  }

  /** Events since the beginning. */
  get count(): number {
    return this.#count;
  }

  get #first(): number {
    return Math.max(0, this.#count - this.#length);
  }

  add(event: DriverEvent | string): void {
    this.#events[this.#count % this.#length] = event;
    this.#count++;
  }

  /** Puts what an access stands for in the place of the access. */
  replaceLast(event: DriverEvent): void {
    this.#count--;
    this.add(event);
  }

  /** One event as one line. */
  text(index: number): string {
    const event = index < this.#first ? undefined : this.#events[index % this.#length];
    return event === undefined ? "" : typeof event === "string" ? event : describeEvent(event);
  }

  /** All that is kept. */
  all(): TimelineEvent[] {
    return this.range(this.#first, this.#length);
  }

  /** The events of the indexes `from` to `from + count - 1`; one in the place of those that are gone. */
  range(from: number, count: number): TimelineEvent[] {
    const begin = Math.max(0, from);
    const end = Math.min(this.#count, from + count);
    const kept = Math.max(begin, this.#first);
    const found: TimelineEvent[] = [];
    if (begin < Math.min(kept, end)) {
      const last = Math.min(kept, end) - 1;
      const which = last === begin ? `event ${begin} is` : `events ${begin} to ${last} are`;
      const text = `${which} no longer kept: the timeline holds the last ${this.#length} (timelineLength)`;
      found.push({ index: begin, text, gone: true });
    }
    for (let index = kept; index < end; index++) found.push({ index, text: this.text(index) });
    return found;
  }
}
