// The page: a canvas, and two workers that share guest memory. The page's own thread stays free.
import { channelTransferList, createChannel } from "virtio-emulator/adapters/worker";
import type { DeviceStart } from "./device.worker.ts";

const canvas = document.createElement("canvas");
document.body.append(canvas);

// Guest memory and registers of two queues. Needs a page that is cross-origin isolated.
const channel = createChannel({ queues: 2, ram: 64 << 20 });
const device = new Worker(new URL("./device.worker.ts", import.meta.url), { type: "module" });
device.addEventListener("error", () => channel.abort());
const start: DeviceStart = { channel: channel.device, canvas: canvas.transferControlToOffscreen() };
device.postMessage(start, [start.canvas, ...channelTransferList<Transferable>(channel.device)]);

const guest = new Worker(new URL("./guest.worker.ts", import.meta.url), { type: "module" });
guest.addEventListener("error", () => channel.abort());
guest.addEventListener("message", ({ data }: MessageEvent<string>) => {
  document.title = data;
});
guest.postMessage(channel.driver, channelTransferList<Transferable>(channel.driver));
