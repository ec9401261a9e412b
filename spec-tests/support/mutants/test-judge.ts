// What a mutant of our own sources is bundled with: test files, of which some test must fail. See Workshop.
import { runCollected, type Verdict } from "./collector.ts";

/** Which tests to run. */
export interface JudgeInput {
  /** Paths of test files, from the root. */
  readonly files: readonly string[];
  /** Runs the tests whose names hold this. Default all. */
  readonly only?: string;
}

/** Runs the tests until one fails. `load` loads a file of the bundle. */
export async function run({ files, only }: JudgeInput, load: (path: string) => unknown): Promise<Verdict> {
  for (const file of files) load(file);
  return await runCollected(only);
}
