import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import { citeStatement } from "../../../src/conformance/index.ts";
import {
  type Expectations,
  expectationsOf,
  formatExpectations,
  judge,
  parseExpectations,
} from "../../../src/conformance/reports/index.ts";
import type { Verdict } from "../../../src/conformance/result.ts";
import { caseResult, evidence, reportOf } from "../../support/conformance-reports.ts";

const CLAUSE = "split-ring.device.indirect-descriptors.1";
const VERDICTS = ["pass", "reject", "fail", "wedged", "skip", "unimplemented"] as const;

const one = (id: string, verdict: Verdict) =>
  caseResult(id, {
    verdict,
    clauses: [CLAUSE],
    ...(verdict === "pass" ? {} : { detail: evidence(`${verdict}!`) }),
  });
const all = () =>
  reportOf(
    "a",
    VERDICTS.map((verdict) => one(`x/${verdict}`, verdict)),
    [],
  );
const expecting = (cases: Record<string, Verdict>): Expectations => ({
  target: "a",
  description: "",
  cases: Object.fromEntries(
    Object.entries(cases).map(([id, verdict]) => [id, { verdict, why: `known to ${verdict}` }]),
  ),
});
const found = (report: ReturnType<typeof all>, expectations: Expectations | null, ids?: string[]) =>
  judge(report, expectations, ids && new Set(ids)).findings.map(
    ({ caseId, verdict, expected }) => `${caseId} ${verdict} ${expected}`,
  );

const judging = suite("judging a run");

judging("without expectations what fails and what is wedged is found, worst first", () => {
  assert.equal(found(all(), null), ["x/fail fail null", "x/wedged wedged null"]);
  const [finding] = judge(all(), null).findings;
  assert.equal(finding, {
    target: "a",
    caseId: "x/fail",
    clauses: [CLAUSE],
    statements: [citeStatement(CLAUSE)],
    verdict: "fail",
    expected: null,
    message: "fail!",
  });
  assert.equal(judge(all(), null).known, []);
});

judging("with expectations what is as expected is known, not found", () => {
  const expectations = expecting({ "x/fail": "fail", "x/wedged": "wedged", "x/reject": "reject" });
  const { findings, known } = judge(all(), expectations);
  assert.equal(findings, []);
  assert.equal(
    known.map(({ caseId, verdict, why }) => [caseId, verdict, why]),
    [
      ["x/fail", "fail", "known to fail"],
      ["x/wedged", "wedged", "known to wedged"],
    ],
    "a rejection is no difference to the specification",
  );
});

judging("each change of a verdict is found, to the better, too", () => {
  for (const was of VERDICTS) {
    for (const is of VERDICTS) {
      const report = reportOf("a", [one("x/y", is)], []);
      const expectation = found(report, expecting({ "x/y": was }));
      assert.equal(expectation, was === is ? [] : [`x/y ${is} ${was}`]);
    }
  }
});

judging("what is not listed is expected to be no difference to the specification", () => {
  const results = VERDICTS.map((verdict) => found(reportOf("a", [one("x/y", verdict)], []), expecting({})));
  assert.equal(results, [[], [], ["x/y fail pass"], ["x/y wedged pass"], [], []]);
});

judging("expectations of cases that are gone are found, of cases that were not selected not", () => {
  const report = reportOf("a", [one("x/y", "pass")], []);
  const expectations = expecting({ "x/gone": "fail", "x/other": "fail" });
  assert.equal(found(report, expectations, ["x/y", "x/other"]), ["x/gone null fail"]);
  assert.equal(found(report, expectations), []);
});

judging("names of cases are no properties of objects", () => {
  const report = reportOf("a", [one("constructor", "pass"), one("__proto__", "fail")], []);
  assert.equal(found(report, expecting({})), ["__proto__ fail pass"]);
  const written = formatExpectations([expectationsOf(report)]);
  assert.equal(found(report, parseExpectations(written)[0] ?? null), []);
});

judging.run();

const files = suite("files of expected results");

files("a run fulfils the expectations made of it, after a way through a file", () => {
  const text = formatExpectations([expectationsOf(all())]);
  const [read] = parseExpectations(text);
  assert.equal(Object.keys(read?.cases ?? {}), ["x/fail", "x/wedged"]);
  assert.equal(read?.cases["x/fail"], { verdict: "fail", why: "fail!" });
  assert.equal(found(all(), read ?? null), []);
  assert.is(text.endsWith("}\n"), true);
});

files("several targets are an array", () => {
  const both = [expectationsOf(all()), { ...expectationsOf(all()), target: "b" }];
  assert.equal(parseExpectations(formatExpectations(both)), both);
});

files("reasons are kept as long as the verdict is, and so is what did not run", () => {
  const previous = expecting({
    "x/fail": "fail",
    "x/wedged": "fail",
    "x/elsewhere": "fail",
    "x/gone": "fail",
  });
  const { cases } = expectationsOf(
    all(),
    previous,
    new Set(["x/elsewhere", ...VERDICTS.map((v) => `x/${v}`)]),
  );
  assert.equal(
    Object.entries(cases).map(([id, { verdict, why }]) => `${id} ${verdict} ${why}`),
    ["x/elsewhere fail known to fail", "x/fail fail known to fail", "x/wedged wedged wedged!"],
  );
});

for (const [what, text, complaint] of [
  ["no JSON", "{", /^is not JSON: /],
  ["a string", '"x"', /^is not an object/],
  ["an array in an array", "[[]]", /^is not an object/],
  ["no target", '{"description":"","cases":{}}', /^has no "target"/],
  ["no description", '{"target":"a","cases":{}}', /^has no "description" of a/],
  ["no cases", '{"target":"a","description":""}', /^has no "cases" of a/],
  ["cases in an array", '{"target":"a","description":"","cases":[]}', /^has no "cases" of a/],
  [
    "a verdict that does not exist",
    '{"target":"a","description":"","cases":{"x":{"verdict":"maybe","why":"y"}}}',
    /^expects no verdict of "x": give pass, /,
  ],
  [
    "no reason",
    '{"target":"a","description":"","cases":{"x":{"verdict":"fail","why":" "}}}',
    /^does not say "why"/,
  ],
  [
    "one target twice",
    '[{"target":"a","description":"","cases":{}},{"target":"a","description":"","cases":{}}]',
    /^says twice what to expect of "a"/,
  ],
] as const) {
  files(`${what} is refused in one line`, () => {
    try {
      parseExpectations(text);
    } catch (error) {
      assert.instance(error, VirtioUsageError);
      assert.match((error as Error).message, complaint);
      assert.not.match((error as Error).message, "\n");
      return;
    }
    assert.unreachable("it was taken");
  });
}

files.run();
