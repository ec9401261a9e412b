// What no driver writes into a packed ring.
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC } from "../../../wire/common.ts";
import { RING_EVENT_FLAGS_DESC } from "../../../wire/packed-ring.ts";
import { VIRTQ_DESC_F_INDIRECT } from "../../../wire/split-ring.ts";
import { CaseList } from "../../case.ts";
import { listed, offerPacked, prepareProbe, SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "packed" } as const;
const ERROR_STATE = "content.device.device-status-field.2";

cases.add({
  id: "packed-ring/misuse/event-suppression",
  title: "A device serves whatever stands in the driver's event suppression",
  clauses: [ERROR_STATE],
  needs,
  parameters: [
    { what: "offset-beyond", eventIdx: true, desc: SMALL, flags: RING_EVENT_FLAGS_DESC },
    { what: "offset-far-beyond", eventIdx: true, desc: 0xffff, flags: RING_EVENT_FLAGS_DESC },
    { what: "desc-without-event-idx", eventIdx: false, desc: 0, flags: RING_EVENT_FLAGS_DESC },
    { what: "all-ones", eventIdx: false, desc: 0xffff, flags: 0xffff },
  ].map(({ what, eventIdx, desc, flags }) => ({ what, eventIdx, desc, flags })),
  async run(t, { eventIdx, desc, flags }) {
    const { guest } = t;
    const features = eventIdx ? [VIRTIO_F_EVENT_IDX] : [];
    if (eventIdx && !(await guest.offeredFeatures()).has(VIRTIO_F_EVENT_IDX)) t.skip("there is no EVENT_IDX");
    await guest.start({ features, queueSize: SMALL });
    guest.packed(0).setDriverEvent({ desc, flags });
    for (let i = 0; i < 2 * SMALL + 1; i++) await t.serves();
  },
});

cases.add({
  id: "packed-ring/misuse/flags-all-ones",
  title: "A descriptor whose flags are all ones is not available, and the device leaves it as it is",
  clauses: [ERROR_STATE],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    await t.serves();
    const ring = t.guest.packed(0);
    const [element] = prepareProbe(t.guest, 0, 1).elements;
    ring.writeDescriptor(ring.nextSlot, {
      address: element?.address ?? 0,
      lengthBytes: 16,
      id: 5,
      flags: 0xffff,
    });
    const before = JSON.stringify(ring.snapshot().descriptors);
    await t.guest.notify(ring);
    await t.guest.dut.settle();
    t.ok(JSON.stringify(ring.snapshot().descriptors) === before, "the ring is as the driver left it");
    await t.serves();
  },
});

cases.add({
  id: "packed-ring/misuse/unaligned-table",
  title: "An indirect table that is not aligned is served or refused",
  clauses: [ERROR_STATE],
  needs: { ...needs, features: [VIRTIO_F_INDIRECT_DESC] },
  parameters: [{ by: 1 }, { by: 2 }, { by: 4 }, { by: 8 }],
  async run(t, { by }) {
    await t.guest.start({ queueSize: SMALL, features: [VIRTIO_F_INDIRECT_DESC] });
    const ring = t.guest.packed(0);
    const descriptors = listed(prepareProbe(t.guest, 0, 2).elements);
    const table = ring.createTable(descriptors.length + 1) + by;
    descriptors.forEach((descriptor, i) => {
      ring.writeDescriptor(i, descriptor, table);
    });
    offerPacked(ring, [
      { address: table, lengthBytes: 16 * descriptors.length, flags: VIRTQ_DESC_F_INDIRECT },
    ]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

/** Misuse of packed rings (virtio 1.4, section 2.8). */
export const MISUSE_CASES = cases.all;
