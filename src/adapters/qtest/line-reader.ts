import type { Readable } from "node:stream";

/** A line longer than this is not an answer and is dropped. Reads of memory are the longest. */
const MAX_LINE_CHARACTERS = 1 << 28;

/** Calls `onLine` for every line of `input`, without its end. */
export function readLines(
  input: Readable,
  encoding: "latin1" | "utf8",
  onLine: (line: string) => void,
): void {
  let rest = "";
  input.setEncoding(encoding);
  input.on("data", (text: string) => {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      const line = rest === "" ? text.slice(from, end) : rest + text.slice(from, end);
      rest = "";
      from = end + 1;
      onLine(line);
    }
    if (from < text.length) rest = rest.length > MAX_LINE_CHARACTERS ? "" : rest + text.slice(from);
  });
}
