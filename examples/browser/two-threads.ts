// The same in Node: the device in a worker thread, the guest here.
import { Worker } from "node:worker_threads";
import {
  attachDriver,
  channelTransferList,
  createChannel,
  DriverEndpoint,
} from "virtio-emulator/adapters/worker";
import { GuestAllocator, RngDriver } from "virtio-emulator/driver";
import { GuestMemory } from "virtio-emulator/memory";

const channel = createChannel({ queues: 1, ram: 16 << 20 });
const worker = new Worker(new URL("./rng.worker.ts", import.meta.url), {
  workerData: channel.device,
  transferList: channelTransferList(channel.device),
});
worker.on("exit", () => channel.abort());

const bus = new DriverEndpoint(channel.driver);
const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
const rng = RngDriver.start(attachDriver(bus, { allocator: new GuestAllocator(memory) }));
console.log(`${rng.read(32).length} random bytes from another thread`);
bus.close();

// Prints:
//   32 random bytes from another thread
