/** Runs the programs of a folder of captures on the model, and compares. */
import { DriverError } from "../../driver/index.ts";
import { GUEST_PROGRAMS, type GuestProgram, type LinuxProfileName } from "../../driver/kms/index.ts";
import { UsageError } from "../usage-error.ts";
import type { Capture, CaptureFolder } from "./capture-files.ts";
import { type Comparison, compareRecordings } from "./compare.ts";
import {
  BIND_SCENARIO,
  crtcBefore,
  flipCount,
  isComplete,
  modeSize,
  type NegotiatedFeatures,
  negotiatedFeatures,
  type Size,
  scanoutCount,
} from "./conditions.ts";
import { ModelMachine, modeOfSize } from "./model-machine.ts";
import type { Recording } from "./sent-command.ts";

const DEFAULT_SIZE: Size = { width: 1280, height: 800 };
const MAX_PIXELS_A_SIDE = 8192;
/** Programs that set the mode they are told, not the preferred one. */
const TOLD_THEIR_MODE: ReadonlySet<string> = new Set(["mset", "mvsync"]);

/** The program that flips without pause. */
const HURRYING = "mvsync";

/** What came of one scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly status: "equal" | "different" | "skipped";
  /** Why it was skipped, or what was taken from the capture besides sizes. */
  readonly note: string | null;
  readonly comparison: Comparison | null;
}

/** What came of a folder. */
export interface FolderResult {
  readonly path: string;
  readonly features: NegotiatedFeatures;
  readonly display: Size;
  readonly scenarios: readonly ScenarioResult[];
}

/** Compares every scenario of a folder with the model. Throws {@link UsageError} for sizes that are none. */
export function compareFolder(folder: CaptureFolder, profile: LinuxProfileName): FolderResult {
  return new FolderComparison(folder, profile).run();
}

class FolderComparison {
  readonly #folder: CaptureFolder;
  readonly #features: NegotiatedFeatures;
  readonly #machine: ModelMachine;
  #display: Size;
  /** The capture that the model has just followed; null when it is not known what the CRTC does. */
  #followed: Capture | null = null;

  constructor(folder: CaptureFolder, profile: LinuxProfileName) {
    this.#folder = folder;
    this.#features = negotiatedFeatures(folder);
    const sizes = folder.captures.map((capture) => modeSize(capture)).filter((size) => size !== null);
    for (const size of sizes) checkSize(folder, size);
    const preferred = folder.captures.filter(({ name }) => !TOLD_THEIR_MODE.has(name)).map(modeSize);
    this.#display = preferred.find((size) => size !== null) ?? DEFAULT_SIZE;
    const largest = [...sizes, this.#display, DEFAULT_SIZE].reduce((a, b) =>
      a.width * a.height >= b.width * b.height ? a : b,
    );
    this.#machine = new ModelMachine(profile, this.#features, scanoutCount(folder), this.#display, largest);
  }

  run(): FolderResult {
    const display = this.#display;
    // Whether its commands were captured or not, the driver was bound first.
    const bound = this.#machine.bind();
    const scenarios = this.#folder.captures.map((capture) => this.#compare(capture, bound));
    return { path: this.#folder.path, features: this.#features, display, scenarios };
  }

  #compare(capture: Capture, bound: Recording): ScenarioResult {
    const { name } = capture;
    if (name === BIND_SCENARIO) {
      this.#followed = capture;
      return resultOf(name, compareRecordings(bound, capture), null);
    }
    const program = GUEST_PROGRAMS.find((candidate) => candidate.name === name);
    if (program === undefined) {
      // Nobody knows what it left behind, if it did anything.
      if (capture.commands.length > 0) this.#followed = null;
      return { name, status: "skipped", note: "there is no program of this name", comparison: null };
    }
    const note = this.#prepare(capture);
    const result = this.#runAndCompare(program, capture, note);
    if (capture.commands.length > 0) this.#followed = capture;
    return result;
  }

  /** Brings display and CRTC to where the scenario finds them. Returns what had to be taken from the capture. */
  #prepare(capture: Capture): string | null {
    const size = modeSize(capture);
    if (size !== null && !TOLD_THEIR_MODE.has(capture.name) && !sameSize(size, this.#display)) {
      this.#machine.resize(size);
      this.#display = size;
    }
    if (capture.commands.length === 0 || this.#follows(capture)) return null;
    const before = crtcBefore(capture);
    const isTold = TOLD_THEIR_MODE.has(capture.name) && size !== null;
    this.#machine.prepareCrtc(before, isTold ? modeOfSize(size) : this.#machine.preferredMode());
    return `the CRTC was ${before}`;
  }

  /** Whether a capture was made right after the one before it. */
  #follows(capture: Capture): boolean {
    const before = this.#followed;
    if (before === null) return false;
    if (before.last === null || capture.first === null || capture.first === before.last + 1) return true;
    // What is missing in between is the rest of a program that was cut.
    return GUEST_PROGRAMS.some(({ name, endless }) => endless && name === before.name);
  }

  #runAndCompare(program: GuestProgram, capture: Capture, note: string | null): ScenarioResult {
    const size = modeSize(capture);
    const input = {
      draw: false,
      flips: flipCount(capture),
      ...(TOLD_THEIR_MODE.has(program.name) && size !== null ? { mode: modeOfSize(size) } : {}),
    };
    let failure: string | null = null;
    const recording = this.#machine.run((card) => {
      try {
        program.run(card, input);
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
        failure = error.message;
      }
    });
    const mayBeCut = program.endless && !isComplete(capture);
    const comparison = compareRecordings(recording, capture, {
      mayBeCut,
      hurries: program.name === HURRYING,
    });
    return resultOf(program.name, comparison, failure ?? note);
  }
}

function resultOf(name: string, comparison: Comparison, note: string | null): ScenarioResult {
  return { name, status: comparison.difference === null ? "equal" : "different", note, comparison };
}

function sameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

function checkSize(folder: CaptureFolder, { width, height }: Size): void {
  if (width <= MAX_PIXELS_A_SIDE && height <= MAX_PIXELS_A_SIDE && width > 0 && height > 0) return;
  throw new UsageError(`${folder.path}: a mode of ${width}x${height} pixels is not one that Linux sets.`);
}
