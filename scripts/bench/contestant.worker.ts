/** The process of one contestant written in JavaScript: argv is the workload and its parameters. */
import type { ContestantReply, ContestantRequest } from "./contestant.ts";
import type { Workload } from "./workload.ts";
import { createWorkload } from "./workloads.ts";

/** Parts in which allocations are counted, so that a garbage collection spoils only one. */
const SLICES = 500;

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

/** Growth of the heap, in bytes for each time. What grows between two collections was allocated, garbage included. */
function allocatedBytes(subject: Workload, count: number): number {
  if (globalThis.gc === undefined) throw new Error("node runs without --expose-gc");
  globalThis.gc();
  const slice = Math.ceil(count / SLICES);
  let bytes = 0;
  let done = 0;
  for (let i = 0; i < SLICES; i++) {
    const before = process.memoryUsage().heapUsed;
    subject.run(slice);
    const growth = process.memoryUsage().heapUsed - before - MEASURING_BYTES;
    // A collection came in between: the slice tells nothing.
    if (growth < -MEASURING_BYTES) continue;
    bytes += Math.max(0, growth);
    done += slice;
  }
  if (done === 0) throw new Error("every slice was interrupted by a garbage collection");
  return bytes / done;
}

/** What asking for the size of the heap adds to it. */
const MEASURING_BYTES = measuringBytes();

function measuringBytes(): number {
  const growths: number[] = [];
  for (let i = 0; i < 100; i++) {
    const before = process.memoryUsage().heapUsed;
    growths.push(process.memoryUsage().heapUsed - before);
  }
  return growths.toSorted((a, b) => a - b)[growths.length >> 1] as number;
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
