/** What a chapter of the run does, by its first event. */
export type ChapterName = "setup" | "dirtyfb" | "flips";

/** One line of the timeline. */
export interface ShareEvent {
  readonly chapter: ChapterName;
  /** On the machine's clock. */
  readonly atMs: number;
  readonly device: "gpu" | "render" | "display";
  readonly name: string;
  readonly parameters: string;
  /** The response by its name without what all names begin with; for a display what it shows. */
  readonly response: string;
  readonly failed: boolean;
  readonly remarks: readonly string[];
}

/** A picture on the display. */
export interface ShownPicture {
  readonly chapter: ChapterName;
  readonly atMs: number;
  readonly sha256: string;
}

/** Whatever happens, in its order. */
export class EventLog {
  readonly events: ShareEvent[] = [];
  readonly pictures: ShownPicture[] = [];
  chapter: ChapterName = "setup";

  add(event: Omit<ShareEvent, "chapter">): void {
    this.events.push({ chapter: this.chapter, ...event });
  }
}
