/** Text for HTML: for elements, and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A value as JSON that may stand inside a `script` element, which ends, or changes its rules, at certain tags. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/<(?=[/!]|script)/gi, "\\u003c");
}
