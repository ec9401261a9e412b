import { findClause } from "./catalogue.ts";
import { DEVICE_SENTENCES } from "./sentences/device/index.ts";
import { DRIVER_SENTENCES } from "./sentences/driver/index.ts";
import { type CitedStatement, cite, type WordingOf } from "./statement.ts";

/**
 * What there is to say of the statement `id`: what it demands, where it stands, and, where `wordingOf` knows it, its
 * wording. Null when the specification has no such statement.
 *
 * @example
 * ```ts
 * citeStatement("split-ring.device.indirect-descriptors.1")?.number; // "2.7.5.3.2"
 * ```
 */
export function citeStatement(id: string, wordingOf?: WordingOf): CitedStatement | null {
  const clause = findClause(id);
  return clause === undefined ? null : cite(clause, sentenceOf(id), wordingOf);
}

/**
 * What a statement demands, in one sentence; undefined for statements that neither a case nor the driver checker judges.
 *
 * @example
 * ```ts
 * const sentence = sentenceOf("split-ring.device.indirect-descriptors.1");
 * ```
 */
export function sentenceOf(id: string): string | undefined {
  return [DEVICE_SENTENCES, DRIVER_SENTENCES].find((sentences) => Object.hasOwn(sentences, id))?.[id];
}
