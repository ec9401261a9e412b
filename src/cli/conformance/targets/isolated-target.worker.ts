// The thread of a target that is tested with --isolate: what it does to this thread costs a verdict.
import { parentPort, workerData } from "node:worker_threads";
import { CASES, serveIsolatedTarget, TargetError } from "../../../conformance/index.ts";
import { UsageError } from "../../usage-error.ts";
import type { ConformanceOptions, TargetName } from "../options.ts";
import { openTarget } from "./open.ts";

/** What the thread is started with. */
export interface IsolatedTargetData {
  readonly name: TargetName;
  readonly options: Pick<ConformanceOptions, "qemu">;
}

const { name, options } = workerData as IsolatedTargetData;
if (parentPort !== null) serveIsolatedTarget(parentPort, load, CASES);

async function load() {
  try {
    return await openTarget(name, options);
  } catch (error) {
    // It is the user's, who reads it where the thread was started.
    if (error instanceof UsageError) throw new TargetError(error.message);
    throw error;
  }
}
