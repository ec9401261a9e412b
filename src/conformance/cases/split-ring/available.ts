import { CaseList, type CaseRun } from "../../case.ts";
import type { Request, SplitRing } from "../../guest/index.ts";
import {
  answered,
  chained,
  eventually,
  offerSplit,
  type PreparedProbe,
  prepareProbe,
  SMALL,
  windForward,
} from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "split" } as const;
const NOT_BACK = "split-ring.driver.the-virtqueue-available-ring.1";
const SPURIOUS = "split-ring.device.available-buffer-notification-suppression.5";
/** A device that neither serves nor says DEVICE_NEEDS_RESET breaks it. */
const ERROR_STATE = "content.device.device-status-field.2";
const AT_ONCE = "split-ring.prose.updating-field-idx.1";
const BATCH = "split-ring.prose.supplying-buffers-to-the-device.1";

async function start(t: CaseRun): Promise<SplitRing> {
  await t.guest.start({ queueSize: SMALL });
  return t.guest.split(0);
}

/** Places as many probes as there is room for, or `most` of them. */
function placeMany(t: CaseRun, ring: SplitRing, most = ring.size): [Request, PreparedProbe][] {
  const placed: [Request, PreparedProbe][] = [];
  const { elements } = prepareProbe(t.guest, 0, 1);
  const count = Math.min(most, Math.floor(ring.size / elements.length));
  for (let i = 0; i < count; i++) {
    const probe = prepareProbe(t.guest, 0, 1);
    placed.push([t.guest.placeElements(ring, probe.elements), probe]);
  }
  return placed;
}

/** Waits for all of these to come back, in any order, each once and right. */
async function allAnswered(
  t: CaseRun,
  ring: SplitRing,
  placed: readonly [Request, PreparedProbe][],
): Promise<void> {
  const waiting = new Map(placed.map(([request, probe]) => [request.placed.id, probe]));
  while (waiting.size > 0) {
    const used = await t.guest.used(ring);
    if (used === null) t.fail(`${waiting.size} of ${placed.length} buffers do not come back`);
    const probe = waiting.get(used.id);
    if (probe === undefined) t.fail(`the device returned id ${used.id}, which it does not hold`);
    waiting.delete(used.id);
    const wrong = probe.check(used.lengthBytes);
    if (wrong !== null) t.fail(`the answer of id ${used.id} is wrong: ${wrong}`);
  }
  t.ok(await t.guest.returnedNothing(ring), "each buffer comes back once");
}

cases.add({
  id: "split-ring/available/batch",
  title: "Buffers made available together are all used, each once",
  clauses: [BATCH, "split-ring.prose.updating-the-available-ring.2"],
  needs,
  async run(t) {
    const ring = await start(t);
    for (let round = 0; round < 5; round++) {
      const placed = placeMany(t, ring);
      await t.guest.kick(ring);
      await allAnswered(t, ring, placed);
    }
  },
});

cases.add({
  id: "split-ring/available/not-before-idx",
  title: "An entry of the available ring is not used before idx has moved past it",
  clauses: [AT_ONCE, SPURIOUS],
  needs,
  async run(t) {
    const ring = await start(t);
    const placed = placeMany(t, ring, 2);
    await t.guest.notify(ring);
    t.ok(await t.guest.returnedNothing(ring), "nothing is used while idx stands still");
    t.equal(ring.usedIdx, 0, "the used index");
    await t.guest.kick(ring);
    await allAnswered(t, ring, placed);
  },
});

cases.add({
  id: "split-ring/available/at-once-or-when-notified",
  title: "A buffer is used when idx shows it or when the notification comes, and once in all",
  clauses: [AT_ONCE],
  needs,
  async run(t) {
    const ring = await start(t);
    const placed = placeMany(t, ring, 2);
    ring.publish();
    // It may be used by now, or not.
    await t.guest.dut.settle();
    t.ok(ring.usedIdx <= placed.length, "no more buffers are used than were available");
    await t.guest.notify(ring);
    await allAnswered(t, ring, placed);
  },
});

cases.add({
  id: "split-ring/available/spurious-notifications",
  title: "Notifications without a new buffer use nothing and do no harm",
  clauses: [SPURIOUS],
  needs,
  parameters: [{ used: 0 }, { used: 1 }, { used: SMALL }, { used: SMALL + 1 }],
  async run(t, { used }) {
    const ring = await start(t);
    for (let i = 0; i < used; i++) await t.serves();
    const before = ring.usedIdx;
    for (let i = 0; i < 5; i++) await t.guest.notify(ring);
    t.ok(await t.guest.returnedNothing(ring), "nothing comes back");
    t.equal(ring.usedIdx, before, "the used index");
    t.ok(!(await t.guest.needsReset()), "the device does not say DEVICE_NEEDS_RESET");
    await t.serves(0, "the device goes on");
  },
});

