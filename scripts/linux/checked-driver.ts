// What the driver checker says of the guest's driver.
import {
  type CitedStatement,
  type DriverChecker,
  type Evidence,
  statementLines,
  type ViolationLevel,
} from "../../src/conformance/driver-checker/index.ts";
import { KNOWN_FINDINGS } from "./known-findings.ts";

/** How many events of the timeline are shown before and after that of a finding. */
const EVENTS_BEFORE = 8;
const EVENTS_AFTER = 2;

/** A statement that the driver broke, or something else that it should not do. */
export interface DriverFinding {
  readonly level: ViolationLevel;
  /** The clause, or the name of a hint. */
  readonly clause: string;
  /** What the clause demands, and where it stands; null for a hint. */
  readonly statement: CitedStatement | null;
  /** Statements that the same act breaks. */
  readonly also: readonly string[];
  /** How often. */
  readonly count: number;
  /** The first time. */
  readonly message: string;
  readonly evidence: readonly Evidence[];
  /** Index of the event at which it was seen, and what happened around it. */
  readonly at: number;
  readonly timeline: readonly string[];
  /** Why this is so, if it is known; null for news. */
  readonly explanation: string | null;
}

/** What came of a watch. */
export interface CheckedDriver {
  /** Events: accesses to registers, interrupts, buffers. */
  readonly events: number;
  readonly findings: readonly DriverFinding[];
}

/** Ends a watch and puts together what it found. */
export function summarize(checker: DriverChecker): CheckedDriver {
  checker.finish();
  const findings: DriverFinding[] = [];
  for (const [clause, count] of checker.counts) {
    // What is only ever broken together with another is reported there.
    const first = checker.violations.find(({ id }) => id === clause);
    if (first === undefined) continue;
    const around = checker.timeline(Math.max(0, first.at - EVENTS_BEFORE), EVENTS_BEFORE + 1 + EVENTS_AFTER);
    findings.push({
      level: first.level,
      clause,
      statement: first.statement,
      also: first.also,
      count,
      message: first.message,
      evidence: first.evidence,
      at: first.at,
      timeline: around.map(({ index, text }) => `${index === first.at ? ">" : " "} ${index} ${text}`),
      explanation: KNOWN_FINDINGS.find((known) => known.clause === clause)?.reason ?? null,
    });
  }
  return { events: checker.eventCount, findings };
}

/** The findings as text, one paragraph each. */
export function formatCheckedDriver({ events, findings }: CheckedDriver): string[] {
  const hints = findings.filter(({ level }) => level === "hint").length;
  const lines = [
    `driver checker: ${events} events, ${findings.length - hints} statements broken, ${hints} hints`,
  ];
  for (const finding of findings) {
    const { level, clause, statement, also, count, message, evidence, timeline, explanation } = finding;
    const name = level === "hint" ? clause : `${level.padEnd(6)} ${clause}`;
    lines.push(`  ${name}  ${count === 1 ? "once" : `${count} times`}`, `    ${message}`);
    // Its first line has what stands above.
    if (statement !== null)
      lines.push(
        ...statementLines(statement)
          .slice(1)
          .map((line) => `  ${line}`),
      );
    if (also.length > 0) lines.push(`    breaks as well: ${also.join(", ")}`);
    for (const { what, address, before, after } of evidence) {
      const place = address === null ? "" : ` at 0x${address.toString(16)}`;
      lines.push(`    ${what}${place}: ${before === undefined ? "" : `${before} → `}${after}`);
    }
    lines.push(...timeline.map((line) => `      ${line}`));
    lines.push(`    ${explanation === null ? "NEW: not explained yet" : `known: ${explanation}`}`);
  }
  return lines;
}

/** What is known of stock kernels, in short. */
export function formatKnown(): string {
  if (KNOWN_FINDINGS.length === 0) return "known findings of stock kernels: none";
  const lines = KNOWN_FINDINGS.map(({ clause, kernels, reason }) => `  ${clause} (${kernels}): ${reason}`);
  return ["known findings of stock kernels:", ...lines].join("\n");
}
