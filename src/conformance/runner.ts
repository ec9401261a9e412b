import { messageOf } from "../base/brands.ts";
import { VirtioBugError, VirtioUsageError } from "../base/errors.ts";
import { COUNT_FROM_0_RULE, COUNT_RULE, checkOptions, type OptionRules } from "../base/options.ts";
import { VIRTIO_F_RING_PACKED } from "../wire/common.ts";
import { type CaseDefinition, type CaseInstance, CaseRun, instancesOf } from "./case.ts";
import { clauseResults, SPECIFICATION } from "./clauses/index.ts";
import { DeviceGoneError, type DeviceUnderTest, type Target, TargetError } from "./device-under-test.ts";
import { Guest } from "./guest/index.ts";
import { DEVICE_MODELS, type DeviceModel } from "./models/index.ts";
import type { CaseDetail, CaseResult, RunReport, Verdict } from "./result.ts";
import { VERDICTS } from "./result.ts";
import { GuardedDevice, within } from "./target/guarded-device.ts";
import { targetFault } from "./target/shapes.ts";
import { CaseSkip, CaseWedged } from "./verdicts.ts";

declare const performance: { now(): number };
declare function setTimeout(task: () => void, milliseconds: number): number;

/** For at most so long a run keeps everything else waiting: what shows its progress, what wants to end it. */
const TURN_MS = 50;
const DEFAULT_CASE_TIMEOUT_MS = 20_000;
const DEFAULT_CALL_TIMEOUT_MS = 10_000;
/** After so many devices in a row that hang as soon as they are started, no more are. */
const MAX_STILLBORN = 3;

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

const RULES: OptionRules<RunOptions> = {
  filter: "function",
  shard: { fields: { index: COUNT_FROM_0_RULE, count: COUNT_RULE }, required: ["index", "count"] },
  formats: { each: { oneOf: ["split", "packed"] } },
  devices: { each: "string" },
  caseTimeoutMs: "number",
  callTimeoutMs: "number",
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
  target: Pick<Target, "transport" | "devices" | "models">,
  cases: readonly CaseDefinition[],
  options: RunOptions = {},
): CaseInstance[] {
  checkOptions("runCases", options, RULES);
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
  checkOptions("runCases", options, RULES);
  checkTarget(target, options);
  const instances = selectInstances(target, cases, options);
  if (instances.length === 0) {
    throw new VirtioUsageError(
      `runCases: no case is left to run on ${target.name}: filter and shard leave none`,
    );
  }
  // Device by device, so that each is started once; results are in the order of the cases all the same.
  const order = [...instances.keys()].sort(
    (a, b) => deviceRank(target, instances[a]) - deviceRank(target, instances[b]) || a - b,
  );
  const results: CaseResult[] = new Array(instances.length);
  const bench = new Bench(target, options);
  let done = 0;
  let turnEnds = begin + TURN_MS;
  let incomplete: string | null = null;
  try {
    for (const index of order) {
      if (performance.now() >= turnEnds) {
        await new Promise<void>((resume) => setTimeout(resume, 0));
        turnEnds = performance.now() + TURN_MS;
      }
      if (options.cancelled?.() === true || bench.interrupted) throw new RunEnd(INTERRUPTED);
      const instance = instances[index] as CaseInstance;
      options.onBegin?.(instance.id);
      const result = await bench.run(instance);
      results[index] = result;
      done++;
      options.onCase?.(result, done, instances.length);
    }
  } catch (error) {
    if (error instanceof TargetError ? done === 0 : !(error instanceof RunEnd)) throw error;
    incomplete = (error as Error).message;
  } finally {
    await bench.close();
  }
  return reportOf(target, cases, results, {
    startedAt,
    ms: Math.round(performance.now() - begin),
    notes: bench.notes,
    ...(incomplete === null
      ? {}
      : { incomplete: `${incomplete}, after ${done} of ${instances.length} cases` }),
  });
}

const INTERRUPTED = "the run was interrupted";

/** The run ends here; the message says why. */
class RunEnd extends Error {}

