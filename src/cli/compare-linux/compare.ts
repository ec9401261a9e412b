/**
 * Compares what a kernel sent with what the model sends. Resource ids are equal up to renaming, fence ids up to an
 * offset; of lists of guest memory only the sum of lengths counts, and that the list has the shape of one.
 */
import { VIRTIO_GPU_FLAG_FENCE } from "../../wire/gpu.ts";
import { carriesList, commandName, fieldOf, type Leaf, leafValue, leaves, typeOf } from "./fields.ts";
import { comparePacing, type Pacing } from "./pacing.ts";
import type { ProgramCall, Recording, SentCommand } from "./sent-command.ts";

const MEM_ENTRY_BYTES = 16;
const PAGE_BYTES = 4096;
const NOTHING = "nothing";

/** A field that is not as expected. */
export interface FieldDifference {
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** Where two streams part. */
export interface Difference {
  /** Counted from 1; null when it is about a call of the program. */
  readonly command: number | null;
  /** Name of the command, or of the call. */
  readonly name: string;
  readonly fields: readonly FieldDifference[];
}

/** What came of a comparison. */
export interface Comparison {
  /** Null: equal. */
  readonly difference: Difference | null;
  /** Commands compared. */
  readonly commands: number;
  /** Notifications of the model, and how many of them the capture lacks because the device was still at work. */
  readonly notifications: number;
  readonly suppressed: number;
  /** Calls of the program whose results were compared. */
  readonly calls: number;
  /** When frames were sent; null when the capture does not tell. */
  readonly pacing: Pacing | null;
}

/**
 * Compares a capture with a recording of the model. `mayBeCut`: the capture may end before the model does; `hurries`:
 * the program does not pause between frames.
 */
export function compareRecordings(
  model: Recording,
  capture: Recording,
  { mayBeCut = false, hurries = false }: { readonly mayBeCut?: boolean; readonly hurries?: boolean } = {},
): Comparison {
  const stream = new StreamComparison();
  const count = mayBeCut
    ? Math.min(model.commands.length, capture.commands.length)
    : Math.max(model.commands.length, capture.commands.length);
  let difference: Difference | null = null;
  let compared = 0;
  for (; compared < count && difference === null; compared++) {
    difference = stream.next(compared, model.commands[compared], capture.commands[compared]);
  }
  if (difference === null && mayBeCut && capture.commands.length > count) {
    difference = stream.next(count, undefined, capture.commands[count]);
  }
  const calls =
    difference === null ? compareCalls(model.calls, capture.calls) : { difference: null, count: 0 };
  difference ??= calls.difference;
  const pacing = difference === null ? comparePacing(model.commands, capture.commands, hurries) : null;
  if (pacing !== null && pacing.difference !== null) {
    difference = { command: null, name: "pacing", fields: [pacing.difference] };
  }
  return {
    difference,
    commands: compared,
    notifications: stream.notifications,
    suppressed: stream.suppressed,
    calls: calls.count,
    pacing,
  };
}

class StreamComparison {
  notifications = 0;
  suppressed = 0;
  readonly #resources = new Renaming();
  #fenceOffset: bigint | null = null;
  readonly #queues = { control: new Grouping(), cursor: new Grouping() };

  next(index: number, model: SentCommand | undefined, capture: SentCommand | undefined): Difference | null {
    const fields = this.#compare(model, capture);
    if (fields.length === 0) return null;
    const shown = model ?? capture;
    return { command: index + 1, name: shown === undefined ? NOTHING : commandName(shown.bytes), fields };
  }

  #compare(model: SentCommand | undefined, capture: SentCommand | undefined): FieldDifference[] {
    if (model === undefined || capture === undefined || typeOf(model.bytes) !== typeOf(capture.bytes)) {
      return [{ field: "command", expected: nameOf(model), got: nameOf(capture) }];
    }
    const fields: FieldDifference[] = [];
    const expect = (field: string, expected: string, got: string) => {
      if (expected !== got) fields.push({ field, expected, got });
    };
    expect("queue", model.queue, capture.queue);
    expect("desc.out[0]", `${model.out[0] ?? 0}`, `${capture.out[0] ?? 0}`);
    const length = Math.min(model.bytes.length, capture.bytes.length);
    for (const leaf of leaves(typeOf(model.bytes), length)) this.#compareLeaf(leaf, model, capture, expect);
    compareShape(model, capture, expect);
    if (fields.length === 0) this.#compareNotification(model, capture, expect);
    return fields;
  }

  #compareLeaf(leaf: Leaf, model: SentCommand, capture: SentCommand, expect: Expect): void {
    const expected = leafValue(model.bytes, leaf);
    const got = leafValue(capture.bytes, leaf);
    switch (leaf.path) {
      case "resource_id":
        expect(leaf.path, this.#resources.expected(expected, got), `${got}`);
        return;
      case "hdr.fence_id":
        // That one of them has no fence at all, the flags say.
        if (isFenced(model) !== isFenced(capture)) return;
        if (isFenced(model)) this.#fenceOffset ??= got - expected;
        expect(leaf.path, `${isFenced(model) ? expected + (this.#fenceOffset ?? 0n) : expected}`, `${got}`);
        return;
      case "nr_entries":
        // That of the capture fits its list; the length of the list differs from boot to boot.
        return;
      default:
    }
    expect(leaf.path, `${expected}`, `${got}`);
  }

