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

/** A statement that a driver broke. */
export interface Violation {
  /** Id of the clause, as in the catalogue. */
  readonly clause: string;
  /** One sentence: what the driver did, with the numbers. */
  readonly message: string;
  /** Virtqueue, or -1 when it is about none. */
  readonly queue: number;
  /** Index of the event in the timeline at which it was seen. */
  readonly at: number;
  readonly evidence: readonly Evidence[];
}

/** One event of the timeline. */
export interface TimelineEvent {
  /** Counted from 0 since the checker was made. */
  readonly index: number;
  /** One line: `status ← 0x0b`, `queue 0: buffer 3 available, 2 descriptors`. */
  readonly text: string;
}

const MOST_HEX_BYTES = 64;

/** Bytes in hexadecimal; the first 64 of more. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  const shown = Math.min(bytes.length, MOST_HEX_BYTES);
  for (let i = 0; i < shown; i++) text += (bytes[i] as number).toString(16).padStart(2, "0");
  return shown < bytes.length ? `${text}…` : text;
}

/** A register's value as evidence. */
export function registerEvidence(what: string, value: number, before?: number): Evidence {
  const digits = (n: number) => `0x${(n >>> 0).toString(16)}`;
  return {
    what,
    address: null,
    ...(before === undefined ? {} : { before: digits(before) }),
    after: digits(value),
  };
}
