import { compare, type Effort, type Starter } from "../compare.ts";
import { startScript } from "../contestant.ts";
import type { Bar, JudgedRow } from "../row.ts";
import { benchTime, speedRow } from "../rows.ts";

const CHECK_COUNT = 1000;
const ECHO_BATCH = "1";

/** The raw rings: one small request and its answer at a time. */
const startEcho: Starter = () => startScript({ name: "echo", group: "echo" }, "echo/split/own", ECHO_BATCH);

/** What a guest's program does through the whole stack, in ratio to the bare round trip of one request. */
async function benchCalls(name: string, start: Starter, unit: string, bar: Bar, effort: Effort) {
  const comparison = await compare([start, startEcho], { unitsPerCount: 1, checkCount: CHECK_COUNT, effort });
  return [speedRow(comparison, { name, who: "kms", than: "echo", against: "echo", unit, bar })];
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
export function benchKmsFlipSizes(name: string, effort: Effort): Promise<JudgedRow[]> {
  return benchTime(
    {
      name,
      workload: "kms/flip",
      what: { name: "2160p", parameters: ["3840", "2160"] },
      against: { name: "480p", parameters: ["640", "480"] },
      unit: "µs/flip",
      bar: { atMost: 1.1 },
    },
    effort,
  );
}
