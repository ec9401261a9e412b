import { mutantsOfEach, type SourceMutant } from "../../support/mutants/source-mutant.ts";

/** What the atomic operations come to without being atomic. */
const PLAIN: Readonly<Record<string, string>> = {
  load: "((words, at) => words[at])(",
  store: "((words, at, value) => (words[at] = value))(",
  add: "((words, at, value) => (words[at] += value) - value)(",
  or: "((words, at, value) => { const old = words[at]; words[at] |= value; return old; })(",
  exchange: "((words, at, value) => { const old = words[at]; words[at] = value; return old; })(",
  notify: "(() => 0)(",
};

/** A mutant for each atomic operation of a file: its place is accessed as any other memory is. */
export function withoutAtomics(
  file: string,
  files: readonly string[],
  spared: readonly string[] = [],
): SourceMutant[] {
  return Object.entries(PLAIN).flatMap(([name, replace]) =>
    mutantsOfEach(
      file,
      { find: new RegExp(`Atomics\\.${name}\\(`, "g"), replace },
      files,
      name === "load" ? spared : [],
    ),
  );
}
