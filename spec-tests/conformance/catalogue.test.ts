// The catalogue of statements, the cases and the reviewed lists must fit together: a statement that comes or goes, or
// a case that names one that is not there, fails here.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DEVICE_SENTENCES } from "../../src/conformance/clauses/sentences/device/index.ts";
import { DRIVER_SENTENCES } from "../../src/conformance/clauses/sentences/driver/index.ts";
import {
  BINDS_DRIVER,
  CASES,
  CLAUSES,
  citeDriverStatement,
  citeStatement,
  KIT_AREAS,
  NOT_OBSERVABLE,
  NOT_OBSERVABLE_OF_DRIVERS,
  STATEMENTS_OF_DRIVERS,
} from "../../src/conformance/index.ts";

const test = suite("catalogue of statements");
const ids = new Set(CLAUSES.map(({ id }) => id));

test("the library's catalogue is the table, statement for statement", () => {
  const [header, ...rows] = readFileSync("spec-tests/fixtures/spec/clauses.tsv", "utf8").trim().split("\n");
  assert.is(header, "id\tarea\trole\tlevel\tsection\tfile\tline\tsha1");
  assert.is(rows.length, 1661);
  assert.equal(
    CLAUSES.map((c) => [c.id, c.area, c.role, c.level, c.section, c.file, c.line, c.sha1].join("\t")),
    rows,
  );
});

test("every case has an id of its own, a title, and names statements that exist", () => {
  assert.is(new Set(CASES.map(({ id }) => id)).size, CASES.length);
  for (const { id, title, clauses } of CASES) {
    assert.match(id, /^[a-z0-9-]+(\/[a-z0-9-]+)+$/);
    assert.ok(title.length > 10, id);
    assert.ok(clauses.length > 0, `${id} names no statement`);
    for (const clause of clauses) assert.ok(ids.has(clause), `${id} names ${clause}, which does not exist`);
  }
});

test("the reviewed lists name statements that exist, with reasons, and no case covers them", () => {
  const covered = new Set(CASES.flatMap(({ clauses }) => clauses));
  for (const [id, reason] of Object.entries(NOT_OBSERVABLE)) {
    assert.ok(ids.has(id), id);
    assert.ok(reason.length > 20, id);
    assert.not.ok(covered.has(id), `${id} is covered and said not to be observable`);
  }
  for (const id of BINDS_DRIVER) {
    assert.ok(ids.has(id), id);
    assert.match(id, /\.(legacy|prose)\./);
  }
});

test("at most 8 % of the statements of the kit's areas are not observable", () => {
  const all = CLAUSES.filter(({ area }) => KIT_AREAS.includes(area));
  assert.ok(Object.keys(NOT_OBSERVABLE).length <= 0.08 * all.length);
});

test("every statement of the kit's areas that binds a device has a case, or stands in the reviewed list", () => {
  const covered = new Set(CASES.flatMap(({ clauses }) => clauses));
  const drivers = new Set(BINDS_DRIVER);
  const without = CLAUSES.filter(
    ({ id, area, role }) =>
      KIT_AREAS.includes(area) &&
      role !== "driver" &&
      !drivers.has(id) &&
      !Object.hasOwn(NOT_OBSERVABLE, id) &&
      !covered.has(id),
  );
  assert.equal(
    without.map(({ id }) => id),
    [],
  );
});

/** What cases are about, and what the driver checker can judge. */
const JUDGED_OF_DRIVERS = STATEMENTS_OF_DRIVERS.filter(
  (id) => !NOT_OBSERVABLE_OF_DRIVERS.some(({ clause }) => clause === id),
);
const JUDGED = new Set([...CASES.flatMap(({ clauses }) => clauses), ...JUDGED_OF_DRIVERS]);

test("each statement stands in a section with a number and a title, the last that begins before it", () => {
  const [header, ...rows] = readFileSync("spec-tests/fixtures/spec/sections.tsv", "utf8").trim().split("\n");
  assert.is(header, "file\tline\tnumber\ttitle");
  const sections = rows.map((row) => row.split("\t"));
  for (const { id, file, line, number, title } of CLAUSES) {
    const above = sections.findLast(([inFile, at]) => inFile === file && Number(at) <= line);
    assert.equal([number, title], above?.slice(2), id);
    assert.match(number, /^\d+(\.\d+)*$/);
  }
  // As the published document has them.
  for (const [id, number] of [
    ["content.device.device-status-field.1", "2.1.2"],
    ["split-ring.driver.indirect-descriptors.1", "2.7.5.3.1"],
    ["transport-pci.device.isr-status-capability.1", "4.1.4.5.1"],
    ["transport-mmio.device.mmio-device-register-layout.1", "4.2.2.1"],
    ["content.driver.reserved-feature-bits.1", "6.1"],
  ] as const) {
    assert.is(citeStatement(id)?.number, number, id);
  }
});

test("what cases and the driver checker judge has one sentence of its own that says what it demands", () => {
  for (const id of JUDGED) {
    const sentence = citeStatement(id)?.sentence;
    assert.match(sentence ?? `nothing says what ${id} demands`, /^[^.].{15,190}\.$/, id);
  }
});

test("no sentence is without its statement, and no two are the same", () => {
  const all = [...Object.entries(DEVICE_SENTENCES), ...Object.entries(DRIVER_SENTENCES)];
  for (const [id] of all) assert.ok(JUDGED.has(id), `${id} is judged by nobody, or does not exist`);
  const sentences = all.map(([, sentence]) => sentence);
  assert.equal(
    sentences.filter((sentence, i) => sentences.indexOf(sentence) !== i),
    [],
  );
  assert.is(new Set(all.map(([id]) => id)).size, all.length, "each stands in one file");
});

test("the driver checker's part of the catalogue says the same", () => {
  for (const id of JUDGED_OF_DRIVERS) assert.equal(citeDriverStatement(id), citeStatement(id), id);
  for (const id of STATEMENTS_OF_DRIVERS)
    assert.ok(id in DRIVER_SENTENCES || !JUDGED_OF_DRIVERS.includes(id));
});

test.run();
