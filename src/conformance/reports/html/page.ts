/** The report as a page for people: one file that needs nothing else. */
import { citeStatement } from "../../clauses/cite.ts";
import type { CitedStatement } from "../../clauses/statement.ts";
import type { CaseResult, ClauseStatus, RunReport } from "../../result.ts";
import { VERDICTS } from "../../result.ts";
import { type AreaSummary, summarize, summarizeAreas } from "../areas.ts";
import type { Finding, Judgement, KnownDifference } from "../expectations.ts";
import type { JudgedRun } from "../judged-run.ts";
import {
  byVerdict,
  CLAUSE_STATUSES,
  count,
  duration,
  STATUS_LABELS,
  STATUS_MEANINGS,
  STATUS_SIGNS,
  thousands,
} from "../names.ts";
import { eachOnce, groupVariants, type VariantGroup, withoutParameters } from "../variants.ts";
import { type CaseOnTarget, casePanel } from "./case-panel.ts";
import { ARROW_TIPS } from "./drawing.ts";
import { escapeHtml, scriptJson } from "./escape.ts";
import { buildMatrix, type MatrixArea, matrixHtml, targetName } from "./matrix.ts";
import { SCRIPT } from "./script.ts";
import { breakable, demandHtml, placeHtml } from "./statement.ts";
import { STYLE } from "./style.ts";

const LEVELS = ["must", "should", "may"] as const;
const ROLES = ["device", "driver", "legacy", "prose"] as const;
/** Standings in the order of a bar: good on the left, unknown on the right. */
const BAR_ORDER = [
  "pass",
  "reject",
  "fail",
  "wedged",
  "skip",
  "not-observable",
  "driver",
  "unimplemented",
] as const satisfies readonly ClauseStatus[];
/** With more targets than these, bars stand without their numbers beside them. */
const MAX_NUMBERED = 4;
/** More variants of a case than these are folded. */
const MAX_VARIANTS = 4;

/**
 * One self-contained page about one run, or about several of different targets, side by side.
 *
 * @example
 * ```ts
 * const report = await runCases(target, CASES);
 * writeFileSync("report.html", formatHtml([{ report, judgement: judge(report, null) }]));
 * ```
 */
