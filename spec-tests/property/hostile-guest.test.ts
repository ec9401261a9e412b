import { suite } from "uvu";
import { HostileGuest } from "../support/hostile/hostile-guest.ts";

const test = suite("hostile guest");

// HOSTILE_GUEST_SEED=n repeats one case; HOSTILE_GUEST_CASES=n runs more of them, from HOSTILE_GUEST_FROM on.
const ONE = process.env["HOSTILE_GUEST_SEED"];
const CASES = Number(process.env["HOSTILE_GUEST_CASES"] ?? 250);
const FROM = Number(process.env["HOSTILE_GUEST_FROM"] ?? 1);
const STEPS = 120;

const rejections: unknown[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));

async function runCase(seed: number): Promise<HostileGuest> {
  const guest = new HostileGuest(seed);
  try {
    for (let i = 0; i < STEPS; i++) await guest.step();
    await guest.finish();
    if (rejections.length > 0) throw rejections.shift();
  } catch (error) {
    const { events, pci, profile, subject } = guest.machine;
    const log = events.slice(-25).join("\n  ");
    const message = `seed ${seed} (${subject.kind}, ${pci ? "pci" : "mmio"}, ${profile}), step ${guest.steps}:\n  ${log}`;
    throw new Error(`${message}\n${error instanceof Error ? error.stack : String(error)}`, { cause: error });
  }
  return guest;
}

test("whatever a guest does, nothing throws, spins, leaks or writes where it must not, and a reset repairs it", async () => {
  const seeds = ONE === undefined ? Array.from({ length: CASES }, (_, i) => FROM + i) : [Number(ONE)];
  let chains = 0;
  for (const seed of seeds) {
    chains += (await runCase(seed)).chains;
    // Rejections that nobody handled are reported between turns of the event loop.
    if (seed % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    if (rejections.length > 0)
      throw new Error(`a rejection nobody handled by seed ${seed}: ${String(rejections[0])}`);
  }
  if (CASES > 1000) process.stdout.write(`${seeds.length} cases, ${chains} chains\n`);
});

test.run();
