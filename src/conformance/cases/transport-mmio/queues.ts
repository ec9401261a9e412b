import { VIRTIO_F_RING_RESET } from "../../../wire/common.ts";
import {
  VIRTIO_MMIO_QUEUE_NOTIFY,
  VIRTIO_MMIO_QUEUE_NUM_MAX,
  VIRTIO_MMIO_QUEUE_READY,
  VIRTIO_MMIO_QUEUE_RESET,
  VIRTIO_MMIO_QUEUE_SEL,
} from "../../../wire/mmio.ts";
import { type CaseDefinition, CaseList, type CaseRun } from "../../case.ts";
import type { Ring } from "../../guest/index.ts";
import { CLAUSE, MMIO, MMIO_RINGS } from "./common.ts";

const cases = new CaseList();
const RESET = [VIRTIO_F_RING_RESET];
const WITH_RESET = { ...MMIO_RINGS, features: RESET };
/** The largest queue there may be. */
const MAX_QUEUE_SIZE = 32768;
/** How often QueueReset is read before a reset is said never to end. */
const PATIENCE = 50;

/** Queues that no device of the kit has. */
const NO_QUEUES = [9, 0xffff, 0xffffffff];

cases.add({
  id: "transport-mmio/queue/size-max",
  title: "QueueSizeMax of every queue is 1 to 32768",
  clauses: [CLAUSE.queueSize],
  needs: MMIO,
  async run(t) {
    for (const queue of t.guest.model.queues.keys()) {
      const max = await t.guest.registers.queueSize(queue);
      t.ok(max >= 1 && max <= MAX_QUEUE_SIZE, `QueueSizeMax of queue ${queue} (${max}) is 1 to 32768`);
    }
  },
});

