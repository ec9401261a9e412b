import { DriverChecker } from "virtio-emulator/conformance/driver-checker";
import { VirtioDevice } from "virtio-emulator/device";
import { GuestMemory } from "virtio-emulator/memory";
import { RngDevice } from "virtio-emulator/rng";
import { MmioTransport } from "virtio-emulator/transport/mmio";

const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
const checker = new DriverChecker({ memory, polled: false });
const device = new VirtioDevice(new RngDevice(), { memory, trace: checker.trace });
const onInterrupt = checker.line((_asserted) => {}); // what your emulator does with the line goes in here
const registers = checker.mmio(new MmioTransport(device, { onInterrupt }));

// The driver under test, which takes a status bit back.
for (const offset of [0, 4, 8]) registers.read(offset, 4);
registers.write(0x70, 4, 0);
registers.read(0x70, 4);
registers.write(0x70, 4, 1); // ACKNOWLEDGE
registers.write(0x70, 4, 3); // and DRIVER
registers.write(0x70, 4, 2); // without ACKNOWLEDGE

for (const { level, id, message, event } of checker.violations) {
  console.log(`${level} ${id}: ${message} (${event})`);
}

// Prints:
//   MUST content.driver.device-status-field.2: status bits 0x1 were cleared: the status went from 0x3 to 0x2, and bits are only ever added (status ← 0x2)
