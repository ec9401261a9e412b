import { nextTurn } from "./stage.ts";

/** After so many the rest is taken to be like them. */
const MAX_TURNS = 400;

/**
 * The longest turn of the event loop from `begin` on until `finished`, in milliseconds, of the first few hundred. A turn counts with the time
 * the thread had, or that the clock says, whichever is less: other processes may take the processor away, and other
 * threads of this one compress and collect garbage meanwhile.
 */
export async function longestTurn(begin: () => void, finished: () => boolean): Promise<number> {
  let longest = 0;
  let cpu = process.cpuUsage();
  let clock = performance.now();
  begin();
  for (let turns = 1; ; turns++) {
    await nextTurn();
    const { user, system } = process.cpuUsage(cpu);
    longest = Math.max(longest, Math.min((user + system) / 1000, performance.now() - clock));
    // What looking costs does not count.
    if (finished() || turns === MAX_TURNS) return longest;
    cpu = process.cpuUsage();
    clock = performance.now();
  }
}
