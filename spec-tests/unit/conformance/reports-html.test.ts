// The page as text; what it does in a browser is in spec-tests/browser.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SCRIPT } from "../../../src/conformance/reports/html/script.ts";
import { expectationsOf, formatHtml, type JudgedRun, judge } from "../../../src/conformance/reports/index.ts";
import type { RunReport } from "../../../src/conformance/result.ts";
import { caseResult, evidence, largeReport, reportOf } from "../../support/conformance-reports.ts";

const CLAUSE = "split-ring.device.indirect-descriptors.1";
const NASTY = `</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>"'&`;

const test = suite("the page");

const judged = (report: RunReport): JudgedRun => ({ report, judgement: judge(report, null) });

interface PageData {
  readonly ids: string[];
  readonly html: string[];
  readonly clauses: Record<string, number[]>;
  readonly reasons: Record<string, string>;
}

function dataOf(page: string): PageData {
  const [, json = ""] = /<script type="application\/json" id="cases">(.*?)<\/script>/s.exec(page) ?? [];
  const data = JSON.parse(json) as PageData & { shared: string[] };
  const html = data.html.map((panel) =>
    panel.replace(/<div data-shared="(\d+)"><\/div>/g, (_, place) => data.shared[Number(place)] ?? ""),
  );
  return { ...data, html };
}

test("needs nothing from elsewhere", () => {
  const page = formatHtml([judged(largeReport("a", 1))]);
  assert.not.match(page, /<(link rel="(?!icon)|script src|img|iframe)/);
  // Links lead elsewhere, but nothing is fetched.
  const links = /<a href=\\?"https:\/\/[^"]*"/g;
  assert.not.match(page.replace(links, ""), /url\((?!#)|@import|https?:/);
});

test("shows every statement once, with its standing on each target", () => {
  const page = formatHtml(["a", "b"].map((target, seed) => judged(largeReport(target, seed))));
  const rows = page.match(/<tr class="clause".*?<\/tr>/gs) ?? [];
  assert.is(rows.length, 1661);
  assert.is(new Set(rows.map((row) => /id="([^"]+)"/.exec(row)?.[1])).size, 1661);
  assert.ok(rows.every((row) => (row.match(/<td class="s s-/g) ?? []).length === 2));
});

test("a statement's cases stand worst first, a case on all its targets in one place", () => {
  const of = (target: string, verdict: "pass" | "fail") =>
    judged(
      reportOf(target, [
        caseResult("x/good", { clauses: [CLAUSE] }),
        caseResult("x/bad", { clauses: [CLAUSE], verdict, detail: evidence("2, not 3") }),
      ]),
    );
  const { ids, html, clauses } = dataOf(formatHtml([of("a", "pass"), of("b", "fail")]));
  assert.equal(
    clauses[CLAUSE]?.map((index) => ids[index]),
    ["x/bad", "x/good"],
  );
  const bad = html[ids.indexOf("x/bad")] ?? "";
  assert.equal(bad.match(/<section class="on-target v-(\w+)"/g)?.length, 2);
  assert.match(bad, /<svg class="ring"/);
  assert.match(bad, "Status ← 0x0b (ACKNOWLEDGE DRIVER FEATURES_OK)");
  assert.not.match(html[ids.indexOf("x/good")] ?? "", "<svg");
});

test("rings that look the same are there once", () => {
  const of = (target: string) =>
    judged(
      reportOf(target, [caseResult("x", { clauses: [CLAUSE], verdict: "fail", detail: evidence("no") })]),
    );
  const page = formatHtml([of("a"), of("b")]);
  assert.is(page.match(/Descriptor table {2}0x100000/g)?.length, 1);
  assert.is(dataOf(page).html[0]?.match(/Descriptor table {2}0x100000/g)?.length, 2);
});

test("reasons of what cannot be observed, and of known differences, are there", () => {
  const report = largeReport("a", 2);
  const hidden = report.clauses.find(({ status }) => status === "not-observable");
  const page = formatHtml([{ report, judgement: judge(report, expectationsOf(report)) }]);
  assert.is(dataOf(page).reasons[hidden?.id ?? ""], "Nothing of it leaves the device.");
  assert.match(page, /Known differences to the specification <span class="n">\d+</);
  assert.match(page, /<\/span>\d+ known difference/);
});

test("nothing that a device or a target says becomes part of the page", () => {
  const report: RunReport = {
    ...reportOf(NASTY, [
      caseResult(NASTY, { title: NASTY, clauses: [CLAUSE], verdict: "fail", detail: evidence(NASTY) }),
    ]),
    description: NASTY,
    spec: NASTY,
  };
  const page = formatHtml([judged(report)]);
  assert.not.match(page, "<script>alert");
  assert.not.match(page.replace(/<script type="application\/json".*?<\/script>/s, ""), "<img");
  assert.is(page.match(/<script[ >]/g)?.length, 3, "the flag, the data, the script");
  assert.is(page.match(/<\/script>/g)?.length, 3);
  const { ids, html } = dataOf(page);
  assert.equal(ids, [NASTY]);
  assert.not.match(html.join(""), /<(script|img)/);
});

test("its script is one that can be parsed", () => {
  assert.not.throws(() => new Function(SCRIPT));
  assert.not.match(SCRIPT, "</script");
});

test("stays small: 4 targets with 1,500 cases each", () => {
  const runs = ["a", "b", "c", "d"].map((target) => judged(largeReport(target, 9, 8)));
  const cases = runs[0]?.report.cases.length ?? 0;
  assert.ok(cases > 1400, `${cases}`);
  const begin = performance.now();
  const page = formatHtml(runs);
  assert.ok(performance.now() - begin < 10_000);
  assert.ok(page.length < 12 << 20, `${page.length} bytes`);
});

test.run();
