// A driver that raises the available index before it fills the descriptor. Seen from the device's registers all is well;
// shown store by store it is not.
import { DriverChecker } from "virtio-emulator/conformance/driver-checker";
import { VirtioDevice } from "virtio-emulator/device";
import { GuestMemory } from "virtio-emulator/memory";
import { RngDevice } from "virtio-emulator/rng";
import { MmioTransport } from "virtio-emulator/transport/mmio";

const ram = new DataView(new ArrayBuffer(1 << 20));
const memory = new GuestMemory([{ base: 0, memory: ram.buffer }]);
const checker = new DriverChecker({ memory, polled: true });
const device = new VirtioDevice(new RngDevice(), { memory, trace: checker.trace });
const registers = checker.mmio(new MmioTransport(device));

// The guest's processor, with the checker behind each of its stores.
const write16 = checker.afterEach((address: number, value: number) => ram.setUint16(address, value, true), 2);
const write32 = checker.afterEach((address: number, value: number) => ram.setUint32(address, value, true), 4);

const [DESCRIPTORS, AVAILABLE, USED, BUFFER] = [0x1000, 0x2000, 0x3000, 0x4000];

// Bring-up, as virtio 1.4 has it.
for (const offset of [0x000, 0x004, 0x008]) registers.read(offset, 4);
registers.write(0x070, 4, 0);
registers.read(0x070, 4);
registers.write(0x070, 4, 1);
registers.write(0x070, 4, 3);
registers.write(0x014, 4, 0);
registers.read(0x010, 4);
registers.write(0x014, 4, 1);
registers.read(0x010, 4);
registers.write(0x024, 4, 1);
registers.write(0x020, 4, 1); // VIRTIO_F_VERSION_1
registers.write(0x024, 4, 0);
registers.write(0x020, 4, 0);
registers.write(0x070, 4, 11);
registers.read(0x070, 4);
registers.write(0x030, 4, 0);
registers.read(0x044, 4);
registers.read(0x034, 4);
registers.write(0x038, 4, 8);
for (const [register, address] of [
  [0x080, DESCRIPTORS],
  [0x090, AVAILABLE],
  [0x0a0, USED],
] as const) {
  registers.write(register, 4, address);
  registers.write(register + 4, 4, 0);
}
registers.write(0x044, 4, 1);
registers.write(0x070, 4, 15);

// The request: first the index, then what it is about.
write16(AVAILABLE + 2, 1);
write32(DESCRIPTORS, BUFFER);
write32(DESCRIPTORS + 8, 16);
write16(DESCRIPTORS + 12, 2); // VIRTQ_DESC_F_WRITE
registers.write(0x050, 4, 0);
checker.finish();

for (const { level, id, message } of checker.violations) console.log(`${level} ${id}: ${message}`);

// Prints:
//   SHOULD content.driver.reserved-feature-bits.5: VIRTIO_F_RING_PACKED was not accepted
//   MUST content.driver.device-cleanup.1: descriptor 0 of queue 0 was filled only after the available index had been raised: the device may have read it before. First the descriptors, then the entry of the available ring, then its index
