import { VIRTIO_F_INDIRECT_DESC } from "../../../wire/common.ts";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../../wire/split-ring.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { PackedDescriptor, PackedRing } from "../../guest/index.ts";
import {
  flagsOf,
  inOrder,
  listed,
  offerPacked,
  packedTable,
  prepareProbe,
  refusedOrLost,
  SMALL,
  servedOrRefused,
  servesElements,
} from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "packed", features: [VIRTIO_F_INDIRECT_DESC] } as const;
const ORDER = "packed-ring.device.scatter-gather-support.1";
const MAY_LIMIT = "packed-ring.device.scatter-gather-support.2";
/** A device that neither serves nor says DEVICE_NEEDS_RESET breaks it. */
const ERROR_STATE = "content.device.device-status-field.2";

async function start(t: CaseRun): Promise<PackedRing> {
  await t.guest.start({ queueSize: SMALL, features: [VIRTIO_F_INDIRECT_DESC] });
  return t.guest.packed(0);
}

/** Offers a table made of `descriptors`; `change` has the last word on the descriptor that refers to it. */
function offerTable(
  ring: PackedRing,
  descriptors: readonly PackedDescriptor[],
  change: (reference: PackedDescriptor) => PackedDescriptor = (reference) => reference,
): number {
  return offerPacked(ring, [change(packedTable(ring, descriptors))]);
}

cases.add({
  id: "packed-ring/indirect/lengths",
  title:
    "A request in an indirect table is served, whatever the number of its descriptors up to the ring's size",
  clauses: [ORDER, "content.device.feature-bits.3"],
  needs,
  parameters: [{ entries: 1 }, { entries: 2 }, { entries: SMALL - 1 }, { entries: SMALL }],
  async run(t, { entries }) {
    const ring = await start(t);
    for (let round = 0; round <= SMALL; round++) {
      const probe = prepareProbe(t.guest, 0, entries);
      await servesElements(t, ring, probe, `a table of ${probe.elements.length} descriptors is served`, 0);
    }
  },
});

cases.add({
  id: "packed-ring/indirect/mixed-with-direct",
  title: "Tables and lists in the ring take turns",
  clauses: [ORDER],
  needs,
  async run(t) {
    const ring = await start(t);
    for (let round = 0; round < 3 * SMALL; round++) {
      const probe = prepareProbe(t.guest, 0, 3);
      await servesElements(t, ring, probe, "the device serves", round % 2 === 0 ? 0 : undefined);
    }
  },
});

cases.add({
  id: "packed-ring/indirect/reserved-fields",
  title: "VIRTQ_DESC_F_WRITE beside VIRTQ_DESC_F_INDIRECT, and ids inside a table, are ignored",
  clauses: [ORDER],
  needs,
  parameters: [{ write: false }, { write: true }],
  async run(t, { write }) {
    const ring = await start(t);
    const probe = prepareProbe(t.guest, 0, 4);
    const descriptors = listed(probe.elements).map((descriptor) => ({ ...descriptor, id: 0xffff }));
    const id = offerTable(ring, descriptors, (reference) => ({
      ...reference,
      flags: flagsOf(reference) | (write ? VIRTQ_DESC_F_WRITE : 0),
    }));
    await t.guest.kick(ring);
    const used = await t.guest.used(ring);
    t.equal(used?.id, id, "the id of the used buffer");
    const wrong = probe.check(used?.lengthBytes ?? 0);
    if (wrong !== null) t.fail(`the answer is wrong: ${wrong}`);
  },
});

cases.add({
  id: "packed-ring/indirect/longer-than-the-ring",
  title: "A table with more descriptors than the ring is served or refused",
  clauses: ["packed-ring.driver.indirect-descriptors.3", MAY_LIMIT],
  needs,
  async run(t) {
    const ring = await start(t);
    const probe = prepareProbe(t.guest, 0, SMALL + 1);
    const request = t.guest.placeElements(ring, probe.elements, { indirectFrom: 0 });
    await t.guest.kick(ring);
    await servedOrRefused(t, request, probe);
  },
});

