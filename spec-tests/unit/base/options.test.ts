// The rules themselves; that every entry point has them is spec-tests/unit/options.test.ts.
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import { checkOptions, type OptionRule, suggest } from "../../../src/base/options.ts";

const test = suite("options");

/** What is said of a value of the option `it`; null when nothing is. */
function complaint(value: unknown, rule: OptionRule): string | null {
  try {
    checkOptions("Thing", { it: value }, { it: rule });
    return null;
  } catch (error) {
    assert.instance(error, VirtioUsageError);
    return (error as Error).message;
  }
}

const foreign = (code: string): unknown => runInNewContext(code);

for (const [name, rule, good, bad] of [
  ["boolean", "boolean", [true, false], [0, "true", null]],
  [
    "bytes",
    "bytes",
    [new Uint8Array(1), Buffer.from("x"), foreign("new Uint8Array(2)")],
    [[1], new Int8Array(1), "x"],
  ],
  ["function", "function", [() => {}, class {}], [{}, null]],
  [
    "number",
    { number: [-2, 3.5] },
    [-2, 0.25, 3.5],
    [-2.5, 4, Number.NaN, Number.POSITIVE_INFINITY, "1", 1n, null],
  ],
  ["string", "string", ["", "x"], [1, null]],
  ["object", "object", [{}, () => {}], [null, [], 1, "x"]],
  ["address", "address", [0, 1n, 2n ** 63n], ["0x1000", null]],
  ["an integer", [-3, 7], [-3, 0, 7], [-4, 8, 0.5, "1", Number.NaN, Number.POSITIVE_INFINITY, 1n]],
  ["one of", { oneOf: ["a", 2] }, ["a", 2], ["b", "2", null]],
  ["either", { either: ["string", [1, 2]] }, ["x", 1, 2], [3, 0, true, null]],
  ["each", { each: [1, 2] }, [[], [1, 2]], [1, "12", [0], [1, 3], { length: 0 }]],
  [
    "counts",
    { counts: { a: 1, b: 2 } },
    [{}, { a: 5 }],
    [{ a: "1" }, { a: 0 }, { a: 0.5 }, { c: 1 }, [], null],
  ],
  ["alike", { like: "a port", has: ["post", "name"] }, [{ post() {}, name: "" }], [{ post() {} }, null, 1]],
  ["alike, of functions", { like: "a class", has: ["prototype"] }, [class {}], [{}, () => {}]],
  [
    "fields",
    { fields: { w: [1, 9], h: { number: [0, 9] } }, required: ["w"] },
    [{ w: 1 }, { w: 9, h: 2 }, { w: 1, h: undefined }],
    [{}, { h: 1 }, { w: undefined }, { w: 0 }, { w: 1, x: 1 }, [], null, 5],
  ],
  [
    "either of objects",
    { either: [{ fields: { w: [1, 9] } }, { each: "string" }] },
    [{ w: 3 }, ["a"], undefined],
    [{ w: 0 }, [1], "w"],
  ],
] as const satisfies readonly (readonly [string, OptionRule, readonly unknown[], readonly unknown[]])[]) {
  test(`${name}: what fits is taken, what does not is refused`, () => {
    for (const value of good) assert.is(complaint(value, rule), null, inspect(value));
    for (const value of bad) {
      assert.match(complaint(value, rule) ?? "it is taken", /^Thing: it(\.\w+|\[\d\])? is /, inspect(value));
    }
  });
}

test("what is wrong is said with what would be right", () => {
  for (const [value, rule, expected] of [
    [8, [-3, 7], "Thing: it is 8, not an integer from -3 to 7"],
    [-1, [0, Number.MAX_SAFE_INTEGER], "Thing: it is -1, not an integer from 0 on, below 2^53"],
    ["b", { oneOf: ["a", 2] }, 'Thing: it is "b", not one of "a", 2'],
    [3, { either: ["string", [1, 2]] }, "Thing: it is 3, not a string, or an integer from 1 to 2"],
    [[1, 3], { each: [1, 2] }, "Thing: it[1] is 3, not an integer from 1 to 2"],
    [[], { fields: { w: { number: [0, 9] } } }, "Thing: it is a list, not an object with w"],
    [
      {},
      { fields: { w: { number: [0, 9] } }, required: ["w"] },
      "Thing: it.w is missing: pass a number from 0 to 9",
    ],
    [
      { wide: 1 },
      { fields: { width: { number: [0, 9] } } },
      "Thing: it.wide is unknown: did you mean width?",
    ],
    [null, { like: "a port", has: ["post"] }, "Thing: it is null, not a port, with post"],
  ] as const satisfies readonly (readonly [unknown, OptionRule, string])[]) {
    assert.is(complaint(value, rule), expected);
  }
});

test("the options themselves: an object, with names that there are, and those that there have to be", () => {
  const check = (options: unknown): string => {
    try {
      checkOptions("Thing", options as { size?: number }, { size: { number: [0, 9] } }, ["size"]);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.is(check({ size: 1 }), "");
  for (const options of [null, 1, "size", [1]]) assert.match(check(options), /^Thing: the options is /);
  assert.is(check({}), "Thing: size is missing: pass a number from 0 to 9");
  assert.is(check({ size: 1, sise: 2 }), "Thing: sise is unknown: did you mean size?");
  // Names that every object has are no options.
  assert.is(check({ size: 1, toString: 2 }), "Thing: toString is unknown: choose from size");
  assert.is(check({ size: 1, constructor: undefined }), "Thing: constructor is unknown: choose from size");
});

test("the name that was meant", () => {
  assert.is(suggest("widht", ["width", "height"]), "did you mean width?");
  assert.is(suggest("WidthPixels", ["widthPixels"]), "did you mean widthPixels?");
  assert.is(suggest("width", ["widthPixels", "heightPixels"]), "did you mean widthPixels?");
  assert.is(suggest("colour", ["width"]), "choose from width");
  assert.is(suggest("x", []), "there are no options");
});

test.run();
