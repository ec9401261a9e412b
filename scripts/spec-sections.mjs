// Reads the numbers and titles of the specification's sections out of a copy of its repository.
import { execFileSync } from "node:child_process";

/** In the order in which the document takes them in; everything else is taken in by these. */
const ROOTS = ["introduction.tex", "content.tex", "conformance.tex"];
const LEVELS = ["chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph"];
const COMMAND = new RegExp(
  `\\\\(?:(?<level>${LEVELS.join("|")})|(?<side>driver|device)normative|(?<input>input))(?=\\{)`,
  "g",
);

/** Every section, in order: `{ file, line, number, title }`. */
export function sectionsOf(directory, tag) {
  const counters = LEVELS.map(() => 0);
  const sections = [];

  function heading(file, line, level, title) {
    counters[level]++;
    counters.fill(0, level + 1);
    sections.push({ file, line, number: counters.slice(0, level + 1).join("."), title: plain(title) });
  }

  function read(file) {
    const text = git(directory, tag, file).replace(/(?<!\\)%.*/g, (comment) => " ".repeat(comment.length));
    for (const match of text.matchAll(COMMAND)) {
      const line = text.slice(0, match.index).split("\n").length;
      const [first, ...more] = argumentsOf(text, match.index + match[0].length);
      const { level, side, input } = match.groups;
      if (input !== undefined) read(first.endsWith(".tex") ? first : `${first}.tex`);
      else if (level !== undefined) heading(file, line, LEVELS.indexOf(level), first);
      else {
        const who = side === "driver" ? "Driver" : "Device";
        heading(file, line, LEVELS.indexOf(first.slice(1)), `${who} Requirements: ${more[0]}`);
      }
    }
  }

  for (const file of ROOTS) read(file);
  return sections;
}

function git(directory, tag, file) {
  return execFileSync("git", ["-C", directory, "show", `${tag}:${file}`], { encoding: "utf8" });
}

/** The arguments in braces that begin at `at`. */
function argumentsOf(text, at) {
  const all = [];
  let begin = at;
  while (text[begin] === "{" && all.length < 3) {
    let depth = 0;
    let end = begin;
    do {
      if (text[end] === "{") depth++;
      if (text[end] === "}") depth--;
      end++;
    } while (depth > 0 && end < text.length);
    all.push(text.slice(begin + 1, end - 1));
    begin = end + /^\s*/.exec(text.slice(end))[0].length;
  }
  return all;
}

function plain(title) {
  return title
    .replace(/\\[a-z]+\{([^{}]*)\}/gi, "$1")
    .replace(/\\([_&%#])/g, "$1")
    .replace(/[~\s]+/g, " ")
    .trim();
}