cases.add({
  id: "packed-ring/indirect/table-length",
  title: "A table whose length is not a multiple of 16, or 0, is refused or takes no harm",
  clauses: [ERROR_STATE],
  needs,
  parameters: [0, 1, 15, 17, 31, 33].map((bytes) => ({ bytes })),
  async run(t, { bytes }) {
    const ring = await start(t);
    offerTable(ring, listed(prepareProbe(t.guest, 0, 2).elements), (reference) => ({
      ...reference,
      lengthBytes: bytes,
    }));
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/indirect/nested-table",
  title: "A table inside a table is refused or takes no harm",
  clauses: ["packed-ring.driver.indirect-descriptors.2", ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    offerTable(ring, [packedTable(ring, listed(prepareProbe(t.guest, 0, 2).elements))]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/indirect/table-in-the-table-itself",
  title: "A table that refers to itself is refused or takes no harm, and the device does not spin",
  clauses: ["packed-ring.driver.indirect-descriptors.2", ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const address = ring.createTable(1);
    const itself = { address, lengthBytes: 16, flags: VIRTQ_DESC_F_INDIRECT };
    ring.writeDescriptor(0, itself, address);
    offerPacked(ring, [itself]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/indirect/next-inside-the-table",
  title: "VIRTQ_DESC_F_NEXT inside a table is ignored or refused",
  clauses: ["packed-ring.driver.indirect-descriptors.2", ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const descriptors = listed(prepareProbe(t.guest, 0, 3).elements).map((descriptor) => ({
      ...descriptor,
      flags: flagsOf(descriptor) | VIRTQ_DESC_F_NEXT,
    }));
    offerTable(ring, descriptors);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/indirect/in-a-list",
  title: "A table within a list of descriptors is refused or takes no harm",
  clauses: ["packed-ring.driver.indirect-descriptors.4", ERROR_STATE],
  needs,
  parameters: [{ at: "start" }, { at: "end" }],
  async run(t, { at }) {
    const ring = await start(t);
    const reference = packedTable(ring, listed(prepareProbe(t.guest, 0, 2).elements));
    const direct = { address: t.guest.arena.allocate(64), lengthBytes: 64 };
    if (at === "start") {
      const flags = VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_NEXT;
      offerPacked(ring, [
        { ...reference, flags },
        { ...direct, flags: VIRTQ_DESC_F_WRITE },
      ]);
    } else {
      offerPacked(ring, [{ ...direct, flags: VIRTQ_DESC_F_NEXT }, reference]);
    }
    await t.guest.kick(ring);
    await refusedOrLost(t);
  },
});

cases.add({
  id: "packed-ring/indirect/not-negotiated",
  title: "A table without VIRTIO_F_INDIRECT_DESC is refused or takes no harm",
  clauses: ["packed-ring.driver.indirect-descriptors.1", ERROR_STATE],
  needs: { format: "packed" },
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.packed(0);
    offerTable(ring, listed(prepareProbe(t.guest, 0, 2).elements));
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/indirect/readable-after-writable",
  title: "A device-readable element behind a device-writable one in a table is refused or takes no harm",
  clauses: ["packed-ring.driver.scatter-gather-support.3", ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const writable = prepareProbe(t.guest, 0, 2).elements.filter((element) => element.writable);
    const readable = { address: t.guest.arena.allocate(64), lengthBytes: 64, writable: false };
    offerTable(ring, listed([...writable, readable]));
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/indirect/table-outside-memory",
  title: "A table that is not wholly in memory is refused or takes no harm",
  clauses: ["packed-ring.driver.indirect-descriptors.3", ERROR_STATE],
  needs,
  parameters: [{ where: "crosses-the-end" }, { where: "behind" }, { where: "wraps" }],
  async run(t, { where }) {
    const ring = await start(t);
    const size = t.guest.dut.ram.sizeBytes;
    const address =
      where === "wraps" ? 0xffff_ffff_ffff_fff0n : where === "behind" ? size + 0x10000 : size - 16;
    if (where === "crosses-the-end") {
      const [first] = listed(prepareProbe(t.guest, 0, 2).elements);
      ring.writeDescriptor(0, first ?? { address: 0, lengthBytes: 0 }, size - 16);
    }
    offerPacked(ring, [{ address, lengthBytes: 32, flags: VIRTQ_DESC_F_INDIRECT }]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/indirect/huge-table",
  title: "A table of many thousand descriptors is served or refused",
  clauses: [MAY_LIMIT],
  needs,
  async run(t) {
    const ring = await start(t);
    const probe = prepareProbe(t.guest, 0, 2);
    const address = t.guest.arena.allocate(64);
    const more = inOrder(40000).map(() => ({ address, lengthBytes: 1, flags: VIRTQ_DESC_F_WRITE }));
    offerTable(ring, [...listed(probe.elements), ...more]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

/** Indirect tables (virtio 1.4, section 2.8.7). */
export const INDIRECT_CASES = cases.all;
