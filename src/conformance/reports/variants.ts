import type { CitedStatement } from "../clauses/statement.ts";

/** What findings and known differences have in common: something about a case on a target. */
interface About {
  readonly target: string;
  readonly caseId: string;
  readonly clauses: readonly string[];
  readonly statements: readonly CitedStatement[];
}

/** The same thing about variants of one case: other parameters, other targets. */
export interface VariantGroup<Item extends About> {
  readonly first: Item;
  /** The case's id without parameters; with them when there is only one variant. */
  readonly name: string;
  /** Ids of the variants, each once. */
  readonly caseIds: readonly string[];
  /** Names of the targets, each once. */
  readonly targets: readonly string[];
  /** Ids of the statements, each once. */
  readonly clauses: readonly string[];
  /** What there is to say of them, each once. */
  readonly statements: readonly CitedStatement[];
}

/** Puts variants of a case together of which `sameAs` gives the same text, in the order of the first of each. */
export function groupVariants<Item extends About>(
  items: readonly Item[],
  sameAs: (item: Item) => string,
): VariantGroup<Item>[] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = `${sameAs(item)} ${withoutParameters(item.caseId)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()].map((group) => {
    const first = group[0] as Item;
    const caseIds = [...new Set(group.map(({ caseId }) => caseId))];
    return {
      first,
      name: caseIds.length === 1 ? first.caseId : withoutParameters(first.caseId),
      caseIds,
      targets: [...new Set(group.map(({ target }) => target))],
      clauses: [...new Set(group.flatMap(({ clauses }) => clauses))],
      statements: eachOnce(group),
    };
  });
}

/** The statements of findings or known differences, each once, in the order in which they come. */
export function eachOnce(items: readonly Pick<About, "statements">[]): CitedStatement[] {
  const all = items.flatMap(({ statements }) => statements);
  return [...new Map(all.map((statement) => [statement.id, statement])).values()];
}

/** A case's id up to its parameters. */
export function withoutParameters(caseId: string): string {
  const colon = caseId.indexOf(":");
  return colon < 0 ? caseId : caseId.slice(0, colon);
}
