import { COUNT_FROM_0_RULE, COUNT_RULE, checkOptions, type OptionRules } from "../base/options.ts";
import { VIRTIO_F_RING_PACKED } from "../wire/common.ts";
import { type CaseDefinition, type CaseInstance, CaseRun, instancesOf } from "./case.ts";
import { clauseResults, SPECIFICATION } from "./clauses/index.ts";
import { DeviceGoneError, type DeviceUnderTest, type Target } from "./device-under-test.ts";
import { Guest } from "./guest/index.ts";
import { DEVICE_MODELS, type DeviceModel } from "./models/index.ts";
import type { CaseDetail, CaseResult, RunReport, Verdict } from "./result.ts";
import { VERDICTS } from "./result.ts";
import { CaseSkip, CaseWedged } from "./verdicts.ts";

declare const performance: { now(): number };
declare function setTimeout(task: () => void, milliseconds: number): number;
declare function clearTimeout(timer: number): void;

/** For at most so long a run keeps everything else waiting: what shows its progress, what wants to end it. */
const TURN_MS = 50;
const DEFAULT_CASE_TIMEOUT_MS = 20_000;

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
  /** A case that takes longer hangs. Default 20000. */
  readonly caseTimeoutMs?: number;
  /** Called after every case. */
  readonly onCase?: (result: CaseResult, done: number, total: number) => void;
  /** Ends the run early when it says so. */
  readonly cancelled?: () => boolean;
}

const RULES: OptionRules<RunOptions> = {
  filter: "function",
  shard: { fields: { index: COUNT_FROM_0_RULE, count: COUNT_RULE }, required: ["index", "count"] },
  formats: { each: { oneOf: ["split", "packed"] } },
  devices: { each: "string" },
  caseTimeoutMs: "number",
  onCase: "function",
  cancelled: "function",
};

/** The instances a run would run, in order: those of the target that filter and shard leave. */
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
 * crashes, hangs or stays dead after a reset is started anew.
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
  const instances = selectInstances(target, cases, options);
  // Device by device, so that each is started once; results are in the order of the cases all the same.
  const order = [...instances.keys()].sort(
    (a, b) => deviceRank(target, instances[a]) - deviceRank(target, instances[b]) || a - b,
  );
  const results: CaseResult[] = new Array(instances.length);
  const bench = new Bench(target, options);
  let done = 0;
  let turnEnds = begin + TURN_MS;
  try {
    for (const index of order) {
      if (performance.now() >= turnEnds) {
        await new Promise<void>((resume) => setTimeout(resume, 0));
        turnEnds = performance.now() + TURN_MS;
      }
      if (options.cancelled?.() === true) break;
      const result = await bench.run(instances[index] as CaseInstance);
      results[index] = result;
      options.onCase?.(result, ++done, instances.length);
    }
  } finally {
    await bench.close();
  }
  const finished = results.filter((result) => result !== undefined);
  return {
    spec: SPECIFICATION,
    target: target.name,
    description: target.description,
    startedAt,
    ms: Math.round(performance.now() - begin),
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
  readonly #options: RunOptions;
  readonly #models: readonly DeviceModel[];
  #dut: DeviceUnderTest | null = null;

  constructor(target: Target, options: RunOptions) {
    this.#target = target;
    this.#options = options;
    this.#models = [...(target.models ?? []), ...DEVICE_MODELS];
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

  async close(): Promise<void> {
    const dut = this.#dut;
    this.#dut = null;
    await dut?.close();
  }

  async #judge(instance: CaseInstance): Promise<{ verdict: Verdict; detail: CaseDetail | null }> {
    const { definition, parameters } = instance;
    if (definition.unimplemented === true) {
      return { verdict: "unimplemented", detail: { message: "declared, not written yet" } };
    }
    let guest: Guest | null = null;
    try {
      const dut = await this.#device(instance.device);
      const lacking = lackOf(dut, definition);
      if (lacking !== null) throw new CaseSkip(lacking);
      guest = await Guest.arrive(dut, this.#model(instance.device), instance.format);
      const missing = await missingFeature(guest, instance);
      if (missing !== null) throw new CaseSkip(`feature bit ${missing} is not offered`);
      const run = new CaseRun(guest);
      await this.#inTime(definition.run(run, parameters));
      return run.rejected
        ? { verdict: "reject", detail: { message: "rightly refused, and alive" } }
        : { verdict: "pass", detail: null };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof CaseSkip) return { verdict: "skip", detail: { message } };
      const verdict = error instanceof CaseWedged ? "wedged" : "fail";
      if (!(error instanceof DeviceGoneError)) return { verdict, detail: describe(message, guest) };
      await this.#discard();
      return { verdict: "fail", detail: { ...describe(message, guest), gone: error.how } };
    }
  }

  /** Rejects with {@link DeviceGoneError} when a case does not end. */
  async #inTime(work: Promise<void>): Promise<void> {
    const limit = this.#options.caseTimeoutMs ?? DEFAULT_CASE_TIMEOUT_MS;
    let timer = 0;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DeviceGoneError("hang", `no end after ${limit} ms`)), limit);
    });
    try {
      await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #model(device: string): DeviceModel {
    const model = this.#models.find(({ name }) => name === device);
    if (model === undefined) throw new CaseSkip(`the kit has no model of the device ${device}`);
    return model;
  }

  async #device(name: string): Promise<DeviceUnderTest> {
    if (this.#dut !== null && this.#dut.device !== name) await this.close();
    this.#dut ??= await this.#target.open(name);
    return this.#dut;
  }

  async #discard(): Promise<void> {
    const dut = this.#dut;
    this.#dut = null;
    try {
      await dut?.close();
    } catch {
      // It is gone already.
    }
  }

  /** After a case that hurt, starts the device anew unless a reset brings it back. */
  async #replaceIfDead({ device, format }: CaseInstance): Promise<void> {
    if (this.#dut === null) return;
    try {
      const guest = await Guest.arrive(this.#dut, this.#model(device), format);
      await guest.start();
      if ((await guest.probe()) === null) return;
    } catch {
      // Whatever it is: not fit for more.
    }
    await this.#discard();
  }
}

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
