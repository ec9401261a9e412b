import { citeDriverStatement } from "../clauses/cite-driver.ts";
import type { ClauseLevel } from "../clauses/clause.ts";
import type { CitedStatement } from "../clauses/statement.ts";
import type { Timeline } from "./timeline.ts";
import type { Evidence, Violation, ViolationLevel } from "./violation.ts";

/**
 * What a report is about, where several rules see one and the same fault: reports that name the same fault of the same
 * queue become one violation. A name alone holds for one access, `lasting` until the device is reset.
 */
export type Fault = string | { readonly lasting: string };

const LEVELS: Readonly<Record<ClauseLevel, ViolationLevel>> = { must: "MUST", should: "SHOULD", may: "hint" };
const WEIGHTS: Readonly<Record<ViolationLevel, number>> = { MUST: 2, SHOULD: 1, hint: 0 };
/** Lasting faults remembered at a time. */
const MOST_FAULTS = 4096;

/** A violation as long as it may change. */
interface Finding {
  level: ViolationLevel;
  clause: string | null;
  statement: CitedStatement | null;
  id: string;
  readonly also: string[];
  message: string;
  readonly queue: number;
  readonly at: number;
  event: string;
  readonly evidence: readonly Evidence[];
}

/** Collects what the rules report: counts it, and makes one violation of one fault. */
export class Findings {
  readonly violations: Violation[] = [];
  readonly counts = new Map<string, number>();
  readonly #timeline: Timeline;
  readonly #perId: number;
  readonly #onViolation: ((violation: Violation) => void) | undefined;
  /** Violations by fault; null for those that are only counted. */
  readonly #atOnce = new Map<string, Finding | null>();
  readonly #lasting = new Map<string, Finding | null>();
  /** What was reported in this life of the device, by queue. */
  readonly #reported = new Set<string>();
  #fresh: Finding[] = [];

  constructor(timeline: Timeline, perId: number, onViolation: ((violation: Violation) => void) | undefined) {
    this.#timeline = timeline;
    this.#perId = perId;
    this.#onViolation = onViolation;
  }

  /** A statement was broken. */
  clause(id: string, queue: number, message: string, evidence: readonly Evidence[], fault?: Fault): void {
    this.#add(LEVELS[citeDriverStatement(id)?.level ?? "may"], id, id, queue, message, evidence, fault);
  }

  /** Something that breaks no statement and does not work. */
  hint(name: string, queue: number, message: string, evidence: readonly Evidence[], fault?: Fault): void {
    this.#add("hint", null, `hint.${name}`, queue, message, evidence, fault);
  }

  #add(
    level: ViolationLevel,
    clause: string | null,
    id: string,
    queue: number,
    message: string,
    evidence: readonly Evidence[],
    fault: Fault | undefined,
  ): void {
    if (this.#reported.size < MOST_FAULTS) this.#reported.add(`${queue} ${id}`);
    const faults = typeof fault === "object" ? this.#lasting : this.#atOnce;
    const key = fault === undefined ? "" : `${queue} ${typeof fault === "object" ? fault.lasting : fault}`;
    const known = key === "" ? undefined : faults.get(key);
    // What comes again of a lasting fault is still the same one.
    if (known?.id === id && typeof fault === "object") return;
    const count = (this.counts.get(id) ?? 0) + 1;
    this.counts.set(id, count);
    if (known !== undefined) {
      if (known !== null) this.#join(known, level, clause, id, message);
      return;
    }
    const at = Math.max(0, this.#timeline.count - 1);
    const finding: Finding | null =
      count > this.#perId
        ? null
        : {
            level,
            clause,
            statement: statementOf(clause),
            id,
            also: [],
            message,
            queue,
            at,
            event: "",
            evidence,
          };
    if (key !== "" && faults.size < MOST_FAULTS) faults.set(key, finding);
    if (finding === null) return;
    this.#fresh.push(finding);
    this.violations.push(finding);
  }

  /** Another statement that a known fault breaks: the strictest one speaks. */
  #join(known: Finding, level: ViolationLevel, clause: string | null, id: string, message: string): void {
    if (known.id === id || known.also.includes(id)) return;
    if (WEIGHTS[level] <= WEIGHTS[known.level]) {
      // A hint beside a statement says the same in other words.
      if (clause !== null) known.also.push(clause);
      return;
    }
    if (known.clause !== null) known.also.push(known.clause);
    known.level = level;
    known.clause = clause;
    known.statement = statementOf(clause);
    known.id = id;
    known.message = message;
  }

  /** Whether this was reported of a queue in this life of the device. */
  reported(id: string, queue: number): boolean {
    return this.#reported.has(`${queue} ${id}`);
  }

  /** The rules have seen an event whole: who listens is told. */
  settle(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const finding of fresh) {
      finding.event = this.#timeline.text(finding.at);
      this.#onViolation?.(finding);
    }
  }

  /** Another access begins: its faults are its own. */
  nextAccess(): void {
    if (this.#atOnce.size > 0) this.#atOnce.clear();
  }

  /** The device was reset: its faults are its next life's. */
  nextLife(): void {
    this.#lasting.clear();
    this.#reported.clear();
  }
}

function statementOf(clause: string | null): CitedStatement | null {
  return clause === null ? null : citeDriverStatement(clause);
}
