/** What there is to say of a statement, as the page shows it. */
import type { CitedStatement } from "../../clauses/statement.ts";
import { escapeHtml } from "./escape.ts";

/** What it demands; empty where nothing says so. */
export function demandHtml(sentence: string | null | undefined): string {
  return sentence === null || sentence === undefined ? "" : `<p class="demand">${escapeHtml(sentence)}</p>`;
}

/** Where it stands, with links, and its wording if it is known. */
export function placeHtml(statement: CitedStatement): string {
  const { number, title, file, line, sourceUrl, documentUrl, wording } = statement;
  const quote = wording === undefined ? "" : `<blockquote>${escapeHtml(wording)}</blockquote>`;
  return (
    `<p class="place"><a href="${escapeHtml(documentUrl)}" title="the published specification: look for section ${number}">` +
    `${number} ${escapeHtml(title)}</a> · <a href="${escapeHtml(sourceUrl)}">${breakable(escapeHtml(file))}:${line}</a></p>${quote}`
  );
}

/** An id or a path that may be broken after its dots and slashes. */
export function breakable(name: string): string {
  return name.replace(/[./]/g, "$&<wbr>");
}
