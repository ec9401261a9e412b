// The bus of an emulator with RAM, a virtio-mmio device and a virtio-pci device on it.
import { MemoryDisplay } from "virtio-emulator/backends/display/memory";
import { VirtioDevice } from "virtio-emulator/device";
import { GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { RngDevice } from "virtio-emulator/rng";
import { MmioTransport } from "virtio-emulator/transport/mmio";
import { PciTransport } from "virtio-emulator/transport/pci";

const RAM_BASE = 0x8000_0000;
const MMIO_BASE = 0x1000_0000;

/** The part of your emulator that the devices know nothing of: memory, interrupt lines, messages. */
const ram = new ArrayBuffer(32 << 20);
const lines = new Map<number, boolean>();
const setLine = (line: number, asserted: boolean): void => void lines.set(line, asserted);
const messages: { addressHi: number; addressLo: number; data: number }[] = [];

const memory = new GuestMemory([{ base: RAM_BASE, memory: ram }]);

// virtio-mmio: a window of registers, and one interrupt line.
const rng = new MmioTransport(new VirtioDevice(new RngDevice(), { memory }), {
  onInterrupt: (asserted) => setLine(3, asserted),
});

// virtio-pci: a function in configuration space, BARs that the guest places, a line and messages.
const display = new MemoryDisplay();
const gpu = new PciTransport(new VirtioDevice(new GpuDevice({ display }), { memory }), {
  onInterrupt: (asserted) => setLine(4, asserted),
  onMsix: ({ addressHi, addressLo, data }) => void messages.push({ addressHi, addressLo, data }),
});

/** A load of the guest from an address that is not RAM. What nobody answers reads as ones. */
export function load(address: number, widthBytes: 1 | 2 | 4): number {
  if (address >= MMIO_BASE && address < MMIO_BASE + rng.sizeBytes) {
    return rng.read(address - MMIO_BASE, widthBytes);
  }
  return gpu.access("memory", address, widthBytes) ?? 2 ** (8 * widthBytes) - 1;
}

/** A store of the guest to an address that is not RAM. What nobody takes is lost. */
export function store(address: number, widthBytes: 1 | 2 | 4, value: number): void {
  if (address >= MMIO_BASE && address < MMIO_BASE + rng.sizeBytes) {
    rng.write(address - MMIO_BASE, widthBytes, value);
  } else {
    gpu.access("memory", address, widthBytes, value);
  }
}

/** The machine's reset button. */
export function reset(): void {
  rng.reset();
  gpu.reset();
}

// A guest looks for the device: the magic value, and the device id of an entropy source.
console.log(`mmio: 0x${load(MMIO_BASE, 4).toString(16)}, device ${load(MMIO_BASE + 8, 4)}`);
// It finds the function in configuration space: vendor 0x1af4, device 0x1040 + 16 for a gpu.
console.log(`pci: 0x${gpu.configRead(0, 4).toString(16)}, revision ${gpu.configRead(8, 1)}`);
// It gives BAR 0 an address, enables memory space, and finds the device's registers there.
gpu.configWrite(0x10, 4, 0xfe00_0000);
gpu.configWrite(0x04, 2, 0x0006);
console.log(`queues: ${load(0xfe00_0012, 2)}`);
reset();
console.log(`after a reset nobody answers: 0x${load(0xfe00_0012, 2).toString(16)}`);

// Prints:
//   mmio: 0x74726976, device 4
//   pci: 0x10501af4, revision 1
//   queues: 2
//   after a reset nobody answers: 0xffff
