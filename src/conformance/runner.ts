import { VirtioUsageError } from "../base/errors.ts";
import {
  COUNT_FROM_0_RULE,
  COUNT_RULE,
  checkOptions,
  type OptionRules,
  TIMER_MS_RULE,
} from "../base/options.ts";
import { Bench, INTERRUPTED, RunEnd } from "./bench.ts";
import { type CaseDefinition, type CaseInstance, instancesOf } from "./case.ts";
import { clauseResults, SPECIFICATION } from "./clauses/index.ts";
import { type Target, TargetError } from "./device-under-test.ts";
import { DEVICE_MODELS, type DeviceModel } from "./models/index.ts";
import type { CaseResult, RunReport, Verdict } from "./result.ts";
import { VERDICTS } from "./result.ts";
import { targetFault } from "./target/shapes.ts";
import type { RunWitness } from "./witness.ts";

declare const performance: { now(): number };
declare function setTimeout(task: () => void, milliseconds: number): number;

/** For at most so long a run keeps everything else waiting: what shows its progress, what wants to end it. */
const TURN_MS = 50;
const DEFAULT_CASE_TIMEOUT_MS = 20_000;
const DEFAULT_CALL_TIMEOUT_MS = 10_000;

/** Choices for {@link runCases}; all have defaults. */
export interface RunOptions {
  /** Which instances to run, by id. Default all. */
  readonly filter?: (id: string) => boolean;
  /** Runs every `count`-th instance from `index` (0 … count-1) on, of those the filter leaves. */
  readonly shard?: { readonly index: number; readonly count: number };
  /** Default both. */
  readonly formats?: readonly ("split" | "packed")[];
  /** Only these of the target's devices. Default all. */
  readonly devices?: readonly string[];
  /** A case that takes longer hangs, the reset before it included. Default 20000. */
  readonly caseTimeoutMs?: number;
  /** A call into the target that takes longer hangs; `open` may take as long as a case. Default 10000. */
  readonly callTimeoutMs?: number;
  /** Called before every case. */
  readonly onBegin?: (id: string) => void;
  /** Called after every case. */
  readonly onCase?: (result: CaseResult, done: number, total: number) => void;
  /** Ends the run after the case that is running when it says so. */
  readonly cancelled?: () => boolean;
  /** Resolves when the run is to end at once, whatever is running: an `AbortSignal`, as a promise. */
  readonly interrupted?: Promise<unknown>;
}

/** Of what type each is. */
export const RUN_OPTION_RULES: OptionRules<RunOptions> = {
  filter: "function",
  shard: { fields: { index: COUNT_FROM_0_RULE, count: COUNT_RULE }, required: ["index", "count"] },
  formats: { each: { oneOf: ["split", "packed"] } },
  devices: { each: "string" },
  caseTimeoutMs: TIMER_MS_RULE,
  callTimeoutMs: TIMER_MS_RULE,
  onBegin: "function",
  onCase: "function",
  cancelled: "function",
  interrupted: { like: "a promise", has: ["then"] },
};

/**
 * The instances a run would run, in order: those of the target that filter and shard leave.
 *
 * @example
 * ```ts
 * const chosen = selectInstances(target, CASES, { filter: (id) => id.startsWith("split-ring/") });
 * console.log(`${chosen.length} cases`);
 * ```
 */
export function selectInstances(
  target: Pick<TargetFacts, "transport" | "devices" | "models">,
  cases: readonly CaseDefinition[],
  options: RunOptions = {},
): CaseInstance[] {
  checkOptions("runCases", options, RUN_OPTION_RULES);
  const { filter, shard, devices } = options;
  const offered = target.devices.filter((device) => devices?.includes(device) ?? true);
  const instances = instancesOf(cases, { ...target, devices: offered }, options.formats);
  const filtered = filter === undefined ? instances : instances.filter(({ id }) => filter(id));
  return shard === undefined ? filtered : filtered.filter((_, i) => i % shard.count === shard.index);
}

/**
 * Runs cases on a target, one after the other, each on a device that was just reset, and never gives up: a device that
 * crashes, hangs or stays dead after a reset is started anew. A run that could not go on, or was ended, gives a report of
 * what it has, with the reason in `incomplete`.
 *
 * Throws {@link VirtioUsageError} when there is nothing to run, or the target is none, and {@link TargetError} when its
 * first device cannot be started.
 *
 * @example
 * ```ts
 * const report = await runCases(target, CASES);
 * console.log(report.totals);
 * ```
 */
export async function runCases(
  target: Target,
  cases: readonly CaseDefinition[],
  options: RunOptions = {},
): Promise<RunReport> {
  const begin = performance.now();
  const startedAt = new Date().toISOString();
  checkOptions("runCases", options, RUN_OPTION_RULES);
  const fault = targetFault(target);
  if (fault !== null) throw new VirtioUsageError(`runCases: the target is none: ${fault}`);
  const instances = plannedInstances("runCases", target, cases, options);
  const results: CaseResult[] = new Array(instances.length);
  const { incomplete, notes } = await runInstances(target, instances, options, (result, index) => {
    results[index] = result;
  });
  return reportOf(target, cases, results, {
    startedAt,
    ms: Math.round(performance.now() - begin),
    notes,
    ...(incomplete === null ? {} : { incomplete: endedEarly(incomplete, results) }),
  });
}

