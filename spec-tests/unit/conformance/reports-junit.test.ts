// JUnit XML, checked with a parser that is not ours.
import { spawnSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Expectations,
  expectationsOf,
  formatJunit,
  judge,
} from "../../../src/conformance/reports/index.ts";
import type { CaseResult, RunReport } from "../../../src/conformance/result.ts";
import { caseResult, evidence, largeReport, reportOf } from "../../support/conformance-reports.ts";
import { locate, needs, peers } from "../../support/peer.ts";

const test = suite("JUnit XML");
const withXmllint = needs(test, peers.xmllint);

/** What CI servers read, as W3C XML Schema: names, order and types of all that there may be. */
const SCHEMA = "spec-tests/fixtures/junit/junit.xsd";

function junit(...cases: CaseResult[]): string {
  return junitOf(reportOf("a-target", cases, []), null);
}

function junitOf(report: RunReport, expectations: Expectations | null, all?: ReadonlySet<string>): string {
  return formatJunit([{ report, judgement: judge(report, expectations, all) }]);
}

function xmllint(xml: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(locate(peers.xmllint) ?? "", [...args, "-"], {
    input: xml,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  assert.is(status, 0, stderr);
  return stdout;
}

const query = (xml: string, path: string): string => xmllint(xml, "--xpath", path).replace(/\n$/, "");

withXmllint("verdicts become what CI servers know", () => {
  const xml = junit(
    caseResult("x/pass"),
    caseResult("x/reject", { verdict: "reject", detail: evidence("refused") }),
    caseResult("x/fail", { verdict: "fail", detail: evidence("2, not 3") }),
    caseResult("x/crash", { verdict: "fail", detail: evidence("gone", { gone: "crash" }) }),
    caseResult("x/wedged", { verdict: "wedged", detail: evidence("silence") }),
    caseResult("x/skip", { verdict: "skip", detail: { message: "no pixels" } }),
    caseResult("x/unimplemented", { verdict: "unimplemented", detail: null }),
  );
  const of = (name: string, path: string) => query(xml, `string(//testcase[@name="x/${name}"]${path})`);
  assert.is(query(xml, 'count(//testcase[@name="x/pass" or @name="x/reject"]/*)'), "0");
  assert.is(of("fail", "/failure/@message"), "2, not 3");
  assert.is(of("fail", "/failure/@type"), "fail");
  assert.is(of("crash", "/error/@type"), "crash");
  assert.is(of("wedged", "/error/@type"), "wedged");
  assert.is(of("skip", "/skipped/@message"), "no pixels");
  assert.is(query(xml, 'count(//testcase[@name="x/unimplemented"]/skipped)'), "1");
  assert.match(
    of("fail", "/failure"),
    /^ +0\.20 ms {2}note {4}an indirect .* <another> indirect descriptor$/m,
  );
  const counts = ["tests", "failures", "errors", "skipped"];
  for (const element of ["testsuites", "testsuite"]) {
    assert.equal(
      counts.map((name) => query(xml, `string(//${element}/@${name})`)),
      ["7", "1", "2", "2"],
    );
  }
  assert.is(of("pass", "/@classname"), "a-target.x");
  assert.is(of("pass", "/@time"), "0.001");
  assert.is(query(xml, "string(//testsuite/@timestamp)"), "2026-11-22T20:15:30");
  assert.is(query(xml, 'string(//property[@name="target"]/@value)'), "a-target");
});

withXmllint("what is expected is skipped with its reason, what is not fails", () => {
  const cases = [
    caseResult("x/known", { verdict: "fail", detail: evidence("2, not 3") }),
    caseResult("x/better"),
    caseResult("x/new", { verdict: "wedged", detail: evidence("silent") }),
  ];
  const expectations: Expectations = {
    target: "a-target",
    description: "",
    cases: {
      "x/known": { verdict: "fail", why: "it counts from 0" },
      "x/better": { verdict: "wedged", why: "it sleeps" },
      "x/gone": { verdict: "fail", why: "it was" },
    },
  };
  const ids = new Set(cases.map(({ id }) => id));
  const xml = junitOf(reportOf("a-target", cases, []), expectations, ids);
  const of = (name: string, path: string) => query(xml, `string(//testcase[@name="x/${name}"]${path})`);
  assert.is(of("known", "/skipped/@message"), "known difference: it counts from 0");
  assert.match(of("better", "/failure/@message"), /^expected wedged, found pass: /);
  assert.match(of("new", "/failure/@message"), /^expected pass, found wedged: silent/);
  assert.is(of("gone", "/failure/@type"), "stale");
  assert.is(query(xml, "string(/testsuites/@failures)"), "3");
});

withXmllint("a failure's text says what the statement demands and where it stands, and its wording", () => {
  const report = reportOf(
    "a-target",
    [
      caseResult("x/fail", {
        verdict: "fail",
        clauses: ["transport-mmio.device.mmio-device-register-layout.2"],
        detail: evidence("Version is 1"),
      }),
    ],
    [],
  );
  const xml = formatJunit([
    { report, judgement: judge(report, null, undefined, () => "<In their words> & no others.") },
  ]);
  xmllint(xml, "--noout");
  const body = query(xml, "string(//failure)");
  for (const line of [
    "transport-mmio.device.mmio-device-register-layout.2  MUST  4.2.2.1 Device Requirements: MMIO Device Register Layout",
    "  Version reads as 2.",
    "  transport-mmio.tex:265  https://github.com/oasis-tcs/virtio-spec/blob/v1.4-cs01/transport-mmio.tex#L265",
    '  "<In their words> & no others."',
  ]) {
    assert.ok(body.split("\n").includes(line), `${line} in\n${body}`);
  }
});

withXmllint("whatever a device says, it stays XML", () => {
  const nasty = `<a b='c' d="e">&amp;]]>\u0000\u0001\u001b[31m\ud800\udfff lone \ud800 \ufffe\nnext ✓ 😀`;
  const xml = junit(
    caseResult(`x/${nasty}`, { verdict: "fail", title: nasty, detail: evidence(nasty) }),
    caseResult("y", { verdict: "skip", detail: { message: nasty } }),
  );
  xmllint(xml, "--noout");
  assert.match(query(xml, "string(//failure)"), `<a b='c' d="e">&amp;]]>\ufffd\ufffd\ufffd[31m`);
});

withXmllint("it is what the schema demands: no case, one, a thousand on two targets", () => {
  const large = ["a", "b"].map((target, index) => {
    const report = largeReport(target, index);
    return { report, judgement: judge(report, index === 0 ? null : expectationsOf(report)) };
  });
  for (const xml of [junit(), junit(caseResult("x")), formatJunit(large), formatJunit([])]) {
    xmllint(xml, "--noout", "--schema", SCHEMA);
  }
});

test.run();
