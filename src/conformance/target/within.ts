import { ofNoInterest } from "../../base/later.ts";

declare function setTimeout(task: () => void, milliseconds: number): number;
declare function clearTimeout(timer: number): void;

/** In so many turns of the event loop a limit runs out, evenly. */
const TURNS = 16;

/**
 * Calls back once a limit has run out; returns what ends it before. The limit is counted in turns of the event loop, so
 * that it stretches where the turns do: a machine that is busy, or was asleep, makes nobody late.
 */
export function afterTurns(limitMs: number, late: () => void): () => void {
  let turns = TURNS;
  let timer = 0;
  const wait = (): void => {
    timer = setTimeout(() => (--turns > 0 ? wait() : late()), limitMs / TURNS);
  };
  wait();
  return () => clearTimeout(timer);
}

/** The outcome of some work, unless it takes longer than it may: then what `late` makes is thrown. */
export async function within<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let end = (): void => {};
  const limit = new Promise<never>((_, reject) => {
    end = afterTurns(limitMs, () => reject(late()));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    end();
    ofNoInterest(work);
  }
}