export function formatHtml(runs: readonly JudgedRun[]): string {
  const areas = buildMatrix(runs);
  const targets = runs.map(({ report }) => report.target);
  const specs = [...new Set(runs.map(({ report }) => report.spec))].join(", ");
  const statements = areas.reduce((sum, area) => sum + area.statements, 0);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${targets.join(", ")}: conformance to ${specs}`)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<script>document.documentElement.classList.add("js")</script>
</head>
<body>
<header class="top"><div><h1>Conformance to ${escapeHtml(specs)}</h1>
<p>${count(statements, "statement")} of the specification, ${count(runs.length, "target")}, ${dates(runs)}</p></div>
<button type="button" id="theme" class="needs-js" aria-label="Change between light and dark">Dark</button></header>
<main>
${ARROW_TIPS}
<div class="cards">${runs.map((run) => card(run, areas)).join("")}</div>
${legend()}
<h2 id="findings">Findings</h2>
${findingsHtml(runs.flatMap(({ judgement }) => judgement.findings))}
${knownHtml(runs.flatMap(({ judgement }) => judgement.known))}
<h2>Areas</h2>
${overview(runs, areas)}
<h2 id="statements">Statements</h2>
${controls(runs, areas)}
<p id="none" class="panel clean" hidden>No statement is like that.</p>
${matrixHtml(areas, targets)}
</main>
<footer>Each statement of the specification has an id: area, whom it binds, section, number. A case is one rule, looked at from one side; a statement fails when one of its cases does, and passes when one passes and none fails.</footer>
<script type="application/json" id="cases">${scriptJson(caseData(runs, areas))}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function dates(runs: readonly JudgedRun[]): string {
  const days = [...new Set(runs.map(({ report }) => report.startedAt.slice(0, 10)))];
  return days.map((day) => `<time datetime="${escapeHtml(day)}">${escapeHtml(day)}</time>`).join(", ");
}

function card({ report, judgement }: JudgedRun, areas: readonly MatrixArea[]): string {
  const known = new Set(areas.filter((area) => area.known).map(({ area }) => area));
  const summary = summarize(
    "",
    report.clauses.filter(({ area }) => known.has(area)),
  );
  return (
    `<section class="card"><h2>${escapeHtml(report.target)}</h2><p class="about">${escapeHtml(report.description)}</p>` +
    `${headline(judgement)}${bar(summary)}<p class="sums">${statementSums(summary)}</p>` +
    `<p class="sums">${caseSums(report)}</p></section>`
  );
}

function headline({ findings, known }: Judgement): string {
  const differences = known.length === 0 ? "" : count(known.length, "known difference");
  if (findings.length > 0) {
    const besides = differences === "" ? "" : ` <span class="besides">and ${differences}</span>`;
    return `<p class="verdict bad"><span aria-hidden="true">✗</span>${count(findings.length, "finding")}${besides}</p>`;
  }
  if (differences === "") return '<p class="verdict good"><span aria-hidden="true">✓</span>No findings</p>';
  return `<p class="verdict known"><span aria-hidden="true">✓</span>${differences}</p>`;
}

function statementSums(summary: AreaSummary): string {
  const { byStatus, statements } = summary;
  const parts = BAR_ORDER.filter((status) => byStatus[status] > 0).map(
    (status) => `<b>${thousands(byStatus[status])}</b> ${STATUS_LABELS[status]}`,
  );
  return `${parts.join(" · ")} <span>of ${count(statements, "statement")}</span>`;
}

function caseSums({ cases, totals, ms, incomplete, notes = [] }: RunReport): string {
  const parts = VERDICTS.filter((verdict) => totals[verdict] > 0).map(
    (verdict) => `${thousands(totals[verdict])} ${verdict}`,
  );
  const words = [...(incomplete === undefined ? [] : [`Incomplete: ${incomplete}.`]), ...notes];
  const said = words.map((text) => ` <strong>${escapeHtml(text)}</strong>`).join("");
  return `<b>${count(cases.length, "case")}</b> in ${duration(ms)}: ${parts.join(", ") || "none ran"}${said}`;
}

function bar({ byStatus }: AreaSummary): string {
  const parts = BAR_ORDER.filter((status) => byStatus[status] > 0);
  const said = parts.map((status) => `${byStatus[status]} ${STATUS_LABELS[status]}`).join(", ");
  const pieces = parts.map((status) => `<i class="s-${status}" style="flex:${byStatus[status]}"></i>`);
  return `<span class="bar" role="img" aria-label="${said}" title="${said}">${pieces.join("")}</span>`;
}

function legend(): string {
  const entries = CLAUSE_STATUSES.map(
    (status) =>
      `<span>${STATUS_SIGNS[status]} <b>${STATUS_LABELS[status]}</b> ${STATUS_MEANINGS[status]}</span>`,
  );
  return `<details class="legend-box"><summary class="legend">What the words mean</summary><div class="legend">${entries.join("")}</div></details>`;
}

function findingsHtml(findings: readonly Finding[]): string {
  if (findings.length === 0) return '<p class="panel clean">✓ Nothing differs from what was expected.</p>';
  const sameAs = ({ verdict, expected }: Finding) => `${verdict} ${expected}`;
  const rows = groupVariants(findings, sameAs).map((group) => {
    const { verdict, expected, message } = group.first;
    const shown = verdict ?? "gone";
    const against =
      expected === null || expected === verdict ? "" : `<br><span class="against">not ${expected}</span>`;
    return groupRow(
      group,
      `<span class="tag v-${shown}">${shown}</span>${against}`,
      message,
      verdict !== null,
    );
  });
  return `<div class="panel"><table class="findings">${findingHead("found", "case and what it saw")}<tbody>${rows.join("")}</tbody></table></div>`;
}

function knownHtml(known: readonly KnownDifference[]): string {
  if (known.length === 0) return "";
  const rows = groupVariants(known, ({ verdict, why }) => `${verdict} ${why}`).map((group) => {
    const { verdict, why } = group.first;
    return groupRow(group, `<span class="tag v-${verdict}">${verdict}</span>`, why, true);
  });
  return (
    `<details class="known panel"><summary>Known differences to the specification <span class="n">${known.length}</span></summary>` +
    `<table class="findings">${findingHead("verdict", "case and reason")}<tbody>${rows.join("")}</tbody></table></details>`
  );
}

function groupRow(
  { name, caseIds, targets, clauses, statements }: VariantGroup<Finding | KnownDifference>,
  verdict: string,
  said: string,
  exists: boolean,
): string {
  const [only, ...more] = caseIds;
  const title =
    only !== undefined && more.length === 0
      ? caseLink(only, only, exists)
      : `<code>${escapeHtml(name)}</code>${variantLinks(caseIds, exists)}`;
  return (
    `<tr><td class="f-v">${verdict}</td><td class="f-t">${targets.map(targetName).join("<br>")}</td>` +
    `<td class="f-c ids">${clausesHtml(clauses, statements)}</td><td>${title}<p class="said">${escapeHtml(said)}</p></td></tr>`
  );
}

function variantLinks(caseIds: readonly string[], exist: boolean): string {
  const links = caseIds.map((id) => caseLink(id, id.slice(withoutParameters(id).length + 1), exist));
  const list = `<span class="variants">${links.join("")}</span>`;
  if (caseIds.length <= MAX_VARIANTS) return list;
  return `<details class="more-variants"><summary>${count(caseIds.length, "variant")}</summary>${list}</details>`;
}

function findingHead(first: string, last: string): string {
  return (
    `<thead><tr><th scope="col" class="f-v">${first}</th><th scope="col" class="f-t">target</th>` +
    `<th scope="col" class="f-c">statements</th><th scope="col">${last}</th></tr></thead>`
  );
}

function clausesHtml(clauses: readonly string[], statements: readonly CitedStatement[]): string {
  const byId = new Map(statements.map((statement) => [statement.id, statement]));
  const blocks = clauses.map((id) => {
    const statement = byId.get(id);
    const link = `<a href="#${escapeHtml(id)}"><code>${breakable(escapeHtml(id))}</code></a>`;
    if (statement === undefined) return link;
    return `<div class="statement">${link}${demandHtml(statement.sentence)}${placeHtml(statement)}</div>`;
  });
  return blocks.join("");
}

function caseLink(caseId: string, text: string, exists: boolean): string {
  if (!exists) return `<code>${escapeHtml(text)}</code>`;
  return `<button type="button" class="case-link" aria-expanded="false" data-case="${escapeHtml(caseId)}">${escapeHtml(text)}</button>`;
}

function overview(runs: readonly JudgedRun[], areas: readonly MatrixArea[]): string {
  const summaries = runs.map(
    ({ report }) => new Map(summarizeAreas(report.clauses).map((summary) => [summary.area, summary])),
  );
  const known = areas.filter((area) => area.known);
  const rows = known.map(({ area, statements }) => {
    const cells = summaries.map((byArea) => overviewCell(byArea.get(area), runs.length));
    return (
      `<tr><th scope="row"><a href="#area-${escapeHtml(area)}">${escapeHtml(area)}</a></th>` +
      `<td class="num">${statements}</td>${cells.join("")}</tr>`
    );
  });
  const others = areas.filter((area) => !area.known);
  if (others.length > 0) {
    const sum = others.reduce((total, { statements }) => total + statements, 0);
    const cell = `<td colspan="${runs.length}"><span class="cell">${bar({ ...emptySummary, statements: sum, byStatus: { ...emptySummary.byStatus, unimplemented: sum } })}<span class="num">unimplemented</span></span></td>`;
    rows.push(
      `<tr><th scope="row">${count(others.length, "other area")}</th><td class="num">${thousands(sum)}</td>${cell}</tr>`,
    );
  }
  const heads = runs.map(({ report }) => `<th scope="col">${escapeHtml(report.target)}</th>`).join("");
  return (
    `<div class="panel"><table class="overview"><thead><tr><th scope="col">area</th><th scope="col" class="num">statements</th>${heads}</tr></thead>` +
    `<tbody>${rows.join("")}</tbody></table></div>`
  );
}

const emptySummary: AreaSummary = summarize("", []);

function overviewCell(summary: AreaSummary | undefined, targets: number): string {
  if (summary === undefined) return "<td></td>";
  const { byStatus } = summary;
  const broken = byStatus.fail + byStatus.wedged;
  const good = byStatus.pass + byStatus.reject;
  const holds = good === 0 ? "" : `${good} hold`;
  const breaks = broken === 0 ? "" : `<span class="broken">${broken} broken</span>`;
  const text = [breaks, holds].filter((part) => part !== "").join(", ") || "–";
  const numbers = targets > MAX_NUMBERED ? "" : `<span class="num">${text}</span>`;
  return `<td><span class="cell">${bar(summary)}${numbers}</span></td>`;
}

function controls(runs: readonly JudgedRun[], areas: readonly MatrixArea[]): string {
  const counts = new Map<ClauseStatus, number>();
  for (const { sections } of areas) {
    for (const { rows } of sections) {
      for (const { onTargets } of rows) {
        for (const status of new Set(onTargets.flatMap((one) => (one === null ? [] : [one.status])))) {
          counts.set(status, (counts.get(status) ?? 0) + 1);
        }
      }
    }
  }
  const statuses = CLAUSE_STATUSES.filter((status) => counts.has(status)).map((status) =>
    chip(
      "status",
      status,
      `<i class="v-${status} s-${status}" aria-hidden="true">${STATUS_SIGNS[status]}</i>${STATUS_LABELS[status]}`,
      counts.get(status),
    ),
  );
  const options = areas.map(({ area }) => `<option value="${escapeHtml(area)}">${escapeHtml(area)}</option>`);
  const onAny = runs.length > 1 ? " on any target" : "";
  return (
    '<form id="filters" class="controls needs-js" role="search" autocomplete="off">' +
    '<input type="search" name="q" placeholder="Filter: statement, section, case  ( / )" aria-label="Filter statements by id, words, section or case">' +
    `<select name="area" aria-label="Area"><option value="">all areas</option>${options.join("")}</select>` +
    `<fieldset class="chips"><legend class="sr">Standing${onAny}</legend>${statuses.join("")}</fieldset>` +
    `<fieldset class="chips"><legend class="sr">Level</legend>${LEVELS.map((level) => chip("level", level, level)).join("")}</fieldset>` +
    `<fieldset class="chips"><legend class="sr">Whom it binds</legend>${ROLES.map((role) => chip("role", role, role)).join("")}</fieldset>` +
    '<button type="reset" id="reset" class="reset" hidden>Show all</button>' +
    '<span id="shown" class="shown" role="status" aria-live="polite"></span></form>'
  );
}

function chip(name: string, value: string, label: string, number?: number): string {
  const counted = number === undefined ? "" : ` <span class="count">${thousands(number)}</span>`;
  return `<label><input type="checkbox" name="${name}" value="${value}">${label}${counted}</label>`;
}

/** What the script puts in place: each case's panel, and by statement the cases that cover it, worst first. */
function caseData(runs: readonly JudgedRun[], areas: readonly MatrixArea[]) {
  const reasons = runs.map(
    ({ judgement }) => new Map(judgement.known.map(({ caseId, why }) => [caseId, why])),
  );
  const byCase = new Map<string, CaseOnTarget[]>();
  runs.forEach(({ report }, index) => {
    for (const result of report.cases) {
      const one = { target: report.target, result, why: reasons[index]?.get(result.id) };
      const found = byCase.get(result.id);
      if (found === undefined) byCase.set(result.id, [one]);
      else found.push(one);
    }
  });
  const ids = [...byCase.keys()];
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  const worst = (index: number): CaseResult["verdict"] =>
    (byCase.get(ids[index] as string) ?? []).map(({ result }) => result.verdict).sort(byVerdict)[0] ?? "skip";
  const rows = areas.flatMap(({ sections }) => sections.flatMap((section) => section.rows));
  const clauses = rows
    .filter(({ cases }) => cases.length > 0)
    .map(({ clause, cases }): [string, number[]] => {
      const indexes = cases.flatMap((id) => indexOf.get(id) ?? []);
      return [clause.id, indexes.sort((a, b) => byVerdict(worst(a), worst(b)) || a - b)];
    });
  const shared = new Map<string, number>();
  const share = (html: string) => {
    const place = shared.get(html) ?? shared.size;
    shared.set(html, place);
    return `<div data-shared="${place}"></div>`;
  };
  const html = ids.map((id) => casePanel(byCase.get(id) ?? [], share));
  const cited = new Map(
    eachOnce(runs.flatMap(({ judgement }) => [...judgement.findings, ...judgement.known])).map(
      (statement) => [statement.id, statement],
    ),
  );
  const places = rows.flatMap(({ clause: { id }, sentence }) => {
    const statement = sentence === undefined ? null : (cited.get(id) ?? citeStatement(id));
    return statement === null ? [] : [[id, placeHtml(statement)]];
  });
  return {
    ids,
    html,
    places: Object.fromEntries(places) as Record<string, string>,
    shared: [...shared.keys()],
    clauses: Object.fromEntries(clauses),
    reasons: Object.fromEntries(
      rows.flatMap(({ clause, reason }) => (reason === undefined ? [] : [[clause.id, reason]])),
    ) as Record<string, string>,
  };
}
