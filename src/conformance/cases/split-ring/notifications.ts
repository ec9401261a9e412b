import { VIRTIO_F_EVENT_IDX } from "../../../wire/common.ts";
import { VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_USED_F_NO_NOTIFY } from "../../../wire/split-ring.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { SplitRing } from "../../guest/index.ts";
import { eventually, prepareProbe, SMALL, windForward } from "../support/rings.ts";

const cases = new CaseList();
const plain = { format: "split" } as const;
const withEvents = { format: "split", features: [VIRTIO_F_EVENT_IDX] } as const;

const USED = "split-ring.device.used-buffer-notification-suppression";
const AVAILABLE = "split-ring.device.available-buffer-notification-suppression";
const DRIVER_MAY_POLL = "split-ring.prose.receiving-used-buffers-from-the-device.1";

/** A device that runs, and has used one buffer: how it begins is a case of its own. */
async function start(t: CaseRun, features: readonly number[] = []): Promise<SplitRing> {
  await t.guest.start({ queueSize: SMALL, features });
  await t.serves();
  await t.guest.takeInterrupts();
  return t.guest.split(0);
}

/** Has `count` buffers used that are made available together; says whether a notification came for them. */
async function use(t: CaseRun, ring: SplitRing, count = 1): Promise<boolean> {
  for (let i = 0; i < count; i++) t.guest.placeElements(ring, prepareProbe(t.guest, 0, 1).elements);
  await t.guest.kick(ring);
  for (let i = 0; i < count; i++) {
    if ((await t.guest.used(ring)) === null) t.fail("the buffer does not come back");
  }
  return (await t.guest.takeInterrupts()).queue;
}

cases.add({
  id: "split-ring/used-notifications/flag-clear",
  title: "Without VIRTIO_F_EVENT_IDX and with flags 0, every used buffer brings a notification",
  clauses: [`${USED}.3`],
  needs: plain,
  parameters: [{ buffers: 1 }, { buffers: 3 }],
  async run(t, { buffers }) {
    const ring = await start(t);
    for (let round = 0; round < SMALL + 1; round++) {
      t.ok(await use(t, ring, buffers), `a notification comes in round ${round}`);
    }
  },
});

cases.add({
  id: "split-ring/used-notifications/flag-set",
  title: "Without VIRTIO_F_EVENT_IDX and with flags 1, used buffers bring no notification",
  clauses: [`${USED}.2`, DRIVER_MAY_POLL],
  needs: plain,
  parameters: [{ buffers: 1 }, { buffers: 3 }],
  async run(t, { buffers }) {
    const ring = await start(t);
    ring.setAvailFlags(VIRTQ_AVAIL_F_NO_INTERRUPT);
    for (let round = 0; round < SMALL + 1; round++) {
      t.ok(!(await use(t, ring, buffers)), `no notification comes in round ${round}`);
    }
    ring.setAvailFlags(0);
    t.ok(await use(t, ring, buffers), "a notification comes once flags are 0 again");
  },
});

cases.add({
  id: "split-ring/used-notifications/used-event-ignored",
  title: "Without VIRTIO_F_EVENT_IDX the place of used_event means nothing",
  clauses: [`${USED}.1`],
  needs: plain,
  parameters: [{ flags: 0 }, { flags: 1 }],
  async run(t, { flags }) {
    const ring = await start(t);
    ring.setAvailFlags(flags);
    for (const distance of [0, 1, 2, 0x8000, -1]) {
      ring.setUsedEvent(ring.usedIdx + distance);
      t.equal(await use(t, ring), flags === 0, `a notification with used_event ${distance} ahead`);
    }
  },
});

cases.add({
  id: "split-ring/used-notifications/flags-ignored",
  title: "With VIRTIO_F_EVENT_IDX the lower bit of flags means nothing",
  clauses: [`${USED}.4`],
  needs: withEvents,
  parameters: [{ flags: 0 }, { flags: 1 }],
  async run(t, { flags }) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    ring.setAvailFlags(flags);
    for (let round = 0; round < SMALL + 1; round++) {
      ring.setUsedEvent(ring.usedIdx);
      t.ok(await use(t, ring), `a notification comes with flags ${flags}`);
    }
    ring.setUsedEvent(ring.usedIdx + 1);
    t.ok(!(await use(t, ring)), `none comes before used_event with flags ${flags}`);
  },
});

cases.add({
  id: "split-ring/used-notifications/used-event-reached",
  title: "With VIRTIO_F_EVENT_IDX the buffer whose index is used_event brings a notification",
  clauses: [`${USED}.5`],
  needs: withEvents,
  parameters: [
    { buffers: 1, event: 0 },
    { buffers: 3, event: 0 },
    { buffers: 3, event: 1 },
    { buffers: 3, event: 2 },
  ],
  async run(t, { buffers, event }) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    for (let round = 0; round < SMALL + 1; round++) {
      ring.setUsedEvent(ring.usedIdx + event);
      const came = await use(t, ring, buffers);
      t.ok(came, `a notification comes for the buffer ${event} behind the used index, in round ${round}`);
    }
  },
});

