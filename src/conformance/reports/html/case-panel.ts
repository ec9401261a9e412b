/** A case, as the page shows it when it is opened: what it came to on each target, its rings and its timeline. */
import type { CaseDetail, CaseResult, RingSnapshot, TimelineEntry } from "../../result.ts";
import { byVerdict, duration, isDifference, STATUS_SIGNS } from "../names.ts";
import { bytesOfHex } from "./decode-ring.ts";
import { escapeHtml } from "./escape.ts";
import { drawPackedRing } from "./packed-drawing.ts";
import { drawSplitRing, hex } from "./split-drawing.ts";

/** A case on one target. */
export interface CaseOnTarget {
  readonly target: string;
  readonly result: CaseResult;
  /** The reason when the result was expected to be like this. */
  readonly why: string | undefined;
}

const MAX_TIMELINE_ENTRIES = 200;
const MAX_DUMPED_BYTES = 1024;
const BYTES_A_LINE = 16;
const MAX_RINGS = 4;

const ACTORS: Readonly<Record<TimelineEntry["who"], string>> = {
  driver: "driver →",
  device: "← device",
  note: "note",
};

/**
 * Keeps a part that many cases have in common, once, and gives back what stands in its place: most rings look the same
 * on several targets.
 */
export type Share = (html: string) => string;

/** A case on all targets it ran on; the result is a `details` element. */
export function casePanel(runs: readonly CaseOnTarget[], share: Share): string {
  const first = runs[0];
  if (first === undefined) return "";
  const { id, title } = first.result;
  const broken = runs.some(({ result }) => isDifference(result.verdict));
  const worstFirst = [...runs].sort((a, b) => byVerdict(a.result.verdict, b.result.verdict));
  const marks = runs.map(({ target, result, why }) => verdictMark(result.verdict, target, why));
  return (
    `<details class="case"><summary><span class="case-title">${escapeHtml(title)}</span>` +
    `<code class="case-id">${escapeHtml(id)}</code><span class="marks">${marks.join("")}</span></summary>` +
    `<div class="case-body">${clauseLinks(first.result)}${worstFirst.map((run) => onTarget(run, broken, share)).join("")}</div></details>`
  );
}

function verdictMark(verdict: CaseResult["verdict"], target: string, why: string | undefined): string {
  const known = why === undefined ? "" : " known";
  const suffix = why === undefined ? "" : ", as expected";
  return (
    `<span class="mark v-${verdict}${known}" title="${escapeHtml(`${target}: ${verdict}${suffix}`)}">` +
    `<span class="mark-target">${escapeHtml(target)} </span>${verdict}</span>`
  );
}

function clauseLinks({ clauses }: CaseResult): string {
  const links = clauses.map((id) => `<a href="#${escapeHtml(id)}">${escapeHtml(id)}</a>`);
  return `<p class="covers">Covers ${links.join(", ")}</p>`;
}

function onTarget({ target, result, why }: CaseOnTarget, broken: boolean, share: Share): string {
  const { verdict, ms, detail } = result;
  const message = detail?.message ?? (verdict === "pass" ? "as the specification demands" : "");
  const gone =
    detail?.gone === undefined
      ? ""
      : `<span class="gone">the device ${detail.gone === "crash" ? "crashed" : "hangs"}</span>`;
  const reason = why === message ? "" : ` ${escapeHtml(why ?? "")}`;
  const known = why === undefined ? "" : `<p class="why"><b>Known difference.</b>${reason}</p>`;
  // Where it is broken is what people have come to see.
  const open = !broken || isDifference(verdict);
  return (
    `<section class="on-target v-${verdict}"><h4><span class="sign" aria-hidden="true">${STATUS_SIGNS[verdict]}</span>` +
    `${escapeHtml(target)} <span class="verdict">${verdict}</span>${gone}<span class="ms">${duration(ms)}</span></h4>` +
    `<p class="message">${escapeHtml(message)}</p>${known}${detail === null ? "" : evidence(detail, open, share)}</section>`
  );
}

