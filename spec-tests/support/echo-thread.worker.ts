import { parentPort, workerData } from "node:worker_threads";
import { VirtioDevice } from "../../src/device/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { EchoDevice } from "../../src/testing/index.ts";
import type { QueueConfig } from "../../src/virtqueue/index.ts";

/** What the test tells the thread. Words of `control`: notifications sent, interrupts sent, 1 to stop. */
export interface EchoThreadData {
  readonly memory: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly features: readonly number[];
  readonly queue: QueueConfig;
}

const NOTIFICATIONS = 0;
const INTERRUPTS = 1;
const STOP = 2;

const data = workerData as EchoThreadData;
const control = new Int32Array(data.control);
const scheduled: (() => void)[] = [];
const memory = new GuestMemory([{ base: 0x8000_0000, memory: data.memory }]);
const device = new VirtioDevice(new EchoDevice({ maxSize: data.queue.size }), {
  memory,
  ringFeatures: data.features.filter((bit) => bit !== 32),
  schedule: (task) => scheduled.push(task),
});
device.connect({
  queueInterrupt: () => {
    Atomics.add(control, INTERRUPTS, 1);
    Atomics.notify(control, INTERRUPTS);
  },
  configInterrupt: () => {},
  deviceReset: () => {},
});
device.writeStatus(3);
for (let word = 0; word < 2; word++) {
  let value = 0;
  for (const bit of data.features) if (bit >>> 5 === word) value |= 1 << (bit & 31);
  device.writeDriverFeatureWord(word, value >>> 0);
}
device.writeStatus(11);
device.writeQueueConfig(0, data.queue);
device.enableQueue(0);
device.writeStatus(15);
parentPort?.postMessage(device.status);

for (let seen = 0; Atomics.load(control, STOP) === 0; ) {
  if (scheduled.length > 0) (scheduled.shift() as () => void)();
  else Atomics.wait(control, NOTIFICATIONS, seen, 1000);
  const now = Atomics.load(control, NOTIFICATIONS);
  if (now !== seen) {
    seen = now;
    device.notify(0);
  }
}
parentPort?.postMessage(device.counters);
