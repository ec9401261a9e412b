/** Reads folders of captures: one file of JSON lines for each scenario. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { UsageError } from "../usage-error.ts";
import { carriesList, typeOf } from "./fields.ts";
import type { ProgramCall, Recording, SentCommand } from "./sent-command.ts";

const EXTENSION = ".jsonl";
/** Files that are about the capture and hold no commands. */
const ABOUT = /^_/;
const HANDSHAKE = "_vhost-user-handshake.jsonl";

/** Numbers of Linux' errors. */
const ERRNO: Readonly<Record<number, string>> = {
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  9: "EBADF",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  19: "ENODEV",
  22: "EINVAL",
  28: "ENOSPC",
  34: "ERANGE",
  95: "EOPNOTSUPP",
  110: "ETIMEDOUT",
};

/** What was captured of one scenario. */
export interface Capture extends Recording {
  readonly name: string;
  /** Number of its first command and of its last in the whole capture; null without commands, or without numbers. */
  readonly first: number | null;
  readonly last: number | null;
}

/** A folder of captures of one boot. */
export interface CaptureFolder {
  /** As the user called it. */
  readonly path: string;
  /** In the order in which they were made, as far as that can be told. */
  readonly captures: readonly Capture[];
  /** Feature bits that the driver accepted; null when the capture does not say. */
  readonly features: bigint | null;
}

/**
 * Reads a folder of captures, or the folders in it that hold some. Throws {@link UsageError} when there are none, or
 * what is there is none.
 */
export function readCaptureFolders(path: string): CaptureFolder[] {
  const names = listFolder(path);
  if (names.some(isCapture)) return [readFolder(path, names)];
  const inside = names
    .map((name) => join(path, name))
    .filter((folder) => statSync(folder).isDirectory())
    .map((folder) => ({ folder, names: listFolder(folder) }))
    .filter((each) => each.names.some(isCapture));
  if (inside.length === 0) {
    throw new UsageError(
      `${path} holds no captures: there is no file *${EXTENSION} in it or in a folder of it.`,
    );
  }
  return inside.map((each) => readFolder(each.folder, each.names));
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT"
        ? "there is no such folder"
        : code === "ENOTDIR"
          ? "it is not a folder"
          : "it cannot be read";
    throw new UsageError(`cannot read ${path}: ${reason}.`);
  }
}

function isCapture(name: string): boolean {
  return name.endsWith(EXTENSION) && !ABOUT.test(name);
}

function readFolder(path: string, names: readonly string[]): CaptureFolder {
  const captures = names.filter(isCapture).map((name) => readCapture(join(path, name)));
  const handshake = names.includes(HANDSHAKE) ? readLines(join(path, HANDSHAKE)) : [];
  return { path, captures: captures.sort(byTime), features: acceptedFeatures(handshake) };
}

/** Captures without commands go last: nothing depends on when they were made. */
function byTime(a: Capture, b: Capture): number {
  return (a.first ?? Number.MAX_SAFE_INTEGER) - (b.first ?? Number.MAX_SAFE_INTEGER);
}

function acceptedFeatures(handshake: readonly Line[]): bigint | null {
  const last = handshake.findLast(({ value }) => value["vu"] === "SET_FEATURES")?.value["v"];
  return typeof last === "string" && /^0x[0-9a-f]+$/i.test(last) ? BigInt(last) : null;
}

interface Line {
  readonly value: Readonly<Record<string, unknown>>;
  readonly where: string;
}

/** Contents of a file, without the mark that some editors put in front of UTF-8. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const reason = code === "EISDIR" ? "it is a folder" : code === "ENOENT" ? "it is not there" : code;
    throw new UsageError(`cannot read ${path}: ${reason}.`);
  }
}

function readLines(path: string): Line[] {
  const lines: Line[] = [];
  for (const [i, text] of readText(path).split("\n").entries()) {
    if (text.trim() === "") continue;
    const where = `${path}, line ${i + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new UsageError(`${where} is no JSON.`);
    }
    if (typeof value !== "object" || value === null) throw new UsageError(`${where} is no JSON object.`);
    lines.push({ value: value as Line["value"], where });
  }
  return lines;
}

function readCapture(path: string): Capture {
  const commands: SentCommand[] = [];
  const calls: ProgramCall[] = [];
  const numbers: number[] = [];
  const lines = readLines(path);
  const clock = lines.some(({ value }) => isCommand(value) && guestTime(value) === null)
    ? deviceTime
    : guestTime;
  for (const { value, where } of lines) {
    const { marker, seq } = value;
    if (typeof marker === "string") {
      const call = callOf(marker);
      if (call !== null) calls.push(call);
      continue;
    }
    if (!isCommand(value)) continue;
    commands.push({ ...commandOf(value, where), timeMs: clock(value) });
    if (typeof seq === "number") numbers.push(seq);
  }
  return {
    name: basename(path, EXTENSION),
    commands,
    calls: calls.length === 0 ? null : calls,
    first: numbers[0] ?? null,
    last: numbers.at(-1) ?? null,
  };
}

/** `END DRM_IOCTL_… rc=-1 errno=22`. */
function callOf(marker: string): ProgramCall | null {
  const end = /^END (\S+) rc=(-?\d+) errno=(\d+)/.exec(marker);
  if (end === null) return null;
  const [, name = "", result = "", number = ""] = end;
  if (Number(result) >= 0) return { name, error: null };
  return { name, error: ERRNO[Number(number)] ?? `errno ${number}` };
}

function commandOf(value: Line["value"], where: string): Omit<SentCommand, "timeMs"> {
  const { q, hex, kick } = value;
  const desc = (value["desc"] ?? {}) as Readonly<Record<string, unknown>>;
  const args = (value["args"] ?? {}) as Readonly<Record<string, unknown>>;
  if (q !== "control" && q !== "cursor") throw new UsageError(`${where}: "q" is neither control nor cursor.`);
  if (typeof hex !== "string" || !/^([0-9a-f]{2})+$/i.test(hex))
    throw new UsageError(`${where}: "hex" holds no bytes.`);
  if (typeof kick !== "number") throw new UsageError(`${where}: "kick" is not a number.`);
  const bytes = new Uint8Array(Buffer.from(hex, "hex"));
  const listed = args["entries_len_sum"];
  return {
    queue: q,
    bytes,
    out: lengthsOf(desc["out"], `${where}: "desc.out"`),
    in: lengthsOf(desc["in"], `${where}: "desc.in"`),
    indirect: desc["indirect"] === true,
    notification: kick,
    listedBytes: carriesList(typeOf(bytes)) && typeof listed === "number" ? listed : null,
  };
}

function isCommand(value: Line["value"]): boolean {
  return typeof value["marker"] !== "string" && (value["hex"] !== undefined || value["cmd"] !== undefined);
}

/** When the guest sent a command, in its own time. All of a capture go by one clock. */
function guestTime(value: Line["value"]): number | null {
  const { guest } = value;
  const seconds = typeof guest === "object" && guest !== null ? (guest as { t?: unknown }).t : null;
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds * 1000 : null;
}

/** When the device got a command. */
function deviceTime(value: Line["value"]): number | null {
  const ms = value["t_ms"];
  return typeof ms === "number" && Number.isFinite(ms) ? ms : null;
}

function lengthsOf(value: unknown, what: string): number[] {
  if (!Array.isArray(value) || value.some((length) => typeof length !== "number")) {
    throw new UsageError(`${what} is not a list of lengths.`);
  }
  return value as number[];
}
