// Runs as JSON and as a table.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Expectations,
  expectationsOf,
  formatJson,
  formatTable,
  type JudgedRun,
  judge,
} from "../../../src/conformance/reports/index.ts";
import type { RunReport } from "../../../src/conformance/result.ts";
import { caseResult, catalogue, evidence, largeReport, reportOf } from "../../support/conformance-reports.ts";

const INDIRECT = "split-ring.device.indirect-descriptors.1";
const REQUEST = "entropy.device.device-operation.1";

function judged(report: RunReport, expectations: Expectations | null = null): JudgedRun {
  return { report, judgement: judge(report, expectations) };
}

const failing = (target = "a-target") =>
  reportOf(target, [
    caseResult("entropy/request/one", { clauses: [REQUEST] }),
    caseResult("split-ring/indirect/nested:device=gpu", {
      verdict: "fail",
      clauses: [INDIRECT],
      detail: evidence("Status is 15,\n not 79"),
    }),
    caseResult("split-ring/indirect/loop:device=gpu", {
      verdict: "wedged",
      clauses: [INDIRECT],
      detail: evidence("silence"),
    }),
  ]);

/** The lines of the findings, from their number on. */
const findingsOf = (text: string) =>
  text
    .slice(text.search(/^\d+ findings?$/m))
    .split("\n\n", 1)
    .join("")
    .split("\n");

const json = suite("JSON");

json(
  "a finding says what its statements demand, where they stand, and their wording where it is known",
  () => {
    const report = failing();
    const judgement = judge(report, null, undefined, () => "In their words.");
    const { findings } = JSON.parse(formatJson([{ report, judgement }])) as {
      findings: { statements: unknown }[];
    };
    assert.equal(findings[0]?.statements, [
      {
        id: INDIRECT,
        level: "must",
        number: "2.7.5.3.2",
        title: "Device Requirements: Indirect Descriptors",
        sentence:
          "VIRTQ_DESC_F_WRITE on a descriptor that points to an indirect table means nothing and is passed over.",
        file: "split-ring.tex",
        line: 282,
        documentUrl: "https://docs.oasis-open.org/virtio/virtio/v1.4/cs01/virtio-v1.4-cs01.html",
        sourceUrl: "https://github.com/oasis-tcs/virtio-spec/blob/v1.4-cs01/split-ring.tex#L282",
        wording: "In their words.",
      },
    ]);
  },
);

json("one run is an object with all the statements, the cases and the sums", () => {
  const text = formatJson([judged(failing())]);
  const parsed = JSON.parse(text) as Record<string, unknown>;
  assert.is(text.endsWith("}\n"), true);
  assert.is(parsed["spec"], "virtio 1.4 (v1.4-cs01)");
  assert.is(parsed["target"], "a-target");
  assert.is((parsed["clauses"] as unknown[]).length, 1661);
  assert.is((parsed["cases"] as unknown[]).length, 3);
  assert.equal(parsed["totals"], { pass: 1, reject: 0, fail: 1, wedged: 1, skip: 0, unimplemented: 0 });
  const clause = (parsed["clauses"] as { id: string }[]).find(({ id }) => id === INDIRECT);
  assert.equal(clause, {
    id: INDIRECT,
    area: "split-ring",
    role: "device",
    level: "must",
    section:
      "Basic Facilities of a Virtio Device / Virtqueues / The Virtqueue Descriptor Table / Indirect Descriptors",
    status: "fail",
    cases: ["split-ring/indirect/nested:device=gpu", "split-ring/indirect/loop:device=gpu"],
  });
  assert.equal(
    (parsed["findings"] as { caseId: string }[]).map(({ caseId }) => caseId),
    ["split-ring/indirect/nested:device=gpu", "split-ring/indirect/loop:device=gpu"],
  );
  assert.equal(parsed["known"], []);
});

json("several runs are an array, in their order", () => {
  const parsed = JSON.parse(formatJson([judged(failing("b")), judged(failing("a"))])) as { target: string }[];
  assert.equal(
    parsed.map(({ target }) => target),
    ["b", "a"],
  );
});

json.run();

const table = suite("table");

