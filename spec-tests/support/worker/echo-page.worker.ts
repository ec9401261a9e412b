// The script of a page, that is a browser's main thread: puts driver and device where the test wants them.
import {
  type Channel,
  ChannelError,
  channelTransferList,
  createChannel,
  DriverEndpoint,
} from "../../../src/adapters/worker/index.ts";
import type { EchoOrder } from "./echo.worker.ts";
import {
  driveEchoAsync,
  ECHO_RAM_BYTES,
  type EchoDriven,
  type EchoRun,
  type EchoServed,
  serveEcho,
} from "./echo-side.ts";

/** Who runs where. */
export interface EchoPlaces {
  readonly device: "page" | "worker";
  readonly driver: "page" | "worker";
  readonly deferred?: boolean;
  /** As in an engine without Atomics.waitAsync. */
  readonly withoutWaitAsync?: boolean;
}

/** What a page can be asked for by its test. */
export interface EchoPage {
  runEcho(places: EchoPlaces, run: EchoRun): Promise<{ served: EchoServed; driven: EchoDriven }>;
  /** Whether a register access to a device that does not exist ends, and how. */
  readNothing(): string;
}

function inWorker<Result>(order: EchoOrder, withoutWaitAsync: boolean): Promise<Result> {
  const url = new URL("./echo.worker.ts", import.meta.url);
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

const waitAsync = Atomics.waitAsync;

const echoPage: EchoPage = {
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
    served.catch(() => channel.abort());
    driven.catch(() => channel.abort());
    await Promise.allSettled([served, driven]);
    return { served: await served, driven: await driven };
  },

  readNothing() {
    const { driver } = createChannel({ queues: 1, ram: 4096 });
    try {
      new DriverEndpoint(driver, { timeoutMilliseconds: 100 }).read(0, 4);
      return "answered";
    } catch (error) {
      return error instanceof ChannelError ? error.code : String(error);
    }
  },
};

Object.assign(globalThis, { echoPage });
