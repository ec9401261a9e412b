/**
 * Compares when frames were sent, where the capture says so. How fast a machine is nobody knows, so only what the
 * kernel's own waits tell counts: where the model waits for vertical blanks, the kernel must not be faster; where the
 * model does not, a program that flips without pause must not be held to one flip a frame.
 */
import {
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_FLUSH,
} from "../../wire/gpu.ts";
import type { FieldDifference } from "./compare.ts";
import { typeOf } from "./fields.ts";
import type { SentCommand } from "./sent-command.ts";

/** Intervals that say something; fewer are left alone. */
const MIN_INTERVALS = 3;
/** What a guest's timer and scheduler may be off by, as a part of a frame. */
const JITTER = 0.25;
/** How much of a flipping program's intervals must be about a frame to call it paced. */
const MOSTLY = 0.8;
/** What a program without a pause is paced by where the model has no frames: the usual mode. */
const USUAL_FRAME_MS = 1000 / 60;

/** When frames were sent. */
export interface Pacing {
  /** Intervals between frames. */
  readonly intervals: number;
  /** Of the capture and of the model, in milliseconds. */
  readonly medianMs: number;
  readonly modelMedianMs: number;
  /** What is not as expected, null when all is. */
  readonly difference: FieldDifference | null;
}

/**
 * Compares the frames after the last buffer was made. `hurries`: the program does not pause between frames. Null when
 * the capture has no times, or too few frames.
 */
export function comparePacing(
  model: readonly SentCommand[],
  capture: readonly SentCommand[],
  hurries: boolean,
): Pacing | null {
  const captured = intervalsOf(capture);
  const modelled = intervalsOf(model);
  const count = Math.min(captured?.length ?? 0, modelled?.length ?? 0);
  if (captured === null || modelled === null || count < MIN_INTERVALS) return null;
  const got = captured.slice(0, count);
  const expected = modelled.slice(0, count);
  const medianMs = median(got);
  const modelMedianMs = median(expected);
  const difference =
    modelMedianMs > 0 ? tooFast(expected, got, modelMedianMs) : hurries ? heldBack(got, medianMs) : null;
  return { intervals: count, medianMs, modelMedianMs, difference };
}

/** The model's waits are the least that the kernel has to wait, up to one frame that had begun before. */
function tooFast(
  expected: readonly number[],
  got: readonly number[],
  frameMs: number,
): FieldDifference | null {
  const least = (1 - JITTER) * frameMs;
  const medianMs = median(got);
  if (medianMs < least) {
    return { field: "frames, ms apart", expected: `at least ${shown(least)}`, got: shown(medianMs) };
  }
  const leastInAll = (sum(expected) - frameMs) * (1 - JITTER);
  const all = sum(got);
  if (all >= leastInAll) return null;
  return { field: "frames, ms in all", expected: `at least ${shown(leastInAll)}`, got: shown(all) };
}

function heldBack(got: readonly number[], medianMs: number): FieldDifference | null {
  const isFrame = (ms: number) => Math.abs(ms - USUAL_FRAME_MS) <= JITTER * USUAL_FRAME_MS;
  if (got.filter(isFrame).length < MOSTLY * got.length) return null;
  return {
    field: "frames, ms apart",
    expected: "as fast as the machine",
    got: `${shown(medianMs)}, one a frame`,
  };
}

/** Milliseconds between frames after the last buffer was made; null without times, or with times that go back. */
function intervalsOf(commands: readonly SentCommand[]): number[] | null {
  const isCreation = ({ bytes }: SentCommand) =>
    typeOf(bytes) === VIRTIO_GPU_CMD_RESOURCE_CREATE_2D ||
    typeOf(bytes) === VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB;
  const frames = commands
    .slice(commands.findLastIndex(isCreation) + 1)
    .filter(({ bytes }) => typeOf(bytes) === VIRTIO_GPU_CMD_RESOURCE_FLUSH);
  const intervals: number[] = [];
  let before: number | null = null;
  for (const { timeMs } of frames) {
    if (timeMs === null || (before !== null && timeMs < before)) return null;
    if (before !== null) intervals.push(timeMs - before);
    before = timeMs;
  }
  return intervals;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function shown(ms: number): string {
  return ms.toFixed(1);
}
