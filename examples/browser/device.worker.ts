// The device's thread: a virtio-gpu that draws on the page's canvas, whatever the page and the guest are doing.
import { type ChannelHandle, DeviceEndpoint, runSoon } from "virtio-emulator/adapters/worker";
import { CanvasDisplay } from "virtio-emulator/backends/display/canvas";
import { VirtioDevice } from "virtio-emulator/device";
import { GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { MmioTransport } from "virtio-emulator/transport/mmio";

/** What the page sends. */
export interface DeviceStart {
  readonly channel: ChannelHandle;
  readonly canvas: OffscreenCanvas;
}

addEventListener(
  "message",
  async ({ data }: MessageEvent<DeviceStart>) => {
    const endpoint = new DeviceEndpoint(data.channel);
    const gpu = new GpuDevice({ display: new CanvasDisplay({ canvas: data.canvas }) });
    const device = new VirtioDevice(gpu, {
      memory: new GuestMemory([{ base: 0, memory: endpoint.ram }]),
      schedule: runSoon,
    });
    await endpoint.serve(
      new MmioTransport(device, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) }),
    );
  },
  { once: true },
);
