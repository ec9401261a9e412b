import { VIRTIO_F_RING_RESET } from "../../../wire/common.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { Ring } from "../../guest/index.ts";
import { SMALL } from "../support/rings.ts";
import { placeProbes, quiet, usedMark } from "./support.ts";

const cases = new CaseList();
const features = [VIRTIO_F_RING_RESET];
const needs = { features };
const STOPS = "content.device.virtqueue-reset.1";
const FORGETS = "content.device.virtqueue-reset.2";
const RECONFIGURED = "content.device.virtqueue-re-enable.1";

async function start(t: CaseRun, queueSize = SMALL): Promise<Ring> {
  await t.guest.start({ features, queueSize });
  return t.guest.ring(0);
}

/** Resets queue 0 and waits for the device to say that it is done. */
async function resetQueue(t: CaseRun): Promise<void> {
  const { registers, timeline, dut } = t.guest;
  timeline.add("driver", "queue 0: reset");
  await registers.setQueueReset(0, 1);
  for (let turn = 0; (await registers.queueReset(0)) !== 0; turn++) {
    if (turn === 50) t.fail("the reset of the queue does not end");
    await dut.settle();
  }
}

cases.add({
  id: "content/queue-reset/stops",
  title: "After its reset a queue's buffers are not used and no notification comes for it",
  clauses: [STOPS],
  needs,
  parameters: [{ available: "before" }, { available: "after" }],
  async run(t, { available }) {
    const ring = await start(t);
    await t.serves();
    placeProbes(t, ring, 2);
    if (available === "before") ring.publish();
    await t.guest.takeInterrupts();
    await resetQueue(t);
    // What was used until then may have been notified of until then; else there is nothing to notify of.
    if (available === "before") await t.guest.takeInterrupts();
    else await quiet(t, "for the reset of the queue");
    ring.publish();
    const mark = usedMark(ring);
    for (let i = 0; i < 3; i++) await t.guest.notify(ring);
    await quiet(t, "after the reset of the queue");
    t.equal(usedMark(ring), mark, "what is used after the reset of the queue");
    t.ok(!(await t.guest.needsReset()), "the device does not say DEVICE_NEEDS_RESET");
  },
});

cases.add({
  id: "content/queue-reset/disabled",
  title: "After its reset a queue is not enabled",
  clauses: [FORGETS],
  needs: { ...needs, format: "any" },
  async run(t) {
    await start(t);
    t.equal(await t.guest.registers.queueEnabled(0), 1, "whether queue 0 is enabled before its reset");
    await resetQueue(t);
    t.equal(await t.guest.registers.queueEnabled(0), 0, "whether queue 0 is enabled after its reset");
  },
});

cases.add({
  id: "content/queue-reset/other-queues-go-on",
  title: "The reset of one queue leaves the others alone",
  clauses: [STOPS],
  needs: { ...needs, devices: ["gpu"] },
  async run(t) {
    await start(t);
    for (let i = 0; i < 3; i++) await t.serves(1);
    await resetQueue(t);
    for (let i = 0; i < SMALL; i++) await t.serves(1, "the other queue goes on");
    await t.guest.addQueue(0, SMALL);
    await t.serves(0, "the queue serves again");
    await t.serves(1, "the other queue goes on");
  },
});

cases.add({
  id: "content/queue-reset/begins-anew",
  title: "A queue that is enabled again after its reset begins at its beginning, wherever it stood",
  clauses: [FORGETS],
  needs,
  parameters: [0, 1, SMALL - 1, SMALL, SMALL + 1].map((used) => ({ used })),
  async run(t, { used }) {
    await start(t);
    for (let i = 0; i < used; i++) await t.serves();
    await resetQueue(t);
    await t.guest.addQueue(0, SMALL);
    for (let i = 0; i < SMALL + 1; i++) await t.serves(0, "the queue serves from its beginning");
    await t.guest.takeInterrupts();
    await t.serves();
    t.ok((await t.guest.takeInterrupts()).queue, "a used buffer notification comes");
  },
});

cases.add({
  id: "content/queue-reset/with-buffers",
  title: "A queue may be reset with buffers in it; they are not used when it is enabled again",
  clauses: [FORGETS, STOPS],
  needs,
  async run(t) {
    const old = await start(t);
    placeProbes(t, old, 3);
    old.publish();
    await resetQueue(t);
    const mark = usedMark(old);
    await t.guest.addQueue(0, SMALL);
    for (let i = 0; i < SMALL + 1; i++) await t.serves(0, "the queue serves from its beginning");
    t.equal(usedMark(old), mark, "what is used of the old ring");
  },
});

cases.add({
  id: "content/queue-reset/again-and-again",
  title: "A queue that was reset again and again serves each time",
  clauses: [FORGETS],
  needs,
  async run(t) {
    await start(t);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < round; i++) await t.serves();
      await resetQueue(t);
      await t.guest.addQueue(0, SMALL);
      await t.serves(0, `the queue serves after reset ${round}`);
    }
  },
});

cases.add({
  id: "content/queue-reset/another-size",
  title: "A queue may have another size and other addresses after its reset",
  clauses: [RECONFIGURED],
  needs,
  parameters: [
    { before: 8, after: 4 },
    { before: 4, after: 16 },
    { before: 16, after: 16 },
  ],
  async run(t, { before, after }) {
    const old = await start(t, before);
    for (let i = 0; i < 3; i++) await t.serves();
    const mark = usedMark(old);
    await resetQueue(t);
    const { size } = await t.guest.addQueue(0, after);
    for (let i = 0; i < 2 * size + 1; i++) await t.serves(0, `the queue serves with ${size} entries`);
    t.equal(usedMark(old), mark, "what is used of the old ring");
  },
});

cases.add({
  id: "content/queue-reset/largest-size-again",
  title: "After its reset a queue offers its largest size again",
  clauses: [RECONFIGURED, FORGETS],
  needs: { ...needs, format: "any" },
  async run(t) {
    const largest = await t.guest.registers.queueSize(0);
    await start(t, 2);
    await resetQueue(t);
    t.equal(await t.guest.registers.queueSize(0), largest, "the largest size of queue 0");
  },
});

/** Reset of single queues (virtio 1.4, section 2.6.1). */
export const QUEUE_RESET_CASES = cases.all;
