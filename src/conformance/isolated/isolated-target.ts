import { VirtioUsageError } from "../../base/errors.ts";
import { checkArgument, checkOptions, type OptionRules, TIMER_MS_RULE } from "../../base/options.ts";
import { INTERRUPTED, MAX_STILLBORN } from "../bench.ts";
import type { CaseDefinition, CaseInstance } from "../case.ts";
import { TargetError } from "../device-under-test.ts";
import type { CaseResult, RunReport } from "../result.ts";
import {
  endedEarly,
  limitsOf,
  plannedInstances,
  RUN_OPTION_RULES,
  type RunOptions,
  reportOf,
  type TargetFacts,
} from "../runner.ts";
import { afterTurns } from "../target/within.ts";
import type { IsolatedThread } from "./ports.ts";
import { type ThreadGone, WatchedThread } from "./watched-thread.ts";

declare const performance: { now(): number };

/** So long a run that is interrupted may take to close its device. */
const STOP_MS = 2000;

/** Choices for {@link isolateTarget}: the limits of {@link RunOptions}. */
export type IsolationOptions = Pick<RunOptions, "caseTimeoutMs" | "callTimeoutMs">;

const RULES: OptionRules<IsolationOptions> = {
  caseTimeoutMs: TIMER_MS_RULE,
  callTimeoutMs: TIMER_MS_RULE,
};

/**
 * Starts a thread with a target, in which `serveIsolatedTarget` runs. A target that spins, or takes its thread down, then costs
 * a verdict and a thread, and no run. `start` is called again whenever a new thread is needed. Rejects with
 * {@link TargetError} when there is no target in it. In a browser the page has to be cross-origin isolated, for a
 * SharedArrayBuffer.
 *
 * @example
 * ```ts
 * const target = await isolateTarget(() => new Worker(new URL("./my-device.worker.js", import.meta.url)));
 * const report = await target.run(CASES);
 * target.close();
 * ```
 */
export async function isolateTarget(
  start: () => IsolatedThread,
  options: IsolationOptions = {},
): Promise<IsolatedTarget> {
  checkOptions("isolateTarget", options, RULES);
  checkArgument("isolateTarget", "start", start, "function");
  const { caseTimeoutMs, callTimeoutMs } = limitsOf(options);
  const limits = { caseTimeoutMs, callTimeoutMs: Math.min(callTimeoutMs, caseTimeoutMs) };
  const starting = async () => {
    const { caseTimeoutMs: caseMs, callTimeoutMs: callMs } = limits;
    const thread = new WatchedThread(start(), { stillMs: callMs, stageMs: caseMs + callMs });
    const said = await thread.next();
    if (said.kind === "loaded") return { thread, facts: said.facts };
    thread.end();
    if (said.kind === "gone") throw new TargetError(`the target ${ending(said, "while it is loaded")}`);
    throw new TargetError(
      said.kind === "broken" ? said.message : `its thread says ${said.kind} before it has loaded`,
    );
  };
  const { thread, facts } = await starting();
  return new IsolatedTarget(facts, thread, async () => (await starting()).thread, limits);
}

/**
 * A target in a thread of its own. Made by {@link isolateTarget}.
 *
 * @example
 * ```ts
 * const target = await isolateTarget(() => new Worker(script));
 * console.log(target.name, target.devices);
 * target.close();
 * ```
 */
export class IsolatedTarget implements TargetFacts {
  readonly name: string;
  readonly description: string;
  readonly transport: "mmio" | "pci";
  readonly devices: readonly string[];
  /** Names of the models it brings; the models themselves are in its thread. */
  readonly models: readonly { readonly name: string }[];
  readonly #start: () => Promise<WatchedThread>;
  readonly #limits: Required<IsolationOptions>;
  #thread: WatchedThread | null;

