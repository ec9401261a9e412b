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

const RAM_BYTES = 16 << 20;

/** The machine, the same options each time it is built. */
function machine() {
  const ram = new Uint8Array(RAM_BYTES);
  const memory = new GuestMemory([{ base: 0, memory: ram.buffer }]);
  const display = new MemoryDisplay();
  const registers = new MmioTransport(new VirtioDevice(new GpuDevice({ display }), { memory }));
  return { ram, memory, display, registers };
}

const first = machine();
const allocator = new GuestAllocator(first.memory);
const gpu = GpuDriver.start(new VirtioDriver(MmioDriverTransport.open(first.registers), { allocator }));
const framebuffer = GpuFramebuffer.create(gpu, { width: 320, height: 200 });
framebuffer.fillRect(0, 0, 320, 200, 0xff8000);
framebuffer.show(0);
framebuffer.flush();

// Save: the device as text, and guest memory, which is yours. Nothing may be under way.
const saved = JSON.stringify(first.registers.save());
const ram = first.ram.slice();

// Restore, in this program or another: memory first, then the device.
const second = machine();
second.ram.set(ram);
second.registers.restore(JSON.parse(saved));
console.log(`the restored display shows ${second.display.readRgba(0)?.slice(0, 3).join(" ")}`);

// A state that does not fit is refused whole.
try {
  machine().registers.restore(JSON.parse(saved.replace('"deviceId":16', '"deviceId":4')));
} catch (error) {
  console.log(error instanceof Error ? `${error.name}: ${error.message}` : error);
}

// Prints:
//   the restored display shows 255 128 0
//   VirtioUsageError: saved state: device.deviceId is 4, and this is virtio device 16
