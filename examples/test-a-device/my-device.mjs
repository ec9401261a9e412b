import { VirtioDevice } from "virtio-emulator/device";
import { GuestMemory } from "virtio-emulator/memory";
import { RngDevice } from "virtio-emulator/rng";
import { MmioTransport } from "virtio-emulator/transport/mmio";

/** @type {import("virtio-emulator/conformance").Target} */
const target = {
  name: "my-device",
  description: "the device in my emulator, version 0.1",
  transport: "mmio", // or "pci", with another `bus` below
  devices: ["rng"], // "gpu", or one of which `models` tells the kit what it has to know

  // Starts a device as it is after power-on. The kit does so again after a crash.
  open() {
    // Memory that guest and device share, 16 MiB or more.
    const buffer = new ArrayBuffer(16 << 20);
    const bytes = new Uint8Array(buffer);
    // From here to the return statement stands what belongs to your emulator.
    let line = false;
    const device = new VirtioDevice(new RngDevice(), {
      memory: new GuestMemory([{ base: 0, memory: buffer }]),
    });
    const registers = new MmioTransport(device, {
      onInterrupt: (asserted) => {
        line = asserted;
      },
    });

    return {
      device: "rng",
      // read(offset, widthBytes) and write(offset, widthBytes, value). For PCI: { kind: "pci", pci } with configRead,
      // configWrite, barRead and barWrite.
      bus: { kind: "mmio", mmio: registers },
      ram: {
        sizeBytes: buffer.byteLength,
        read: (address, length) => bytes.slice(address, address + length),
        write: (address, data) => bytes.set(data, address),
      },
      interruptLine: () => line,
      // Long enough for the device to have done what it was told. Every method but those of ram may
      // return a promise.
      settle: () => new Promise((done) => setTimeout(done, 0)),
      close() {},
    };
  },
};

export default target;
