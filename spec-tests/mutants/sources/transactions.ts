import { mutantsOf, type SourceMutant } from "../../support/mutants/source-mutant.ts";

const TRANSACTION = "src/device/backend/transaction.ts";
const TESTS = ["spec-tests/unit/device/transaction.test.ts"];

/** Changes of several steps of which a part stays, or is taken back where it must not be. */
export const TRANSACTION_MUTANTS: readonly SourceMutant[] = mutantsOf(TRANSACTION, TESTS, [
  [
    "a-step-that-throws-takes-nothing-back",
    "      takeBack(life, steps, i);\n      throw error;",
    "      throw error;",
  ],
  [
    "a-step-that-rejects-takes-nothing-back",
    "        if (life.enter()) takeBack(life, steps, i);\n",
    "        life.enter();\n",
  ],
  ["the-failure-is-kept-back", "        throw error;\n      },\n", "      },\n"],
  [
    "the-step-that-failed-is-taken-back-too",
    "for (let i = failed - 1; i >= 0",
    "for (let i = failed; i >= 0",
  ],
  ["the-first-step-stays", "i >= 0 && !life.over", "i > 0 && !life.over"],
  ["steps-behind-a-late-one-are-done-at-once", "    return result.then(\n", "    void result.then(\n"],
  ["steps-behind-a-late-one-are-not-done", "        return run(life, steps, i + 1);\n", ""],
  ["steps-are-done-in-the-next-life", "        if (!life.enter()) return;\n", ""],
  ["steps-go-on-after-a-reset-from-within", "    if (life.over) return ofNoInterest(result);\n", ""],
  ["a-failure-of-the-old-life-is-taken-back", "if (life.enter()) takeBack(life", "takeBack(life"],
]);
