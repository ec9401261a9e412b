import { VIRTIO_F_EVENT_IDX } from "../../../wire/common.ts";
import {
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
} from "../../../wire/packed-ring.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { PackedRing, Request } from "../../guest/index.ts";
import { eventually, inOrder, prepareProbe, SMALL } from "../support/rings.ts";

const cases = new CaseList();
const plain = { format: "packed" } as const;
const withEvents = { format: "packed", features: [VIRTIO_F_EVENT_IDX] } as const;

// The structures themselves are described without a normative statement; these are the ones that rest on them.
const DRIVER_MAY_SUPPRESS = "packed-ring.prose.receiving-used-buffers-from-the-device.1";
const DEVICE_MAY_SUPPRESS = "packed-ring.prose.sending-available-buffer-notifications.1";

/** A device that runs, and has used one buffer: notifications at the very beginning prove nothing. */
async function start(t: CaseRun, features: readonly number[] = []): Promise<PackedRing> {
  await t.guest.start({ queueSize: SMALL, features });
  await t.serves();
  await t.guest.takeInterrupts();
  return t.guest.packed(0);
}

/** Requests of one descriptor each, so that positions can be counted on. */
function placeOne(t: CaseRun, ring: PackedRing): Request {
  const { readable } = t.guest.model.probe(0);
  const writable = readable.length === 0;
  const address = writable ? t.guest.arena.allocate(16) : t.guest.arena.place(readable);
  const lengthBytes = writable ? 16 : readable.length;
  return t.guest.placeElements(ring, [{ address, lengthBytes, writable }]);
}

/** Has `count` buffers used that are made available together; says whether a notification came for them. */
async function use(t: CaseRun, ring: PackedRing, count = 1): Promise<boolean> {
  for (let i = 0; i < count; i++) placeOne(t, ring);
  await t.guest.kick(ring);
  for (let i = 0; i < count; i++) {
    if ((await t.guest.used(ring)) === null) t.fail("the buffer does not come back");
  }
  return (await t.guest.takeInterrupts()).queue;
}

/** Asks for a notification of the used descriptor `ahead` of the next one. */
function askFor(ring: PackedRing, ahead: number, otherRound = false): void {
  const position = ring.usedSlot + (ring.usedWrap ? 0 : ring.size) + ahead + (otherRound ? ring.size : 0);
  const lap = Math.floor(position / ring.size);
  const desc = (position % ring.size) | (lap % 2 === 0 ? 0x8000 : 0);
  ring.setDriverEvent({ desc, flags: RING_EVENT_FLAGS_DESC });
}

cases.add({
  id: "packed-ring/used-notifications/enabled",
  title: "With events enabled every used buffer brings a notification",
  clauses: [DRIVER_MAY_SUPPRESS],
  needs: plain,
  parameters: [{ buffers: 1 }, { buffers: 3 }],
  async run(t, { buffers }) {
    const ring = await start(t);
    ring.setDriverEvent({ desc: 0x1234, flags: RING_EVENT_FLAGS_ENABLE });
    for (let round = 0; round < SMALL + 1; round++) {
      t.ok(await use(t, ring, buffers), `a notification comes in round ${round}`);
    }
  },
});

cases.add({
  id: "packed-ring/used-notifications/disabled",
  title: "With events disabled used buffers bring no notification",
  clauses: [DRIVER_MAY_SUPPRESS],
  needs: plain,
  parameters: [{ buffers: 1 }, { buffers: 3 }],
  async run(t, { buffers }) {
    const ring = await start(t);
    ring.setDriverEvent({ desc: 0, flags: RING_EVENT_FLAGS_DISABLE });
    for (let round = 0; round < SMALL + 1; round++) {
      t.ok(!(await use(t, ring, buffers)), `no notification comes in round ${round}`);
    }
    ring.setDriverEvent({ desc: 0, flags: RING_EVENT_FLAGS_ENABLE });
    t.ok(await use(t, ring, buffers), "a notification comes once events are enabled again");
  },
});

cases.add({
  id: "packed-ring/used-notifications/flags-with-event-idx",
  title: "VIRTIO_F_EVENT_IDX leaves enabled and disabled what they are",
  clauses: [DRIVER_MAY_SUPPRESS],
  needs: withEvents,
  parameters: [{ enabled: true }, { enabled: false }],
  async run(t, { enabled }) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    const flags = enabled ? RING_EVENT_FLAGS_ENABLE : RING_EVENT_FLAGS_DISABLE;
    for (let round = 0; round < 2 * SMALL; round++) {
      ring.setDriverEvent({ desc: (round % SMALL) | (round % 2 === 0 ? 0x8000 : 0), flags });
      t.equal(await use(t, ring), enabled, `that a notification comes in round ${round}`);
    }
  },
});

cases.add({
  id: "packed-ring/used-notifications/event-reached",
  title: "The used descriptor that the driver asked about brings a notification, wherever it stands",
  clauses: [DRIVER_MAY_SUPPRESS],
  needs: withEvents,
  parameters: [
    { buffers: 1, ahead: 0 },
    { buffers: 3, ahead: 0 },
    { buffers: 3, ahead: 1 },
    { buffers: 3, ahead: 2 },
  ],
  async run(t, { buffers, ahead }) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    for (let round = 0; round < 2 * SMALL + 1; round++) {
      askFor(ring, ahead);
      t.ok(await use(t, ring, buffers), `a notification comes in round ${round}`);
    }
  },
});

