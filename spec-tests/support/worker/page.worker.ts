// The script of a page, that is a browser's main thread: puts driver and device where the test wants them.
import {
  type Channel,
  ChannelError,
  channelTransferList,
  createChannel,
  DriverEndpoint,
} from "../../../src/adapters/worker/index.ts";
import {
  driveEchoAsync,
  ECHO_RAM_BYTES,
  type EchoDriven,
  type EchoRun,
  type EchoServed,
  serveEcho,
} from "./echo-side.ts";
import { driveGpuAsync, GPU_RAM_BYTES, type GpuPictures, type GpuRun, serveGpu } from "./gpu-side.ts";
import type { ThreadOrder } from "./side.worker.ts";

/** Who runs where. */
export interface Places {
  readonly device: "page" | "worker";
  readonly driver: "page" | "worker";
  readonly deferred?: boolean;
  /** As in an engine without Atomics.waitAsync. */
  readonly withoutWaitAsync?: boolean;
}

/** What a page can be asked for by its test. */
export interface TestPage {
  runEcho(places: Places, run: EchoRun): Promise<{ served: EchoServed; driven: EchoDriven }>;
  runGpu(places: Places, run: GpuRun): Promise<{ served: GpuPictures; driven: GpuPictures }>;
  /** Whether a register access to a device that does not exist ends, and how. */
  readNothing(): string;
}

function inWorker<Result>(order: ThreadOrder, withoutWaitAsync: boolean): Promise<Result> {
  const url = new URL("./side.worker.ts", import.meta.url);
  if (withoutWaitAsync) url.searchParams.set("without", "waitAsync");
  const worker = new Worker(url, { type: "module" });
  return new Promise<Result>((resolve, reject) => {
    worker.addEventListener("message", ({ data }: MessageEvent<{ result: Result; error?: string }>) => {
      worker.terminate();
      if (data.error === undefined) resolve(data.result);
      else reject(new Error(data.error));
    });
    worker.addEventListener("error", (event) => reject(new Error(`the worker failed: ${event.message}`)));
    worker.postMessage(order, channelTransferList(order.handle));
  });
}

/** Waits for both sides; when one fails the other must not wait for it. */
async function together<Served, Driven>(
  channel: Channel,
  served: Promise<Served>,
  driven: Promise<Driven>,
): Promise<{ served: Served; driven: Driven }> {
  for (const side of [served, driven]) side.catch(() => channel.abort());
  await Promise.allSettled([served, driven]);
  return { served: await served, driven: await driven };
}

const waitAsync = Atomics.waitAsync;

const testPage: TestPage = {
  async runEcho(places, run) {
    const without = places.withoutWaitAsync === true;
    if (without) Reflect.deleteProperty(Atomics, "waitAsync");
    else Object.defineProperty(Atomics, "waitAsync", { value: waitAsync, configurable: true });
    const channel: Channel = createChannel({ queues: 2, ram: ECHO_RAM_BYTES });
    const options = { deferred: places.deferred === true };
    const served =
      places.device === "page"
        ? serveEcho(channel.device, options)
        : inWorker<EchoServed>({ kind: "serve", handle: channel.device, options }, without);
    const driven =
      places.driver === "page"
        ? driveEchoAsync(channel.driver, run)
        : inWorker<EchoDriven>({ kind: "drive", handle: channel.driver, run }, without);
    return await together(channel, served, driven);
  },

  async runGpu(places, run) {
    const channel = createChannel({ queues: 2, ram: GPU_RAM_BYTES });
    return await together(
      channel,
      places.device === "page"
        ? serveGpu(channel.device)
        : inWorker<GpuPictures>({ kind: "serve-gpu", handle: channel.device }, false),
      places.driver === "page"
        ? driveGpuAsync(channel.driver, run)
        : inWorker<GpuPictures>({ kind: "drive-gpu", handle: channel.driver, run }, false),
    );
  },

  readNothing() {
    const { driver } = createChannel({ queues: 1, ram: 4096 });
    try {
      new DriverEndpoint(driver, { timeoutMs: 100 }).read(0, 4);
      return "answered";
    } catch (error) {
      return error instanceof ChannelError ? error.code : String(error);
    }
  },
};

Object.assign(globalThis, { testPage });
