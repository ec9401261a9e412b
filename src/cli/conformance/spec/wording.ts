/** The specification's own words, read out of a copy of its sources at run time. */
import { createHash } from "node:crypto";
import {
  CLAUSES,
  type Clause,
  clauseById,
  SPECIFICATION,
  sentenceOf,
  type WordingOf,
} from "../../../conformance/index.ts";
import { openSources, type ReadSource } from "./sources.ts";

/** The longest statement has fewer words. */
const MOST_WORDS = 400;
const MOST_LINES = 80;

/** A copy of the specification, as far as its wording is the catalogue's. */
export interface SpecificationCopy {
  readonly wordingOf: WordingOf;
  /** One sentence when the copy is of another version; null when it fits. */
  readonly warning: string | null;
}

/** Opens a copy of the specification's repository. Throws `UsageError` when there is none. */
export function openSpecification(directory: string): SpecificationCopy {
  const wordingOf = wordingsIn(openSources(directory));
  const judged = CLAUSES.filter(({ id }) => sentenceOf(id) !== undefined);
  const missing = judged.filter(({ id }) => wordingOf(id) === null).length;
  const warning =
    missing === 0
      ? null
      : `${directory} is another version of the specification than ${SPECIFICATION}: ${missing} of the ${judged.length} ` +
        "statements that are judged do not stand there word for word, and are shown without their wording";
  return { wordingOf, warning };
}

/** Looks wordings up in sources, each once. What is not where the catalogue says, word for word, is null. */
export function wordingsIn(read: ReadSource): WordingOf {
  const files = new Map<string, readonly string[] | null>();
  const known = new Map<string, string | null>();
  const linesOf = (file: string) => {
    let lines = files.get(file);
    if (lines === undefined) {
      lines = read(file)?.split("\n") ?? null;
      files.set(file, lines);
    }
    return lines;
  };
  return (id) => {
    let wording = known.get(id);
    if (wording === undefined) {
      const clause = clauseById(id);
      const lines = linesOf(clause.file);
      wording = lines === null ? null : wordingAt(clause, lines);
      known.set(id, wording);
    }
    return wording;
  };
}

/**
 * A statement begins somewhere in the line that the catalogue names, or right after it, and ends where the sum of its words is the one that
 * the catalogue has. Null when there is no such place.
 */
export function wordingAt(
  { line, sha1 }: Pick<Clause, "line" | "sha1">,
  lines: readonly string[],
): string | null {
  const wordsOf = (text: string) => text.split(/\s+/).filter((word) => word !== "");
  const words = lines.slice(line - 1, line - 1 + MOST_LINES).flatMap(wordsOf);
  const begins = wordsOf(lines[line - 1] ?? "").length;
  for (let begin = 0; begin <= begins; begin++) {
    const sum = createHash("sha1");
    for (let end = begin; end < Math.min(words.length, begin + MOST_WORDS); end++) {
      sum.update(`${end === begin ? "" : " "}${words[end]}`);
      if (!sum.copy().digest("hex").startsWith(sha1)) continue;
      return readable([...words.slice(begin, end + 1), ...listAfter(words, end)].join(" "));
    }
  }
  return null;
}

/** The list or listing that a statement ends before, if it ends in a colon. */
function listAfter(words: readonly string[], end: number): readonly string[] {
  const [, environment] = /^\\begin\{([a-z*]+)\}/.exec(words[end + 1] ?? "") ?? [];
  if (environment === undefined || words[end]?.endsWith(":") !== true) return [];
  const last = words.findIndex((word, i) => i > end && word.startsWith(`\\end{${environment}}`));
  return last < 0 ? [] : words.slice(end + 1, last);
}

/** Without the markup of LaTeX, as far as statements use it. */
function readable(text: string): string {
  return (
    text
      .replace(/^\\(?:driver|device)normative(?:\s*\{[^{}]*\}){3}/, "")
      .replace(/\\(?:begin|end)\{[a-z*]+\}/g, "")
      .replace(/\\label\{[^{}]*\}/g, "")
      .replace(/~?\\nameref\{[^{}]*\}/g, "")
      .replace(/\\item\[(.*?)\](?=\s|$)/g, "• $1:")
      .replace(/\\item\b/g, "•")
      .replace(/\\hyperref\[[^\]]*\]\{([^{}]*)\}/g, "$1")
      .replace(/\\ref\{(?:[a-z]+:)?([^{}]*)\}/g, "“$1”")
      .replace(/\\[a-zA-Z]+\{([^{}]*)\}/g, "$1")
      .replace(/\{\\em ([^{}]*)\}/g, "$1")
      // The end of a heading's label.
      .replace(/^[^{}]*\}/, "")
      .replace(/\\ldots\b ?/g, "…")
      .replace(/\\footnotemark\b/g, "")
      .replace(/\^\{(\d+)\}/g, "^$1")
      .replace(/``|''/g, '"')
      .replace(/~/g, " ")
      .replace(/\\([_&%#$])/g, "$1")
      .replace(/\$\*\$/g, "×")
      .replace(/\$([^$]*)\$/g, "$1")
      .replace(/\s+/g, " ")
      .trim()
  );
}
