import type { NativePrograms } from "../c/compile.ts";
import { compare, type Effort, type Starter, startedOften } from "../compare.ts";
import { startProgram, startScript } from "../contestant.ts";
import type { JudgedRow } from "../row.ts";
import { benchTime, speedRow } from "../rows.ts";
import { DAMAGE_PIXELS, FRAME_HEIGHT, FRAME_WIDTH } from "./workloads.ts";

const FRAME_GIGABYTES = (FRAME_WIDTH * FRAME_HEIGHT * 4) / 1e9;
const DAMAGE_GIGABYTES = (DAMAGE_PIXELS * DAMAGE_PIXELS * 4) / 1e9;
/** More than the device remembers, so that every rectangle is new to it; and few, as from a blinking cursor. */
export const MANY_POSITIONS = 1024;
export const FEW_POSITIONS = 16;

/** TRANSFER_TO_HOST_2D of a frame of 1920 × 1080 from scattered pages, against memcpy for each page. */
export function benchFrames(name: string, shared: boolean, natives: NativePrograms, effort: Effort) {
  return benchCopy(
    name,
    { workload: ["gpu/frame", shared ? "shared" : ""], arguments: ["frame"], gigabytes: FRAME_GIGABYTES },
    // No bar for shared memory: engines copy out of it word by word, as another thread may be writing.
    { checkCount: 1, atLeast: shared ? 0 : 0.5 },
    natives,
    effort,
  );
}

/**
 * TRANSFER_TO_HOST_2D of 64 × 64 pixels, against memcpy for each row.
 *
 * JavaScript has no copy of a part of an array to another one that makes no view, 64 of them for each rectangle here; and
 * a loop takes some ten instructions for each element, as the engine checks both indexes. On a quiet machine the C program
 * takes 0.4 µs a rectangle within the first caches and 0.9 µs where each rectangle comes from far away.
 */
export function benchDamage(name: string, repeated: boolean, natives: NativePrograms, effort: Effort) {
  const positions = String(repeated ? FEW_POSITIONS : MANY_POSITIONS);
  return benchCopy(
    name,
    { workload: ["gpu/damage", positions], arguments: ["damage", positions], gigabytes: DAMAGE_GIGABYTES },
    { checkCount: MANY_POSITIONS, atLeast: 0.25 },
    natives,
    startedOften(effort),
  );
}

async function benchCopy(
  name: string,
  copy: {
    readonly workload: readonly [string, ...string[]];
    readonly arguments: readonly string[];
    readonly gigabytes: number;
  },
  { checkCount, atLeast }: { readonly checkCount: number; readonly atLeast: number },
  natives: NativePrograms,
  effort: Effort,
): Promise<JudgedRow[]> {
  const program = natives.path("copy");
  const [workload, ...parameters] = copy.workload;
  const starters: Starter[] = [() => startScript({ name: "own", group: "copy" }, workload, ...parameters)];
  if (program !== null) {
    starters.push(() => startProgram({ name: "c", group: "copy" }, program, ...copy.arguments));
  }
  const comparison = await compare(starters, {
    unitsPerCount: copy.gigabytes,
    checkCount,
    effort,
  });
  return [
    speedRow(comparison, {
      name,
      who: "own",
      than: "c",
      against: "c",
      unit: "GB/s",
      bar: atLeast > 0 ? { atLeast } : null,
    }),
  ];
}

/** A page flip between two blobs at 3840 × 2160, in time that one at 640 × 480 takes. */
export function benchBlobFlip(name: string, effort: Effort): Promise<JudgedRow[]> {
  return benchTime(
    {
      name,
      workload: "gpu/flip",
      what: { name: "2160p", parameters: ["3840", "2160"] },
      against: { name: "480p", parameters: ["640", "480"] },
      unit: "µs/flip",
      bar: { atMost: 1.2 },
    },
    effort,
  );
}
