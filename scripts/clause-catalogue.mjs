// Writes src/conformance/clauses/data.ts, the catalogue of normative statements as the library carries it, from two tables
// in spec-tests/fixtures/spec: clauses.tsv has the statements, sections.tsv the numbers and titles of the sections they
// stand in; and driver-data.ts, the part of it that the driver checker needs. A test fails when they differ. With a copy of the specification's repository, sections.tsv is written first.
//
//   node scripts/clause-catalogue.mjs [directory]
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./entry-points.mjs";
import { sectionsOf } from "./spec-sections.mjs";

const TAG = "v1.4-cs01";
const data = join(root, "src/conformance/clauses");
const tables = join(root, "spec-tests/fixtures/spec");
const SECTION_FIELDS = ["file", "line", "number", "title"];

function readTable(name) {
  const [header, ...rows] = readFileSync(join(tables, name), "utf8").trim().split("\n");
  const names = header.split("\t");
  return rows.map((row) => Object.fromEntries(row.split("\t").map((value, i) => [names[i], value])));
}

/** The section a statement stands in: the last one that begins before it in its file. */
function sectionAt(sections, { file, line }) {
  const section = sections.findLast((one) => one.file === file && Number(one.line) <= Number(line));
  if (section === undefined) throw new Error(`no section begins before ${file}:${line}`);
  return section;
}

function writeSections(directory, clauses) {
  const all = sectionsOf(directory, TAG);
  const used = new Set(clauses.map((clause) => sectionAt(all, clause)));
  const rows = all.filter((section) => used.has(section));
  const lines = rows.map((section) => SECTION_FIELDS.map((name) => section[name]).join("\t"));
  writeFileSync(join(tables, "sections.tsv"), `${[SECTION_FIELDS.join("\t"), ...lines].join("\n")}\n`);
}

const clauses = readTable("clauses.tsv");
const [directory] = process.argv.slice(2);
if (directory !== undefined) writeSections(directory, clauses);
const sections = readTable("sections.tsv");

/** The lines of a catalogue of these statements. */
function catalogueOf(some) {
  const lines = [];
  let place = "";
  let heading = "";
  for (const clause of some) {
    const here = `> ${clause.file} ${clause.section}`;
    if (here !== place) lines.push(here);
    place = here;
    const { number, title } = sectionAt(sections, clause);
    const above = `# ${number} ${title}`;
    if (above !== heading) lines.push(above);
    heading = above;
    lines.push(`${clause.id} ${clause.level} ${clause.line} ${clause.sha1}`);
  }
  return lines.join("\n").replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("$", "\\$");
}

/** Ids of the statements that the driver checker can name: those it has sentences of, and all others that bind drivers. */
function bindsDrivers() {
  const folder = join(data, "sentences/driver");
  const keys = readdirSync(folder).flatMap((name) => [
    ...readFileSync(join(folder, name), "utf8").matchAll(/^ {2}"([a-z0-9.-]+)":/gm),
  ]);
  const named = new Set(keys.map(([, id]) => id));
  const areas = new Set([...named].map((id) => id.split(".")[0]));
  return ({ id, area, role }) => named.has(id) || (role === "driver" && areas.has(area));
}

writeFileSync(
  join(data, "data.ts"),
  `// Written by scripts/clause-catalogue.mjs. A line that begins with ">" names the file of the specification in which the
// statements below it stand, and what their section is about; one with "#" the number and the title of the section right
// above them. Each of the others is a statement: an id, a level, a line of the file, and the first digits of the SHA-1 of
// the wording.
export const CLAUSE_DATA = \`
${catalogueOf(clauses)}
\`;
`,
);
writeFileSync(
  join(data, "driver-data.ts"),
  `// Written by scripts/clause-catalogue.mjs, like data.ts: of the same statements those that bind drivers.
export const DRIVER_CLAUSE_DATA = \`
${catalogueOf(clauses.filter(bindsDrivers()))}
\`;
`,
);
