/**
 * What a case came to.
 *
 * - `pass`: the device did what the statement demands.
 * - `reject`: the case broke a rule on purpose, and the device refused as it may: with an error response, or by
 *   stopping the queue and saying DEVICE_NEEDS_RESET; it is alive.
 * - `fail`: the device broke a statement, crashed, or hung.
 * - `wedged`: nothing works until the device is reset, and it did not say so.
 * - `skip`: the device does not have what the case needs; the detail says what.
 * - `unimplemented`: the kit declares the case and does not have it yet.
 */
export type Verdict = "pass" | "fail" | "reject" | "wedged" | "skip" | "unimplemented";

/** All verdicts, in the order reports show them. */
export const VERDICTS = ["pass", "reject", "fail", "wedged", "skip", "unimplemented"] as const;

/** Something that went on between the kit and the device. */
export interface TimelineEntry {
  /** Milliseconds since the case began. */
  readonly ms: number;
  /** `driver`: done to the device; `device`: done by the device; `note`: said by the case. */
  readonly who: "driver" | "device" | "note";
  /** One line: `Status ← 0x0f`, `controlq: 2 descriptors available, head 3`, `used: id 3, 24 bytes`. */
  readonly text: string;
}

/** A virtqueue's memory at one moment. Bytes are in hexadecimal, two digits each, without spaces. */
export interface RingSnapshot {
  /** Which queue: `controlq`, `queue 1`. */
  readonly queue: string;
  readonly format: "split" | "packed";
  /** Entries. */
  readonly size: number;
  /** Guest physical addresses of the three areas. */
  readonly addresses: { readonly descriptors: number; readonly driver: number; readonly device: number };
  /** Descriptor table, or descriptor ring: 16 bytes an entry. */
  readonly descriptors: string;
  /** Available ring, or driver event suppression. */
  readonly driver: string;
  /** Used ring, or device event suppression. */
  readonly device: string;
  /** Indirect tables the queue's descriptors refer to. */
  readonly tables: readonly { readonly address: number; readonly bytes: string }[];
  /** Descriptors of the chain the case is about: indexes into the descriptor table or ring. */
  readonly highlight: readonly number[];
}

/** What a case found, for whoever has to understand it. */
export interface CaseDetail {
  /** One line: what was expected and what was found, or the reason of a skip. */
  readonly message: string;
  /** How the device went away, if it did. */
  readonly gone?: "crash" | "hang";
  /** What happened, oldest first; the last few hundred entries. Only with fail and wedged. */
  readonly timeline?: readonly TimelineEntry[];
  /** The rings at the end. Only with fail and wedged. */
  readonly rings?: readonly RingSnapshot[];
}

/** The outcome of one case with one set of parameters. */
export interface CaseResult {
  /** Stable: `split-ring/indirect/nested-table:device=gpu`. */
  readonly id: string;
  readonly verdict: Verdict;
  readonly ms: number;
  /** Ids of the clauses it covers. */
  readonly clauses: readonly string[];
  /** What the case checks, one sentence. */
  readonly title: string;
  readonly detail: CaseDetail | null;
}

/** A statement's standing after a run. */
export type ClauseStatus =
  /** A case found it broken. */
  | "fail"
  /** A case of it left the device dead. */
  | "wedged"
  /** At least one case passed, none failed. */
  | "pass"
  /** All its cases that ran were rejections. */
  | "reject"
  /** None of its cases could run on this target, or none was asked for. */
  | "skip"
  /** It cannot be observed from outside: see the reviewed list. */
  | "not-observable"
  /** It binds the other side: the driver checker's business. */
  | "driver"
  /** The kit has no case for it. */
  | "unimplemented";

/** One statement of the specification in a report. */
export interface ClauseResult {
  readonly id: string;
  readonly area: string;
  readonly role: "device" | "driver" | "legacy" | "prose";
  readonly level: "must" | "should" | "may";
  readonly section: string;
  readonly status: ClauseStatus;
  /** Ids of the cases that cover it, in this run. */
  readonly cases: readonly string[];
  /** Why, for `not-observable`. */
  readonly reason?: string;
}

/** Everything a run found: what the JSON report holds. */
export interface RunReport {
  /** The specification: `virtio 1.4 (v1.4-cs01)`. */
  readonly spec: string;
  /** The target's name. */
  readonly target: string;
  /** The target's description. */
  readonly description: string;
  /** When the run began, ISO 8601, UTC. */
  readonly startedAt: string;
  /** How long it took. */
  readonly ms: number;
  /** Why the run ended before all its cases had run. Left out when it did not. */
  readonly incomplete?: string;
  /** What else there is to say that belongs to no case: a target whose `close` fails. Left out when nothing is. */
  readonly notes?: readonly string[];
  readonly clauses: readonly ClauseResult[];
  readonly cases: readonly CaseResult[];
  readonly totals: Readonly<Record<Verdict, number>>;
}
