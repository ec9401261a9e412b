// Tells a process that hangs from one that a loaded machine makes slow. Neither the clock nor the load says which it is,
// but what the process does: one that waits for ever uses no processor time and prints nothing, one that spins uses much
// more than any test has work for.
import { readdirSync, readFileSync } from "node:fs";

const LIMITS = {
  lookEveryMs: 5_000,
  /** Without output and with hardly any processor time for so long: it waits for something that does not come. */
  idleMs: 240_000,
  /** Processor time of the process and all it has started. The longest test has work for some three minutes. */
  busySeconds: 1_200,
  /** Where nobody says what a process uses. */
  clockMs: 3_600_000,
};
/** Processor time between two looks that is no sign of life. */
const IDLE_SECONDS = 0.02;
/** What Linux counts processor time in, on every architecture that Node runs on. */
const TICKS_A_SECOND = 100;

/**
 * Kills a child process that hangs.
 * @param {import("node:child_process").ChildProcess} child
 * @param {() => number} outputCount  grows whenever the process prints
 * @param {Partial<typeof LIMITS>} [limits]
 * @returns {{ readonly verdict: string | undefined, stop(): void }}  `verdict` says why it was killed, if it was
 */
export function watchForHang(child, outputCount, limits) {
  const { lookEveryMs, idleMs, busySeconds, clockMs } = { ...LIMITS, ...limits };
  const started = performance.now();
  let verdict;
  let lastSign = started;
  let lastOutput = 0;
  let lastSeconds = 0;
  const end = (why) => {
    verdict = why;
    child.kill("SIGKILL");
  };
  const timer = setInterval(() => {
    const now = performance.now();
    const seconds = child.pid === undefined ? undefined : processorSeconds(child.pid);
    if (seconds === undefined) {
      if (now - started > clockMs) end(`did not end within ${clockMs / 60_000} minutes`);
      return;
    }
    // Less than before: something it had started has ended, which is a sign of life, too.
    if (outputCount() !== lastOutput || Math.abs(seconds - lastSeconds) > IDLE_SECONDS) lastSign = now;
    lastOutput = outputCount();
    lastSeconds = seconds;
    if (now - lastSign > idleMs) end(`hangs: it has done nothing for ${idleMs / 1000} s`);
    else if (seconds > busySeconds) end(`hangs: it has used ${Math.round(seconds)} s of processor time`);
  }, lookEveryMs);
  return {
    get verdict() {
      return verdict;
    },
    stop: () => clearInterval(timer),
  };
}

/** Processor time of a process and its descendants that live, in seconds; undefined where there is no /proc. */
function processorSeconds(pid) {
  const processes = new Map();
  try {
    for (const name of readdirSync("/proc")) {
      if (!/^[0-9]+$/.test(name)) continue;
      const stat = readStat(name);
      if (stat !== undefined) processes.set(Number(name), stat);
    }
  } catch {
    return undefined;
  }
  if (!processes.has(pid)) return undefined;
  let ticks = 0;
  for (const [id, stat] of processes) {
    if (descends(id, pid, processes)) ticks += stat.ticks;
  }
  return ticks / TICKS_A_SECOND;
}

function readStat(name) {
  try {
    // The name of the program, in parentheses, may hold anything.
    const text = readFileSync(`/proc/${name}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return {
      parent: Number(fields[1]),
      ticks: [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0),
    };
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

function descends(id, ancestor, processes) {
  for (let at = id, steps = 0; at > 1 && steps < 64; steps++) {
    if (at === ancestor) return true;
    at = processes.get(at)?.parent ?? 0;
  }
  return false;
}
