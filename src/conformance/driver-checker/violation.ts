import type { CitedStatement } from "../clauses/statement.ts";

/** Bytes of guest memory that show what a driver did. Hexadecimal, two digits a byte, without spaces. */
export interface Evidence {
  /** What lies there: `descriptor 3 of queue 0`, `available ring`. */
  readonly what: string;
  /** Guest physical address; null for a register or for what has none. */
  readonly address: number | null;
  /** As it was before, when that matters. */
  readonly before?: string;
  /** As it is. */
  readonly after: string;
}

/** How much a violation weighs: as the statement says, or `hint` for what no statement forbids and still fails. */
export type ViolationLevel = "MUST" | "SHOULD" | "hint";

/** Something that a driver did wrong: once for each fault, however many statements it breaks. */
export interface Violation {
  readonly level: ViolationLevel;
  /** Id of the clause, as in the catalogue; null for a hint. */
  readonly clause: string | null;
  /** What that clause demands, and where it stands; null for a hint. */
  readonly statement: CitedStatement | null;
  /** What it is counted under: the clause, or the name of the hint, which begins with `hint.`. */
  readonly id: string;
  /** Further statements that the same act breaks. It may grow while the driver goes on. */
  readonly also: readonly string[];
  /** What the driver did, in words, with the numbers; and for hints what would be right. */
  readonly message: string;
  /** Virtqueue, or -1 when it is about none. */
  readonly queue: number;
  /** Index of the event in the timeline at which it was seen. */
  readonly at: number;
  /** That event as one line, which stays when the timeline has forgotten it. */
  readonly event: string;
  readonly evidence: readonly Evidence[];
}

/** One event of the timeline. */
export interface TimelineEvent {
  /** Counted from 0 since the checker was made. */
  readonly index: number;
  /** One line: `status ← 0x0b`, `queue 0: buffer 3 available, 2 descriptors`. */
  readonly text: string;
  /** True where the timeline has forgotten what was asked for: the text says which events those are. */
  readonly gone?: true;
}

const MOST_HEX_BYTES = 64;

/** Bytes in hexadecimal; the first 64 of more. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  const shown = Math.min(bytes.length, MOST_HEX_BYTES);
  for (let i = 0; i < shown; i++) text += (bytes[i] as number).toString(16).padStart(2, "0");
  return shown < bytes.length ? `${text}…` : text;
}

/** A number of up to 64 bits as messages show it. */
export function hex(value: number | bigint): string {
  return `0x${(typeof value === "number" && value < 0 ? value >>> 0 : value).toString(16)}`;
}

/** A register's value as evidence. */
export function registerEvidence(what: string, value: number, before?: number): Evidence {
  return {
    what,
    address: null,
    ...(before === undefined ? {} : { before: hex(before) }),
    after: hex(value),
  };
}
