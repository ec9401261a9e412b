import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  areasOf,
  type Citation,
  findCitations,
  measure,
  missingIn,
  parseClauses,
  table,
} from "../../../scripts/coverage-spec/coverage.ts";

const coverage = suite("coverage-spec");

const CATALOGUE = [
  "id\tarea\trole\tlevel\tsection\tfile\tline\tsha1",
  "net.device.a.1\tnet\tdevice\tmust\tNet / A\tnet.tex\t1\t0",
  "split-ring.device.a.1\tsplit-ring\tdevice\tmust\tRing / A\tsplit-ring.tex\t1\t0",
  "split-ring.device.a.2\tsplit-ring\tdevice\tmust\tRing / A\tsplit-ring.tex\t2\t0",
  "split-ring.driver.b.1\tsplit-ring\tdriver\tmay\tRing / B\tsplit-ring.tex\t3\t0",
  "split-ring.prose.c.1\tsplit-ring\tprose\tshould\tRing / C\tsplit-ring.tex\t4\t0",
  "",
].join("\n");

// Put together here, so that this file does not itself cite statements that do not exist.
const bracketed = (...ids: string[]): string => `[${ids.join(", ")}]`;
const ids = (citations: readonly Citation[]) => citations.map(({ id }) => id);

coverage("reads the catalogue", () => {
  const clauses = parseClauses(CATALOGUE);
  assert.is(clauses.length, 5);
  assert.equal(clauses[4], {
    id: "split-ring.prose.c.1",
    area: "split-ring",
    role: "other",
    level: "should",
    section: "Ring / C",
  });
  assert.throws(() => parseClauses("id\tarea\n"), /no column "role"/);
  assert.throws(() => parseClauses(CATALOGUE.replace("\tmust\t", "\twill\t")), /without a level/);
});

coverage("finds ids in strings, templates and comments, and says where", () => {
  const text = [
    `test("${bracketed("a.device.x.1", "a.driver.y-z.2")} does", () => {`,
    `  // because ${bracketed("a.prose.x.3")}`,
    `  run(\`${bracketed("a.legacy.x.4")} \${1} ${bracketed("a.device.x.5")}\`); // ${bracketed("a.device.x.6")}`,
    "});",
    `/** ${bracketed("a.device.x.7")} */ const last = 1;`,
  ].join("\n");
  const found = findCitations("x.test.ts", text).sort((left, right) => left.id.localeCompare(right.id));
  const places = found.map(({ id, line, inside }) => `${id} ${line} ${inside}`);
  assert.equal(places, [
    "a.device.x.1 1 string",
    "a.device.x.5 3 string",
    "a.device.x.6 3 comment",
    "a.device.x.7 5 comment",
    "a.driver.y-z.2 1 string",
    "a.legacy.x.4 3 string",
    "a.prose.x.3 2 comment",
  ]);
});

coverage("takes neither code nor other text in brackets for an id", () => {
  const text =
    'const a = [state.device.queues.length]; const b = "[see.it] [1] [a.b.c.1]"; // [x] a.device.x.1';
  assert.equal(findCitations("x.ts", text), []);
});

coverage("counts what tests have in strings, and reports what does not exist", () => {
  const cite = (id: string, inside: Citation["inside"]): Citation => ({ id, file: "f.ts", line: 1, inside });
  const result = measure(
    parseClauses(CATALOGUE),
    [
      cite("split-ring.device.a.1", "string"),
      cite("split-ring.device.a.2", "comment"),
      cite("split-ring.device.a.9", "string"),
    ],
    [cite("split-ring.driver.b.1", "comment"), cite("net.device.b.1", "comment")],
  );
  assert.equal([...result.tested], ["split-ring.device.a.1"]);
  assert.equal([...result.marked], ["split-ring.driver.b.1"]);
  assert.equal(
    result.unknown.map(({ id }) => id),
    ["split-ring.device.a.9", "net.device.b.1"],
  );
  assert.equal(
    missingIn("split-ring", result).map(({ id }) => id),
    ["split-ring.device.a.2", "split-ring.driver.b.1", "split-ring.prose.c.1"],
  );
  const lines = table(result)
    .split("\n")
    .map((line) => line.trim().split(/\s{2,}/));
  assert.equal(lines[1], [
    "split-ring",
    "4",
    "1",
    "3",
    "1",
    "1/2",
    "-",
    "-",
    "-",
    "-",
    "0/1",
    "-",
    "0/1",
    "-",
  ]);
  assert.equal(lines[2]?.slice(0, 5), ["net", "1", "0", "1", "0"]);
  assert.equal(lines[3]?.slice(0, 5), ["total", "5", "1", "4", "1"]);
});

coverage("the real catalogue is whole, and all its ids are recognised in brackets", () => {
  const clauses = parseClauses(readFileSync("spec-tests/fixtures/spec/clauses.tsv", "utf8"));
  assert.is(clauses.length, 1661);
  assert.is(
    new Set(ids(findCitations("x.ts", clauses.map(({ id }) => `// ${bracketed(id)}`).join("\n")))).size,
    1661,
  );
  assert.equal(areasOf(clauses).slice(0, 8), [
    "content",
    "split-ring",
    "packed-ring",
    "shared-mem",
    "transport-mmio",
    "transport-pci",
    "gpu",
    "entropy",
  ]);
});

coverage.run();
