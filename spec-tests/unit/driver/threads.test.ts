import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createDriverRing, ElementList, GuestAllocator } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
} from "../../../src/wire/index.ts";
import type { EchoThreadData } from "../../support/echo-thread.worker.ts";
import { kindName, RING_KINDS } from "../../support/ring-pair.ts";

const REQUESTS = 1200;
const PATIENCE_MS = 5000;

// The device works in a thread of its own and sleeps between notifications, the driver sleeps between interrupts:
// a single notification that gets lost to a race on either side stops both.
const test = suite("driver and device in two threads");
for (const kind of RING_KINDS) {
  for (const size of [4, 64]) {
    test(`${kindName(kind)} of ${size}: nothing is lost, nobody sleeps forever`, async () => {
      const buffer = new SharedArrayBuffer(1 << 20);
      const memory = new GuestMemory([{ base: 0x8000_0000, memory: buffer }]);
      const allocator = new GuestAllocator(memory);
      const ring = createDriverRing({ ...kind, size }, { allocator });
      const features = [VIRTIO_F_VERSION_1];
      if (kind.format === "packed") features.push(VIRTIO_F_RING_PACKED);
      if (kind.indirectDesc) features.push(VIRTIO_F_INDIRECT_DESC);
      if (kind.eventIdx) features.push(VIRTIO_F_EVENT_IDX);
      if (kind.inOrder) features.push(VIRTIO_F_IN_ORDER);
      const { desc, driver, device } = ring.memory;
      const control = new Int32Array(new SharedArrayBuffer(16));
      const data: EchoThreadData = {
        memory: buffer,
        control: control.buffer as SharedArrayBuffer,
        features,
        queue: {
          size,
          descHi: desc.hi,
          descLo: desc.lo,
          driverHi: driver.hi,
          driverLo: driver.lo,
          deviceHi: device.hi,
          deviceLo: device.lo,
        },
      };
      const worker = new Worker(new URL("../../support/echo-thread.worker.ts", import.meta.url), {
        workerData: data,
      });
      const [status] = (await once(worker, "message")) as [number];
      assert.is(status, 15);

      const requests = Array.from({ length: size }, () => allocator.allocate(16));
      const elements = new ElementList();
      const expected = new Map<number, number>();
      const freeRequests = requests.map((_, i) => i);
      const usedBy = new Map<number, number>();
      let sent = 0;
      let returned = 0;
      let interrupts = 0;
      let kicks = 0;
      while (returned < REQUESTS) {
        let added = 0;
        while (sent < REQUESTS && added < 7 && freeRequests.length > 0) {
          const index = freeRequests[freeRequests.length - 1] as number;
          const request = requests[index] as (typeof requests)[number];
          elements.clear();
          elements.readableBuffer(request, 0, 4);
          elements.writableBuffer(request, 8, 4);
          request.region.u32[request.offset >>> 2] = sent & 0x7f7f7f7f;
          const token = ring.add(elements);
          if (token < 0) break;
          freeRequests.pop();
          expected.set(token, sent & 0x7f7f7f7f);
          usedBy.set(token, index);
          sent++;
          added++;
        }
        ring.publish();
        if (ring.shouldNotify()) {
          kicks++;
          Atomics.add(control, 0, 1);
          Atomics.notify(control, 0);
        }
        let took = 0;
        for (let token = ring.pollUsed(); token >= 0; token = ring.pollUsed()) {
          const index = usedBy.get(token) as number;
          const { region, offset } = requests[index] as (typeof requests)[number];
          assert.is(ring.lastWritten, 4);
          assert.is(region.u32[(offset >>> 2) + 2], (expected.get(token) as number) + 0x01010101);
          freeRequests.push(index);
          returned++;
          took++;
        }
        if (took > 0 || (added > 0 && sent % 3 !== 0)) continue;
        if (ring.inFlight === 0 || ring.enableNotifications()) continue;
        const result = Atomics.wait(control, 1, interrupts, PATIENCE_MS);
        assert.is.not(result, "timed-out", `${returned} of ${sent} came back, ${ring.inFlight} in flight`);
        interrupts = Atomics.load(control, 1);
        ring.disableNotifications();
      }
      Atomics.store(control, 2, 1);
      Atomics.add(control, 0, 1);
      Atomics.notify(control, 0);
      const [counters] = (await once(worker, "message")) as [{ notifications: number; queueFaults: number }];
      assert.is(counters.queueFaults, 0);
      assert.ok(counters.notifications <= kicks + 1);
      await worker.terminate();
    });
  }
}
test.run();
