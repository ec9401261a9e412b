// The thread that is the machine around the guest: a gpu, and a painter that finds the gpu's objects by their UUIDs.
import { parentPort, workerData } from "node:worker_threads";
import { DeviceEndpoint, runSoon } from "../../../adapters/worker/index.ts";
import { type DeviceType, SharedObjectRegistry, VirtioDevice } from "../../../device/index.ts";
import { DEFAULT_GPU_LIMITS, GpuDevice } from "../../../devices/gpu/index.ts";
import { GuestMemory } from "../../../memory/index.ts";
import { MmioTransport } from "../../../transport/mmio/index.ts";
import { PainterDevice } from "../painter/painter-device.ts";
import type { DeviceOrder, DeviceReport } from "../protocol.ts";
import { CommandRecorder, HashingDisplay } from "./recorder.ts";

const BYTES_PER_PIXEL = 4;

const { settings, gpu: gpuHandle, painter: painterHandle } = workerData as DeviceOrder;
const { width, height, features } = settings;
const recorder = new CommandRecorder();
const display = new HashingDisplay();
const sharedObjects = new SharedObjectRegistry();
const gpu = new GpuDevice({
  display,
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

/** Puts a device behind its channel; the promise is for the channel's end. */
function plugIn(type: DeviceType, endpoint: DeviceEndpoint) {
  const device = new VirtioDevice(type, { memory, schedule: runSoon });
  const transport = new MmioTransport(device, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) });
  const part = { device, endpoint, busyMs: 0, served: Promise.resolve() as Promise<unknown> };
  part.served = endpoint.serve({
    read: (offset, widthBytes) => transport.read(offset, widthBytes),
    // Notifications are writes: this is where requests are served.
    write: (offset, widthBytes, value) => {
      const begin = performance.now();
      transport.write(offset, widthBytes, value);
      part.busyMs += performance.now() - begin;
    },
  });
  return part;
}

const gpuPart = plugIn(gpu, new DeviceEndpoint(gpuHandle));
// Both are served by one thread: while one looks out for work the other waits.
const painterPart = plugIn(painter, new DeviceEndpoint(painterHandle, { spinMicroseconds: 0 }));
const machine = [gpuPart, painterPart];
await Promise.all(machine.map(({ served }) => served));
const commands = recorder.lines();
const painted = commands.filter(({ queue }) => queue === "paintq").length;

const sum = (pick: (part: (typeof machine)[number]) => number): number =>
  machine.reduce((total, part) => total + pick(part), 0);
const { rgba, frames, inspectionMs } = display;
const last = frames.at(-1);
const report: DeviceReport = {
  commands,
  frames,
  picture: last === undefined ? null : { width: last.width, height: last.height, rgba },
  bytesCopied: gpu.counters.bytesCopied,
  painted,
  notifications: sum(({ device }) => device.counters.notifications),
  interrupts: sum(({ device }) => device.counters.queueInterrupts),
  registerAccesses: sum(({ endpoint }) => endpoint.counters.accesses),
  errors: commands.filter(({ response }) => response.startsWith("ERR")).length,
  gpuMs: gpuPart.busyMs - inspectionMs,
  painterMs: painterPart.busyMs,
  inspectionMs,
};
parentPort?.postMessage(report, [rgba.buffer]);