  /** A notification may be missing where the device was still at work; there must be none too many. */
  #compareNotification(model: SentCommand, capture: SentCommand, expect: Expect): void {
    const outcome = this.#queues[model.queue].next(model.notification, capture.notification);
    if (outcome === "begins") this.notifications++;
    if (outcome === "suppressed") {
      this.notifications++;
      this.suppressed++;
    }
    if (outcome === "too many") expect("notification", "that of the command before", "one of its own");
  }
}

type Expect = (field: string, expected: string, got: string) => void;

/**
 * Which notifications a queue got. A group of commands that the model sends with one notification may come, in whole or
 * in its first part, under the one before, when the device was still taking commands; but once a group has begun with a
 * notification of its own, all of it was there by then.
 */
class Grouping {
  #model: number | null = null;
  #capture: number | null = null;
  #ownBegun = false;

  next(model: number, capture: number): "begins" | "suppressed" | "goes on" | "too many" {
    const modelBegins = this.#model !== model;
    const captureBegins = this.#capture !== capture;
    this.#model = model;
    this.#capture = capture;
    if (modelBegins) {
      this.#ownBegun = captureBegins;
      return captureBegins ? "begins" : "suppressed";
    }
    if (!captureBegins) return "goes on";
    if (this.#ownBegun) return "too many";
    this.#ownBegun = true;
    return "goes on";
  }
}

/** Which id of the capture is which of the model. */
class Renaming {
  readonly #ofModel = new Map<bigint, bigint>([[0n, 0n]]);
  readonly #ofCapture = new Map<bigint, bigint>([[0n, 0n]]);

  /** What the capture is expected to call a resource of the model. */
  expected(model: bigint, capture: bigint): string {
    const known = this.#ofModel.get(model);
    if (known !== undefined) return `${known}`;
    if (this.#ofCapture.has(capture)) return "an id not used before";
    this.#ofModel.set(model, capture);
    this.#ofCapture.set(capture, model);
    return `${capture}`;
  }
}

function compareShape(model: SentCommand, capture: SentCommand, expect: Expect): void {
  expect("desc.in", listOf(model.in), listOf(capture.in));
  expect("desc.indirect", `${model.indirect}`, `${capture.indirect}`);
  if (!carriesList(typeOf(model.bytes))) {
    expect("desc.out[1…]", listOf(model.out.slice(1)), listOf(capture.out.slice(1)));
    return;
  }
  expect("entries_len_sum", `${model.listedBytes ?? NOTHING}`, `${capture.listedBytes ?? NOTHING}`);
  const parts = capture.out.slice(1);
  const lengthBytes = MEM_ENTRY_BYTES * (fieldOf(capture.bytes, "nr_entries") ?? 0);
  if (isListShape(parts, lengthBytes)) return;
  expect("desc.out[1…]", `${lengthBytes} (in one piece, or in pages)`, listOf(parts));
}

/** One descriptor for the whole list, or one for each page of it. */
function isListShape(parts: readonly number[], lengthBytes: number): boolean {
  if (parts.length === 0) return lengthBytes === 0;
  if (parts.reduce((sum, part) => sum + part, 0) !== lengthBytes) return false;
  return parts.length === 1 || parts.slice(0, -1).every((part) => part === PAGE_BYTES);
}

function listOf(lengths: readonly number[]): string {
  return lengths.length === 0 ? "none" : lengths.join(", ");
}

function isFenced({ bytes }: SentCommand): boolean {
  return ((fieldOf(bytes, "hdr.flags") ?? 0) & VIRTIO_GPU_FLAG_FENCE) !== 0;
}

function nameOf(command: SentCommand | undefined): string {
  return command === undefined ? NOTHING : commandName(command.bytes);
}

/** Results of calls are compared where the capture names the same ones. */
function compareCalls(
  model: readonly ProgramCall[] | null,
  capture: readonly ProgramCall[] | null,
): { difference: Difference | null; count: number } {
  if (model === null || capture === null || capture.length === 0) return { difference: null, count: 0 };
  const isSame = model.length === capture.length && model.every(({ name }, i) => name === capture[i]?.name);
  if (!isSame) return { difference: null, count: 0 };
  for (const [i, { name, error }] of model.entries()) {
    const got = capture[i]?.error ?? null;
    if (error === got) continue;
    const field = { field: "result", expected: error ?? "success", got: got ?? "success" };
    return { difference: { command: null, name: `${name} (call ${i + 1})`, fields: [field] }, count: i + 1 };
  }
  return { difference: null, count: model.length };
}