function checkTarget(target: Target, options: RunOptions): void {
  const fault = targetFault(target);
  if (fault !== null) throw new VirtioUsageError(`runCases: the target is none: ${fault}`);
  const unknown = options.devices?.find((device) => !target.devices.includes(device));
  if (unknown !== undefined) {
    throw new VirtioUsageError(
      `runCases: devices: ${target.name} has no ${JSON.stringify(unknown)}; it has ${target.devices.join(", ")}`,
    );
  }
  const models = [...(target.models ?? []), ...DEVICE_MODELS].map(({ name }) => name);
  const strange = target.devices.find((device) => !models.includes(device));
  if (strange !== undefined) {
    throw new VirtioUsageError(
      `runCases: the kit has no model of ${JSON.stringify(strange)}, one of the devices of ${target.name}: ` +
        `it knows ${[...new Set(models)].join(", ")}; the target can bring others in models`,
    );
  }
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

function deviceRank(target: Target, instance: CaseInstance | undefined): number {
  return target.devices.indexOf(instance?.device ?? "");
}

/** Where cases are run: keeps a device running for as long as it is fit. */
class Bench {
  readonly #target: Target;
  readonly #models: readonly DeviceModel[];
  readonly #caseTimeoutMs: number;
  readonly #callTimeoutMs: number;
  readonly #interruption: Promise<never>;
  /** What is worth a line and belongs to no case. */
  readonly notes: string[] = [];
  /** Whether the run is to end at once. */
  interrupted = false;
  #device: GuardedDevice | null = null;
  /** Devices in a row that hung before they could be reset. */
  #stillborn = 0;

  constructor(target: Target, options: RunOptions) {
    const { caseTimeoutMs = DEFAULT_CASE_TIMEOUT_MS, callTimeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options;
    this.#target = target;
    this.#models = [...(target.models ?? []), ...DEVICE_MODELS];
    this.#caseTimeoutMs = caseTimeoutMs;
    this.#callTimeoutMs = Math.min(callTimeoutMs, caseTimeoutMs);
    this.#interruption = new Promise((_, reject) => {
      options.interrupted?.then(() => {
        this.interrupted = true;
        reject(new RunEnd(INTERRUPTED));
      }, ofNoInterest);
    });
    // Whoever waits for it is told; when nobody does it is no failure.
    this.#interruption.catch(ofNoInterest);
  }

  async run(instance: CaseInstance): Promise<CaseResult> {
    const begin = performance.now();
    const { verdict, detail } = await this.#judge(instance);
    if (verdict !== "pass" && verdict !== "skip" && verdict !== "unimplemented")
      await this.#replaceIfDead(instance);
    return {
      id: instance.id,
      verdict,
      ms: Math.round((performance.now() - begin) * 100) / 100,
      clauses: instance.definition.clauses,
      title: instance.definition.title,
      detail,
    };
  }

  /** Ends the device. What goes wrong with that costs no result. */
  async close(): Promise<void> {
    const device = this.#device;
    this.#device = null;
    const wrong = (await device?.close()) ?? null;
    if (wrong !== null && !this.notes.includes(wrong)) this.notes.push(wrong);
  }

  async #judge(instance: CaseInstance): Promise<{ verdict: Verdict; detail: CaseDetail | null }> {
    const { definition, parameters } = instance;
    if (definition.unimplemented === true) {
      return { verdict: "unimplemented", detail: { message: "declared, not written yet" } };
    }
    let guest: Guest | null = null;
    const fresh = await this.#start(instance.device);
    const { dut } = this.#running;
    try {
      const lacking = lackOf(dut, definition);
      if (lacking !== null) throw new CaseSkip(lacking);
      const rejected = await this.#inTime(async () => {
        guest = await Guest.arrive(dut, this.#model(instance.device), instance.format);
        const missing = await missingFeature(guest, instance);
        if (missing !== null) throw new CaseSkip(`feature bit ${missing} is not offered`);
        const run = new CaseRun(guest);
        await definition.run(run, parameters);
        return run.rejected;
      });
      this.#stillborn = 0;
      return rejected
        ? { verdict: "reject", detail: { message: "rightly refused, and alive" } }
        : { verdict: "pass", detail: null };
    } catch (error) {
      if (error instanceof RunEnd) throw error;
      const message = messageOf(error);
      if (error instanceof CaseSkip) return { verdict: "skip", detail: { message } };
      const verdict = error instanceof CaseWedged ? "wedged" : "fail";
      if (!(error instanceof DeviceGoneError)) return { verdict, detail: describe(message, guest) };
      await this.#discard(error);
      // Hung before the reset was over: another device of the kind will do no better for ever.
      this.#stillborn = fresh && guest === null && error.how === "hang" ? this.#stillborn + 1 : 0;
      return { verdict: "fail", detail: { ...describe(message, guest), gone: error.how } };
    }
  }

  /**
   * Rejects with {@link DeviceGoneError} when it takes too long, and with {@link RunEnd} when the run is to end. The case
   * is left behind; the device's guard ends it at its next call.
   */
  #inTime<T>(work: () => Promise<T>): Promise<T> {
    const limitMs = this.#caseTimeoutMs;
    const late = (): Error => {
      const call = this.#device?.pendingCall ?? "";
      return new DeviceGoneError(
        "hang",
        `hangs${call === "" ? "" : ` in ${call}`}: no end after ${limitMs} ms`,
      );
    };
    return within(Promise.race([work(), this.#interruption]), limitMs, late);
  }

  #model(device: string): DeviceModel {
    const model = this.#models.find(({ name }) => name === device);
    if (model === undefined) throw new CaseSkip(`the kit has no model of the device ${device}`);
    return model;
  }

  get #running(): GuardedDevice {
    if (this.#device === null) throw new VirtioBugError("no device was started");
    return this.#device;
  }

  /** Starts the device unless it runs; returns whether it had to. */
  async #start(name: string): Promise<boolean> {
    if (this.#device !== null && this.#device.dut.device !== name) await this.close();
    if (this.#device !== null) return false;
    if (this.#stillborn >= MAX_STILLBORN) {
      throw new RunEnd(`${this.#stillborn} devices in a row hung before they were reset`);
    }
    const opening = GuardedDevice.open(
      this.#target,
      name,
      Math.max(this.#caseTimeoutMs, this.#callTimeoutMs),
    );
    try {
      this.#device = await Promise.race([opening, this.#interruption]);
    } catch (error) {
      if (error instanceof RunEnd) opening.then((late) => late.close(), ofNoInterest);
      throw error;
    }
    this.#device.limitCalls(this.#callTimeoutMs);
    return true;
  }

  async #discard(reason: DeviceGoneError): Promise<void> {
    const device = this.#device;
    this.#device = null;
    device?.abandon(reason);
    // It is gone already: what its end comes to says nothing new.
    await device?.close();
  }

  /** After a case that hurt, starts the device anew unless a reset brings it back. */
  async #replaceIfDead({ device, format }: CaseInstance): Promise<void> {
    if (this.#device === null) return;
    const { dut } = this.#device;
    try {
      const wrong = await this.#inTime(async () => {
        const guest = await Guest.arrive(dut, this.#model(device), format);
        await guest.start();
        return guest.probe();
      });
      if (wrong === null) return;
    } catch (error) {
      if (error instanceof RunEnd) return;
      // Whatever it is: not fit for more.
    }
    await this.#discard(new DeviceGoneError("crash", "the device is being started anew"));
  }
}

function ofNoInterest(): void {}

/** What the target cannot do that the case needs; null when nothing. */
function lackOf(dut: DeviceUnderTest, { needs = {} }: CaseDefinition): string | null {
  if (needs.pixels === true && dut.screenshot === undefined) return "the device's pixels cannot be seen";
  if (needs.displayChange === true && dut.changeDisplay === undefined) {
    return "the device's monitors cannot be changed";
  }
  return null;
}

async function missingFeature(guest: Guest, { definition, format }: CaseInstance): Promise<number | null> {
  const needed = [...(definition.needs?.features ?? [])];
  if (format === "packed") needed.push(VIRTIO_F_RING_PACKED);
  if (needed.length === 0) return null;
  const offered = await guest.offeredFeatures();
  return needed.find((bit) => !offered.has(bit)) ?? null;
}

function describe(message: string, guest: Guest | null): CaseDetail {
  if (guest === null) return { message };
  let rings: CaseDetail["rings"] = [];
  try {
    rings = [...guest.rings.values()].map((ring) => ring.snapshot());
  } catch {
    // The memory went away with the device.
  }
  return { message, timeline: guest.timeline.entries(), rings };
}
