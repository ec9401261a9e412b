import type { Contestant } from "./contestant.ts";

/** How thorough a comparison is. */
export interface Effort {
  /** How often each contestant's process is started anew: the same program compiles differently from run to run. */
  readonly launches: number;
  /** Measured rounds per launch. */
  readonly rounds: number;
  /** CPU time of one contestant's turn, in seconds. */
  readonly turnSeconds: number;
}

/**
 * For comparisons that are close: the same code is compiled differently from launch to launch, and may gain or lose as
 * much by it as is looked for.
 */
export function startedOften(effort: Effort): Effort {
  return { ...effort, launches: 4 * effort.launches };
}

/** What the contestants did in each round: units of work per second of CPU time. */
export class Comparison {
  readonly #rates = new Map<string, number[]>();

  add(name: string, rate: number): void {
    const rates = this.#rates.get(name);
    if (rates === undefined) this.#rates.set(name, [rate]);
    else rates.push(rate);
  }

  has(name: string): boolean {
    return this.#rates.has(name);
  }

  /** Median rate of a contestant, in units per second. */
  rate(name: string): number {
    return median(this.#ratesOf(name));
  }

  /** How many times as fast one is as another: the median over rounds, in each of which both had a turn. */
  ratio(name: string, against: string): number {
    const others = this.#ratesOf(against);
    return median(this.#ratesOf(name).map((rate, round) => rate / (others[round] as number)));
  }

  #ratesOf(name: string): readonly number[] {
    const rates = this.#rates.get(name);
    if (rates === undefined) throw new Error(`${name} did not take part`);
    return rates;
  }
}

/** Starts one contestant. */
export type Starter = () => Contestant;

const WARM_UP_TURNS = 12;

/**
 * Lets contestants take turns. Each turn is `unitsPerCount` units of work for each
 * count it is asked for. Before measuring, all do `checkCount` counts, after which those of one `group` must have
 * left the same bytes behind.
 */
export async function compare(
  starters: readonly Starter[],
  options: { readonly unitsPerCount: number; readonly checkCount: number; readonly effort: Effort },
): Promise<Comparison> {
  const { unitsPerCount, checkCount, effort } = options;
  const comparison = new Comparison();
  for (let launch = 0; launch < effort.launches; launch++) {
    const contestants = starters.map((start) => start());
    try {
      await checkDigests(contestants, checkCount);
      const counts = new Map<Contestant, number>();
      for (const contestant of contestants) {
        counts.set(contestant, await warmUp(contestant, checkCount, effort.turnSeconds));
      }
      for (let round = 0; round < effort.rounds; round++) {
        for (let turn = 0; turn < contestants.length; turn++) {
          const contestant = contestants[(turn + round) % contestants.length] as Contestant;
          const count = counts.get(contestant) as number;
          comparison.add(contestant.name, (count * unitsPerCount) / (await contestant.run(count)));
        }
      }
    } finally {
      for (const contestant of contestants) contestant.close();
    }
  }
  return comparison;
}

async function checkDigests(contestants: readonly Contestant[], count: number): Promise<void> {
  const digests = new Map<string, { readonly name: string; readonly digest: string }>();
  for (const { name, group, run, digest } of contestants) {
    await run(count);
    const found = await digest();
    const other = digests.get(group);
    if (other === undefined) digests.set(group, { name, digest: found });
    else if (other.digest !== found) {
      throw new Error(`${name} left other bytes in memory than ${other.name}: ${found}, not ${other.digest}`);
    }
  }
}

/** Runs a contestant until its code is compiled; returns the count that takes about `turnSeconds`. */
async function warmUp(contestant: Contestant, first: number, turnSeconds: number): Promise<number> {
  let count = first;
  for (let turn = 0; turn < WARM_UP_TURNS; ) {
    const seconds = await contestant.run(count);
    // Too short a turn tells nothing about the speed.
    if (seconds < turnSeconds / 4) {
      count *= 2;
      continue;
    }
    count = Math.max(1, Math.round((count * turnSeconds) / seconds));
    turn++;
  }
  return count;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
