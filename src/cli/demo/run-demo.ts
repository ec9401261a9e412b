import { Worker } from "node:worker_threads";
import { type Channel, createChannel } from "../../adapters/worker/index.ts";
import type {
  DemoSettings,
  DeviceOrder,
  DeviceReport,
  GuestMessage,
  GuestOrder,
  GuestReport,
} from "./protocol.ts";

const BYTES_PER_PIXEL = 4;
const PAGE_BYTES = 4096;
// Rings, requests, entry lists.
const SPARE_BYTES = 8 << 20;
const GPU_QUEUES = 2;
const PAINTER_QUEUES = 1;
// After the guest has failed, the devices say what they have seen, but not for ever.
const REPORT_TIMEOUT_MS = 10_000;

/** Everything that came out of a run. */
export interface DemoResult {
  readonly settings: DemoSettings;
  readonly ramBytes: number;
  readonly device: DeviceReport;
  readonly guest: GuestReport;
  /** From the start of the threads until both have reported, in milliseconds. */
  readonly elapsedMs: number;
}

/** Guest memory that the demo needs, in bytes. */
export function ramBytesFor({ width, height, buffers }: DemoSettings): number {
  const buffer = Math.ceil((width * height * BYTES_PER_PIXEL) / PAGE_BYTES) * PAGE_BYTES;
  // The pages of a buffer are drawn from twice as many, and what needs contiguous memory still finds some.
  return (buffers + 2) * buffer + SPARE_BYTES;
}

/**
 * Runs device and guest, each in a thread of its own, over one SharedArrayBuffer. `onFlips` hears now and then how many
 * flips are done. Rejects with whatever went wrong in one of the threads.
 */
export async function runDemo(settings: DemoSettings, onFlips: (done: number) => void): Promise<DemoResult> {
  const begin = performance.now();
  const ramBytes = ramBytesFor(settings);
  const gpu = createChannel({ queues: GPU_QUEUES, ram: ramBytes });
  const painter = createChannel({ queues: PAINTER_QUEUES, ram: gpu.device.ram });
  const channels: Channel[] = [gpu, painter];
  const deviceThread = new Worker(new URL("./device/device.worker.ts", import.meta.url), {
    workerData: { settings, gpu: gpu.device, painter: painter.device } satisfies DeviceOrder,
    name: "device",
  });
  const guestThread = new Worker(new URL("./guest/guest.worker.ts", import.meta.url), {
    workerData: { settings, gpu: gpu.driver, painter: painter.driver } satisfies GuestOrder,
    name: "guest",
  });
  try {
    const device = answerOf<DeviceReport, DeviceReport>(deviceThread, "device", (message) => message);
    const guest = answerOf<GuestReport, GuestMessage>(guestThread, "guest", (message) => {
      if (message.kind === "report") return message.report;
      onFlips(message.done);
      return null;
    });
    // Whoever is left alone must not wait for the other.
    for (const side of [device, guest]) {
      side.catch(() => {
        for (const channel of channels) channel.abort();
      });
    }
    const report = await reportOf(device, guest);
    return {
      settings,
      ramBytes,
      device: report,
      guest: await guest,
      elapsedMs: performance.now() - begin,
    };
  } finally {
    await Promise.all([deviceThread.terminate(), guestThread.terminate()]);
  }
}

/** The answer of a thread: the first message of which `take` makes one. */
function answerOf<Answer, Message>(
  thread: Worker,
  name: string,
  take: (message: Message) => Answer | null,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    thread.on("message", (message: Message) => {
      const answer = take(message);
      if (answer !== null) resolve(answer);
    });
    thread.on("error", (error) => reject(error));
    thread.on("exit", (code) =>
      reject(new Error(`the ${name}'s thread ended early, with exit code ${code}`)),
    );
  });
}

/** The device's report, which must not come much later than the guest's. Rejects when either side has failed. */
async function reportOf(device: Promise<DeviceReport>, guest: Promise<GuestReport>): Promise<DeviceReport> {
  const [guestResult] = await Promise.allSettled([guest]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the device's thread hangs")), REPORT_TIMEOUT_MS);
  });
  try {
    // What went wrong in the device explains what went wrong in the guest, so that it is told first.
    const report = await Promise.race([device, late]);
    if (guestResult.status === "rejected") throw guestResult.reason;
    return report;
  } finally {
    clearTimeout(timer);
  }
}
