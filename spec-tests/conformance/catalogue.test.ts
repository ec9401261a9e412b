// The catalogue of statements, the cases and the reviewed lists must fit together: a statement that comes or goes, or
// a case that names one that is not there, fails here.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BINDS_DRIVER, CASES, CLAUSES, KIT_AREAS, NOT_OBSERVABLE } from "../../src/conformance/index.ts";

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

test.run();
