import { messageOf } from "../base/brands.ts";
import { VirtioBugError } from "../base/errors.ts";
import { VIRTIO_F_RING_PACKED } from "../wire/common.ts";
import { type CaseDefinition, type CaseInstance, CaseRun } from "./case.ts";
import { DeviceGoneError, type DeviceUnderTest, type Target, TargetError } from "./device-under-test.ts";
import { Guest } from "./guest/index.ts";
import { guardedModel } from "./models/check-model.ts";
import { DEVICE_MODELS, type DeviceModel } from "./models/index.ts";
import type { CaseDetail, CaseResult, Verdict } from "./result.ts";
import { GuardedDevice } from "./target/guarded-device.ts";
import { within } from "./target/within.ts";
import { CaseSkip, CaseWedged } from "./verdicts.ts";
import type { RunStage, RunWitness } from "./witness.ts";

declare const performance: { now(): number };

/** After so many devices in a row that hang as soon as they are started, no more are. */
export const MAX_STILLBORN = 3;

/** Why a run ends that somebody interrupts. */
export const INTERRUPTED = "the run was interrupted";

/** The run ends here; the message says why. */
export class RunEnd extends Error {}

/** What a {@link Bench} goes by. */
export interface BenchOptions {
  readonly caseTimeoutMs: number;
  readonly callTimeoutMs: number;
  /** Resolves when the run is to end at once. */
  readonly interrupted?: Promise<unknown>;
  readonly witness?: RunWitness;
}

/** Where cases are run: keeps a device running for as long as it is fit. */
export class Bench {
  readonly #target: Target;
  readonly #models: readonly DeviceModel[];
  readonly #caseTimeoutMs: number;
  readonly #callTimeoutMs: number;
  readonly #interruption: Promise<never>;
  /** What is worth a line and belongs to no case. */
  readonly notes: string[] = [];
  /** Whether the run is to end at once. */
  interrupted = false;
  readonly #witness: RunWitness | null;
  #device: GuardedDevice | null = null;
  /** A case that hurt: whether the device survived it is looked into before the next. */
  #suspect: CaseInstance | null = null;
  /** Devices in a row that hung before they could be reset. */
  #stillborn = 0;

  constructor(target: Target, { caseTimeoutMs, callTimeoutMs, interrupted, witness }: BenchOptions) {
    this.#target = target;
    this.#models = [...(target.models ?? []), ...DEVICE_MODELS].map(guardedModel);
    this.#caseTimeoutMs = caseTimeoutMs;
    this.#callTimeoutMs = Math.min(callTimeoutMs, caseTimeoutMs);
    this.#witness = witness ?? null;
    this.#interruption = new Promise((_, reject) => {
      interrupted?.then(() => {
        this.interrupted = true;
        reject(new RunEnd(INTERRUPTED));
      }, ofNoInterest);
    });
    // Whoever waits for it is told; when nobody does it is not a failure.
    this.#interruption.catch(ofNoInterest);
  }

  async run(instance: CaseInstance): Promise<CaseResult> {
    const suspect = this.#suspect;
    this.#suspect = null;
    if (suspect !== null) await this.#replaceIfDead(suspect, instance.device);
    const begin = performance.now();
    const { verdict, detail } = await this.#judge(instance);
    if (verdict !== "pass" && verdict !== "skip" && verdict !== "unimplemented") this.#suspect = instance;
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
    this.#witness?.stage("closing");
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
      this.#witness?.stage("arriving");
      const rejected = await this.#inTime(async () => {
        guest = await Guest.arrive(dut, this.#model(instance.device), instance.format, this.#witness);
        this.#witness?.stage("running");
        const missing = await missingFeature(guest, instance);
        if (missing !== null) throw new CaseSkip(`feature bit ${missing} is not offered`);
        const run = new CaseRun(guest);
        await definition.run(run, parameters);
        return run.rejected;
      });
      this.#stillborn = 0;
      if (this.#running.broken !== null) throw this.#running.broken;
      return rejected
        ? { verdict: "reject", detail: { message: "rightly refused, and alive" } }
        : { verdict: "pass", detail: null };
    } catch (error) {
      if (error instanceof RunEnd || error instanceof TargetError) throw error;
      // Whatever the case made of it.
      const broken = this.#device?.broken ?? null;
      if (broken !== null) throw broken;
      const message = messageOf(error);
      if (error instanceof CaseSkip) return { verdict: "skip", detail: { message } };
      const verdict = error instanceof CaseWedged ? "wedged" : "fail";
      if (!(error instanceof DeviceGoneError)) return { verdict, detail: describe(message, guest) };
      await this.#discard(error, "discarding");
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
    this.#witness?.stage("opening");
    const limitMs = Math.max(this.#caseTimeoutMs, this.#callTimeoutMs);
    const opening = GuardedDevice.open(this.#target, name, limitMs, this.#witness);
    try {
      this.#device = await Promise.race([opening, this.#interruption]);
    } catch (error) {
      if (error instanceof RunEnd) opening.then((late) => late.close(), ofNoInterest);
      throw error;
    }
    this.#device.limitCalls(this.#callTimeoutMs);
    return true;
  }

  async #discard(reason: DeviceGoneError, stage: RunStage): Promise<void> {
    const device = this.#device;
    this.#device = null;
    this.#witness?.stage(stage);
    device?.abandon(reason);
    // It is gone already: what its end comes to says nothing new.
    await device?.close();
  }

  /** Starts the device anew unless a reset brings it back, or another is needed anyway. */
  async #replaceIfDead({ device, format }: CaseInstance, next: string): Promise<void> {
    if (this.#device === null || next !== device) return;
    const { dut } = this.#device;
    this.#witness?.stage("checking");
    try {
      const wrong = await this.#inTime(async () => {
        const guest = await Guest.arrive(dut, this.#model(device), format);
        await guest.start();
        return guest.probe();
      });
      if (wrong === null) return;
    } catch (error) {
      if (error instanceof RunEnd) return;
      if (error instanceof TargetError) throw error;
      // Whatever it is: not fit for more.
    }
    await this.#discard(new DeviceGoneError("crash", "the device is being started anew"), "checking");
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
