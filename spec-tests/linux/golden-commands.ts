// The captures under spec-tests/fixtures/golden and a run of ours in one form, so that they can be compared.
import { readFileSync } from "node:fs";
import type { ScenarioReport } from "../../scripts/linux/guest-session.ts";
import type { CommandRecord, PlainValue } from "../../scripts/linux/linux-device.ts";
import { VIRTIO_GPU_FLAG_FENCE, VIRTIO_GPU_FLAG_INFO_RING_IDX } from "../../src/wire/index.ts";

const GOLDEN = "spec-tests/fixtures/golden/linux-6.1";

/** A command without what differs from boot to boot. */
export interface ComparableCommand {
  readonly queue: string;
  readonly command: string;
  readonly ctxId: number;
  /** Null for a command that names no ring. */
  readonly ringIdx: number | null;
  /** Counted from the first fence of the scenario; null for a command that is not fenced. */
  readonly fence: number | null;
  /** Fields by their path; resources are numbered in the order in which the scenario names them. */
  readonly fields: Readonly<Record<string, number>>;
  /** Of a list of guest memory: the sum of its lengths, never its entries or their number. */
  readonly backingBytes: number | null;
  readonly indirect: boolean;
  /** Lengths of descriptors; of a list of guest memory only the struct in front of it. */
  readonly readableBytes: readonly number[];
  readonly writableBytes: readonly number[];
  /** Null on the cursor queue. */
  readonly response: string | null;
  readonly writtenBytes: number;
}

/** The ioctls of a scenario with their results (-errno), and the commands they led to. */
export interface ComparableScenario {
  readonly calls: readonly string[];
  readonly commands: readonly ComparableCommand[];
}

interface GoldenLine {
  readonly marker?: string;
  readonly q: string;
  readonly cmd: string;
  readonly hdr: {
    readonly flags: number;
    readonly fence_id: number;
    readonly ctx_id: number;
    readonly ring_idx: number;
  };
  readonly args: { readonly [name: string]: PlainValue };
  readonly desc: {
    readonly indirect: boolean;
    readonly out: readonly number[];
    readonly in: readonly number[];
  };
  readonly resp: { readonly type: string; readonly written: number } | null;
}

/** Of the captures' arguments, what is no field, or has no meaning. */
const NO_FIELDS: ReadonlySet<string> = new Set([
  ...["entries", "entries_truncated", "entries_len_sum", "nr_entries", "note", "pad", "padding"],
]);
const RENAMED: Readonly<Record<string, string>> = { "r.w": "r.width", "r.h": "r.height" };

export function readGolden(features: string, scenario: string): ComparableScenario {
  const lines = readFileSync(`${GOLDEN}/${features}/${scenario}.jsonl`, "utf8").trim().split("\n");
  const calls: string[] = [];
  const commands = new Renumbering();
  for (const line of lines) {
    const entry = JSON.parse(line) as GoldenLine;
    if (entry.marker !== undefined) {
      const end = /^END (\S+) rc=(-?\d+) errno=(\d+)$/.exec(entry.marker);
      if (end !== null) calls.push(`${end[1]} ${Number(end[2]) < 0 ? -Number(end[3]) : end[2]}`);
      continue;
    }
    const backing = entry.args["entries_len_sum"];
    commands.add({
      queue: entry.q,
      command: entry.cmd,
      ctxId: entry.hdr.ctx_id,
      ringIdx: (entry.hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX) !== 0 ? entry.hdr.ring_idx : null,
      fence: (entry.hdr.flags & VIRTIO_GPU_FLAG_FENCE) !== 0 ? entry.hdr.fence_id : null,
      fields: flatten(entry.args),
      backingBytes: typeof backing === "number" ? backing : null,
      indirect: entry.desc.indirect,
      readableBytes: entry.desc.out,
      writableBytes: entry.desc.in,
      response: entry.resp?.type ?? null,
      writtenBytes: entry.resp?.written ?? 0,
    });
  }
  return { calls, commands: commands.commands };
}

export function comparable(report: ScenarioReport): ComparableScenario {
  const calls: string[] = [];
  const commands = new Renumbering();
  for (const entry of report.timeline) {
    if (entry.kind === "call") calls.push(`${entry.name} ${entry.result}`);
    if (entry.kind === "command") commands.add(ofRecord(entry.record));
  }
  return { calls, commands: commands.commands };
}

function ofRecord(record: CommandRecord): ComparableCommand {
  const isControl = record.queue === "controlq";
  return {
    queue: isControl ? "control" : "cursor",
    command: record.command,
    ctxId: record.ctxId,
    ringIdx: record.ringIdx,
    fence: record.fenceId,
    fields: flatten(record.args),
    backingBytes: record.backingBytes,
    indirect: record.indirect,
    readableBytes: record.readableBytes,
    writableBytes: record.writableBytes,
    response: isControl ? record.response : null,
    writtenBytes: record.writtenBytes,
  };
}

/** Numbers by path. The captures have no name for the position within a cursor command. */
function flatten(args: { readonly [name: string]: PlainValue }, prefix = ""): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const [name, value] of Object.entries(args)) {
    if (NO_FIELDS.has(name)) continue;
    const path = prefix + name;
    if (typeof value === "number") fields[RENAMED[path] ?? path] = value;
    else if (typeof value !== "object") throw new Error(`${path} is ${value}, not a number`);
    else Object.assign(fields, flatten({ ...value } as typeof args, name === "pos" ? prefix : `${path}.`));
  }
  return fields;
}

class Renumbering {
  readonly commands: ComparableCommand[] = [];
  readonly #resources = new Map<number, number>();
  #firstFence: number | undefined;

  add(command: ComparableCommand): void {
    const fields: Record<string, number> = {};
    for (const name of Object.keys(command.fields).sort()) fields[name] = command.fields[name] as number;
    const id = fields["resource_id"];
    if (id !== undefined) fields["resource_id"] = this.#number(id);
    let { fence, readableBytes } = command;
    if (fence !== null) {
      this.#firstFence ??= fence;
      fence -= this.#firstFence;
    }
    if (command.backingBytes !== null) readableBytes = readableBytes.slice(0, 1);
    this.commands.push({ ...command, fence, fields, readableBytes });
  }

  #number(id: number): number {
    if (id === 0) return 0;
    const known = this.#resources.get(id);
    if (known !== undefined) return known;
    this.#resources.set(id, this.#resources.size + 1);
    return this.#resources.size;
  }
}