/** Why a run ended before its end, and how far it came. */
export function endedEarly(reason: string, results: readonly (CaseResult | undefined)[]): string {
  return `${reason}, after ${results.filter((result) => result !== undefined).length} of ${results.length} cases`;
}

/** How a run of some instances ended. */
export interface RunOutcome {
  /** Why it ended before all had run; null when all have. */
  readonly incomplete: string | null;
  readonly notes: readonly string[];
}

/**
 * Runs instances, device by device, so that each is started once. `onResult` is told of each with its index. Rejects with
 * {@link TargetError} when the first device cannot be started.
 */
export async function runInstances(
  target: Target,
  instances: readonly CaseInstance[],
  options: RunOptions,
  onResult: (result: CaseResult, index: number) => void,
  witness?: RunWitness,
): Promise<RunOutcome> {
  const { interrupted } = options;
  const bench = new Bench(target, {
    ...limitsOf(options),
    ...(interrupted === undefined ? {} : { interrupted }),
    ...(witness === undefined ? {} : { witness }),
  });
  let done = 0;
  let turnEnds = performance.now() + TURN_MS;
  let incomplete: string | null = null;
  try {
    for (const index of deviceByDevice(target, instances)) {
      if (performance.now() >= turnEnds) {
        await new Promise<void>((resume) => setTimeout(resume, 0));
        turnEnds = performance.now() + TURN_MS;
      }
      if (options.cancelled?.() === true || bench.interrupted) throw new RunEnd(INTERRUPTED);
      const instance = instances[index] as CaseInstance;
      options.onBegin?.(instance.id);
      const result = await bench.run(instance);
      done++;
      onResult(result, index);
      options.onCase?.(result, done, instances.length);
    }
  } catch (error) {
    if (error instanceof TargetError ? done === 0 : !(error instanceof RunEnd)) throw error;
    incomplete = (error as Error).message;
  } finally {
    await bench.close();
  }
  return { incomplete, notes: bench.notes };
}

/** The limits of a run. */
export function limitsOf({ caseTimeoutMs, callTimeoutMs }: RunOptions): {
  readonly caseTimeoutMs: number;
  readonly callTimeoutMs: number;
} {
  return {
    caseTimeoutMs: caseTimeoutMs ?? DEFAULT_CASE_TIMEOUT_MS,
    callTimeoutMs: callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS,
  };
}

/** What a run knows of a target before it starts any of its devices. */
export type TargetFacts = Pick<Target, "name" | "description" | "transport" | "devices"> & {
  readonly models?: readonly Pick<DeviceModel, "name">[];
};

/** What is going to be run. Throws {@link VirtioUsageError} when that is nothing, or nothing that the kit knows. */
export function plannedInstances(
  where: string,
  target: TargetFacts,
  cases: readonly CaseDefinition[],
  options: RunOptions,
): CaseInstance[] {
  const unknown = options.devices?.find((device) => !target.devices.includes(device));
  if (unknown !== undefined) {
    throw new VirtioUsageError(
      `${where}: devices: ${target.name} has no ${JSON.stringify(unknown)}; it has ${target.devices.join(", ")}`,
    );
  }
  const models = [...(target.models ?? []), ...DEVICE_MODELS].map(({ name }) => name);
  const strange = target.devices.find((device) => !models.includes(device));
  if (strange !== undefined) {
    throw new VirtioUsageError(
      `${where}: the kit has no model of ${JSON.stringify(strange)}, one of the devices of ${target.name}: ` +
        `it knows ${[...new Set(models)].join(", ")}; the target can bring others in models`,
    );
  }
  const instances = selectInstances(target, cases, options);
  if (instances.length > 0) return instances;
  throw new VirtioUsageError(
    `${where}: no case is left to run on ${target.name}: filter and shard leave none`,
  );
}

/**
 * A report of these results, some of which may be missing, in the order of the cases.
 *
 * @example
 * ```ts
 * const results: CaseResult[] = [];
 * await runCases(target, cases, { onCase: (result) => results.push(result) });
 * const report = reportOf(target, cases, results, { startedAt: new Date().toISOString(), ms: 1200 });
 * ```
 */
export function reportOf(
  target: Pick<Target, "name" | "description">,
  cases: readonly CaseDefinition[],
  results: readonly (CaseResult | undefined)[],
  about: Pick<RunReport, "startedAt" | "ms" | "notes" | "incomplete">,
): RunReport {
  const finished = results.filter((result) => result !== undefined);
  const { startedAt, ms, notes = [], incomplete } = about;
  return {
    spec: SPECIFICATION,
    target: target.name,
    description: target.description,
    startedAt,
    ms,
    ...(incomplete === undefined ? {} : { incomplete }),
    ...(notes.length === 0 ? {} : { notes }),
    clauses: clauseResults(finished, cases),
    cases: finished,
    totals: Object.fromEntries(
      VERDICTS.map((verdict) => [verdict, finished.filter((result) => result.verdict === verdict).length]),
    ) as Record<Verdict, number>,
  };
}

/** Indexes of instances, sorted by device; results stay in the order of the cases. */
function deviceByDevice({ devices }: TargetFacts, instances: readonly CaseInstance[]): number[] {
  const rank = (index: number): number => devices.indexOf(instances[index]?.device ?? "");
  return [...instances.keys()].sort((a, b) => rank(a) - rank(b) || a - b);
}
