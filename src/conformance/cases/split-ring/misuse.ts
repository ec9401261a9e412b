// What no driver writes into a split ring, and what it must not change any more.
import { VIRTQ_USED } from "../../../wire/split-ring.ts";
import { CaseList } from "../../case.ts";
import { chained, flagsOf, offerSplit, prepareProbe, SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "split" } as const;
const ERROR_STATE = "content.device.device-status-field.2";
/** All flags but NEXT, WRITE and INDIRECT. */
const RESERVED_FLAGS = 0xfff8;
const ALL_ONES = { address: 0xffffffffffffffffn, lengthBytes: 0xffffffff, flags: 0xffff, next: 0xffff };

cases.add({
  id: "split-ring/misuse/reserved-flags",
  title: "Descriptors with flags that the specification does not have are served or refused",
  clauses: [ERROR_STATE],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const { elements } = prepareProbe(t.guest, 0, 2);
    offerSplit(ring, elements.length, (slots) =>
      chained(elements, slots).map((one) => ({ ...one, flags: flagsOf(one) | RESERVED_FLAGS })),
    );
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/misuse/all-ones",
  title: "A descriptor of nothing but ones does not lose the device",
  clauses: [ERROR_STATE],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    offerSplit(ring, 1, () => [ALL_ONES]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/misuse/used-flags-overwritten",
  title: "A device serves whatever the driver writes into the flags of the used ring, which are the device's",
  clauses: [ERROR_STATE],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    for (const flags of [0xffff, 1, 0]) {
      t.guest.arena.write(ring.addresses.device + VIRTQ_USED.flags, 2, flags);
      await t.serves(0, `the device serves with 0x${flags.toString(16)} in the flags of its used ring`);
    }
  },
});

cases.add({
  id: "split-ring/misuse/changed-after-notification",
  title: "Descriptors that change after the notification do not lose the device",
  clauses: [ERROR_STATE],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const request = t.guest.placeElements(ring, prepareProbe(t.guest, 0, 2).elements);
    await t.guest.kick(ring);
    for (const slot of request.placed.slots) ring.writeDescriptor(slot, ALL_ONES);
    await t.refused();
  },
});

/** Misuse of split rings (virtio 1.4, section 2.7). */
export const MISUSE_CASES = cases.all;
