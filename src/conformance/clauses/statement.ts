import { SPECIFICATION_TAG } from "./catalogue.ts";
import type { Clause, ClauseLevel } from "./clause.ts";

/** Gives the wording of a statement by its id, null where it is not known. */
export type WordingOf = (id: string) => string | null;

/** What there is to say of a statement: in a finding, and to whoever asks for it by its id. */
export interface CitedStatement {
  readonly id: string;
  readonly level: ClauseLevel;
  /** Number of the section it stands in: `2.7.5.3.2`. */
  readonly number: string;
  /** Title of that section: `Device Requirements: Indirect Descriptors`. */
  readonly title: string;
  /** What it demands, in one sentence that is not the specification's; null for statements that nothing here judges. */
  readonly sentence: string | null;
  /** Source file of the specification. */
  readonly file: string;
  /** Line of that file, from 1. */
  readonly line: number;
  /** The published specification, to be searched for the section's number. */
  readonly documentUrl: string;
  /** The line of the published source. */
  readonly sourceUrl: string;
  /** The specification's own words, when a copy of it was at hand. */
  readonly wording?: string;
}

/** The published specification as one page; its anchors do not follow from the section's numbers. */
export const DOCUMENT_URL = "https://docs.oasis-open.org/virtio/virtio/v1.4/cs01/virtio-v1.4-cs01.html";
const SOURCE_URL = `https://github.com/oasis-tcs/virtio-spec/blob/${SPECIFICATION_TAG}`;

/** Puts together what is known of a statement. */
export function cite(clause: Clause, sentence: string | undefined, wordingOf?: WordingOf): CitedStatement {
  const { id, level, number, title, file, line } = clause;
  const wording = wordingOf?.(id) ?? null;
  return {
    id,
    level,
    number,
    title,
    sentence: sentence ?? null,
    file,
    line,
    documentUrl: DOCUMENT_URL,
    sourceUrl: `${SOURCE_URL}/${file}#L${line}`,
    ...(wording === null ? {} : { wording }),
  };
}

/**
 * A statement as lines of text: id, level and section; the sentence; source and links; the wording, if it is there.
 *
 * @example
 * ```ts
 * const statement = citeStatement("split-ring.device.indirect-descriptors.1");
 * if (statement !== null) console.log(statementLines(statement).join("\n"));
 * ```
 */
export function statementLines(statement: CitedStatement): string[] {
  const { id, level, number, title, sentence, file, line, sourceUrl, documentUrl, wording } = statement;
  return [
    `${id}  ${level.toUpperCase()}  ${number} ${title}`,
    ...(sentence === null ? [] : [`  ${sentence}`]),
    `  ${file}:${line}  ${sourceUrl}`,
    `  section ${number} of ${documentUrl}`,
    ...(wording === undefined ? [] : [`  "${wording}"`]),
  ];
}
