// Writes src/conformance/clauses/data.ts, the catalogue of normative statements as the library carries it, from the
// table in spec-tests/fixtures/spec/clauses.tsv. A test fails when the two differ.
//
//   node scripts/clause-catalogue.mjs
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./entry-points.mjs";

const [header, ...rows] = readFileSync(join(root, "spec-tests/fixtures/spec/clauses.tsv"), "utf8")
  .trim()
  .split("\n");
const names = header.split("\t");
const lines = [];
let place = "";
for (const row of rows) {
  const fields = Object.fromEntries(row.split("\t").map((value, i) => [names[i], value]));
  const here = `> ${fields.file} ${fields.section}`;
  if (here !== place) lines.push(here);
  place = here;
  lines.push(`${fields.id} ${fields.level} ${fields.line} ${fields.sha1}`);
}
const text = lines.join("\n").replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("$", "\\$");
writeFileSync(
  join(root, "src/conformance/clauses/data.ts"),
  `// Written by scripts/clause-catalogue.mjs. A line that begins with ">" names the file and the section of the specification
// in which the statements below it stand; each of these is an id, a level, a line of the file, and the first digits of
// the SHA-1 of the wording.
export const CLAUSE_DATA = \`
${text}
\`;
`,
);
