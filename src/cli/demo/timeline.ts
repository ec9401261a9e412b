import type { Style } from "../console.ts";
import type { Chapter, CommandLine } from "./protocol.ts";

/** How much of a timeline to show: per chapter this many lines from its beginning and its end. */
export interface TimelineLimits {
  readonly head: number;
  readonly tail: number;
}

const COLUMNS = { time: 9, queue: 8, head: 4, bytes: 13, name: 23 };

/** The commands as text, in the order they were answered, under the titles of the chapters. */
export function formatTimeline(
  commands: readonly CommandLine[],
  chapters: readonly Chapter[],
  limits: TimelineLimits,
  style: Style,
): string {
  const origin = chapters[0]?.at ?? commands[0]?.at ?? 0n;
  const header = [
    "ms".padStart(COLUMNS.time),
    "queue".padEnd(COLUMNS.queue),
    "head".padStart(COLUMNS.head),
    "out → in".padStart(COLUMNS.bytes),
    "command".padEnd(COLUMNS.name),
    "parameters → response, fence",
  ].join("  ");
  const lines = [style.dim(header)];
  let next = 0;
  for (const [i, chapter] of chapters.entries()) {
    const until = chapters[i + 1]?.at;
    const part: CommandLine[] = [];
    for (; next < commands.length; next++) {
      const command = commands[next] as CommandLine;
      if (until !== undefined && command.at >= until) break;
      part.push(command);
    }
    lines.push("", style.bold(chapter.title), ...formatPart(part, origin, limits, style));
  }
  return `${lines.join("\n")}\n`;
}

function formatPart(
  part: readonly CommandLine[],
  origin: bigint,
  { head, tail }: TimelineLimits,
  style: Style,
): string[] {
  const format = (command: CommandLine): string => formatCommand(command, origin, style);
  // To leave out one line saves nothing.
  if (part.length <= head + tail + 1) return part.map(format);
  const omitted = part.length - head - tail;
  const note = style.dim(`${"⋮".padStart(COLUMNS.time)}  … ${omitted} more commands like these …`);
  return [...part.slice(0, head).map(format), note, ...part.slice(part.length - tail).map(format)];
}

function formatCommand(command: CommandLine, origin: bigint, style: Style): string {
  const milliseconds = Number(command.at - origin) / 1e6;
  const chain = `${command.readable.join("+")} → ${command.writable.join("+") || "0"}`;
  const failed = command.response.startsWith("ERR");
  const remarks: string[] = [];
  if (command.fence !== null) remarks.push(`fence ${command.fence}`);
  if (command.bytesCopied > 0) remarks.push(`${formatCount(command.bytesCopied)} bytes copied`);
  if (command.reason !== "") remarks.push(command.reason);
  return [
    style.dim(milliseconds.toFixed(3).padStart(COLUMNS.time)),
    command.queue.padEnd(COLUMNS.queue),
    String(command.head).padStart(COLUMNS.head),
    chain.padStart(COLUMNS.bytes),
    style.bold(command.name.padEnd(COLUMNS.name)),
    [
      command.parameters,
      `→ ${(failed ? style.bad : style.good)(command.response)}`,
      style.dim(remarks.join(", ")),
    ]
      .filter((text) => text !== "")
      .join(" "),
  ].join("  ");
}

/** A number with its thousands set apart. */
export function formatCount(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}
