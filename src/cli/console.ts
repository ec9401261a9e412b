/** Where a command writes to. */
export interface Console {
  /** Results. */
  out(text: string): void;
  /** Everything else: progress, complaints. */
  error(text: string): void;
  readonly outIsTerminal: boolean;
}

/** Text in colour, for terminals that want it (see no-color.org). */
export interface Style {
  dim(text: string): string;
  bold(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** The styles for a terminal, or for a file: none. */
export function styleFor(isTerminal: boolean): Style {
  const { NO_COLOR, TERM } = process.env;
  const coloured = isTerminal && (NO_COLOR ?? "") === "" && TERM !== "dumb";
  const wrap = (on: number, off: number) => (text: string) =>
    coloured && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return { dim: wrap(2, 22), bold: wrap(1, 22), good: wrap(32, 39), bad: wrap(31, 39) };
}
