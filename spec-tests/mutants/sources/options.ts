import { mutantsOf, type SourceMutant } from "../../support/mutants/source-mutant.ts";

const OPTIONS = "src/base/options.ts";
const TESTS = ["spec-tests/unit/base/options.test.ts"];

/** Options that nobody looks at. */
export const OPTION_MUTANTS: readonly SourceMutant[] = mutantsOf(OPTIONS, TESTS, [
  [
    "names-are-not-looked-at",
    "    if (rule === undefined) {\n",
    "    if (rule === undefined) continue;\n    if (rule === undefined) {\n",
  ],
  ["names-of-objects-are-known", "Object.hasOwn(rules, name) ? rules[name] : undefined", "rules[name]"],
  ["values-are-not-looked-at", "if (value !== undefined) checkValue(", "if (value === null) checkValue("],
  ["undefined-is-a-value", "if (value !== undefined) checkValue(", "checkValue("],
  ["nothing-is-required", "    if (options[name] !== undefined) continue;\n", "    continue;\n"],
  [
    "options-may-be-anything",
    "if (!isObject(options) || Array.isArray(options)) {",
    "if (options === undefined) {",
  ],
  [
    "options-may-be-a-list",
    "if (!isObject(options) || Array.isArray(options)) {",
    "if (!isObject(options)) {",
  ],
  [
    "the-insides-are-not-looked-at",
    'if ("fields" in deep) checkFields(',
    'if ("nothing" in deep) checkFields(',
  ],
  ["what-is-required-inside-may-lack", "deep.fields, deep.required ?? []);", "deep.fields, []);"],
  ["entries-are-not-looked-at", ", list[i], deep.each);", ', list[i], "any");'],
  ["counts-are-not-looked-at", 'if ("counts" in deep) {', 'if ("nothing" in deep) {'],
  ["alternatives-are-not-looked-into", "if (first !== undefined) checkValue(where, path, value, first);", ""],
  ["bytes-may-be-anything", "return isUint8Array(value);", "return true;"],
  ["types-may-be-any", "return typeof value === rule;", "return true;"],
  ["any-one-will-do", "return rule.oneOf.some((one) => one === value);", "return true;"],
  ["either-is-both", "return rule.either.some(", "return rule.either.every("],
  [
    "anything-is-a-list",
    'if ("each" in rule) return Array.isArray(value);',
    'if ("each" in rule) return true;',
  ],
  ["anything-is-alike", "rule.has.every((name) => value[name] !== undefined)", "true"],
  ["halves-are-whole", "return Number.isInteger(value) && ", "return "],
  ["no-least-value", "(value as number) >= rule[0] && ", ""],
  ["no-largest-value", " && (value as number) <= rule[1]", ""],
  ["one-below-the-least", "(value as number) >= rule[0]", "(value as number) >= rule[0] - 1"],
  ["one-above-the-largest", "(value as number) <= rule[1]", "(value as number) <= rule[1] + 1"],
  ["no-suggestion", 'if (best !== "") return', "if (best === null) return"],
  ["functions-are-no-objects", ' || typeof value === "function";\n}', ";\n}"],
]);
