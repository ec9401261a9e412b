import { type CheckedDriver, formatCheckedDriver, formatKnown } from "./checked-driver.ts";
import type { ScenarioReport, TimelineEntry } from "./guest-session.ts";
import type { CommandRecord, FeatureName, PlainValue } from "./linux-device.ts";

/** Everything that came out of a run; this is what --json prints. */
export interface LinuxReport {
  readonly kernel: string;
  readonly emulator: string;
  /** Making the saved state; null if it was there, or none was used. */
  readonly bootMs: number | null;
  readonly elapsedMs: number;
  readonly runs: readonly RunReport[];
  /** How many there are in all scenarios. */
  readonly problems: number;
}

export interface RunReport {
  readonly features: readonly FeatureName[];
  /** From the start of the emulator until the guest listens: a restore, or a boot. */
  readonly startMs: number;
  readonly commands: Readonly<Record<string, number>>;
  readonly responses: Readonly<Record<string, number>>;
  readonly scenarios: readonly ScenarioReport[];
  /** What the driver checker found; null when nobody watched. */
  readonly driver: CheckedDriver | null;
}

const COMMAND_COLUMNS = 23;
const CHAIN_COLUMNS = 13;

/** The report as text: per scenario what the guest called, and under it what arrived at the device. */
export function formatReport(report: LinuxReport): string {
  const lines: string[] = [];
  for (const run of report.runs) {
    lines.push(`${report.kernel} on ${report.emulator}, features: ${run.features.join(", ") || "none"}`, "");
    for (const scenario of run.scenarios) {
      lines.push(`${scenario.name}  (${seconds(scenario.elapsedMs)})`);
      lines.push(...scenario.timeline.flatMap(formatEntry));
      lines.push(...scenario.problems.map((problem) => `  PROBLEM ${problem}`), "");
    }
    lines.push(`  ${formatCounts(run.commands)}`, `  ${formatCounts(run.responses)}`, "");
    if (run.driver !== null) lines.push(...formatCheckedDriver(run.driver), "");
  }
  const boot = report.bootMs === null ? "" : `boot ${seconds(report.bootMs)}, `;
  const start = report.runs.map((run) => seconds(run.startMs)).join(" and ");
  lines.push(`${boot}start ${start || "none"}, altogether ${seconds(report.elapsedMs)}`);
  if (report.runs.some(({ driver }) => driver !== null)) lines.push(formatKnown());
  lines.push(report.problems === 0 ? "no problems" : `${report.problems} problems`);
  return `${lines.join("\n")}\n`;
}

export function countBy<T>(items: readonly T[], name: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[name(item)] = (counts[name(item)] ?? 0) + 1;
  return counts;
}

function formatEntry(entry: TimelineEntry): string[] {
  switch (entry.kind) {
    case "call":
      return [`  ${entry.name}${(entry.result ?? 0) < 0 ? ` = ${entry.result}` : ""}`];
    case "note":
      return [`  ${entry.text}`];
    case "command":
      return [`    ${formatCommand(entry.record)}`];
    case "stage": {
      const { stage } = entry;
      const size = stage.width === 0 ? "off" : `${stage.width}×${stage.height}`;
      const verdict = stage.problems.length === 0 ? "as the guest drew it" : stage.problems.join("; ");
      const picture = stage.picture === undefined ? "" : `  ${stage.picture}`;
      return [`  screen ${stage.name}: ${size}, ${verdict}${picture}`];
    }
    default:
      return entry satisfies never;
  }
}

function formatCommand(record: CommandRecord): string {
  const { command, head, fenceId, args, backingBytes, readableBytes, writableBytes, response, reason } =
    record;
  const values = Object.entries(args).map(([name, value]) => `${name}=${formatValue(value)}`);
  if (backingBytes !== null) values.push(`backing=${backingBytes}`);
  if (fenceId !== null) values.push(`fence=${fenceId}`);
  const chain = `#${head} ${sum(readableBytes)}→${sum(writableBytes)}`;
  const reply = reason === "" ? response : `${response}: ${reason}`;
  return `${command.padEnd(COMMAND_COLUMNS)} ${chain.padEnd(CHAIN_COLUMNS)} ${values.join(" ")} → ${reply}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function formatValue(value: PlainValue): string {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(",")}]`;
  const fields = Object.entries(value as { readonly [name: string]: PlainValue });
  // A rectangle reads best as one word.
  if (fields.map(([name]) => name).join() === "x,y,width,height") {
    const [x, y, width, height] = fields.map(([, number]) => String(number));
    return `${width}×${height}+${x}+${y}`;
  }
  return `{${fields.map(([name, inner]) => `${name}=${formatValue(inner)}`).join(" ")}}`;
}

function formatCounts(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.map(([name, count]) => `${count} ${name}`).join(", ");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