cases.add({
  id: "split-ring/used-notifications/used-event-not-reached",
  title: "With VIRTIO_F_EVENT_IDX no notification comes before used_event, and none after it",
  clauses: [`${USED}.6`, DRIVER_MAY_POLL],
  needs: withEvents,
  parameters: [
    { buffers: 1, event: -1 },
    { buffers: 1, event: 1 },
    { buffers: 1, event: 0x7fff },
    { buffers: 3, event: -1 },
    { buffers: 3, event: 3 },
  ],
  async run(t, { buffers, event }) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    for (let round = 0; round < SMALL + 1; round++) {
      ring.setUsedEvent(ring.usedIdx + event);
      t.ok(!(await use(t, ring, buffers)), `no notification comes in round ${round}`);
    }
  },
});

cases.add({
  id: "split-ring/used-notifications/very-first-buffer",
  title: "used_event counts from the very first buffer on",
  clauses: [`${USED}.5`, `${USED}.6`],
  needs: withEvents,
  parameters: [{ event: 0 }, { event: 1 }],
  async run(t, { event }) {
    await t.guest.start({ queueSize: SMALL, features: [VIRTIO_F_EVENT_IDX] });
    await t.guest.takeInterrupts();
    const ring = t.guest.split(0);
    ring.setUsedEvent(event);
    t.equal(await use(t, ring), event === 0, "that a notification comes for the first buffer");
    t.equal(await use(t, ring), event === 1, "that a notification comes for the second buffer");
  },
});

cases.add({
  id: "split-ring/used-notifications/event-left-behind",
  title: "With a used_event that stands still one notification comes, at the buffer that passes it",
  clauses: [`${USED}.5`, `${USED}.6`],
  needs: withEvents,
  async run(t) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    ring.setUsedEvent(ring.usedIdx + 2);
    const came: boolean[] = [];
    for (let i = 0; i < 6; i++) came.push(await use(t, ring));
    t.equal(came.map((c) => (c ? "1" : "0")).join(""), "001000", "notifications of six buffers");
  },
});

cases.add({
  id: "split-ring/used-notifications/event-comes-round",
  title: "used_event is compared rightly where the index comes round from 65535 to 0",
  clauses: [`${USED}.5`, `${USED}.6`],
  needs: withEvents,
  async run(t) {
    await t.guest.start({ queueSize: 64, features: [VIRTIO_F_EVENT_IDX] });
    const ring = t.guest.split(0);
    await windForward(t, ring, 0xfffe);
    await t.guest.takeInterrupts();
    ring.setUsedEvent(0xffff);
    t.ok(!(await use(t, ring)), "none comes for 0xfffe when used_event is 0xffff");
    t.ok(await use(t, ring), "one comes for 0xffff");
    ring.setUsedEvent(0);
    t.ok(await use(t, ring), "one comes for 0");
    t.ok(!(await use(t, ring)), "none comes for 1 when used_event is 0");
    t.equal(ring.usedIdx, 2, "the used index");
  },
});

cases.add({
  id: "split-ring/available-notifications/flags",
  title:
    "Without VIRTIO_F_EVENT_IDX the used ring's flags are 0 or 1, and a device that says 1 needs no notification",
  clauses: [`${AVAILABLE}.1`, `${AVAILABLE}.2`, "split-ring.prose.notifying-the-device.1"],
  needs: plain,
  async run(t) {
    const ring = await start(t);
    for (let round = 0; round < 3 * SMALL; round++) {
      t.ok(ring.usedFlags <= 1, `the used ring's flags are 0 or 1, not ${ring.usedFlags}`);
      const suppressed = (ring.usedFlags & VIRTQ_USED_F_NO_NOTIFY) !== 0;
      await obey(t, ring, !suppressed);
    }
    t.ok(ring.usedFlags <= 1, `the used ring's flags are 0 or 1, not ${ring.usedFlags}`);
  },
});

cases.add({
  id: "split-ring/available-notifications/event",
  title:
    "With VIRTIO_F_EVENT_IDX the used ring's flags are 0, and a driver that goes by avail_event is served",
  clauses: [`${AVAILABLE}.3`, `${AVAILABLE}.4`, "split-ring.prose.notifying-the-device.1"],
  needs: withEvents,
  parameters: [{ buffers: 1 }, { buffers: 3 }],
  async run(t, { buffers }) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    for (let round = 0; round < 3 * SMALL; round++) {
      t.equal(ring.usedFlags, 0, "the used ring's flags");
      // The driver notifies when one of the entries it fills is the one that avail_event names.
      const passed = (ring.availEvent - ring.availIdx) & 0xffff;
      await obey(t, ring, passed < buffers, buffers);
    }
    t.equal(ring.usedFlags, 0, "the used ring's flags");
  },
});

/** Makes buffers available, notifies only if asked to, and fails unless they come back all the same. */
async function obey(t: CaseRun, ring: SplitRing, notify: boolean, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) t.guest.placeElements(ring, prepareProbe(t.guest, 0, 1).elements);
  ring.publish();
  if (notify) await t.guest.notify(ring);
  else t.note("the device asked not to be notified");
  const target = (ring.lastUsedIdx + count) & 0xffff;
  if (!(await eventually(t.guest, () => ring.usedIdx === target))) {
    t.fail(notify ? "the buffers do not come back" : "the device asked not to be notified and uses nothing");
  }
  while (ring.takeUsed() !== null);
}

/** Notification suppression (virtio 1.4, sections 2.7.7 and 2.7.10). */
export const NOTIFICATION_CASES = cases.all;
