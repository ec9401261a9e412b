import { suite } from "uvu";
import * as assert from "uvu/assert";
import { median } from "../../../scripts/bench/compare.ts";
import { parseOptions } from "../../../scripts/bench/options.ts";
import { type JudgedRow, meets, plainRow, table } from "../../../scripts/bench/row.ts";

const test = suite("bench: options and rows");

const NAMES = ["echo/split/batch-1", "damage/64x64"];

test("without options everything runs, and no file is written", () => {
  const parsed = parseOptions([], NAMES);
  assert.is(parsed.kind, "run");
  if (parsed.kind !== "run") return;
  assert.is(parsed.options.filter, undefined);
  assert.is(parsed.options.json, undefined);
  assert.ok(parsed.options.launches > 0 && parsed.options.rounds > 0);
});

test("a filter is a part of a name", () => {
  const parsed = parseOptions(["--filter", "damage", "--json", "out.json", "--rounds", "5"], NAMES);
  assert.is(parsed.kind, "run");
  if (parsed.kind !== "run") return;
  assert.is(parsed.options.filter, "damage");
  assert.is(parsed.options.json, "out.json");
  assert.is(parsed.options.rounds, 5);
});

for (const args of [
  ["--bad"],
  ["--filter", "nothing"],
  ["--filter"],
  ["--jason"],
  ["--rounds", "0"],
  ["--rounds", "2.5"],
  ["--launches", "many"],
  ["extra"],
]) {
  test(`a wrong option is one line: ${args.join(" ")}`, () => {
    const parsed = parseOptions(args, NAMES);
    assert.is(parsed.kind, "error");
    if (parsed.kind === "error") assert.match(parsed.message, /^[^\n]+$/);
  });
}

test("help names every benchmark", () => {
  const parsed = parseOptions(["--help"], NAMES);
  assert.is(parsed.kind, "text");
  if (parsed.kind === "text") for (const name of NAMES) assert.ok(parsed.text.includes(name));
});

test("the median of an even number of values is between the two in the middle", () => {
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 3, 2]), 2.5);
});

test("rows are judged by their ratio, or by their value where there is none", () => {
  const row: JudgedRow = {
    name: "echo/split/batch-1",
    value: 12.3456,
    unit: "million chains/s",
    ratio: 0.5,
    against: "c",
    bar: { atLeast: 0.25 },
  };
  assert.ok(meets(row));
  assert.not(meets({ ...row, bar: { atLeast: 0.75 } }));
  assert.not(meets({ ...row, ratio: null, against: null, bar: { atMost: 10 } }));
  assert.ok(meets({ ...row, bar: null }));
  assert.equal(Object.keys(plainRow(row)), ["name", "value", "unit", "ratio", "against"]);
  const text = table([row, { ...row, bar: { atLeast: 0.75 } }]);
  assert.match(text, /12\.3 {2}million chains\/s {2}0\.500 × c {2}≥ 0\.25\n/);
  assert.match(text, /≥ 0\.75 {2}missed$/);
});

test.run();
