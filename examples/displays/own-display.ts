// A display of one's own: a picture of characters. Four methods, of which two may be left out.
import { readScanoutRgba } from "virtio-emulator/backends/display/memory";
import { VirtioDevice } from "virtio-emulator/device";
import {
  GpuDriver,
  GpuFramebuffer,
  GuestAllocator,
  MmioDriverTransport,
  VirtioDriver,
} from "virtio-emulator/driver";
import { type Display, GpuDevice, type ScanoutSource } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { MmioTransport } from "virtio-emulator/transport/mmio";

class CharacterDisplay implements Display {
  #source: ScanoutSource | null = null;
  readonly #cellPixels: number;

  constructor(cellPixels: number) {
    this.#cellPixels = cellPixels;
  }

  // Another picture, or none. It is complete with the flush that follows.
  setScanout(_scanoutId: number, source: ScanoutSource | null): void {
    this.#source = source;
  }

  // These pixels have changed. A promise would hold back the guest until it settles.
  flush(_scanoutId: number, x: number, y: number, widthPixels: number, heightPixels: number): void {
    console.log(`flushed ${widthPixels} × ${heightPixels} at ${x}, ${y}`);
  }

  text(): string {
    if (this.#source === null) return "";
    const rgba = readScanoutRgba(this.#source);
    const { widthPixels, heightPixels } = this.#source;
    let text = "";
    for (let y = 0; y < heightPixels; y += this.#cellPixels) {
      for (let x = 0; x < widthPixels; x += this.#cellPixels) {
        text += (rgba[4 * (y * widthPixels + x)] ?? 0) > 127 ? "#" : ".";
      }
      text += "\n";
    }
    return text.trimEnd();
  }
}

const display = new CharacterDisplay(16);
const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(16 << 20) }]);
const registers = new MmioTransport(new VirtioDevice(new GpuDevice({ display }), { memory }));
const allocator = new GuestAllocator(memory);
const gpu = GpuDriver.start(new VirtioDriver(MmioDriverTransport.open(registers), { allocator }));
const framebuffer = GpuFramebuffer.create(gpu, { width: 128, height: 64 });
framebuffer.fillRect(32, 16, 64, 32, 0xff8000);
framebuffer.show(0);
framebuffer.flush();
console.log(display.text());

// Prints:
//   flushed 128 × 64 at 0, 0
//   ........
//   ..####..
//   ..####..
//   ........
