/** The process of one contestant written in JavaScript: argv is the workload and its parameters. */
import { median } from "./compare.ts";
import type { ContestantReply, ContestantRequest } from "./contestant.ts";
import type { Workload } from "./workload.ts";
import { createWorkload } from "./workloads.ts";

/** Allocations are counted in parts, so many at least and so long at most: a garbage collection spoils only one. */
const MIN_SLICES = 100;
const MAX_SLICE = 1000;
/** The share of them that is evaluated. */
const KEPT_SLICES = 0.95;

const [name = "", ...parameters] = process.argv.slice(2);
const workload = createWorkload(name, parameters);

async function answer(request: ContestantRequest): Promise<number | string> {
  const subject = await workload;
  switch (request.kind) {
    case "run":
      return cpuSeconds(subject, request.count);
    case "allocated":
      return allocatedBytes(subject, request.count);
    case "digest":
      return subject.digest();
  }
}

/** CPU time: other processes may take the processor away, but not add to this. The collector's share counts. */
function cpuSeconds(subject: Workload, count: number): number {
  const before = process.cpuUsage();
  subject.run(count);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/**
 * Growth of the heap, in bytes for each time. What grows between two collections was allocated, garbage included. The
 * slices in which most was allocated are left out: the compiler leaves something behind now and then.
 */
function allocatedBytes(subject: Workload, count: number): number {
  if (globalThis.gc === undefined) throw new Error("node runs without --expose-gc");
  globalThis.gc();
  // Asking for the size of the heap adds to it, too.
  const asking = median(Array.from({ length: 101 }, () => heapGrowth(subject, 0)));
  const slice = Math.min(MAX_SLICE, Math.ceil(count / MIN_SLICES));
  const growths: number[] = [];
  for (let left = count; left > 0; left -= slice) {
    const growth = heapGrowth(subject, slice) - asking;
    // Less than before: a collection came in between, the slice tells nothing.
    if (growth >= -asking) growths.push(growth);
  }
  if (growths.length === 0) throw new Error("every slice was interrupted by a garbage collection");
  const kept = growths.toSorted((a, b) => a - b).slice(0, Math.ceil(growths.length * KEPT_SLICES));
  return Math.max(0, kept.reduce((sum, growth) => sum + growth, 0) / (kept.length * slice));
}

function heapGrowth(subject: Workload, count: number): number {
  const before = process.memoryUsage().heapUsed;
  subject.run(count);
  return process.memoryUsage().heapUsed - before;
}

function reply(message: ContestantReply): void {
  process.send?.(message);
}

process.on("message", (request: ContestantRequest) => {
  answer(request).then(
    (value) => reply({ value }),
    (error: unknown) =>
      reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => process.exit());