function evidence({ rings = [], timeline = [] }: CaseDetail, open: boolean, share: Share): string {
  // The ring with the chain the case is about comes first.
  const touched = rings.filter(isTouched);
  const sorted = touched.sort((a, b) => b.highlight.length - a.highlight.length).slice(0, MAX_RINGS);
  const drawn = sorted.map((ring, index) => ringFigure(ring, open && index === 0, share));
  return drawn.join("") + timelineTable(timeline, open);
}

/** Whether anything was ever put into the ring. */
function isTouched({ descriptors, highlight }: RingSnapshot): boolean {
  return highlight.length > 0 || /[^0]/.test(descriptors);
}

function ringFigure(ring: RingSnapshot, open: boolean, share: Share): string {
  const drawing = ring.format === "split" ? drawSplitRing(ring) : drawPackedRing(ring);
  const caption = `${escapeHtml(ring.queue)} <span>${ring.format}, ${ring.size} descriptors</span>`;
  return (
    `<details class="ring-box"${open ? " open" : ""}><summary>${caption}</summary>` +
    `${share(`<div class="scroll" tabindex="0">${drawing}</div>${bytesOf(ring)}`)}</details>`
  );
}

function bytesOf(ring: RingSnapshot): string {
  const { addresses, descriptors, driver, device, tables, format } = ring;
  const names = format === "split" ? ["Available ring", "Used ring"] : ["Driver events", "Device events"];
  const areas: [string, number, string][] = [
    ["Descriptors", addresses.descriptors, descriptors],
    [names[0] as string, addresses.driver, driver],
    [names[1] as string, addresses.device, device],
    ...tables.map(({ address, bytes }): [string, number, string] => ["Indirect table", address, bytes]),
  ];
  const dumps = areas.map(
    ([name, address, bytes]) =>
      `<figure><figcaption>${name}</figcaption><pre>${dump(address, bytes)}</pre></figure>`,
  );
  return `<details class="bytes"><summary>Bytes</summary><div class="scroll" tabindex="0">${dumps.join("")}</div></details>`;
}

function dump(address: number, digits: string): string {
  const bytes = bytesOfHex(digits);
  const lines: string[] = [];
  let zeros = 0;
  const flush = () => {
    if (zeros > 0) lines.push(`<i>… ${zeros * BYTES_A_LINE} bytes of 0</i>`);
    zeros = 0;
  };
  for (let at = 0; at < Math.min(bytes.length, MAX_DUMPED_BYTES); at += BYTES_A_LINE) {
    const line = bytes.subarray(at, at + BYTES_A_LINE);
    if (line.length === BYTES_A_LINE && line.every((byte) => byte === 0)) {
      zeros++;
      continue;
    }
    flush();
    const text = Array.from(line, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    lines.push(`<b>${hex(address + at)}</b>  ${text}`);
  }
  flush();
  if (bytes.length > MAX_DUMPED_BYTES) lines.push(`<i>… ${bytes.length - MAX_DUMPED_BYTES} more bytes</i>`);
  return lines.join("\n");
}

function timelineTable(timeline: readonly TimelineEntry[], open: boolean): string {
  if (timeline.length === 0) return "";
  const left = Math.max(0, timeline.length - MAX_TIMELINE_ENTRIES);
  const rows = timeline
    .slice(left)
    .map(
      ({ ms, who, text }) =>
        `<tr class="${who}"><td>${ms.toFixed(2)}</td><td>${ACTORS[who]}</td><td>${escapeHtml(text)}</td></tr>`,
    );
  const note = left === 0 ? "" : `<caption>${left} earlier entries left out</caption>`;
  return (
    `<details class="timeline"${open ? " open" : ""}><summary>Timeline <span>${timeline.length} entries</span></summary>` +
    `<div class="scroll" tabindex="0"><table>${note}<thead><tr><th scope="col">ms</th><th scope="col">who</th>` +
    `<th scope="col">what</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></details>`
  );
}
