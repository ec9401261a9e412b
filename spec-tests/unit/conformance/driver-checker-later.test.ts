// Devices that work when nobody notifies them, and drivers in other threads: much happens between two looks of the
// checker, and none of it may be taken for a mistake of the driver.
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  channelTransferList,
  createChannel,
  DeviceEndpoint,
  runSoon,
} from "../../../src/adapters/worker/index.ts";
import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import { DriverChecker } from "../../../src/conformance/driver-checker/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { GpuDriver, GpuFramebuffer, RngDriver } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import { CheckedMachine } from "../../support/checked-driver.ts";
import { type RingFeatureName, ringFeatures } from "../../support/mutants/driver-sessions.ts";
import { GPU_RAM_BYTES, type GpuPictures } from "../../support/worker/gpu-side.ts";
import type { ThreadOrder } from "../../support/worker/side.worker.ts";

const test = suite("driver checker, later");
const EXPECTED: ReadonlySet<string> = new Set([
  // Only there because the driver of these tests is told to use split rings.
  "content.driver.reserved-feature-bits.5",
  // That driver is gone before it has taken its last interrupt.
  "hint.interrupt-not-handled",
]);

const RINGS: readonly (readonly RingFeatureName[])[] = [
  ["indirect"],
  ["event", "indirect"],
  ["order"],
  ["packed"],
  ["packed", "event", "indirect"],
  ["packed", "order", "event"],
];

function later(task: () => void): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      task();
      resolve();
    }, Math.random() * 2);
  });
}

for (const ring of RINGS) {
  test(`a display that takes its time: ${ring.join(" ")}`, async () => {
    const display = new MemoryDisplay(() => later(() => undefined));
    const machine = new CheckedMachine(new GpuDevice({ display }), {
      transport: "pci",
      device: { ringFeatures: ringFeatures({ ring, transport: "pci" }), schedule: runSoon },
    });
    const gpu = GpuDriver.start(machine.probe());
    const buffers = [0, 1, 2].map(() => GpuFramebuffer.create(gpu, { width: 64, height: 64 }));
    buffers[0]?.show(0);
    const { async } = gpu;
    let open: Promise<unknown>[] = [];
    for (let round = 0; round < 25; round++) {
      const sent: Promise<unknown>[] = [];
      for (const { resourceId } of buffers) {
        sent.push(async.transferToHost2D(resourceId, 0, 0, 64, 64, 0));
        if (round % 2 === 0) gpu.fenceNext();
        sent.push(async.resourceFlush(resourceId, 0, 0, 64, 64), async.getDisplayInfo());
      }
      // Sometimes the next round begins while this one is under way.
      if (round % 3 !== 0) await Promise.all([...open, ...sent]);
      open = round % 3 !== 0 ? [] : sent;
    }
    await Promise.all(open);
    assert.equal(machine.finish(), []);
    const texts = machine.checker.timeline().map(({ text }) => text);
    assert.ok(texts.some((text) => / used, /.test(text)));
  });

  test(`random numbers that come later: ${ring.join(" ")}`, async () => {
    const source = (target: Uint8Array) => later(() => void target.fill(7));
    const machine = new CheckedMachine(new RngDevice({ source }), {
      transport: "mmio",
      device: { ringFeatures: ringFeatures({ ring, transport: "mmio" }), schedule: runSoon },
    });
    const rng = RngDriver.start(machine.probe());
    for (let i = 0; i < 40; i++) await rng.readAsync(100);
    assert.equal(machine.finish(), []);
  });
}

for (const format of ["split", "packed"] as const) {
  for (const eventIdx of [false, true]) {
    test(`a driver in another thread: ${format}${eventIdx ? ", EVENT_IDX" : ""}`, async () => {
      const channel = createChannel({ queues: 2, ram: GPU_RAM_BYTES });
      const worker = new Worker(new URL("../../support/worker/side.worker.ts", import.meta.url));
      const endpoint = new DeviceEndpoint(channel.device);
      const memory = new GuestMemory([{ base: 0, memory: endpoint.ram }]);
      const display = new MemoryDisplay(() => new Promise<void>(runSoon));
      const gpu = new GpuDevice({ display, displays: [{ widthPixels: 160, heightPixels: 120 }] });
      const device = new VirtioDevice(gpu, { memory, schedule: runSoon });
      const checker = new DriverChecker({ memory });
      const transport = new MmioTransport(device, {
        onInterrupt: checker.line((asserted) => endpoint.setInterrupt(asserted)),
      });
      const served = endpoint.serve(checker.mmio(transport));
      try {
        const order: ThreadOrder = {
          kind: "drive-gpu",
          handle: channel.driver,
          run: { format, eventIdx, blob: false, flips: 12 },
        };
        const pictures = await new Promise<GpuPictures>((resolve, reject) => {
          worker.on("message", ({ result, error }: { result: GpuPictures; error?: string }) => {
            if (error === undefined) resolve(result);
            else reject(new Error(error));
          });
          worker.on("error", reject);
          worker.postMessage(order, channelTransferList(order.handle));
        });
        assert.is(pictures.length, 12);
        await served;
      } finally {
        channel.abort();
        await worker.terminate();
      }
      checker.finish();
      const found = checker.violations.filter(({ id }) => !EXPECTED.has(id));
      assert.equal(found, []);
      assert.ok(checker.eventCount > 100);
    });
  }
}

test.run();
