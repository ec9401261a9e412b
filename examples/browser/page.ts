// The page: a canvas, the device's worker, and a guest. The guest is the driver model; an emulator takes its place.
import {
  attachDriver,
  channelTransferList,
  createChannel,
  DriverEndpoint,
} from "virtio-emulator/adapters/worker";
import { GpuDriver, GpuFramebuffer, GuestAllocator } from "virtio-emulator/driver";
import { GuestMemory } from "virtio-emulator/memory";
import type { DeviceStart } from "./device.worker.ts";

const canvas = document.createElement("canvas");
document.body.append(canvas);

// Guest memory and registers of two queues. Needs a page that is cross-origin isolated.
const channel = createChannel({ queues: 2, ram: 64 << 20 });
const worker = new Worker(new URL("./device.worker.ts", import.meta.url), { type: "module" });
worker.addEventListener("error", () => channel.abort());
const start: DeviceStart = { channel: channel.device, canvas: canvas.transferControlToOffscreen() };
worker.postMessage(start, [start.canvas, ...channelTransferList<Transferable>(channel.device)]);

const bus = new DriverEndpoint(channel.driver);
await bus.connect();
const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
const gpu = GpuDriver.start(attachDriver(bus, { allocator: new GuestAllocator(memory) }));
const framebuffer = GpuFramebuffer.create(gpu, { width: 640, height: 480 });
framebuffer.fillRect(0, 0, 640, 480, 0x0050a0);
framebuffer.fillRect(100, 100, 200, 50, 0xff8000);
framebuffer.show(0);
framebuffer.flush();
document.title = "drawn";
