import type { ChapterName, ShareEvent } from "./events.ts";
import { Guest, type GuestResult } from "./guest.ts";
import { type MachineTotals, SharingMachine } from "./machine.ts";
import type { Picture } from "./recorder.ts";
import type { ShareSettings } from "./settings.ts";

/**
 * What the display showed: `whole` the picture that was meant; `late` another whole one; `torn` a mixture of several.
 */
export type PictureState = "whole" | "late" | "torn";

/** A picture on the display, and what it turned out to be. */
export interface JudgedPicture {
  readonly chapter: Exclude<ChapterName, "setup">;
  /** Counted from 0 in each chapter. */
  readonly frame: number;
  readonly atMs: number;
  readonly sha256: string;
  readonly state: PictureState;
}

/** All about a run. */
export interface ShareResult {
  readonly settings: ShareSettings;
  readonly guest: GuestResult;
  readonly events: readonly ShareEvent[];
  readonly pictures: readonly JudgedPicture[];
  readonly totals: MachineTotals;
  /** The last torn picture, else the last one; null when nothing was shown. */
  readonly picture: Picture | null;
  readonly elapsedMs: number;
}

interface Run {
  readonly machine: SharingMachine;
  readonly guest: GuestResult;
}

/** Two chapters, run twice. */
const CHAPTERS = 2;
const RUNS = 2;
/** The event loop gets its turn this often, for the progress to move. */
const TURN_MS = 50;

/** Called now and then with the share of the work that is done. */
export type ShareProgress = (done: number) => void;

class Pace {
  readonly #total: number;
  readonly #progress: ShareProgress;
  #done = 0;
  #last = performance.now();

  constructor(settings: ShareSettings, progress: ShareProgress) {
    this.#total = settings.frames * CHAPTERS * RUNS;
    this.#progress = progress;
  }

  async step(): Promise<void> {
    this.#done++;
    if (performance.now() - this.#last < TURN_MS) return;
    this.#progress(this.#done / this.#total);
    await new Promise((resolve) => setImmediate(resolve));
    this.#last = performance.now();
  }
}

async function runOnce(
  settings: ShareSettings,
  drawingTakesTime: boolean,
  keep: (sha256: string) => boolean,
  pace: Pace,
): Promise<Run> {
  const machine = new SharingMachine(settings, drawingTakesTime, keep);
  const guest = await new Guest(machine, settings).run(() => pace.step());
  machine.close();
  return { machine, guest };
}

/**
 * Runs the guest's program twice: with a renderer that takes no time, which can only show whole pictures, and with one
 * that does. What the second run shows is judged by what the first one showed.
 */
export async function runShare(settings: ShareSettings, progress: ShareProgress): Promise<ShareResult> {
  const begin = performance.now();
  const pace = new Pace(settings, progress);
  const ideal = (await runOnce(settings, false, () => false, pace)).machine.log.pictures;
  const known = new Set(ideal.map(({ sha256 }) => sha256));
  const { machine, guest } = await runOnce(settings, true, (sha256) => !known.has(sha256), pace);
  const { log, recorder } = machine;
  const judged: JudgedPicture[] = [];
  for (const chapter of ["dirtyfb", "flips"] as const) {
    const meant = ideal.filter((picture) => picture.chapter === chapter);
    const shown = log.pictures.filter((picture) => picture.chapter === chapter);
    for (const [frame, { atMs, sha256 }] of shown.entries()) {
      const whole = meant[frame]?.sha256 === sha256;
      const state = whole ? "whole" : known.has(sha256) ? "late" : "torn";
      judged.push({ chapter, frame, atMs, sha256, state });
    }
  }
  return {
    settings,
    guest,
    events: log.events,
    pictures: judged,
    totals: machine.totals,
    picture: recorder.kept,
    elapsedMs: performance.now() - begin,
  };
}
