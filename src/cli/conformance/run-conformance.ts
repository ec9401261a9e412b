import {
  CASES,
  type CaseDefinition,
  type RunReport,
  runCases,
  type Target,
  TargetError,
  type WordingOf,
} from "../../conformance/index.ts";
import {
  type Expectations,
  expectationsOf,
  formatExpectations,
  formatHtml,
  formatJson,
  formatJunit,
  formatTable,
  type JudgedRun,
  judge,
} from "../../conformance/reports/index.ts";
import { type Console, styleFor } from "../console.ts";
import { ExitCode } from "../exit-code.ts";
import { writeOutput } from "../outputs.ts";
import { UsageError } from "../usage-error.ts";
import { explain } from "./explain.ts";
import { type Outputs, openReports, readExpectations, readIfThere } from "./files.ts";
import { LiveProgress } from "./live-progress.ts";
import type { ConformanceOptions, TargetName } from "./options.ts";
import { type Selection, selectCases } from "./select.ts";
import { openSpecification, type SpecificationCopy } from "./spec/wording.ts";
import { builtinTarget } from "./targets/builtin.ts";
import { moduleTarget } from "./targets/module.ts";
import { qemuTarget } from "./targets/qemu.ts";

const EXIT_FINDINGS = 1;
const EXIT_INTERRUPTED = 130;

/** What a run is made of; tests bring their own. */
export interface Kit {
  readonly cases: readonly CaseDefinition[];
  /** Rejects with {@link UsageError} when there is no such thing here. */
  openTarget(name: TargetName, options: ConformanceOptions): Promise<Target> | Target;
  /** Throws {@link UsageError} when it is no copy of the specification. Default: reads the directory. */
  openSpecification?(directory: string): SpecificationCopy;
}

const KIT: Kit = {
  cases: CASES,
  openTarget(name, { qemu }) {
    switch (name) {
      case "builtin-mmio":
        return builtinTarget("mmio");
      case "builtin-pci":
        return builtinTarget("pci");
      case "qemu-mmio":
      case "qemu-pci":
        return qemuTarget(name, { qemuPath: qemu });
      default:
        return moduleTarget(name);
    }
  },
};

/**
 * Runs the command. Throws {@link ExitCode} 1 when there are findings, and {@link UsageError} when something was
 * asked for that cannot be done, which is found out before anything runs.
 */
export async function runConformance(
  options: ConformanceOptions,
  console: Console,
  kit: Kit = KIT,
): Promise<void> {
  const wordingOf = options.spec === undefined ? undefined : wordingFrom(options.spec, kit, console);
  if (options.explain !== undefined) {
    console.out(explain(options.explain, wordingOf));
    return;
  }
  checkQemu(options);
  const targets: Target[] = [];
  for (const name of options.target) targets.push(await kit.openTarget(name, options));
  const selections = selectCases(targets, kit.cases, options);
  if (options.list) {
    list(selections, console);
    return;
  }
  const expected = options.expect === undefined ? [] : expectationsFor(options.expect, targets);
  const before = options.writeExpect === undefined ? [] : readIfThere(options.writeExpect, "--write-expect");
  const outputs = openReports(options);

  const runs: JudgedRun[] = [];
  const written: Expectations[] = [];
  const { reports, interrupted, failure } = await runAll(selections, kit.cases, console);
  for (const [index, report] of reports.entries()) {
    const { all } = selections[index] as Selection;
    const own = (some: readonly Expectations[]) =>
      some.find(({ target }) => target === report.target) ?? null;
    const found = expectationsOf(report, own(before) ?? own(expected), all);
    written.push(found);
    const measure = options.expect === undefined && outputs.expect !== null ? found : own(expected);
    runs.push({ report, judgement: judge(report, measure, all, wordingOf) });
  }
  // What an incomplete run has found is no measure for others.
  const ended = reports.find(({ incomplete }) => incomplete !== undefined);
  const wrong = failure ?? (ended === undefined ? null : `${ended.target}: ${ended.incomplete}.`);
  const files = wrong === null ? outputs : { ...outputs, expect: null };
  write(runs, keepOthers(before, written), files, console);
  if (interrupted) throw new ExitCode(EXIT_INTERRUPTED);
  if (wrong !== null) throw new UsageError(wrong);
  if (runs.some(({ judgement }) => judgement.findings.length > 0)) throw new ExitCode(EXIT_FINDINGS);
}

