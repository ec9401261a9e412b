import { MemoryDisplay } from "virtio-emulator/backends/display/memory";
import { VirtioDevice } from "virtio-emulator/device";
import {
  GpuDriver,
  GpuFramebuffer,
  GuestAllocator,
  MmioDriverTransport,
  VirtioDriver,
} from "virtio-emulator/driver";
import { GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { MmioTransport } from "virtio-emulator/transport/mmio";

// The device: guest memory, a display, a virtio-gpu and its registers. This is the part an emulator embeds.
const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(64 << 20) }]);
const display = new MemoryDisplay();
const device = new VirtioDevice(new GpuDevice({ display }), { memory });
const registers = new MmioTransport(device, { onInterrupt: (_asserted) => {} });

// The guest: here the driver model, in an emulator a kernel that finds `registers` in its address space.
const allocator = new GuestAllocator(memory);
const gpu = GpuDriver.start(new VirtioDriver(MmioDriverTransport.open(registers), { allocator }));
const framebuffer = GpuFramebuffer.create(gpu, { width: 640, height: 480 });
framebuffer.fillRect(100, 100, 200, 50, 0xff8000);
framebuffer.show(0);
framebuffer.flush();

const pixel = display
  .readRgba(0)
  ?.subarray(4 * (120 * 640 + 150))
  .subarray(0, 4);
console.log(`the pixel at 150, 120 is ${pixel?.join(" ")}`);

// Prints:
//   the pixel at 150, 120 is 255 128 0 255
