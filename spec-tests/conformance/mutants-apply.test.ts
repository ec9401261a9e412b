// The edits that make mutants still fit the sources: found out in a second, where running all mutants takes minutes.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DEVICE_MUTANTS } from "../mutants/devices/index.ts";
import { DRIVER_MUTANTS } from "../mutants/drivers/index.ts";
import { SOURCE_MUTANTS } from "../mutants/sources/index.ts";
import type { Mutant } from "../support/mutants/mutant.ts";
import { applyEdits } from "../support/mutants/workshop.ts";

const test = suite("edits of mutants");

function misfits(mutants: Readonly<Record<string, readonly Pick<Mutant, "id" | "edits">[]>>): string[] {
  const messages: string[] = [];
  for (const { id, edits } of Object.values(mutants).flat()) {
    for (const edit of edits) {
      try {
        applyEdits(readFileSync(edit.file, "utf8"), [edit]);
      } catch (error) {
        messages.push(`${id}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return messages;
}

test("of devices apply to the sources as they are", () => {
  assert.equal(misfits(DEVICE_MUTANTS), []);
});

test("of drivers apply to the sources as they are", () => {
  assert.equal(misfits(DRIVER_MUTANTS), []);
});

test("of our sources apply to the sources as they are", () => {
  assert.equal(misfits(SOURCE_MUTANTS), []);
});

test.run();
