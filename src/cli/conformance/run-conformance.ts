import { INTERRUPTED } from "../../conformance/bench.ts";
import {
  CASES,
  type CaseDefinition,
  type IsolatedTarget,
  type RunOptions,
  type RunReport,
  runCases,
  type Target,
  TargetError,
  type TargetFacts,
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
import { type ConformanceOptions, limitsFor, type TargetName } from "./options.ts";
import { type Selection, selectCases } from "./select.ts";
import { openSpecification, type SpecificationCopy } from "./spec/wording.ts";
import { StrayErrors } from "./stray-errors.ts";
import { isolatedTarget } from "./targets/isolated.ts";
import { openTarget } from "./targets/open.ts";

const EXIT_FINDINGS = 1;
const EXIT_INTERRUPTED = 130;

/** What a run is made of; tests bring their own. */
export interface Kit {
  readonly cases: readonly CaseDefinition[];
  /** Rejects with {@link UsageError} when there is no such thing here. */
  openTarget(name: TargetName, options: ConformanceOptions): Promise<Target> | Target;
  /** The same in a thread of its own, for `--isolate`. Default: a thread that opens it by its name. */
  isolateTarget?(name: TargetName, options: ConformanceOptions): Promise<IsolatedTarget>;
  /** Throws {@link UsageError} when it is not a copy of the specification. Default: reads the directory. */
  openSpecification?(directory: string): SpecificationCopy;
}

const KIT: Kit = { cases: CASES, openTarget };

/** A target, in this thread or in one of its own. */
interface Subject {
  readonly facts: TargetFacts;
  run(options: RunOptions): Promise<RunReport>;
  close(): void;
}

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
  const subjects: Subject[] = [];
  try {
    for (const name of options.target) subjects.push(await openSubject(name, options, kit));
    await runSubjects(subjects, options, console, kit, wordingOf);
  } finally {
    for (const subject of subjects) subject.close();
  }
}

async function openSubject(name: TargetName, options: ConformanceOptions, kit: Kit): Promise<Subject> {
  if (options.isolate) {
    const target = await (kit.isolateTarget ?? isolatedTarget)(name, options);
    return { facts: target, run: (run) => target.run(kit.cases, run), close: () => target.close() };
  }
  const target = await kit.openTarget(name, options);
  const limits = limitsFor(options.timeout);
  return { facts: target, run: (run) => runCases(target, kit.cases, { ...run, ...limits }), close: () => {} };
}

async function runSubjects(
  subjects: readonly Subject[],
  options: ConformanceOptions,
  console: Console,
  kit: Kit,
  wordingOf: WordingOf | undefined,
): Promise<void> {
  const targets = subjects.map(({ facts }) => facts);
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
  const { reports, interrupted, failure } = await runAll(selections, subjects, console);
  for (const [index, report] of reports.entries()) {
    const { all } = selections[index] as Selection;
    const own = (some: readonly Expectations[]) =>
      some.find(({ target }) => target === report.target) ?? null;
    const found = expectationsOf(report, own(before) ?? own(expected), all);
    written.push(found);
    const measure = options.expect === undefined && outputs.expect !== null ? found : own(expected);
    runs.push({ report, judgement: judge(report, measure, all, wordingOf) });
  }
  // What an incomplete run has found says nothing about others.
  const ended = reports.find(({ incomplete }) => incomplete !== undefined);
  const wrong = failure ?? (ended === undefined ? null : `${ended.target}: ${ended.incomplete}.`);
  const files = wrong === null ? outputs : { ...outputs, expect: null };
  write(runs, keepOthers(before, written), files, console);
  if (interrupted) throw new ExitCode(EXIT_INTERRUPTED);
  if (wrong !== null) throw new UsageError(wrong);
  if (options.expect === undefined) checkTested(reports);
  if (runs.some(({ judgement }) => judgement.findings.length > 0)) throw new ExitCode(EXIT_FINDINGS);
}

/** A run of which nothing came to a verdict would look like one without findings. */
function checkTested(reports: readonly RunReport[]): void {
  const cases = reports.flatMap((report) => report.cases);
  if (cases.some(({ verdict }) => verdict !== "skip" && verdict !== "unimplemented")) return;
  const reason = cases.find(({ detail }) => detail !== null)?.detail?.message;
  throw new UsageError(
    `nothing was tested: all ${cases.length} cases were skipped${reason === undefined ? "" : `, the first since ${reason}`}.`,
  );
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

function expectationsFor(path: string, targets: readonly TargetFacts[]): Expectations[] {
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
  subjects: readonly Subject[],
  console: Console,
): Promise<{ reports: readonly RunReport[]; interrupted: boolean; failure: string | null }> {
  const progress = new LiveProgress(process.stderr, console);
  let interrupted = false;
  let failure: string | null = null;
  let broken = false;
  let end = (): void => {};
  const ending = new Promise<void>((resolve) => {
    end = resolve;
  });
  const interrupt = (): void => {
    interrupted = true;
    end();
  };
  process.once("SIGINT", interrupt);
  const stray = new StrayErrors();
  stray.first.then(() => {
    broken = true;
    end();
  });
  const reports: RunReport[] = [];
  try {
    for (const { target, run } of selections) {
      const subject = subjects.find(({ facts }) => facts === target);
      if (interrupted || broken || subject === undefined) break;
      progress.begin(target.name);
      reports.push(
        await subject.run({
          ...run,
          onCase: (result, done, total) => progress.add(result, done, total),
          cancelled: () => interrupted || broken,
          interrupted: ending,
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
    await stray.close();
    process.off("SIGINT", interrupt);
    progress.stop();
  }
  const last = reports.at(-1);
  if (stray.summary !== null && last !== undefined) {
    const why = `an error outside of any call, in a timer or a promise, ended the run: ${stray.summary}`;
    const { incomplete = INTERRUPTED } = last;
    reports[reports.length - 1] = { ...last, incomplete: incomplete.replace(INTERRUPTED, () => why) };
    failure ??= `${last.target}: ${why}.`;
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