/** Findings have their wording from a copy that is checked before anything runs. */
function wordingFrom(directory: string, kit: Kit, console: Console): WordingOf {
  const { wordingOf, warning } = (kit.openSpecification ?? openSpecification)(directory);
  if (warning !== null) console.error(`${warning}.\n`);
  return wordingOf;
}

function checkQemu({ qemu, target }: ConformanceOptions): void {
  if (qemu === "") throw new UsageError("--qemu is empty: give the path of a qemu-system-x86_64.");
  if (qemu !== undefined && !target.some((name) => name.startsWith("qemu-"))) {
    throw new UsageError("--qemu is for the targets qemu-mmio and qemu-pci: choose one with --target.");
  }
}

function list(selections: readonly Selection[], console: Console): void {
  const titles = new Map(
    selections.flatMap(({ instances }) => instances).map(({ id, definition }) => [id, definition.title]),
  );
  const style = styleFor(console.outIsTerminal);
  const lines = [...titles].map(([id, title]) =>
    console.outIsTerminal ? `${id}  ${style.dim(title)}\n` : `${id}\n`,
  );
  console.out(lines.join(""));
}

function expectationsFor(path: string, targets: readonly Target[]): Expectations[] {
  const expected = readExpectations(path, "--expect");
  if (targets.some(({ name }) => expected.some(({ target }) => target === name))) return expected;
  const about = expected.map(({ target }) => target).join(", ");
  throw new UsageError(
    `${path} is about ${about || "no target"}, not about ${targets.map(({ name }) => name).join(", ")}.`,
  );
}

/** Expectations of targets that did not run stay where they are. */
function keepOthers(before: readonly Expectations[], written: readonly Expectations[]): Expectations[] {
  const isWritten = ({ target }: Expectations) => written.some((one) => one.target === target);
  return [...before.filter((one) => !isWritten(one)), ...written];
}

/** Runs one target after the other. What there is when the user interrupts is kept, and marked as incomplete. */
async function runAll(
  selections: readonly Selection[],
  cases: readonly CaseDefinition[],
  console: Console,
): Promise<{ reports: readonly RunReport[]; interrupted: boolean; failure: string | null }> {
  const progress = new LiveProgress(process.stderr, console);
  let interrupted = false;
  let failure: string | null = null;
  let interrupt = (): void => {};
  const interruption = new Promise<void>((resolve) => {
    interrupt = () => {
      interrupted = true;
      resolve();
    };
  });
  process.once("SIGINT", interrupt);
  const reports: RunReport[] = [];
  try {
    for (const { target, run } of selections) {
      if (interrupted) break;
      progress.begin(target.name);
      reports.push(
        await runCases(target, cases, {
          ...run,
          onCase: (result, done, total) => progress.add(result, done, total),
          cancelled: () => interrupted,
          interrupted: interruption,
        }),
      );
    }
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    const { target } = selections[reports.length] as Selection;
    failure = `${target.name} cannot be tested: ${error.message.replace(/\.$/, "")}.`;
    // What was found out about others is worth keeping.
    if (reports.length === 0) throw new UsageError(failure);
  } finally {
    process.off("SIGINT", interrupt);
    progress.stop();
  }
  return { reports, interrupted, failure };
}

function write(
  runs: readonly JudgedRun[],
  expectations: readonly Expectations[],
  { json, junit, html, expect }: Outputs,
  console: Console,
): void {
  if (json !== null) writeOutput(json, formatJson(runs), console);
  if (junit !== null) writeOutput(junit, formatJunit(runs), console);
  if (html !== null) writeOutput(html, formatHtml(runs), console);
  if (expect !== null) writeOutput(expect, formatExpectations(expectations), console);
  if ([json, junit, html, expect].includes("stdout")) return;
  console.out(formatTable(runs, styleFor(console.outIsTerminal)));
}
