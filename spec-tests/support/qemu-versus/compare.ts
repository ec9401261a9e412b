import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { probeQemu } from "../../../src/adapters/qtest/index.ts";
import { BRING_UP_CASES } from "./bring-up.ts";
import type { VersusCase } from "./case.ts";
import { COMMAND_CASES } from "./commands.ts";
import { Observer, registersOf } from "./guest.ts";
import { REGISTER_CASES } from "./registers.ts";
import { RING_CASES } from "./rings.ts";
import { modelSubject, qemuSubject, type Subject, type Transport } from "./subject.ts";

/** A difference that stays: cases and notes as regular expressions of the whole name. */
interface KnownDifference {
  readonly cases: string;
  /** Which notes differ. Default: any. */
  readonly notes?: string;
  /** Default: both. */
  readonly transport?: Transport;
  /** Default: every version that was looked at. */
  readonly versions?: "7.2" | "11.1";
  readonly why: string;
}

const TABLE = "spec-tests/fixtures/qemu-profile/differences.json";

export const ALL_CASES: readonly VersusCase[] = [
  ...REGISTER_CASES,
  ...BRING_UP_CASES,
  ...RING_CASES,
  ...COMMAND_CASES,
];

/** Notes by label, the ones of a label numbered. */
async function notesOf(subject: Subject, each: VersusCase): Promise<Map<string, string>> {
  await subject.powerOn();
  const guest = new Observer(subject, await registersOf(subject));
  await each.run(guest);
  const counts = new Map<string, number>();
  const notes = new Map<string, string>();
  for (const [label, value] of guest.notes) {
    const count = counts.get(label) ?? 0;
    counts.set(label, count + 1);
    notes.set(count === 0 ? label : `${label} #${count}`, value);
  }
  return notes;
}

function isWhole(pattern: string, name: string): boolean {
  return new RegExp(`^(?:${pattern})$`).test(name);
}

/**
 * Runs the cases on a QEMU and on our profile `qemu`. Fails on a difference that the table does not explain, and, when
 * all cases are run, on an entry of the table that explains none.
 */
export async function compare(
  transport: Transport,
  path: string,
  cases: readonly VersusCase[],
  isAll: boolean,
): Promise<void> {
  const program = await probeQemu(path);
  const version = program.numbers[0] < 8 ? "7.2" : "11.1";
  const table = (JSON.parse(readFileSync(TABLE, "utf8")) as KnownDifference[]).filter(
    (known) => (known.transport ?? transport) === transport && (known.versions ?? version) === version,
  );
  const used = new Set<KnownDifference>();
  const unexplained: string[] = [];
  const qemu = await qemuSubject(transport, program);
  try {
    const model = modelSubject(transport, "qemu");
    for (const each of cases) {
      if ((each.transport ?? transport) !== transport) continue;
      const theirs = await notesOf(qemu, each);
      const ours = await notesOf(model, each);
      for (const label of new Set([...theirs.keys(), ...ours.keys()])) {
        const [was, is] = [theirs.get(label), ours.get(label)];
        if (was === is) continue;
        const known = table.filter(
          (one) =>
            isWhole(one.cases, each.id) && (one.notes === undefined || new RegExp(one.notes).test(label)),
        );
        for (const one of known) used.add(one);
        if (known.length === 0) unexplained.push(`${each.id}: ${label}: QEMU ${was}, profile ${is}`);
      }
    }
  } finally {
    await qemu.close();
  }
  assert.equal(unexplained, [], "differences that the table does not explain");
  if (!isAll) return;
  const stale = table.filter((one) => !used.has(one)).map(({ cases: names, why }) => `${names}: ${why}`);
  assert.equal(stale, [], "entries of the table that explain nothing any more");
}
