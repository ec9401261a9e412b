import { Worker } from "node:worker_threads";
import { type IsolatedTarget, isolateTarget, TargetError } from "../../../conformance/index.ts";
import { UsageError } from "../../usage-error.ts";
import { type ConformanceOptions, limitsFor, type TargetName } from "../options.ts";
import type { IsolatedTargetData } from "./isolated-target.worker.ts";

/** The target of this name, in a thread of its own. Rejects with {@link UsageError} when there is no such thing here. */
export async function isolatedTarget(
  name: TargetName,
  { qemu, timeout }: Pick<ConformanceOptions, "qemu" | "timeout">,
): Promise<IsolatedTarget> {
  const workerData: IsolatedTargetData = { name, options: qemu === undefined ? {} : { qemu } };
  try {
    return await isolateTarget(
      () => new Worker(new URL("./isolated-target.worker.ts", import.meta.url), { workerData }),
      limitsFor(timeout),
    );
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    const { message } = error;
    throw new UsageError(message.includes(name) ? message : `--target ${name} cannot be tested: ${message}.`);
  }
}
