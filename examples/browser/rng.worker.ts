import { workerData } from "node:worker_threads";
import { DeviceEndpoint, runSoon } from "virtio-emulator/adapters/worker";
import { VirtioDevice } from "virtio-emulator/device";
import { GuestMemory } from "virtio-emulator/memory";
import { RngDevice } from "virtio-emulator/rng";
import { MmioTransport } from "virtio-emulator/transport/mmio";

const endpoint = new DeviceEndpoint(workerData);
const memory = new GuestMemory([{ base: 0, memory: endpoint.ram }]);
const device = new VirtioDevice(new RngDevice(), { memory, schedule: runSoon });
await endpoint.serve(
  new MmioTransport(device, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) }),
);
