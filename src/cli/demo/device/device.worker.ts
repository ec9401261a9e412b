// The thread that is the machine around the guest: a gpu, and a painter that finds the gpu's objects by their UUIDs.
import { parentPort, workerData } from "node:worker_threads";
import { DeviceEndpoint, runSoon } from "../../../adapters/worker/index.ts";
import { type DeviceType, SharedObjectRegistry, VirtioDevice } from "../../../device/index.ts";
import { DEFAULT_GPU_LIMITS, GpuDevice } from "../../../devices/gpu/index.ts";
import { GuestMemory } from "../../../memory/index.ts";
import { MmioTransport } from "../../../transport/mmio/index.ts";
import { createDisplay, type LiveDisplay } from "../../display/live-display.ts";
import { TeeDisplay } from "../../display/tee-display.ts";
import { UsageError } from "../../usage-error.ts";
import { PainterDevice } from "../painter/painter-device.ts";
import { type DeviceMessage, type DeviceOrder, picturesOf, type TerminalSize } from "../protocol.ts";
import { CommandRecorder, HashingDisplay } from "./recorder.ts";

const BYTES_PER_PIXEL = 4;

const { settings, gpu: gpuHandle, painter: painterHandle } = workerData as DeviceOrder;
const { width, height, features } = settings;
const post = (message: DeviceMessage, transfer: readonly ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, [...transfer]);
const live = await openDisplay();
const recorder = new CommandRecorder();
// What the report is about ends where flips go on only to be looked at.
let counted: ReturnType<typeof count> | null = null;
const display = new HashingDisplay(settings.live ? picturesOf(settings) : Number.POSITIVE_INFINITY, () => {
  recorder.endWithNext(() => {
    counted = count();
  });
});
const tee = live === null ? null : new TeeDisplay(display, live.display);
const sharedObjects = new SharedObjectRegistry();
const gpu = new GpuDevice({
  display: tee ?? display,
  sharedObjects,
  displays: [{ widthPixels: width, heightPixels: height, name: "virtio demo" }],
  features: {
    edid: features.includes("edid"),
    resourceUuid: features.includes("uuid"),
    resourceBlob: features.includes("blob"),
  },
  limits: {
    maxHostBytes: Math.max(
      DEFAULT_GPU_LIMITS.maxHostBytes,
      (settings.buffers + 1) * width * height * BYTES_PER_PIXEL,
    ),
  },
  onCommand: (record) => recorder.gpu(record),
});
const painter = new PainterDevice(sharedObjects, (record) => recorder.painter(record));
const memory = new GuestMemory([{ base: 0, memory: gpuHandle.ram }]);

/** The display that the user asked for. */
async function openDisplay(): Promise<LiveDisplay | null> {
  if (settings.display === null) return null;
  const opened = await createDisplay(settings.display).catch(refuse);
  parentPort?.on("message", ({ columns, rows }: TerminalSize) => opened.resize(columns, rows));
  post({ kind: "display", hint: opened.hint });
  return opened;
}

/** Has the user told what is wrong. Does not return: the thread waits for the one that started it to end it. */
function refuse(error: unknown): Promise<never> {
  if (!(error instanceof UsageError)) throw error;
  post({ kind: "refused", reason: error.message });
  return new Promise(() => parentPort?.on("message", () => undefined));
}

/** Puts a device behind its channel; the promise is for the channel's end. */
function plugIn(type: DeviceType, endpoint: DeviceEndpoint) {
  // Requests are served when a notification is written, and in later turns if they are more than one turn may do.
  const timed = (work: () => void): void => {
    const begin = performance.now();
    work();
    part.busyMs += performance.now() - begin;
  };
  const device = new VirtioDevice(type, { memory, schedule: (work) => runSoon(() => timed(work)) });
  const transport = new MmioTransport(device, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) });
  const part = { device, endpoint, busyMs: 0, served: Promise.resolve() as Promise<unknown> };
  part.served = endpoint.serve({
    read: (offset, widthBytes) => transport.read(offset, widthBytes),
    write: (offset, widthBytes, value) => timed(() => transport.write(offset, widthBytes, value)),
  });
  return part;
}

const gpuPart = plugIn(gpu, new DeviceEndpoint(gpuHandle));
// Both are served by one thread: while one looks out for work the other waits.
const painterPart = plugIn(painter, new DeviceEndpoint(painterHandle, { spinUs: 0 }));
const machine = [gpuPart, painterPart];
await Promise.all(machine.map(({ served }) => served));
const shownOn = live === null ? null : await live.close().catch(refuse);
const commands = recorder.lines();
const painted = commands.filter(({ queue }) => queue === "paintq").length;
const { rgba, frames, inspectionMs } = display;
const last = frames.at(-1);
post(
  {
    kind: "report",
    report: {
      commands,
      frames,
      picture: last === undefined ? null : { width: last.width, height: last.height, rgba },
      painted,
      errors: commands.filter(({ response }) => response.startsWith("ERR")).length,
      inspectionMs,
      display: shownOn,
      ...(counted ?? count()),
    },
  },
  [rgba.buffer],
);

/** What has happened so far. */
function count() {
  const sum = (pick: (part: (typeof machine)[number]) => number): number =>
    machine.reduce((total, part) => total + pick(part), 0);
  return {
    bytesCopied: gpu.counters.bytesCopied,
    notifications: sum(({ device }) => device.counters.notifications),
    interrupts: sum(({ device }) => device.counters.queueInterrupts),
    registerAccesses: sum(({ endpoint }) => endpoint.counters.accesses),
    gpuMs: gpuPart.busyMs - display.inspectionMs - (tee?.secondMs ?? 0),
    painterMs: painterPart.busyMs,
  };
}
