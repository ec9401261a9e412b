import type { NativePrograms } from "./c/compile.ts";
import type { Effort } from "./compare.ts";
import {
  ALLOCATION_NAMES,
  benchActivation,
  benchAllocation,
  benchResets,
  benchSave,
} from "./device/bench.ts";
import { benchEcho, ECHO_BATCHES, ECHO_FORMATS } from "./echo/bench.ts";
import { benchBlobFlip, benchDamage, benchFrames } from "./gpu/bench.ts";
import { benchKmsDirty, benchKmsFlip, benchKmsFlipSizes } from "./kms/bench.ts";
import { benchModeSet } from "./linux/bench.ts";
import type { JudgedRow } from "./row.ts";
import { benchTurn, TURN_NAMES } from "./turn/bench.ts";

/** Means and settings that benchmarks share. */
export interface BenchContext {
  readonly natives: NativePrograms;
  readonly effort: Effort;
  /** Says one line about something that cannot be measured here. */
  readonly report: (line: string) => void;
}

/** Benchmarks that are measured together. */
export interface Bench {
  readonly names: readonly string[];
  /** Measures those of `names` that are wanted; no rows for what cannot be had here. */
  readonly run: (wanted: ReadonlySet<string>, context: BenchContext) => Promise<JudgedRow[]>;
}

/** A benchmark that stands alone. */
function single(name: string, run: (name: string, context: BenchContext) => Promise<JudgedRow[]>): Bench {
  return { names: [name], run: (_wanted, context) => run(name, context) };
}

export const BENCHES: readonly Bench[] = [
  ...ECHO_BATCHES.map((batch): Bench => {
    const nameOf = (format: string) => `echo/${format}/batch-${batch}`;
    return {
      names: ECHO_FORMATS.map(nameOf),
      run: (wanted, { natives, effort }) =>
        benchEcho(
          batch,
          ECHO_FORMATS.filter((format) => wanted.has(nameOf(format))),
          natives,
          effort,
        ),
    };
  }),
  single("transfer/1080p", (name, { natives, effort }) => benchFrames(name, false, natives, effort)),
  single("transfer/1080p-shared", (name, { natives, effort }) => benchFrames(name, true, natives, effort)),
  single("damage/64x64", (name, { natives, effort }) => benchDamage(name, false, natives, effort)),
  single("damage/64x64-repeated", (name, { natives, effort }) => benchDamage(name, true, natives, effort)),
  single("blob-flip/2160p", (name, { effort }) => benchBlobFlip(name, effort)),
  ...ALLOCATION_NAMES.map((name) => single(name, () => benchAllocation(name))),
  single("activate/packed", (name, { effort }) => benchActivation(name, effort)),
  single("reset/two-queues", (name, { effort }) => benchResets(name, effort)),
  single("save", (name, { effort }) => benchSave(name, effort)),
  ...TURN_NAMES.map((name) => single(name, (_, { effort }) => benchTurn(name, effort))),
  single("kms/flip/1080p", (name, { effort }) => benchKmsFlip(name, effort)),
  single("kms/flip/2160p", (name, { effort }) => benchKmsFlipSizes(name, effort)),
  single("kms/dirty/64x64", (name, { effort }) => benchKmsDirty(name, effort)),
  single("linux/mode-set", (name, { effort, report }) => benchModeSet(name, effort.launches, report)),
];
