/**
 * `npm run bench -- [--json FILE] [--filter NAME]`: how fast the library is, as ratios to other implementations of
 * the same work measured in the same run. Absolute numbers vary with the machine and with what else it does; the
 * ratios are medians over rounds in which everyone had a turn.
 */
import { writeFileSync } from "node:fs";
import { Progress } from "../../src/cli/progress.ts";
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
  const { json } = parsed.options;
  // Now, not after minutes of measuring.
  if (json !== undefined) {
    try {
      writeFileSync(json, "[]\n");
    } catch (error) {
      process.stderr.write(`bench: --json ${json}: ${error instanceof Error ? error.message : error}\n`);
      return 2;
    }
  }
  const rows = await measure(parsed.options);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows.map(plainRow), undefined, 2)}\n`);
  process.stdout.write(`${table(rows)}\n`);
  const missed = rows.filter((row) => !meets(row)).length;
  if (missed > 0) process.stdout.write(`\n${missed} of ${rows.length} rows missed their bar\n`);
  return 0;
}

process.exitCode = await main();
