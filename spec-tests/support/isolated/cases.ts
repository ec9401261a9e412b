// The cases that both threads of isolated-targets.test.ts know.
import type { CaseDefinition } from "../../../src/conformance/index.ts";

export const CLAUSE = "entropy.device.device-operation.1";

export type Place = "load" | "open" | "reset" | "read" | "features" | "notify" | "settle" | "close";

/** Where devices of the other thread do wrong, and what they do there. */
export interface Fault {
  /** By the device's number, over all threads; or all of them. */
  readonly at: Place | readonly Place[] | null;
  readonly how: "spin" | "spin-later" | "exit" | "throw-later" | "wait";
  /** Counts the devices. */
  readonly opened: SharedArrayBuffer;
}

const caseOf = (name: string, run: CaseDefinition["run"]): CaseDefinition => ({
  id: `entropy/${name}`,
  title: `It is ${name}.`,
  clauses: [CLAUSE],
  needs: { devices: ["rng"], format: "split" },
  run,
});

const arrives = (name: string) => caseOf(name, async () => {});
const serves = (name: string) =>
  caseOf(name, async (t) => {
    t.note("about to serve");
    await t.guest.start();
    await t.guest.dut.settle();
    await t.serves();
  });

export const ISOLATED_CASES = [
  arrives("arrives"),
  serves("serves"),
  caseOf("fails", async (t) => t.fail("2, not 3")),
  serves("serves-again"),
  arrives("arrives-again"),
  serves("serves-at-last"),
];
