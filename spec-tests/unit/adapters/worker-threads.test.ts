// Driver and device in two threads of Node.
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Channel,
  ChannelError,
  type ChannelHandle,
  type ChannelOptions,
  channelTransferList,
  createChannel,
  DriverEndpoint,
} from "../../../src/adapters/worker/index.ts";
import { LINUX_PROFILE_NAMES } from "../../../src/driver/kms/index.ts";
import {
  driveEcho,
  driveEchoAsync,
  ECHO_RAM_BYTES,
  type EchoDriven,
  type EchoRun,
  type EchoServed,
  serveEcho,
} from "../../support/worker/echo-side.ts";
import {
  driveCard,
  driveCardAsync,
  driveGpuAsync,
  GPU_RAM_BYTES,
  type GpuPictures,
} from "../../support/worker/gpu-side.ts";
import type { ThreadOrder } from "../../support/worker/side.worker.ts";

const KINDS = (["split", "packed"] as const).flatMap((format) =>
  [false, true].map((eventIdx) => ({ format, eventIdx })),
);
const nameOf = (kind: { format: string; eventIdx: boolean }): string =>
  `${kind.format}${kind.eventIdx ? ", EVENT_IDX" : ""}`;

const REQUESTS = 60_000;

function makeChannel(options: Partial<ChannelOptions> = {}) {
  return createChannel({ queues: 2, ram: ECHO_RAM_BYTES, ...options });
}

/** Waits for both sides; when one fails the other must not wait for it. */
async function together<Device, Driver>(
  channel: Channel,
  device: Promise<Device>,
  driver: Promise<Driver>,
): Promise<[Device, Driver]> {
  const sides = [device, driver];
  for (const side of sides) side.catch(() => channel.abort());
  await Promise.allSettled(sides);
  return await Promise.all([device, driver]);
}

/** Starts a thread, gives it its order; the promise is for its answer. */
async function inThread<Result>(order: ThreadOrder): Promise<Result> {
  const worker = new Worker(new URL("../../support/worker/side.worker.ts", import.meta.url));
  try {
    return await new Promise<Result>((resolve, reject) => {
      worker.on("message", ({ result, error }: { result: Result; error?: string }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(error));
      });
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error("the thread ended without an answer")));
      worker.postMessage(order, channelTransferList(order.handle));
    });
  } finally {
    await worker.terminate();
  }
}

function checkRun(run: EchoRun, driven: EchoDriven, served: EchoServed): void {
  assert.is(driven.requests, run.requests);
  assert.is(served.handled, run.requests, "every request was handled once");
  assert.is(served.end, "driver-closed");
}

const stress = suite("worker adapter, random batches");
for (const kind of KINDS) {
  stress(`${nameOf(kind)}: two threads, ${REQUESTS} requests`, async () => {
    const run = { ...kind, requests: REQUESTS, seed: 4711 };
    const channel = makeChannel();
    const [served, driven] = await together(
      channel,
      inThread<EchoServed>({ kind: "serve", handle: channel.device }),
      inThread<EchoDriven>({ kind: "drive", handle: channel.driver, run }),
    );
    checkRun(run, driven, served);
  });
}

stress("no spinning: every wait is a sleep", async () => {
  const run = { format: "split", eventIdx: true, requests: 5_000, seed: 1, spinUs: 0 } as const;
  const channel = makeChannel();
  const [served, driven] = await together(
    channel,
    inThread<EchoServed>({ kind: "serve", handle: channel.device, options: { spinUs: 0 } }),
    inThread<EchoDriven>({ kind: "drive", handle: channel.driver, run }),
  );
  checkRun(run, driven, served);
  assert.ok(served.sleeps > 0);
});

for (const kind of KINDS) {
  stress(`${nameOf(kind)}: the device answers later and in another order`, async () => {
    const run = { ...kind, requests: 10_000, seed: 99 };
    const channel = makeChannel();
    const [served, driven] = await together(
      channel,
      inThread<EchoServed>({ kind: "serve", handle: channel.device, options: { deferred: true } }),
      inThread<EchoDriven>({ kind: "drive", handle: channel.driver, run }),
    );
    checkRun(run, driven, served);
  });
}

const places = suite("worker adapter, who runs where");
places("driver in the main thread, blocking", async () => {
  const run = { format: "split", eventIdx: false, requests: 10_000, seed: 5 } as const;
  const channel = makeChannel();
  const serving = inThread<EchoServed>({ kind: "serve", handle: channel.device });
  const driven = driveEcho(channel.driver, run);
  checkRun(run, driven, await serving);
});

