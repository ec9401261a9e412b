import { compare, type Effort, type Starter, startedOften } from "../compare.ts";
import { startScript } from "../contestant.ts";
import type { Bar, JudgedRow } from "../row.ts";

const CHECK_COUNT = 1000;
const ECHO_BATCH = "1";

/** The raw rings: one small request and its answer at a time. */
const startEcho: Starter = () => startScript({ name: "echo", group: "echo" }, "echo/split/own", ECHO_BATCH);

/** What a guest's program does through the whole stack, in ratio to the bare round trip of one request. */
async function benchCalls(name: string, start: Starter, unit: string, bar: Bar, effort: Effort) {
  const comparison = await compare([start, startEcho], { unitsPerCount: 1, checkCount: CHECK_COUNT, effort });
  const row: JudgedRow = {
    name,
    value: comparison.rate("kms"),
    unit,
    ratio: comparison.ratio("kms", "echo"),
    against: "echo",
    bar,
  };
  return [row];
}

/** Page flips between blobs of 1920 × 1080. */
export function benchKmsFlip(name: string, effort: Effort): Promise<JudgedRow[]> {
  const start: Starter = () => startScript({ name: "kms", group: "kms" }, "kms/flip", "1920", "1080");
  return benchCalls(name, start, "flips/s", { valueAtLeast: 100_000 }, effort);
}

/** DIRTYFB of 64 × 64 pixels, copied. */
export function benchKmsDirty(name: string, effort: Effort): Promise<JudgedRow[]> {
  const start: Starter = () => startScript({ name: "kms", group: "kms" }, "kms/dirty");
  return benchCalls(name, start, "calls/s", { valueAtLeast: 150_000 }, effort);
}

/** A page flip at 3840 × 2160, in time that one at 640 × 480 takes. */
export async function benchKmsFlipSizes(name: string, effort: Effort): Promise<JudgedRow[]> {
  const flips = (who: string, width: number, height: number) => () =>
    startScript({ name: who, group: who }, "kms/flip", String(width), String(height));
  const comparison = await compare([flips("2160p", 3840, 2160), flips("480p", 640, 480)], {
    unitsPerCount: 1,
    checkCount: CHECK_COUNT,
    effort: startedOften(effort),
  });
  return [
    {
      name,
      value: 1e6 / comparison.rate("2160p"),
      unit: "µs/flip",
      ratio: comparison.ratio("480p", "2160p"),
      against: "480p",
      bar: { atMost: 1.1 },
    },
  ];
}
