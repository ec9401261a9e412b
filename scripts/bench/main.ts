/**
 * `npm run bench -- [--json FILE] [--filter NAME]`: how fast the library is, as ratios to other implementations of
 * the same work measured in the same run. Absolute numbers vary with the machine and with what else it does; the
 * ratios are medians over rounds in which everyone had a turn.
 */
import { type Output, openOutputs } from "../../src/cli/outputs.ts";
import { Progress } from "../../src/cli/progress.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { BENCHES } from "./benches.ts";
import { NativePrograms } from "./c/compile.ts";
import { type BenchOptions, parseOptions } from "./options.ts";
import { type JudgedRow, meets, plainRow, table } from "./row.ts";

/** CPU time of one contestant's turn. */
const TURN_SECONDS = 0.03;

const NAMES: readonly string[] = BENCHES.flatMap(({ names }) => names);

async function measure({ filter, launches, rounds }: BenchOptions): Promise<JudgedRow[]> {
  const progress = new Progress(process.stderr, 0);
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const natives = new NativePrograms(report);
  const effort = { launches, rounds, turnSeconds: TURN_SECONDS };
  const rows: JudgedRow[] = [];
  try {
    for (const { names, run } of BENCHES) {
      const wanted = new Set(names.filter((name) => filter === undefined || name.includes(filter)));
      if (wanted.size === 0) continue;
      progress.say([...wanted].join(", "));
      rows.push(...(await run(wanted, { natives, effort, report })));
    }
  } finally {
    progress.stop();
    natives.remove();
  }
  return rows;
}

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2), NAMES);
  switch (parsed.kind) {
    case "text":
      process.stdout.write(parsed.text);
      return 0;
    case "error":
      process.stderr.write(`bench: ${parsed.message}\n`);
      return 2;
    case "run":
      break;
  }
  try {
    // Now, not after minutes of measuring.
    const { json } = openOutputs({ json: { option: "--json", to: parsed.options.json } });
    report(await measure(parsed.options), json);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return 2;
  }
}

function report(rows: readonly JudgedRow[], json: Output | null): void {
  const text = `${JSON.stringify(rows.map(plainRow), undefined, 2)}\n`;
  if (json === "stdout") {
    process.stdout.write(text);
    return;
  }
  json?.write(text);
  process.stdout.write(`${table(rows)}\n`);
  const missed = rows.filter((row) => !meets(row)).length;
  if (missed > 0) process.stdout.write(`\n${missed} of ${rows.length} rows missed their bar\n`);
}

process.exitCode = await main();
