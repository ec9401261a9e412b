import { type Comparison, compare, type Effort, startedOften } from "./compare.ts";
import { startScript } from "./contestant.ts";
import type { Against, Bar, JudgedRow } from "./row.ts";

/** A value that is compared with no other. */
export function valueRow(name: string, value: number, unit: string, bar: Bar | null): JudgedRow {
  return { name, value, unit, ratio: null, against: null, bar };
}

/** How fast one contestant was, and how many times as fast as another; without that one a value only, and no bar. */
export function speedRow(
  comparison: Comparison,
  speed: {
    readonly name: string;
    readonly who: string;
    readonly than: string;
    readonly against: Against;
    readonly unit: string;
    /** What a unit of `unit` comes to in those of the comparison. Default 1. */
    readonly unitSize?: number;
    readonly bar: Bar | null;
  },
): JudgedRow {
  const { name, who, than, against, unit, unitSize = 1, bar } = speed;
  const value = comparison.rate(who) / unitSize;
  if (!comparison.has(than)) return valueRow(name, value, unit, null);
  return { name, value, unit, ratio: comparison.ratio(who, than), against, bar };
}

const TIME_CHECK_COUNT = 1000;

/** A workload with certain parameters. */
interface Variant<Name extends string> {
  readonly name: Name;
  readonly parameters: readonly string[];
}

/** How long something takes, in µs, and how many times as long as with other parameters. */
export async function benchTime(
  time: {
    readonly name: string;
    readonly workload: string;
    readonly what: Variant<string>;
    readonly against: Variant<Against>;
    readonly unit: string;
    readonly bar: Bar;
  },
  effort: Effort,
): Promise<JudgedRow[]> {
  const { name, workload, what, against, unit, bar } = time;
  const comparison = await compare(
    [what, against].map(
      (variant) => () =>
        startScript({ name: variant.name, group: variant.name }, workload, ...variant.parameters),
    ),
    { unitsPerCount: 1, checkCount: TIME_CHECK_COUNT, effort: startedOften(effort) },
  );
  const value = 1e6 / comparison.rate(what.name);
  return [
    { name, value, unit, ratio: comparison.ratio(against.name, what.name), against: against.name, bar },
  ];
}