cases.add({
  id: "split-ring/available/notified-twice",
  title: "A buffer that is notified of again and again is used once",
  clauses: [SPURIOUS],
  needs,
  async run(t) {
    const ring = await start(t);
    const placed = placeMany(t, ring, 1);
    await t.guest.kick(ring);
    for (let i = 0; i < 3; i++) await t.guest.notify(ring);
    await allAnswered(t, ring, placed);
  },
});

cases.add({
  id: "split-ring/available/as-many-as-the-queue-has",
  title: "idx may move on by as much as the queue has entries: the control of idx-jumps",
  clauses: [BATCH],
  needs,
  async run(t) {
    const ring = await start(t);
    // One descriptor each, so that all entries can be heads.
    const request = t.guest.model.probe(0);
    const writable = request.readable.length === 0;
    for (let i = 0; i < ring.size; i++) {
      const address = writable ? t.guest.arena.allocate(16) : t.guest.arena.place(request.readable);
      const lengthBytes = writable ? 16 : request.readable.length;
      t.guest.placeElements(ring, [{ address, lengthBytes, writable }]);
    }
    await t.guest.kick(ring);
    t.ok(await eventually(t.guest, () => ring.usedIdx === ring.size), "all buffers come back");
  },
});

cases.add({
  id: "split-ring/available/idx-jumps",
  title: "An idx that moved on by more than the queue has entries, or back, is refused or takes no harm",
  clauses: [NOT_BACK, ERROR_STATE],
  needs,
  parameters: [{ by: SMALL + 1 }, { by: 0x8000 }, { by: -1 }],
  async run(t, { by }) {
    const ring = await start(t);
    await t.serves();
    ring.availIdx = (ring.availIdx + by) & 0xffff;
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/available/last-entry-as-head",
  title: "Each entry of the table can be a head: the control of head-out-of-range",
  clauses: ["split-ring.device.message-framing.1"],
  needs,
  async run(t) {
    const ring = await start(t);
    for (let head = SMALL - 1; head >= 0; head--) {
      const probe = prepareProbe(t.guest, 0, 2);
      const slots = probe.elements.map((_, i) => (head + i) % SMALL);
      chained(probe.elements, slots).forEach((descriptor, i) => {
        ring.writeDescriptor(slots[i] as number, descriptor);
      });
      ring.offer(head);
      await t.guest.kick(ring);
      const used = await t.guest.used(ring);
      t.equal(used?.id, head, "the id of the used buffer");
    }
  },
});

cases.add({
  id: "split-ring/available/head-out-of-range",
  title: "A head that is not an entry of the table is refused or takes no harm",
  clauses: [NOT_BACK, ERROR_STATE],
  needs,
  parameters: [{ head: SMALL }, { head: 0x8000 }, { head: 0xffff }],
  async run(t, { head }) {
    const ring = await start(t);
    ring.offer(head);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/available/same-head-twice",
  title: "A head that is made available again before it came back is refused or takes no harm",
  clauses: [NOT_BACK, ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const probe = prepareProbe(t.guest, 0, 2);
    offerSplit(ring, probe.elements.length, (slots) => chained(probe.elements, slots));
    ring.offer([...ring.inFlight.keys()][0] as number);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/available/idx-comes-round",
  title: "The indexes come round from 65535 to 0, with one buffer at a time and with a batch across",
  clauses: [BATCH, "split-ring.prose.updating-the-available-ring.1"],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: 64 });
    const ring = t.guest.split(0);
    await windForward(t, ring, 0xfffd);
    for (let round = 0; round < 5; round++) {
      const probe = prepareProbe(t.guest, 0, 2);
      const request = t.guest.placeElements(ring, probe.elements);
      await t.guest.kick(ring);
      await answered(t, request, probe, `the device serves with idx ${ring.availIdx}`);
    }
    t.equal(ring.usedIdx, 2, "the used index");
    await windForward(t, ring, 0xfffd);
    const placed = placeMany(t, ring, 8);
    await t.guest.kick(ring);
    await allAnswered(t, ring, placed);
  },
});

cases.add({
  id: "split-ring/available/sizes",
  title: "Queues of every size that is a power of two work, round after round",
  clauses: [BATCH, "content.device.virtqueue-re-enable.1"],
  needs,
  parameters: [2, 4, 16, 32, 64, 32768].map((size) => ({ size })),
  async run(t, { size }) {
    await t.guest.start({ queueSize: size });
    const ring = t.guest.split(0);
    for (let round = 0; round < 3; round++) {
      const placed = placeMany(t, ring, 256);
      await t.guest.kick(ring);
      await allAnswered(t, ring, placed);
    }
  },
});

/** The available ring (virtio 1.4, sections 2.7.6 and 2.7.13). */
export const AVAILABLE_CASES = cases.all;
