/**
 * `npm run coverage:spec [-- --missing AREA…]`: which statements of the specification have a test.
 * `--check` prints ids that do not exist, and nothing else. Exit code 1 if there are any. Run from the root.
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/base/brands.ts";
import { areasOf, findCitations, measure, missingIn, parseClauses, table } from "./coverage.ts";

const CATALOGUE = "spec-tests/fixtures/spec/clauses.tsv";

function citations(folder: string, suffix: string) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(suffix))
    .sort()
    .flatMap((file) => findCitations(file, readFileSync(file, "utf8")));
}

/** Ends with one line and exit code 2. */
function refuse(message: string): never {
  console.error(`coverage:spec: ${message.replace(/\s*\n\s*/g, " ")}`);
  process.exit(2);
}

function readOptions() {
  try {
    const known = { missing: { type: "string", multiple: true }, check: { type: "boolean" } } as const;
    return parseArgs({ options: known }).values;
  } catch (error) {
    refuse(messageOf(error));
  }
}

const options = readOptions();
const clauses = parseClauses(readFileSync(CATALOGUE, "utf8"));
const areas = areasOf(clauses);
const unknownArea = options.missing?.find((area) => !areas.includes(area));
if (unknownArea !== undefined) {
  refuse(`no area is called "${unknownArea}"; there are ${areas.join(", ")}`);
}
if (options.missing !== undefined && options.check === true) {
  refuse("--check prints nothing but unknown ids, so that --missing has no meaning beside it: leave one out");
}

const coverage = measure(clauses, citations("spec-tests", ".test.ts"), citations("src", ".ts"));
if (options.missing !== undefined) {
  for (const { id, level, section } of options.missing.flatMap((area) => missingIn(area, coverage))) {
    console.log(`${id}  ${level.toUpperCase()}  ${section}`);
  }
} else if (options.check !== true) {
  console.log(table(coverage));
}
for (const { id, file, line } of coverage.unknown) {
  console.error(`${file}:${line}: the specification's catalogue has no statement ${id}`);
}
process.exitCode = coverage.unknown.length > 0 ? 1 : 0;
