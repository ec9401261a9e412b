/**
 * `npm run coverage:spec [-- --missing AREA…]`: which statements of the specification have a test.
 * `--check` prints ids that do not exist, and nothing else. Exit code 1 if there are any. Run from the root.
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { areasOf, findCitations, measure, missingIn, parseClauses, table } from "./coverage.ts";

const CATALOGUE = "spec-tests/fixtures/spec/clauses.tsv";

function citations(folder: string, suffix: string) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(suffix))
    .sort()
    .flatMap((file) => findCitations(file, readFileSync(file, "utf8")));
}

function readOptions() {
  try {
    return parseArgs({ options: { missing: { type: "string", multiple: true }, check: { type: "boolean" } } })
      .values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

const options = readOptions();
const clauses = parseClauses(readFileSync(CATALOGUE, "utf8"));
const areas = areasOf(clauses);
const unknownArea = options.missing?.find((area) => !areas.includes(area));
if (unknownArea !== undefined) {
  console.error(`no area is called "${unknownArea}"; there are ${areas.join(", ")}`);
  process.exit(2);
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
