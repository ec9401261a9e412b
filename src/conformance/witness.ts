import type { TimelineWitness } from "./guest/timeline.ts";

/**
 * What a run is at: it has not begun or has ended, the target is being loaded, one of its devices opened, reset before a case, in the case itself, closed
 * because that case has shown it to be gone, looked at after a case that hurt it, or closed because it is not needed any
 * more.
 */
export const RUN_STAGES = [
  "idle",
  "loading",
  "opening",
  "arriving",
  "running",
  "discarding",
  "checking",
  "closing",
] as const;

/** One of {@link RUN_STAGES}. */
export type RunStage = (typeof RUN_STAGES)[number];

/** Who is told what a run is doing at any moment, so as to be able to say it when the run itself cannot. */
export interface RunWitness extends TimelineWitness {
  /** What follows belongs to this. */
  stage(stage: RunStage): void;
  /** A call into the target begins. */
  begins(call: string): void;
  /** It has come back. */
  ends(): void;
}
