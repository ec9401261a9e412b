import type { MaybeLater } from "../../base/later.ts";
import { checkArgument, type OptionRule } from "../../base/options.ts";
import { type CaseDefinition, instancesOf } from "../case.ts";
import { type Target, TargetError } from "../device-under-test.ts";
import { runInstances } from "../runner.ts";
import { oneLine } from "../target/guarded-device.ts";
import { targetFault } from "../target/shapes.ts";
import { Journal } from "./journal.ts";
import { type FromTarget, ofKind, type ToTarget } from "./messages.ts";
import { type IsolationPort, onMessage } from "./ports.ts";

declare function setTimeout(task: () => void, milliseconds: number): number;

const KINDS = ["load", "run", "stop"] as const;

const PORT_RULE: OptionRule = { like: "a message port, such as parentPort or self", has: ["postMessage"] };

/**
 * Runs cases on a target in this thread, for the thread that started it with `isolateTarget`. `port` is `parentPort` of
 * Node's `worker_threads`, or `self` in a Worker of a browser; `load` gives the target, and is called once the other
 * thread watches; the cases have to be the same on both sides.
 *
 * @example
 * ```ts
 * // my-device.worker.ts
 * if (parentPort !== null) serveIsolatedTarget(parentPort, () => target, CASES);
 * ```
 */
export function serveIsolatedTarget(
  port: IsolationPort,
  load: () => MaybeLater<Target>,
  cases: readonly CaseDefinition[],
): void {
  checkArgument("serveIsolatedTarget", "port", port, PORT_RULE);
  checkArgument("serveIsolatedTarget", "load", load, "function");
  const post = (message: FromTarget): void => port.postMessage(message);
  let journal: Journal | null = null;
  let target: Target | null = null;
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });

  const loadFrom = async ({ journal: memory, beatEveryMs }: Extract<ToTarget, { kind: "load" }>) => {
    journal = new Journal(memory);
    keepBeating(journal, beatEveryMs);
    journal.stage("loading");
    target = await load();
    const fault = targetFault(target);
    if (fault !== null) throw new TargetError(`the target is none: ${fault}`);
    const { name, description, transport, devices, models = [] } = target;
    const facts = {
      name,
      description,
      transport,
      devices,
      models: models.map((model) => ({ name: model.name })),
    };
    journal.stage("idle");
    post({ kind: "loaded", facts });
  };

  const run = async ({ ids, formats, ...limits }: Extract<ToTarget, { kind: "run" }>) => {
    if (target === null || journal === null) return;
    const wanted = new Set(ids);
    const instances = instancesOf(cases, target, formats).filter(({ id }) => wanted.has(id));
    const options = {
      caseTimeoutMs: limits.caseTimeoutMs,
      callTimeoutMs: limits.callTimeoutMs,
      interrupted: stopped,
      onBegin: (id: string) => post({ kind: "begin", id }),
    };
    const tell = (result: Extract<FromTarget, { kind: "result" }>["result"]) =>
      post({ kind: "result", result });
    const outcome = await runInstances(target, instances, options, tell, journal);
    journal.stage("idle");
    post({ kind: "ended", ...outcome });
  };

  // What is wrong with the target is said; anything else is a fault of ours, and ends the thread.
  const orBroken = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      if (error instanceof TargetError) post({ kind: "broken", message: oneLine(error) });
      else throw error;
    });
  };

  onMessage(port, (data) => {
    const message = ofKind<ToTarget>(data, KINDS);
    if (message?.kind === "load") orBroken(loadFrom(message));
    else if (message?.kind === "run") orBroken(run(message));
    else if (message?.kind === "stop") stop();
  });
}

/** Shows that the event loop turns, whatever the target waits for. */
function keepBeating(journal: Journal, everyMs: number): void {
  setTimeout(() => {
    journal.beat();
    keepBeating(journal, everyMs);
  }, everyMs);
}