places("driver in the main thread, not blocking", async () => {
  const run = { format: "packed", eventIdx: true, requests: 10_000, seed: 6 } as const;
  const channel = makeChannel();
  const serving = inThread<EchoServed>({ kind: "serve", handle: channel.device });
  const [served, driven] = await together(channel, serving, driveEchoAsync(channel.driver, run));
  checkRun(run, driven, served);
});

places("device in the main thread", async () => {
  const run = { format: "packed", eventIdx: false, requests: 10_000, seed: 7 } as const;
  const channel = makeChannel();
  const driving = inThread<EchoDriven>({ kind: "drive", handle: channel.driver, run });
  const [served, driven] = await together(channel, serveEcho(channel.device), driving);
  checkRun(run, driven, served);
});

const gpu = suite("worker adapter, gpu");
for (const kind of KINDS) {
  for (const blob of [false, true]) {
    gpu(`${nameOf(kind)}${blob ? ", blobs" : ""}: what is shown is what was drawn`, async () => {
      const run = { ...kind, blob, flips: 12 };
      const channel = createChannel({ queues: 2, ram: GPU_RAM_BYTES });
      const [served, driven] = await together(
        channel,
        inThread<GpuPictures>({ kind: "serve-gpu", handle: channel.device }),
        inThread<GpuPictures>({ kind: "drive-gpu", handle: channel.driver, run }),
      );
      assert.is(driven.length, run.flips);
      assert.equal(served, driven);
    });
  }
}

gpu("driver in the main thread, with promises", async () => {
  const run = { format: "packed", eventIdx: true, blob: true, flips: 12 } as const;
  const channel = createChannel({ queues: 2, ram: GPU_RAM_BYTES });
  const [served, driven] = await together(
    channel,
    inThread<GpuPictures>({ kind: "serve-gpu", handle: channel.device }),
    driveGpuAsync(channel.driver, run),
  );
  assert.equal(served, driven);
});

const kms = suite("worker adapter, KMS model");
for (const profile of LINUX_PROFILE_NAMES) {
  kms(`${profile}: calls block until the device in the other thread has answered`, async () => {
    const channel = createChannel({ queues: 2, ram: GPU_RAM_BYTES });
    const serving = inThread<GpuPictures>({ kind: "serve-gpu", handle: channel.device, late: false });
    const driven = driveCard(channel.driver, { profile, flips: 20 });
    assert.equal(await serving, driven);
  });
}

kms("calls as promises", async () => {
  const channel = createChannel({ queues: 2, ram: GPU_RAM_BYTES });
  const [served, driven] = await together(
    channel,
    inThread<GpuPictures>({ kind: "serve-gpu", handle: channel.device, late: false }),
    driveCardAsync(channel.driver, { profile: "linux-7.3", flips: 20 }),
  );
  assert.equal(served, driven);
});
places.run();
stress.run();
gpu.run();
kms.run();

const death = suite("worker adapter, when the device's thread dies");
const isTimeout = (error: unknown): boolean => error instanceof ChannelError && error.code === "timeout";

async function withHangingThread(
  handle: ChannelHandle,
  body: (worker: Worker) => Promise<void>,
): Promise<void> {
  const worker = new Worker(new URL("../../support/worker/side.worker.ts", import.meta.url));
  worker.postMessage({ kind: "hang", handle } satisfies ThreadOrder);
  try {
    await body(worker);
  } finally {
    await worker.terminate();
  }
}

death("a thread that hangs: the access fails in time, and so does the next", async () => {
  const { device, driver } = makeChannel();
  await withHangingThread(device, async () => {
    const bus = new DriverEndpoint(driver, { timeoutMs: 200 });
    await bus.connect(10_000);
    assert.is(bus.read(0, 4), 1);
    // Not waited for.
    bus.write(0x50, 4, 0);
    assert.throws(() => bus.write(0x70, 4, 1), isTimeout);
    assert.throws(() => bus.read(0, 4), isTimeout);
    assert.is(bus.waitInterrupt(50), false);
  });
});

death("a thread that is gone: the access fails; once the channel is given up, at once", async () => {
  const channel = makeChannel();
  await withHangingThread(channel.device, async (worker) => {
    const bus = new DriverEndpoint(channel.driver, { timeoutMs: 200 });
    await bus.connect(10_000);
    assert.is(bus.read(0, 4), 1);
    worker.on("exit", () => channel.abort());
    const waiting = bus.waitInterruptAsync().catch((error: unknown) => error);
    await worker.terminate();
    const error = await waiting;
    assert.ok(error instanceof ChannelError && error.code === "aborted");
    const begin = performance.now();
    assert.throws(() => bus.read(0, 4), /given up/);
    assert.ok(performance.now() - begin < 100);
  });
});
death.run();