/** Used descriptors that the driver did not ask about: how many, how far off the one it asked about is. */
const NOT_ASKED_ABOUT = [
  { buffers: 1, ahead: 1, otherRound: false },
  { buffers: 1, ahead: 0, otherRound: true },
  { buffers: 1, ahead: -1, otherRound: false },
  { buffers: 3, ahead: 3, otherRound: false },
  { buffers: 3, ahead: 1, otherRound: true },
];

for (const where of ["within-the-ring", "where-the-ring-comes-round"]) {
  cases.add({
    id: `packed-ring/used-notifications/event-not-reached-${where}`,
    title: "Other used descriptors than the one that the driver asked about bring no notification",
    clauses: [DRIVER_MAY_SUPPRESS],
    needs: withEvents,
    parameters: NOT_ASKED_ABOUT,
    async run(t, { buffers, ahead, otherRound }) {
      const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
      for (let round = 0; round < 2 * SMALL + 1; round++) {
        askFor(ring, ahead + 2 * ring.size, otherRound);
        const comesRound = ring.usedSlot + buffers >= ring.size;
        const came = await use(t, ring, buffers);
        if (comesRound === (where === "where-the-ring-comes-round")) {
          t.ok(!came, `no notification comes in round ${round}`);
        }
      }
    },
  });
}

cases.add({
  id: "packed-ring/available-notifications/obeyed",
  title: "A driver that notifies only when the device's event suppression asks for it is served",
  clauses: [DEVICE_MAY_SUPPRESS],
  needs: plain,
  async run(t) {
    const ring = await start(t);
    for (let round = 0; round < 3 * SMALL; round++) {
      const { flags } = ring.deviceEvent;
      t.ok(flags <= RING_EVENT_FLAGS_DISABLE, `events are enabled or disabled, flags are ${flags}`);
      await obey(t, ring, flags === RING_EVENT_FLAGS_ENABLE, 1);
    }
  },
});

cases.add({
  id: "packed-ring/available-notifications/event-obeyed",
  title: "A driver that notifies only at the descriptor that the device asked about is served",
  clauses: [DEVICE_MAY_SUPPRESS],
  needs: withEvents,
  parameters: [{ buffers: 1 }, { buffers: 3 }],
  async run(t, { buffers }) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    for (let round = 0; round < 3 * SMALL; round++) {
      const { desc, flags } = ring.deviceEvent;
      t.ok(flags <= RING_EVENT_FLAGS_DESC, `flags are not the reserved ones but ${flags}`);
      const asked = inOrder(buffers).some((i) => positionAfter(ring, i) === desc);
      const notify = flags === RING_EVENT_FLAGS_ENABLE || (flags === RING_EVENT_FLAGS_DESC && asked);
      await obey(t, ring, notify, buffers);
    }
  },
});

/** Offset and wrap counter of the descriptor `ahead` of the next to be made available. */
function positionAfter({ nextSlot, wrap, size }: PackedRing, ahead: number): number {
  const slot = nextSlot + ahead;
  return slot < size ? slot | (wrap ? 0x8000 : 0) : (slot - size) | (wrap ? 0 : 0x8000);
}

/** Makes buffers available, notifies only if asked to, and fails unless they come back all the same. */
async function obey(t: CaseRun, ring: PackedRing, notify: boolean, count: number): Promise<void> {
  for (let i = 0; i < count; i++) placeOne(t, ring);
  ring.publish();
  if (notify) await t.guest.notify(ring);
  else t.note("the device asked not to be notified");
  let left = count;
  const allBack = (): boolean => {
    while (ring.takeUsed() !== null) left--;
    return left === 0;
  };
  if (!(await eventually(t.guest, allBack))) {
    t.fail(notify ? "the buffers do not come back" : "the device asked not to be notified and uses nothing");
  }
}

cases.add({
  id: "packed-ring/used-notifications/lists",
  title: "Lists of several descriptors are counted by their descriptors",
  clauses: [DRIVER_MAY_SUPPRESS],
  needs: withEvents,
  async run(t) {
    const ring = await start(t, [VIRTIO_F_EVENT_IDX]);
    for (let round = 0; round < 2 * SMALL + 1; round++) {
      const { elements } = prepareProbe(t.guest, 0, 3);
      for (const ahead of [elements.length, 0]) {
        askFor(ring, ahead);
        const comesRound = ring.usedSlot + elements.length >= ring.size;
        t.guest.placeElements(ring, prepareProbe(t.guest, 0, 3).elements);
        await t.guest.kick(ring);
        if ((await t.guest.used(ring)) === null) t.fail("the buffer does not come back");
        const came = (await t.guest.takeInterrupts()).queue;
        if (ahead === 0) t.ok(came, "a notification comes for the next descriptor");
        else if (!comesRound) t.ok(!came, `none comes before the descriptor ${ahead} ahead`);
      }
    }
  },
});

/** Event suppression (virtio 1.4, sections 2.8.10 and 2.8.22). */
export const NOTIFICATION_CASES = cases.all;
