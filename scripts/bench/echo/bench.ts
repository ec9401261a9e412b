import type { NativePrograms } from "../c/compile.ts";
import { type Comparison, compare, type Effort, type Starter } from "../compare.ts";
import { startProgram, startScript } from "../contestant.ts";
import type { Against, Bar, JudgedRow } from "../row.ts";

export const ECHO_BATCHES = [1, 16, 256] as const;
export const ECHO_FORMATS = ["split", "packed"] as const;
type Format = (typeof ECHO_FORMATS)[number];

const BARS: Readonly<Partial<Record<Against, Bar>>> = {
  v86: { atLeast: 8 },
  loop: { atLeast: 0.75 },
  c: { atLeast: 0.25 },
  split: { atLeast: 0.8 },
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
    .filter(([, name]) => comparison.has(name))
    .map(([against, name]) => ({
      name: `echo/${format}/batch-${batch}`,
      value: comparison.rate(own) / 1e6,
      unit: "million chains/s",
      ratio: comparison.ratio(own, name),
      against,
      bar: BARS[against] ?? null,
    }));
}
