import { readFileSync } from "node:fs";
import type { Edit } from "./mutant.ts";

/** A source of the library that is broken in one place, and the tests of which one must fail. */
export interface SourceMutant {
  /** Says what is broken; unique in its list. */
  readonly id: string;
  readonly edits: readonly Edit[];
  /** Test files, by their paths from the root. */
  readonly files: readonly string[];
  /** The test that must fail has this in its name. Default any. */
  readonly only?: string;
}

/** A mutant with one edit. */
export function sourceMutant(
  id: string,
  file: string,
  find: string,
  replace: string,
  files: readonly string[],
  only?: string,
): SourceMutant {
  return { id, edits: [{ file, find, replace }], files, ...(only === undefined ? {} : { only }) };
}

/** An edit of a file: what it breaks, what stands there, what stands there then, and perhaps the name of the test. */
export type Row = readonly [id: string, find: string, replace: string, only?: string];

/** A mutant for each edit of one file. */
export function mutantsOf(file: string, files: readonly string[], rows: readonly Row[]): SourceMutant[] {
  return rows.map(([id, find, replace, only]) => sourceMutant(id, file, find, replace, files, only));
}

/** What to make of a piece of text, wherever it stands in a file. */
export interface Pattern {
  /** With the flag `g`. */
  readonly find: RegExp;
  readonly replace: string;
}

/**
 * A mutant for each place of a file where the pattern matches; a source that gets another such place gets another mutant.
 * `spared` are pieces of lines that are left out, each with its reason beside it.
 */
export function mutantsOfEach(
  file: string,
  { find, replace }: Pattern,
  files: readonly string[],
  spared: readonly string[] = [],
): SourceMutant[] {
  const text = readFileSync(file, "utf8");
  const mutants: SourceMutant[] = [];
  const used = new Set<string>();
  for (const match of text.matchAll(find)) {
    const at = match.index;
    const begin = text.lastIndexOf("\n", at) + 1;
    const end = text.indexOf("\n", at);
    const line = text.slice(begin, end);
    if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue;
    if (spared.some((piece) => line.includes(piece))) {
      for (const piece of spared) if (line.includes(piece)) used.add(piece);
      continue;
    }
    const broken = replace;
    const [from, to] = uniquePlace(text, begin, end);
    mutants.push({
      id: `${file.replace(/^src\//, "")}: ${line.trim()}${mutants.some(({ id }) => id.endsWith(line.trim())) ? ` (${mutants.length})` : ""}`,
      edits: [
        {
          file,
          find: text.slice(from, to),
          replace: text.slice(from, at) + broken + text.slice(at + match[0].length, to),
        },
      ],
      files,
    });
  }
  for (const piece of spared)
    if (!used.has(piece)) throw new Error(`${file}: nothing like ${piece} is left to spare`);
  return mutants;
}

/**
 * A mutant for each line `name: value` of a table's block that says something else than another block does: it says the
 * same. Blocks go from a line that begins with their text to the next closing brace at the same depth.
 */
export function mutantsOfTable(
  file: string,
  block: string,
  other: string,
  files: readonly string[],
  spared: readonly string[] = [],
): SourceMutant[] {
  const text = readFileSync(file, "utf8");
  const [own, others] = [linesOf(text, block), linesOf(text, other)];
  const mutants: SourceMutant[] = [];
  for (const [name, { line, at }] of own) {
    const there = others.get(name)?.line;
    if (there === undefined || saidBy(there) === saidBy(line) || spared.includes(name)) continue;
    const [from, to] = uniquePlace(text, at, at + line.length);
    mutants.push({
      id: `${block.trim()} ${name} as elsewhere`,
      edits: [
        {
          file,
          find: text.slice(from, to),
          replace: text.slice(from, at) + there + text.slice(at + line.length, to),
        },
      ],
      files,
    });
  }
  return mutants;
}

function linesOf(text: string, block: string): Map<string, { line: string; at: number }> {
  const begin = text.indexOf(`\n${block}`) + 1;
  if (begin === 0) throw new Error(`there is no line that begins with ${block}`);
  const indent = /^ */.exec(block)?.[0] ?? "";
  const end = text.indexOf(`\n${indent}}`, begin);
  const lines = new Map<string, { line: string; at: number }>();
  for (const match of text.slice(begin, end).matchAll(/^ +(\w+): .*$/gm)) {
    const [line, name = ""] = match;
    lines.set(name, { line, at: begin + match.index });
  }
  return lines;
}

/** Without a comment, and however far it is indented. */
function saidBy(line: string): string {
  return line.replace(/,\s*(\/\/.*)?$/, "").trim();
}

/** The lines around a place, as many as make it the only one of its kind. */
function uniquePlace(text: string, begin: number, end: number): [from: number, to: number] {
  let from = begin;
  let to = end;
  while (text.split(text.slice(from, to)).length > 2) {
    from = from <= 1 ? 0 : text.lastIndexOf("\n", from - 2) + 1;
    to = Math.max(to, text.indexOf("\n", to + 1));
  }
  return [from, to];
}
