import { compare, type Effort } from "../compare.ts";
import { startCounter, startScript } from "../contestant.ts";
import { FEW_POSITIONS, MANY_POSITIONS } from "../gpu/bench.ts";
import type { JudgedRow } from "../row.ts";
import { benchTime, speedRow, valueRow } from "../rows.ts";
import { RNG_BATCH } from "./workloads.ts";

const REQUESTS = 1_000_000;
const ECHO_BATCH = 16;
/** A damaged rectangle and its flush, or a new scanout and its flush. */
const GPU_BATCH = 2;

interface AllocationBench {
  readonly workload: readonly [string, ...string[]];
  readonly requestsPerCount: number;
}

function inEveryRing(name: string, workload: (format: string, memory: string) => AllocationBench) {
  return Object.fromEntries(
    ["split", "packed"].flatMap((format) => [
      [`alloc/${name}-${format}`, workload(format, "")],
      [`alloc/${name}-${format}-shared`, workload(format, "shared")],
    ]),
  );
}

function damage(positions: number) {
  return (format: string, memory: string): AllocationBench => ({
    workload: ["gpu/damage", String(positions), "flush", memory, format],
    requestsPerCount: GPU_BATCH,
  });
}

/** Paths on which nothing may be allocated. */
const ALLOCATIONS: Readonly<Record<string, AllocationBench>> = {
  ...inEveryRing("echo", (format, memory) => ({
    workload: [`echo/${format}/own`, String(ECHO_BATCH), memory],
    requestsPerCount: ECHO_BATCH,
  })),
  ...inEveryRing("2d", damage(FEW_POSITIONS)),
  ...inEveryRing("2d-moving", damage(MANY_POSITIONS)),
  ...inEveryRing("flip", (format, memory) => ({
    workload: ["gpu/flip", "3840", "2160", memory, format],
    requestsPerCount: GPU_BATCH,
  })),
  ...inEveryRing("rng", (format, memory) => ({
    workload: ["rng", format, memory],
    requestsPerCount: RNG_BATCH,
  })),
};

export const ALLOCATION_NAMES: readonly string[] = Object.keys(ALLOCATIONS);

/** Bytes the heap grows by for each request. */
export async function benchAllocation(name: string): Promise<JudgedRow[]> {
  const { workload, requestsPerCount } = ALLOCATIONS[name] as AllocationBench;
  const [first, ...parameters] = workload;
  const contestant = startCounter({ name, group: name }, first, ...parameters);
  try {
    // Code that is not compiled yet allocates what compiled code does not.
    await contestant.run(Math.ceil(REQUESTS / requestsPerCount / 3));
    const bytes = await contestant.allocated(Math.ceil(REQUESTS / requestsPerCount));
    return [valueRow(name, bytes / requestsPerCount, "bytes/request", { atMost: 0.1 })];
  } finally {
    contestant.close();
  }
}

/** Bringing a packed ring to life, in time that a split one takes. */
export function benchActivation(name: string, effort: Effort): Promise<JudgedRow[]> {
  return benchTime(
    {
      name,
      workload: "activate",
      what: { name: "packed", parameters: ["packed"] },
      against: { name: "split", parameters: ["split"] },
      unit: "µs/queue",
      bar: { atMost: 2 },
    },
    effort,
  );
}

/** From reset to DRIVER_OK with two queues, with split rings and with packed ones. */
export async function benchResets(name: string, effort: Effort): Promise<JudgedRow[]> {
  const start = (format: string) => () => startScript({ name: format, group: format }, "reset", format);
  const comparison = await compare([start("split"), start("packed")], {
    unitsPerCount: 1,
    checkCount: 1000,
    effort,
  });
  return ["split", "packed"].map((format) =>
    valueRow(`${name}-${format}`, comparison.rate(format), "resets/s", { atLeast: 100_000 }),
  );
}

/** Pixels as text in a saved state and back, against the engine's own `Buffer`; with and without the engine's help. */
export async function benchSave(name: string, effort: Effort): Promise<JudgedRow[]> {
  const start = (who: string, direction: string) => () =>
    startScript({ name: `${direction}/${who}`, group: direction }, "base64", who, direction);
  const directions = ["encode", "decode"];
  const comparison = await compare(
    directions.flatMap((direction) => ["own", "portable", "buffer"].map((who) => start(who, direction))),
    { unitsPerCount: 16, checkCount: 2, effort },
  );
  return directions.flatMap((direction) =>
    ["own", "portable"].map((who) =>
      speedRow(comparison, {
        name: `${name}/${direction}${who === "own" ? "" : "-portable"}`,
        who: `${direction}/${who}`,
        than: `${direction}/buffer`,
        against: "buffer",
        unit: "MiB/s",
        bar: who === "own" ? { atLeast: 0.33 } : null,
      }),
    ),
  );
}
