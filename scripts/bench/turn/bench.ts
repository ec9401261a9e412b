import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Effort, median } from "../compare.ts";
import type { JudgedRow } from "../row.ts";
import { TURN_CASES } from "./cases.ts";
import type { Turns } from "./turns.worker.ts";

export const TURN_NAMES: readonly string[] = Object.keys(TURN_CASES).map((name) => `turn/${name}`);

/** How often a case is measured in each process. */
const ROUNDS = 3;
/** In turns that are spent on a plain transfer: about five milliseconds where such a transfer takes one and a half. */
const MOST = 3;

/**
 * The longest turn of the event loop that a driver can cause, in time that one takes in which 1920 × 1080 pixels are
 * transferred. How long everybody else on the thread has to wait.
 */
export async function benchTurn(name: string, { launches }: Effort): Promise<JudgedRow[]> {
  const longest: number[] = [];
  const ratios: number[] = [];
  for (let launch = 0; launch < launches; launch++) {
    const turns = await measured(name.slice("turn/".length), ROUNDS);
    const plain = median(turns.plain);
    longest.push(...turns.longest);
    ratios.push(...turns.longest.map((each) => each / plain));
  }
  return [
    {
      name,
      value: median(longest),
      unit: "ms/turn",
      ratio: median(ratios),
      against: "1080p",
      bar: { atMost: MOST },
    },
  ];
}

/** Each case in a process of its own, so that none pays for another's garbage. */
function measured(name: string, rounds: number): Promise<Turns> {
  const worker = fileURLToPath(new URL("./turns.worker.ts", import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(worker, [name, String(rounds)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`turn/${name} ended with exit code ${code}`)));
    child.once("message", (reply: { turns: Turns } | { error: string }) => {
      if ("error" in reply) reject(new Error(`turn/${name}: ${reply.error}`));
      else resolve(reply.turns);
    });
  });
}
