import { TIMELINE_ENTRIES } from "../guest/timeline.ts";
import type { TimelineEntry } from "../result.ts";
import { RUN_STAGES, type RunStage, type RunWitness } from "../witness.ts";

// Words of the header.
const BEATS = 0;
const STAGES = 1;
const STAGE = 2;
const ENTRIES = 3;
const HEADER_BYTES = 16;
/** A text: its length, then its UTF-16 code units. */
const TEXT_UNITS = 240;
const TEXT_BYTES = 2 * (1 + TEXT_UNITS);
/** An entry: milliseconds as a double, who, the text. */
const ENTRY_BYTES = 8 + 8 + TEXT_BYTES + (-TEXT_BYTES & 7);
const CALL_AT = HEADER_BYTES;
const ENTRIES_AT = CALL_AT + TEXT_BYTES + (-(CALL_AT + TEXT_BYTES) & 7);
const JOURNAL_BYTES = ENTRIES_AT + TIMELINE_ENTRIES * ENTRY_BYTES;
const WHO = ["driver", "device", "note"] as const;

/**
 * What a run in another thread is doing, in memory that both threads see: when that thread spins, it sends no message any
 * more, and this is where it was.
 */
export class Journal implements RunWitness {
  /** For the other thread. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #view: DataView;

  /** A new one, or that of the other thread. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(JOURNAL_BYTES)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, HEADER_BYTES >> 2);
    this.#view = new DataView(memory);
  }

  /** Goes up for as long as the thread gets on with something. */
  get beats(): number {
    return Atomics.load(this.#words, BEATS);
  }

  /** Goes up with every stage. */
  get stages(): number {
    return Atomics.load(this.#words, STAGES);
  }

  /** The stage it is in. */
  get currentStage(): RunStage {
    return RUN_STAGES[Atomics.load(this.#words, STAGE)] ?? "idle";
  }

  /** The call into the target that is under way, empty when there is none. */
  get pendingCall(): string {
    return this.#text(CALL_AT);
  }

  /** The newest entries of the timeline of the case under way, oldest first. */
  entries(): TimelineEntry[] {
    const count = Atomics.load(this.#words, ENTRIES);
    const entries: TimelineEntry[] = [];
    for (let index = Math.max(0, count - TIMELINE_ENTRIES); index < count; index++) {
      const at = entryAt(index);
      entries.push({
        ms: this.#view.getFloat64(at),
        who: WHO[this.#view.getUint8(at + 8)] ?? "note",
        text: this.#text(at + 16),
      });
    }
    return entries;
  }

  /** The thread is alive. */
  beat(): void {
    Atomics.add(this.#words, BEATS, 1);
  }

  stage(stage: RunStage): void {
    if (stage === "arriving") Atomics.store(this.#words, ENTRIES, 0);
    this.#setText(CALL_AT, "");
    Atomics.store(this.#words, STAGE, RUN_STAGES.indexOf(stage));
    Atomics.add(this.#words, STAGES, 1);
    this.beat();
  }

  begins(call: string): void {
    this.#setText(CALL_AT, call);
    this.beat();
  }

  ends(): void {
    this.#view.setUint16(CALL_AT, 0);
    this.beat();
  }

  event({ ms, who, text }: TimelineEntry): void {
    const count = Atomics.load(this.#words, ENTRIES);
    const at = entryAt(count);
    this.#view.setFloat64(at, ms);
    this.#view.setUint8(at + 8, WHO.indexOf(who));
    this.#setText(at + 16, text);
    Atomics.store(this.#words, ENTRIES, count + 1);
    this.beat();
  }

  #setText(at: number, text: string): void {
    const length = Math.min(text.length, TEXT_UNITS);
    for (let i = 0; i < length; i++) this.#view.setUint16(at + 2 + 2 * i, text.charCodeAt(i));
    this.#view.setUint16(at, length);
  }

  #text(at: number): string {
    const length = Math.min(this.#view.getUint16(at), TEXT_UNITS);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.#view.getUint16(at + 2 + 2 * i));
    return text;
  }
}

function entryAt(index: number): number {
  return ENTRIES_AT + (index % TIMELINE_ENTRIES) * ENTRY_BYTES;
}
