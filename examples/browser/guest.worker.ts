// The guest's thread. The guest is the driver model; an emulator takes its place.
import { attachDriver, type ChannelHandle, DriverEndpoint } from "virtio-emulator/adapters/worker";
import { GpuDriver, GpuFramebuffer, GuestAllocator } from "virtio-emulator/driver";
import { GuestMemory } from "virtio-emulator/memory";

addEventListener(
  "message",
  async ({ data }: MessageEvent<ChannelHandle>) => {
    const bus = new DriverEndpoint(data);
    await bus.connect();
    const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
    const gpu = GpuDriver.start(attachDriver(bus, { allocator: new GuestAllocator(memory) }));
    const framebuffer = GpuFramebuffer.create(gpu, { width: 640, height: 480 });
    framebuffer.fillRect(0, 0, 640, 480, 0x0050a0);
    framebuffer.fillRect(100, 100, 200, 50, 0xff8000);
    framebuffer.show(0);
    framebuffer.flush();
    postMessage("drawn");
  },
  { once: true },
);
