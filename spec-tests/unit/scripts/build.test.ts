import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const build = suite("build");

build("bundles a worker and rewrites its URL to the bundle", async () => {
  const worker = new Worker(new URL("./echo.worker.ts", import.meta.url), { workerData: 20 });
  const reply = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  assert.is(reply, 22);
  await worker.terminate();
});

build.run();