/** The numbers of a line of the table; a dot is none. */
function numbers(text: string, label: string): number[] {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${label} `)) ?? "";
  return line
    .slice(label.length)
    .trim()
    .split(/\s+/)
    .map((cell) => (cell === "·" ? 0 : Number(cell.replace(",", ""))));
}

table("each area stands with its sums, and areas nobody knows of in one line", () => {
  const text = formatTable([judged(failing())]);
  const heads = text.split("\n").find((line) => line.startsWith("statements of"));
  assert.equal(heads?.slice("statements of".length).trim().split(/\s+/), [
    "ments",
    "covered",
    "pass",
    "fail",
    "reject",
    "wedged",
    "skip",
    "servable",
    "driver's",
    "mented",
  ]);
  assert.equal(numbers(text, "entropy"), [3, 1, 1, 0, 0, 0, 0, 0, 0, 2]);
  assert.equal(numbers(text, "split-ring"), [55, 1, 0, 1, 0, 0, 0, 0, 0, 54]);
  const others = numbers(text, "28 other areas");
  assert.is(others[0], others[9]);
  assert.equal(numbers(text, "total"), [1661, 2, 1, 1, 0, 0, 0, 0, 0, 1659]);
  assert.match(text, "3 cases in 4.3 s: 1 pass, 1 fail, 1 wedged\n");
});

table("the areas add up to the total", () => {
  const report = largeReport("a", 3);
  const text = formatTable([judged(report)]);
  const areas = [...new Set(catalogue().map(({ area }) => area))].filter(
    (area) => numbers(text, area).length > 1,
  );
  const rows = [...areas.map((area) => numbers(text, area)), numbers(text, "28 other areas")];
  const sums = rows.reduce((sum, row) => sum.map((value, index) => value + (row[index] ?? 0)));
  assert.equal(sums, numbers(text, "total"));
  const [statements, , ...standings] = sums;
  assert.is(
    standings.reduce((a, b) => a + b),
    statements,
    "each statement stands in one way",
  );
});

table("each finding is one line with its verdict, statement, case and what was found", () => {
  const lines = findingsOf(formatTable([judged(failing())]));
  assert.is(lines[0], "2 findings");
  assert.match(
    lines[1] ?? "",
    /^ {2}fail {4}split-ring\.device\.indirect-descriptors\.1 {2}split-ring\/indirect\/nested:device=gpu {2}Status is 15, not 79$/,
  );
  assert.match(lines[2] ?? "", /^ {2}wedged {2}split-ring\.device/);
  assert.is(lines.length, 3);
});

table("what the findings' statements demand follows, each once, with section, source and link", () => {
  const text = formatTable([judged(failing())]);
  const [, statements = ""] = text.split("1 statement that the findings are about");
  assert.match(statements, /^ {2}https:\/\/docs\.oasis-open\.org\/virtio\/.*\.html\n/);
  assert.equal(
    statements
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.trim()),
    [
      `${INDIRECT}  MUST  2.7.5.3.2 Device Requirements: Indirect Descriptors`,
      "VIRTQ_DESC_F_WRITE on a descriptor that points to an indirect table means nothing and is passed over.",
      "split-ring.tex:282  https://github.com/oasis-tcs/virtio-spec/blob/v1.4-cs01/split-ring.tex#L282",
    ],
  );
});

table("the wording stands with the statement where it is known", () => {
  const report = failing();
  const judgement = judge(report, null, undefined, (id) => (id === INDIRECT ? "In their words." : null));
  assert.match(formatTable([{ report, judgement }]), /\n {4}"In their words\."\n/);
});

table("of several targets it says which", () => {
  const runs = [judged(failing("a")), judged(reportOf("b", []))];
  assert.match(formatTable(runs), /^ {2}a {2}fail {4}split-ring\.device/m);
});

table("known differences are listed with statement and reason, and are no findings", () => {
  const report = failing();
  const expectations = expectationsOf(report);
  const text = formatTable([judged(report, expectations)]);
  assert.match(text, "2 known differences to the specification, as expected\n");
  assert.match(text, /^ {2}fail {4}split-ring\.device\.indirect-descriptors\.1 .* Status is 15, not 79$/m);
  assert.match(text, /\nNo findings\.\n$/);
  const other = {
    ...expectations,
    cases: { ...expectations.cases, "entropy/request/one": { verdict: "fail", why: "x" } },
  } as const;
  assert.match(
    formatTable([judged(report, other)]),
    /^ {2}pass, not fail {2}entropy\.device\.device-operation\.1 /m,
  );
});

table("variants of a case and targets share a line, as long as the verdict is the same", () => {
  const variants = (target: string) =>
    judged(
      reportOf(
        target,
        ["a", "b"].flatMap((name) =>
          [1, 2].map((n) =>
            caseResult(`x/${name}:n=${n}`, {
              verdict: name === "b" && n === 2 ? "wedged" : "fail",
              clauses: [INDIRECT],
              detail: evidence(`${n}, not 3`),
            }),
          ),
        ),
      ),
    );
  const lines = findingsOf(formatTable([variants("p"), variants("q")]));
  assert.equal(
    lines.map((line) => line.trim().split(/ {2,}/)),
    [
      ["8 findings"],
      ["p,q", "fail", INDIRECT, "x/a (2 variants)", "1, not 3"],
      ["p,q", "fail", INDIRECT, "x/b:n=1", "1, not 3"],
      ["p,q", "wedged", INDIRECT, "x/b:n=2", "2, not 3"],
    ],
  );
});

table("nothing ran", () => {
  const text = formatTable([judged(reportOf("a", []))]);
  assert.match(text, "0 cases in 4.3 s\n");
  assert.match(text, "No findings.");
});

table.run();
