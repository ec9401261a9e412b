// The displays that come with the package. `npm run example -- displays/choose vnc`, and a viewer on port 5901.
import { MemoryDisplay } from "virtio-emulator/backends/display/memory";
import { PacedDisplay } from "virtio-emulator/backends/display/paced";
import { FrameRecorder } from "virtio-emulator/backends/display/recorder";
import { TerminalDisplay } from "virtio-emulator/backends/display/terminal";
import { VncServer } from "virtio-emulator/backends/display/vnc";
import { VirtioDevice } from "virtio-emulator/device";
import {
  GpuDriver,
  GpuFramebuffer,
  GuestAllocator,
  MmioDriverTransport,
  VirtioDriver,
} from "virtio-emulator/driver";
import { type Display, GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { MmioTransport } from "virtio-emulator/transport/mmio";

/** A guest that draws one picture, behind the display it is given. */
function drawOn(display: Display): GpuDevice {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(16 << 20) }]);
  const device = new GpuDevice({ display });
  const registers = new MmioTransport(new VirtioDevice(device, { memory }));
  const allocator = new GuestAllocator(memory);
  const gpu = GpuDriver.start(new VirtioDriver(MmioDriverTransport.open(registers), { allocator }));
  const framebuffer = GpuFramebuffer.create(gpu, { width: 320, height: 200 });
  framebuffer.fillRect(40, 40, 240, 120, 0xff8000);
  framebuffer.show(0);
  framebuffer.flush();
  return device;
}

async function record(folder: string): Promise<void> {
  const display = new FrameRecorder({ folder, frames: "every" });
  drawOn(display);
  const { recorded } = await display.close();
  console.log(`${recorded.length} frame in ${folder}`);
}

async function serve(port: number): Promise<void> {
  const display = new VncServer({ port, onPointer: (scanoutId, x, y) => console.log(scanoutId, x, y) });
  drawOn(display);
  console.log(await display.listen());
}

function showInTerminal(): void {
  const display = new TerminalDisplay();
  drawOn(display);
  setTimeout(() => display.close(), 5000);
}

/** 60 flips a second at most, and every picture at hand. */
function paced(): { readonly screen: MemoryDisplay; readonly display: Display } {
  const screen = new MemoryDisplay();
  return { screen, display: new PacedDisplay(screen, { refreshHz: 60 }) };
}

const [kind = "record", where] = process.argv.slice(2);
if (kind === "vnc") await serve(Number(where ?? 5901));
else if (kind === "terminal") showInTerminal();
else if (kind === "record") await record(where ?? ".build/frames");
else console.log(drawOn(paced().display).counters);

// Prints:
//   1 frame in .build/frames