cases.add({
  id: "transport-mmio/queue/not-available",
  title: "QueueSizeMax of a queue that is not available is 0 (section 4.2.2)",
  clauses: [CLAUSE.queueSize],
  needs: MMIO,
  parameters: [{ queue: "next" }, ...NO_QUEUES.map((queue) => ({ queue: String(queue) }))],
  async run(t, { queue }) {
    const { mmio, model } = t.guest;
    await mmio.write(VIRTIO_MMIO_QUEUE_SEL, queue === "next" ? model.queues.length : Number(queue));
    t.equal(await mmio.read(VIRTIO_MMIO_QUEUE_NUM_MAX), 0, "QueueSizeMax");
    await t.guest.start();
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/queue/registers-of-no-queue",
  title: "Setting up a queue that is not available does not disturb those that are",
  clauses: [CLAUSE.notReady],
  needs: MMIO_RINGS,
  parameters: NO_QUEUES.map((queue) => ({ queue })),
  async run(t, { queue }) {
    await t.guest.start();
    const { registers, mmio } = t.guest;
    await mmio.write(VIRTIO_MMIO_QUEUE_SEL, queue);
    if ((await mmio.read(VIRTIO_MMIO_QUEUE_NUM_MAX)) !== 0) return t.skip("the device has such a queue");
    await registers.setQueueSize(queue, 16);
    await registers.setQueueAddresses(queue, { descriptors: 0x100000, driver: 0x101000, device: 0x102000 });
    await registers.setQueueEnabled(queue, 1);
    await mmio.write(VIRTIO_MMIO_QUEUE_RESET, 1);
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/queue/notify-no-queue",
  title: "Notifications of queues that are not available are survived",
  clauses: [CLAUSE.notReady],
  needs: MMIO_RINGS,
  parameters: NO_QUEUES.map((queue) => ({ queue })),
  async run(t, { queue }) {
    await t.guest.start();
    await t.guest.mmio.write(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
    await t.guest.dut.settle();
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/queue-ready/read-back",
  title: "QueueReady reads as it was written last, for each queue by itself",
  clauses: [CLAUSE.reset, CLAUSE.notReady],
  needs: MMIO_RINGS,
  async run(t) {
    const { registers, model } = t.guest;
    await t.guest.negotiate();
    const queues = [...model.queues.keys()];
    for (const queue of queues) {
      t.equal(await registers.queueEnabled(queue), 0, `QueueReady of queue ${queue} at first`);
      await t.guest.addQueue(queue);
      t.equal(await registers.queueEnabled(queue), 1, `QueueReady of queue ${queue} when written 1`);
      for (const other of queues.filter((index) => index > queue)) {
        t.equal(await registers.queueEnabled(other), 0, `QueueReady of queue ${other} meanwhile`);
      }
    }
    await t.guest.driverOk();
    for (const queue of queues) {
      t.equal(await registers.queueEnabled(queue), 1, `QueueReady of queue ${queue} with DRIVER_OK`);
      await registers.setQueueEnabled(queue, 0);
      t.equal(await registers.queueEnabled(queue), 0, `QueueReady of queue ${queue} when written 0`);
    }
  },
});

cases.add({
  id: "transport-mmio/queue-ready/other-values",
  title: "QueueReady written with what is neither 0 nor 1 does not lose the device",
  clauses: [CLAUSE.notReady],
  needs: MMIO_RINGS,
  parameters: [{ value: 2 }, { value: 0xff }, { value: 0xffffffff }],
  async run(t, { value }) {
    await t.guest.start();
    await t.serves();
    await t.guest.registers.setQueueEnabled(0, value);
    await t.guest.dut.settle();
    await t.guest.reset();
    await t.guest.negotiate();
    await t.guest.configureQueue(0);
    await t.guest.registers.setQueueEnabled(0, value);
    await t.guest.driverOk();
    const ready = await t.guest.registers.queueEnabled(0);
    t.ok(ready === 0 || ready === 1, `QueueReady reads as 0 or 1, not ${ready}`);
    if (ready === 1) await t.serves();
    else await isLeftAlone(t, t.guest.ring(0));
  },
});

/** Places the probe, notifies, and fails when anything the device may write to changes. */
async function isLeftAlone(t: CaseRun, ring: Ring): Promise<void> {
  const { guest } = t;
  const { readable, writableBytes } = guest.model.probe(ring.index);
  const address = guest.arena.place(readable);
  const buffer = guest.arena.place(new Uint8Array(Math.max(writableBytes, 16)).fill(0xa5));
  guest.placeElements(ring, [
    ...(readable.length > 0 ? [{ address, lengthBytes: readable.length, writable: false }] : []),
    { address: buffer, lengthBytes: Math.max(writableBytes, 16), writable: true },
  ]);
  ring.publish();
  const before = JSON.stringify(ring.snapshot());
  await guest.notify(ring);
  for (let turn = 0; turn < 4; turn++) await guest.dut.settle();
  t.equal(JSON.stringify(ring.snapshot()) === before, true, "whether the ring is as the driver left it");
  const bytes = guest.arena.ram.read(buffer, Math.max(writableBytes, 16));
  t.ok(
    bytes.every((byte) => byte === 0xa5),
    "the buffer is as the driver left it",
  );
}

cases.add({
  id: "transport-mmio/queue-ready/never",
  title: "A queue that was set up and never made ready is not touched",
  clauses: [CLAUSE.notReady],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.negotiate();
    const ring = await t.guest.configureQueue(0);
    for (const queue of t.guest.model.queues.keys()) if (queue !== 0) await t.guest.addQueue(queue);
    await t.guest.driverOk();
    await isLeftAlone(t, ring);
  },
});

cases.add({
  id: "transport-mmio/queue-ready/no-longer",
  title: "A queue whose QueueReady was written 0 is not touched any more",
  clauses: [CLAUSE.notReady],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    await t.serves();
    await t.guest.registers.setQueueEnabled(0, 0);
    t.equal(await t.guest.registers.queueEnabled(0), 0, "QueueReady");
    await isLeftAlone(t, t.guest.ring(0));
  },
});

cases.add({
  id: "transport-mmio/queue-ready/other-queue",
  title: "A queue goes on when another is no longer ready",
  clauses: [CLAUSE.notReady],
  needs: { ...MMIO_RINGS, devices: ["gpu"] },
  parameters: [{ stopped: 0 }, { stopped: 1 }],
  async run(t, { stopped }) {
    await t.guest.start();
    await t.guest.registers.setQueueEnabled(stopped, 0);
    await isLeftAlone(t, t.guest.ring(stopped));
    await t.serves(1 - stopped);
  },
});

cases.add({
  id: "transport-mmio/queue-ready/behind-reset",
  title: "Behind a device reset no queue is touched, whatever is in it",
  clauses: [CLAUSE.reset, CLAUSE.notReady],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    await t.serves();
    const ring = t.guest.ring(0);
    await t.guest.reset();
    await isLeftAlone(t, ring);
  },
});

/** Writes QueueReset and waits until it reads 0. */
async function resetQueue(t: CaseRun, queue: number): Promise<void> {
  const { registers, dut } = t.guest;
  await registers.setQueueReset(queue, 1);
  for (let turn = 0; (await registers.queueReset(queue)) !== 0; turn++) {
    if (turn === PATIENCE) return t.fail(`QueueReset of queue ${queue} does not become 0`);
    await dut.settle();
  }
}

cases.add({
  id: "transport-mmio/queue-reset/at-reset",
  title: "QueueReset is 0 behind a device reset",
  clauses: [CLAUSE.queueResetAtReset],
  needs: { ...WITH_RESET, format: "any" },
  async run(t) {
    const { registers, model } = t.guest;
    await t.guest.start({ features: RESET });
    await registers.setQueueReset(0, 1);
    await t.guest.reset();
    for (const queue of model.queues.keys()) {
      t.equal(await registers.queueReset(queue), 0, `QueueReset of queue ${queue} behind a reset`);
    }
    await t.guest.negotiate(RESET);
    for (const queue of model.queues.keys()) {
      t.equal(await registers.queueReset(queue), 0, `QueueReset of queue ${queue} with FEATURES_OK`);
    }
  },
});

cases.add({
  id: "transport-mmio/queue-reset/when-enabled",
  title: "QueueReset is 0 once the queue is enabled",
  clauses: [CLAUSE.queueResetWhenEnabled],
  needs: WITH_RESET,
  async run(t) {
    const { registers, model } = t.guest;
    await t.guest.negotiate(RESET);
    for (const queue of model.queues.keys()) {
      await t.guest.addQueue(queue);
      t.equal(await registers.queueReset(queue), 0, `QueueReset of queue ${queue} with QueueReady`);
    }
    await t.guest.driverOk();
    t.equal(await registers.queueReset(0), 0, "QueueReset with DRIVER_OK");
    await resetQueue(t, 0);
    await t.guest.addQueue(0);
    t.equal(await registers.queueReset(0), 0, "QueueReset of the queue enabled once more");
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/queue-reset/done",
  title: "When the reset of a queue has completed, QueueReset and QueueReady are 0",
  clauses: [CLAUSE.queueResetDone, CLAUSE.queueReset],
  needs: WITH_RESET,
  async run(t) {
    await t.guest.start({ features: RESET });
    await t.serves();
    await resetQueue(t, 0);
    t.equal(await t.guest.mmio.read(VIRTIO_MMIO_QUEUE_RESET), 0, "QueueReset");
    t.equal(await t.guest.mmio.read(VIRTIO_MMIO_QUEUE_READY), 0, "QueueReady");
  },
});

cases.add({
  id: "transport-mmio/queue-reset/over-when-it-says-so",
  title: "Once QueueReset reads 0 again the reset is over: the old ring and its buffers are not touched",
  clauses: [CLAUSE.queueResetOngoing, CLAUSE.queueReset],
  needs: WITH_RESET,
  async run(t) {
    await t.guest.start({ features: RESET });
    const ring = t.guest.ring(0);
    // Some that the device may be at work on.
    for (let i = 0; i < 4; i++) {
      const { readable, writableBytes } = t.guest.model.probe(0);
      t.guest.place(ring, readable, writableBytes);
    }
    await t.guest.kick(ring);
    await resetQueue(t, 0);
    while (ring.takeUsed() !== null);
    t.equal(await t.guest.registers.queueEnabled(0), 0, "QueueReady");
    await isLeftAlone(t, ring);
  },
});

cases.add({
  id: "transport-mmio/queue-reset/fresh",
  title: "A queue that was reset begins at the beginning, with other memory and another size",
  clauses: [CLAUSE.queueReset],
  needs: WITH_RESET,
  parameters: [{ size: 4 }, { size: 8 }, { size: 16 }],
  async run(t, { size }) {
    await t.guest.start({ features: RESET });
    for (let i = 0; i < 5; i++) await t.serves();
    await resetQueue(t, 0);
    await t.guest.addQueue(0, size);
    for (let i = 0; i < 2 * size + 1; i++) await t.serves(0, "the queue serves behind its reset");
  },
});

cases.add({
  id: "transport-mmio/queue-reset/unseen-requests",
  title: "Requests of before a queue reset are not served in the new ring",
  clauses: [CLAUSE.queueReset],
  needs: WITH_RESET,
  async run(t) {
    await t.guest.start({ features: RESET });
    const old = t.guest.ring(0);
    const { readable, writableBytes } = t.guest.model.probe(0);
    t.guest.place(old, readable, writableBytes);
    // Published, and not notified of.
    old.publish();
    await resetQueue(t, 0);
    const ring = await t.guest.addQueue(0);
    await t.guest.notify(ring);
    t.ok(await t.guest.returnedNothing(ring), "the new ring is empty");
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/queue-reset/other-queue",
  title: "The reset of one queue leaves the other alone",
  clauses: [CLAUSE.queueReset, CLAUSE.queueResetDone],
  needs: { ...WITH_RESET, devices: ["gpu"] },
  parameters: [{ queue: 0 }, { queue: 1 }],
  async run(t, { queue }) {
    await t.guest.start({ features: RESET });
    await t.serves(1 - queue);
    await resetQueue(t, queue);
    t.equal(await t.guest.registers.queueEnabled(1 - queue), 1, "QueueReady of the other");
    await t.serves(1 - queue);
    await t.guest.addQueue(queue);
    await t.serves(queue);
    await t.serves(1 - queue);
  },
});

cases.add({
  id: "transport-mmio/queue-reset/again",
  title: "A queue can be reset over and over",
  clauses: [CLAUSE.queueReset, CLAUSE.queueResetWhenEnabled],
  needs: WITH_RESET,
  async run(t) {
    await t.guest.start({ features: RESET });
    for (let round = 0; round < 4; round++) {
      await t.serves();
      await resetQueue(t, 0);
      await t.guest.addQueue(0);
    }
    await t.serves();
  },
});

/** Queues: whether there are any, whether they are ready, their reset. */
export const QUEUE_CASES: readonly CaseDefinition[] = cases.all;
