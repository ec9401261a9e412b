import type { NativePrograms } from "../c/compile.ts";
import { type Comparison, compare, type Effort, type Starter } from "../compare.ts";
import { startProgram, startScript } from "../contestant.ts";
import type { Against, Bar, JudgedRow } from "../row.ts";
import { speedRow } from "../rows.ts";

export const ECHO_BATCHES = [1, 16, 256] as const;
export const ECHO_FORMATS = ["split", "packed"] as const;
type Format = (typeof ECHO_FORMATS)[number];

/**
 * What each contestant does for a chain:
 *
 * - `own`: the library's queue as device types use it. Where the rings lie, how large they are and which features were
 *   negotiated is known only when the program runs; buffers in any region, of any number of segments, direct or through
 *   tables, aligned or not; a buffer offered twice is noticed; used buffers may come back in any order, later; a drain is
 *   bounded; the queue and the device that it serves are separate, so that a chain is handed over and back.
 * - `loop`: one function for this one workload. Ring, size and memory are constants in its code; one region below 4 GiB, in
 *   words; one segment to write; nothing but checks that keep it inside memory and let it end; what it copies, sums and
 *   answers stands in the middle of the walk, without a call. No device can be written so; it marks how far there is to go.
 *   At batches of 1 the calls of a drain, which `loop` has none of, come to a fifth to a third of a round trip, depending on
 *   the processor.
 * - `v86`: v86's own queue, with memory accesses as cheap as they can be.
 * - `c`: `loop` in C, -O2.
 *
 * Driver and checks of the replies are the same for all, and are part of what is measured.
 */
const BARS: Readonly<Partial<Record<Against, Bar>>> = {
  v86: { atLeast: 8 },
  loop: { atLeast: 0.95 },
  c: { atLeast: 0.25 },
  split: { atLeast: 0.95 },
};

// Enough batches for every size to go round the ring several times.
const CHECK_CHAINS = 16384;

/** Both ring formats at one batch size against everything else that does the same. */
export async function benchEcho(
  batch: number,
  formats: readonly Format[],
  natives: NativePrograms,
  effort: Effort,
): Promise<JudgedRow[]> {
  const program = natives.path("echo");
  const size = String(batch);
  const script = (format: Format, who: string) => () =>
    startScript({ name: `${format}/${who}`, group: format }, `echo/${format}/${who}`, size);
  // All in one comparison: what is measured in the same round can be compared. v86 has split rings only.
  const starters: Starter[] = [script("split", "own"), script("split", "v86")];
  for (const format of formats) {
    if (format === "packed") starters.push(script("packed", "own"));
    starters.push(script(format, "loop"));
    if (program !== null) {
      starters.push(() => startProgram({ name: `${format}/c`, group: format }, program, format, size));
    }
  }
  const comparison = await compare(starters, {
    unitsPerCount: batch,
    checkCount: Math.ceil(CHECK_CHAINS / batch),
    effort,
  });
  return formats.flatMap((format) => rows(comparison, format, batch));
}

function rows(comparison: Comparison, format: Format, batch: number): JudgedRow[] {
  const own = `${format}/own`;
  const others: [Against, string][] = [
    ["v86", "split/v86"],
    ["loop", `${format}/loop`],
    ["c", `${format}/c`],
  ];
  if (format === "packed") others.push(["split", "split/own"]);
  return others
    .filter(([, than]) => comparison.has(than))
    .map(([against, than]) =>
      speedRow(comparison, {
        name: `echo/${format}/batch-${batch}`,
        who: own,
        than,
        against,
        unit: "million chains/s",
        unitSize: 1e6,
        bar: BARS[against] ?? null,
      }),
    );
}