  /** @internal */
  constructor(
    facts: TargetFacts,
    thread: WatchedThread,
    start: () => Promise<WatchedThread>,
    limits: Required<IsolationOptions>,
  ) {
    this.name = facts.name;
    this.description = facts.description;
    this.transport = facts.transport;
    this.devices = facts.devices;
    this.models = facts.models ?? [];
    this.#thread = thread;
    this.#start = start;
    this.#limits = limits;
  }

  /**
   * What `runCases` does, with the target in its thread: the same report, and where the target spins or ends its thread
   * a failed case that says in which call, and a new thread for the next one. Limits are those of {@link isolateTarget}. Throws
   * {@link VirtioUsageError} and {@link TargetError} as `runCases` does.
   */
  async run(
    cases: readonly CaseDefinition[],
    options: Omit<RunOptions, "caseTimeoutMs" | "callTimeoutMs"> = {},
  ): Promise<RunReport> {
    const begin = performance.now();
    const startedAt = new Date().toISOString();
    checkOptions("IsolatedTarget.run", options, RUN_OPTION_RULES);
    const instances = plannedInstances("IsolatedTarget.run", this, cases, options);
    const run = new IsolatedRun(instances, options);
    void options.interrupted?.then(
      () => run.stop(this.#thread),
      () => {},
    );
    while (!run.isOver) {
      const thread = await this.#running(run);
      if (thread === null || run.isOver) break;
      thread.post({ kind: "run", ids: run.left(), ...formatsOf(options), ...this.#limits });
      if (await run.follow(thread)) this.close();
    }
    return reportOf(this, cases, run.results, {
      startedAt,
      ms: Math.round(performance.now() - begin),
      notes: run.notes,
      ...(run.incomplete === null ? {} : { incomplete: endedEarly(run.incomplete, run.results) }),
    });
  }

  /** Ends the thread. Idempotent. */
  close(): void {
    this.#thread?.end();
    this.#thread = null;
  }

  /** The thread, a new one where the last is gone; null when none can be had any more. */
  async #running(run: IsolatedRun): Promise<WatchedThread | null> {
    try {
      this.#thread ??= await this.#start();
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      run.breakOff(error.message);
      return null;
    }
    return this.#thread;
  }
}

/** A run whose cases are in other threads, one after the other. */
class IsolatedRun {
  readonly results: (CaseResult | undefined)[];
  readonly notes: string[] = [];
  /** Why it ended before its end. */
  incomplete: string | null = null;
  readonly #instances: readonly CaseInstance[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #options: RunOptions;
  /** Threads in a row whose first device hung before it could be reset. */
  #stillborn = 0;
  #done = 0;
  #stopped = false;
  #waitNoMore = (): void => {};
  #begun = 0;
  #current: CaseInstance | null = null;

  constructor(instances: readonly CaseInstance[], options: RunOptions) {
    this.#instances = instances;
    this.#options = options;
    this.results = new Array(instances.length).fill(undefined);
    this.#indexes = new Map(instances.map(({ id }, index) => [id, index]));
  }

  get isOver(): boolean {
    return this.#done === this.results.length || this.incomplete !== null;
  }

  /** Ids of the cases that have no result yet. */
  left(): string[] {
    return this.#instances.filter((_, index) => this.results[index] === undefined).map(({ id }) => id);
  }

  /** Ends the run: in order where the thread does as it is told, and soon in any case. */
  stop(thread: WatchedThread | null): void {
    if (this.#stopped || this.isOver) return;
    this.#stopped = true;
    if (thread === null) {
      this.incomplete = INTERRUPTED;
      return;
    }
    thread.post({ kind: "stop" });
    this.#waitNoMore = afterTurns(STOP_MS, () => thread.giveUp(`no end ${STOP_MS} ms after it was to stop`));
  }

  /** The run goes no further. Throws what is wrong when it has not begun. */
  breakOff(reason: string): void {
    if (this.#done === 0) throw new TargetError(reason);
    this.incomplete = reason;
  }

  /** Takes what a thread says until its run ends; returns whether the thread is good for nothing more. */
  async follow(thread: WatchedThread): Promise<boolean> {
    try {
      return (await this.#follow(thread)) || this.#stopped;
    } finally {
      this.#waitNoMore();
    }
  }

  async #follow(thread: WatchedThread): Promise<boolean> {
    this.#begun = performance.now();
    const before = this.#done;
    for (;;) {
      const said = await thread.next();
      switch (said.kind) {
        case "begin":
          this.#begin(said.id);
          break;
        case "result":
          this.#stillborn = 0;
          this.#add(said.result);
          if (this.#options.cancelled?.() === true) this.stop(thread);
          break;
        case "ended":
          this.#note(said.notes);
          this.incomplete = said.incomplete;
          this.#expectAll(said.incomplete);
          return false;
        case "broken":
          this.breakOff(said.message);
          return false;
        case "gone":
          this.#lost(said, thread, this.#done === before);
          return true;
        case "loaded":
      }
    }
  }

  #begin(id: string): void {
    const instance = this.#instances[this.#indexes.get(id) ?? -1] ?? null;
    this.#current = instance;
    this.#begun = performance.now();
    if (instance !== null) this.#options.onBegin?.(id);
  }

  #add(result: CaseResult): void {
    const index = this.#indexes.get(result.id);
    if (index === undefined || this.results[index] !== undefined) return;
    this.results[index] = result;
    this.#current = null;
    this.#done++;
    this.#options.onCase?.(result, this.#done, this.results.length);
  }

  #note(notes: readonly string[]): void {
    for (const note of notes) if (!this.notes.includes(note)) this.notes.push(note);
  }

  #expectAll(incomplete: string | null): void {
    if (incomplete !== null || this.#done === this.results.length) return;
    throw new VirtioUsageError(
      `IsolatedTarget.run: the thread of ${this.#instances.length} cases does not know ${this.left()[0]}: both sides need ` +
        "the same cases",
    );
  }

  /** The thread is gone: what it was at says what that means. */
  #lost(gone: ThreadGone, { journal }: WatchedThread, isFirst: boolean): void {
    const { currentStage: stage, pendingCall } = journal;
    const call = pendingCall === "" ? "" : `in ${pendingCall}`;
    if (this.#stopped) {
      this.incomplete = INTERRUPTED;
      return;
    }
    switch (stage) {
      case "arriving":
      case "running":
      case "discarding": {
        const { how } = gone;
        const instance = this.#current;
        if (instance === null) return;
        this.#stillborn = isFirst && how === "hang" && stage === "arriving" ? this.#stillborn + 1 : 0;
        this.#add({
          id: instance.id,
          verdict: "fail",
          ms: Math.round((performance.now() - this.#begun) * 100) / 100,
          clauses: instance.definition.clauses,
          title: instance.definition.title,
          detail: { message: ending(gone, call), gone: how, timeline: journal.entries(), rings: [] },
        });
        if (this.#stillborn >= MAX_STILLBORN && !this.isOver) {
          this.incomplete = `${this.#stillborn} devices in a row hung before they were reset`;
        }
        return;
      }
      case "closing":
        this.#note([`${pendingCall || "close()"} ${ending(gone, "")}`]);
        return;
      case "checking":
        return;
      case "idle":
      case "loading":
      case "opening":
        this.breakOff(`${pendingCall || "the target"} ${ending(gone, "")}`);
    }
  }
}

/** `hangs in …: it spins`. */
function ending({ how, message }: ThreadGone, where: string): string {
  const verb = how === "hang" ? "hangs" : "crashes";
  return `${verb}${where === "" ? "" : ` ${where}`}: ${message}`;
}

function formatsOf({ formats }: RunOptions): Pick<RunOptions, "formats"> {
  return formats === undefined ? {} : { formats };
}
