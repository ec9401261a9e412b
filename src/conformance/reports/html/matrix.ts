/** The clause matrix: every statement, grouped by area and section, with its standing on each target. */
import { sentenceOf } from "../../clauses/cite.ts";
import type { ClauseResult } from "../../result.ts";
import { knownAreas, summarizeAreas } from "../areas.ts";
import type { JudgedRun } from "../judged-run.ts";
import { STATUS_LABELS } from "../names.ts";
import { escapeHtml } from "./escape.ts";
import { breakable, demandHtml } from "./statement.ts";

/** A statement, and how it stands on each target; null on targets whose report does not have it. */
export interface MatrixRow {
  readonly clause: ClauseResult;
  readonly onTargets: readonly (ClauseResult | null)[];
  /** Ids of the cases that cover it on any target. */
  readonly cases: readonly string[];
  readonly reason: string | undefined;
  /** What it demands, for statements that are judged. */
  readonly sentence: string | undefined;
}

/** An area of the matrix. */
export interface MatrixArea {
  readonly area: string;
  readonly sections: readonly { readonly path: string; readonly rows: readonly MatrixRow[] }[];
  readonly statements: number;
  /** Whether any target has more to say about it than `unimplemented`. */
  readonly known: boolean;
}

/** Puts the statements of several runs side by side. Areas that the kit knows come first. */
export function buildMatrix(runs: readonly JudgedRun[]): MatrixArea[] {
  const byId = runs.map(({ report }) => new Map(report.clauses.map((clause) => [clause.id, clause])));
  const all = new Map<string, ClauseResult>();
  for (const { report } of runs)
    for (const clause of report.clauses) if (!all.has(clause.id)) all.set(clause.id, clause);
  const rows = [...all.values()].map((clause): MatrixRow => {
    const onTargets = byId.map((clauses) => clauses.get(clause.id) ?? null);
    return {
      clause,
      onTargets,
      cases: [...new Set(onTargets.flatMap((one) => one?.cases ?? []))],
      reason: onTargets.find((one) => one?.reason !== undefined)?.reason,
      sentence: sentenceOf(clause.id),
    };
  });
  const inKit = knownAreas(runs.map(({ report }) => report));
  const areas = summarizeAreas(rows.map(({ clause }) => clause)).map(({ area, statements }): MatrixArea => {
    const own = rows.filter(({ clause }) => clause.area === area);
    const paths = [...new Set(own.map(({ clause }) => clause.section))];
    return {
      area,
      statements,
      sections: paths.map((path) => ({ path, rows: own.filter(({ clause }) => clause.section === path) })),
      known: inKit.has(area),
    };
  });
  return [...areas.filter(({ known }) => known), ...areas.filter(({ known }) => !known)];
}

/** The matrix as HTML: a `details` element for each area. */
export function matrixHtml(areas: readonly MatrixArea[], targets: readonly string[]): string {
  return areas.map((area) => areaHtml(area, targets)).join("\n");
}

function areaHtml({ area, sections, statements, known }: MatrixArea, targets: readonly string[]): string {
  const heads = targets.map((target) => `<th scope="col" class="t">${targetName(target)}</th>`).join("");
  const bodies = sections.map(({ path, rows }) => {
    const steps = path.split(" / ");
    const last = steps.pop() ?? "";
    const trail = steps.length === 0 ? "" : `<span class="trail">${escapeHtml(steps.join(" › "))} › </span>`;
    return (
      `<tbody><tr class="section"><th colspan="${3 + targets.length}" scope="rowgroup">${trail}${escapeHtml(last)}</th></tr>` +
      `${rows.map((row) => rowHtml(row)).join("")}</tbody>`
    );
  });
  return (
    `<details class="area" id="area-${escapeHtml(area)}" data-area="${escapeHtml(area)}"${known ? " open" : ""}>` +
    `<summary><h3>${escapeHtml(area)}</h3><span class="n">${statements}</span></summary>` +
    `<table class="matrix" style="--targets:${targets.length}"><thead><tr><th scope="col">statement</th><th scope="col">binds</th><th scope="col">level</th>` +
    `${heads}</tr></thead>${bodies.join("")}</table></details>`
  );
}

/** A target's name that may be broken after its dash. */
export function targetName(target: string): string {
  return escapeHtml(target).replace(/-/g, "-<wbr>");
}

function rowHtml(row: MatrixRow): string {
  const { clause, onTargets, cases, reason, sentence } = row;
  const id = escapeHtml(clause.id);
  const opens = cases.length > 0 || reason !== undefined || sentence !== undefined;
  const name = opens
    ? `<button type="button" aria-expanded="false">${breakable(id)}</button>`
    : `<span>${breakable(id)}</span>`;
  const cells = onTargets.map((one) => {
    if (one === null) return '<td class="s"></td>';
    return `<td class="s s-${one.status}">${STATUS_LABELS[one.status]}</td>`;
  });
  return (
    `<tr class="clause" id="${id}" data-r="${clause.role}" data-l="${clause.level}">` +
    `<th scope="row">${name}${demandHtml(sentence)}</th><td class="r">${clause.role}</td><td class="l-${clause.level}">${clause.level}</td>${cells.join("")}</tr>`
  );
}
