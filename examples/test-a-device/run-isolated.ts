// The kit with the device in a thread of its own, which is watched from here and ended where it hangs.
import { Worker } from "node:worker_threads";
import { CASES, isolateTarget } from "virtio-emulator/conformance";

const target = await isolateTarget(
  () => new Worker(new URL("./my-device.worker.ts", import.meta.url)),
  { callTimeoutMs: 2000 }, // in one call; 10000 when left out
);
const { totals } = await target.run(CASES, { filter: (id) => id.startsWith("entropy/"), formats: ["split"] });
target.close();
console.log(`${totals.fail + totals.wedged} findings`);

// Prints:
//   0 findings
