import { Worker } from "node:worker_threads";
import { type Channel, createChannel } from "../../adapters/worker/index.ts";
import { LEAVE_TERMINAL } from "../../backends/display/terminal/index.ts";
import { UsageError } from "../usage-error.ts";
import type {
  DemoSettings,
  DeviceMessage,
  DeviceOrder,
  DeviceReport,
  GuestMessage,
  GuestOrder,
  GuestReport,
  TerminalSize,
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

/** Who is told how a run is getting on. */
export interface DemoListener {
  /** So many flips are done; now and then. */
  onFlips(done: number): void;
  /** The display is there; the hint says how to see it, if there is something to say. */
  onDisplay(hint: string): void;
}

/**
 * Runs device and guest, each in a thread of its own, over one SharedArrayBuffer. Live settings end with the first
 * SIGINT, SIGTERM or SIGHUP. Rejects with whatever went wrong in one of the threads, and with a {@link UsageError} when
 * the display cannot be had.
 */
export async function runDemo(settings: DemoSettings, listener: DemoListener): Promise<DemoResult> {
  const begin = performance.now();
  const ramBytes = ramBytesFor(settings);
  const gpu = createChannel({ queues: GPU_QUEUES, ram: ramBytes });
  const painter = createChannel({ queues: PAINTER_QUEUES, ram: gpu.device.ram });
  const channels: Channel[] = [gpu, painter];
  const stop = new SharedArrayBuffer(4);
  const deviceThread = new Worker(new URL("./device/device.worker.ts", import.meta.url), {
    workerData: { settings, gpu: gpu.device, painter: painter.device } satisfies DeviceOrder,
    name: "device",
  });
  const guestThread = new Worker(new URL("./guest/guest.worker.ts", import.meta.url), {
    workerData: { settings, stop, gpu: gpu.driver, painter: painter.driver } satisfies GuestOrder,
    name: "guest",
  });
  const control = new DemoControl(settings, stop, deviceThread);
  try {
    const device = answerOf<DeviceReport, DeviceMessage>(deviceThread, "device", (message) => {
      switch (message.kind) {
        case "report":
          control.displayClosed();
          return message.report;
        case "refused":
          throw new UsageError(message.reason);
        case "display":
          control.displayOpened();
          listener.onDisplay(message.hint);
          return null;
      }
    });
    const guest = answerOf<GuestReport, GuestMessage>(guestThread, "guest", (message) => {
      if (message.kind === "report") return message.report;
      listener.onFlips(message.done);
      return null;
    });
    // When one side has ended, the other must not wait for it.
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
    control.end();
  }
}

/** What only the main thread can do for a display: it hears signals, and knows the terminal. */
class DemoControl {
  readonly #releases: (() => void)[] = [];
  readonly #inTerminal: boolean;
  #isOpen = false;

  constructor(settings: DemoSettings, stop: SharedArrayBuffer, deviceThread: Worker) {
    this.#inTerminal = settings.display?.kind === "terminal";
    const { stdout } = process;
    if (this.#inTerminal) {
      this.#listen(stdout, "resize", () => {
        const { columns, rows } = stdout;
        deviceThread.postMessage({ columns, rows } satisfies TerminalSize);
      });
      this.#listen(process, "exit", () => this.#restore());
    }
    if (!settings.live) return;
    const flag = new Int32Array(stop);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      this.#listen(process, signal, () => {
        // Who is in a hurry asks twice.
        if (Atomics.exchange(flag, 0, 1) !== 0) process.exit(130);
        Atomics.notify(flag, 0);
      });
    }
  }

  #listen(emitter: NodeJS.EventEmitter, event: string, listener: () => void): void {
    emitter.on(event, listener);
    this.#releases.push(() => emitter.off(event, listener));
  }

  displayOpened(): void {
    this.#isOpen = true;
  }

  displayClosed(): void {
    this.#isOpen = false;
  }

  /** Gives the terminal back where the device's thread did not come to it. */
  #restore(): void {
    if (this.#isOpen && this.#inTerminal) process.stdout.write(LEAVE_TERMINAL);
    this.#isOpen = false;
  }

  end(): void {
    for (const release of this.#releases) release();
    this.#restore();
  }
}

/** The answer of a thread: the first message of which `take` makes one. Rejects with what it throws. */
function answerOf<Answer, Message>(
  thread: Worker,
  name: string,
  take: (message: Message) => Answer | null,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    thread.on("message", (message: Message) => {
      try {
        const answer = take(message);
        if (answer !== null) resolve(answer);
      } catch (error) {
        reject(error);
      }
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
