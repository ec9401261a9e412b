/** A source of the library with one rule broken: the proof that some case notices. */
export interface Mutant {
  /** Says what is broken, in kebab-case; unique in its list. */
  readonly id: string;
  /** Clauses the mutant breaks. It counts as caught when a case (or the driver checker) that names one of them objects. */
  readonly clauses: readonly string[];
  /** What to change: each `find` must stand exactly once in its file, by its path from the root. */
  readonly edits: readonly Edit[];
  /** Targets on which to look for it. Default: all that can run a case of its clauses. */
  readonly targets?: readonly string[];
  /** The case, by its id up to the parameters, that has to notice, and no other. Default: any of its clauses. */
  readonly by?: string;
}

/** One change of a source file. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A mutant with one edit. */
export function mutant(
  id: string,
  clauses: readonly string[],
  file: string,
  find: string,
  replace: string,
  more: Pick<Mutant, "targets" | "by"> = {},
): Mutant {
  return { id, clauses, edits: [{ file, find, replace }], ...more };
}

/** Of lists of mutants those whose area or id holds what VIRTIO_MUTANTS says, for whoever writes some; else all. */
export function chosen<T extends { readonly id: string }>(
  lists: Readonly<Record<string, readonly T[]>>,
): (readonly [area: string, mutants: readonly T[]])[] {
  const part = process.env["VIRTIO_MUTANTS"] ?? "";
  return Object.entries(lists)
    .map(([area, mutants]) => [area, mutants.filter(({ id }) => `${area}: ${id}`.includes(part))] as const)
    .filter(([, mutants]) => mutants.length > 0);
}
