import { VIRTIO_F_INDIRECT_DESC } from "../../../wire/common.ts";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../../wire/split-ring.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { SplitDescriptor, SplitRing } from "../../guest/index.ts";
import {
  chained,
  flagsOf,
  inOrder,
  offerSplit,
  type PreparedProbe,
  prepareProbe,
  SMALL,
  servedOrRefused,
  servesElements,
  splitTable,
} from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "split", features: [VIRTIO_F_INDIRECT_DESC] } as const;
const AFTER_DIRECT = "split-ring.device.indirect-descriptors.2";
/** A device that neither serves nor says DEVICE_NEEDS_RESET breaks it. */
const ERROR_STATE = "content.device.device-status-field.2";
const LIMIT = "split-ring.device.message-framing.2";

async function start(t: CaseRun): Promise<SplitRing> {
  await t.guest.start({ queueSize: SMALL, features: [VIRTIO_F_INDIRECT_DESC] });
  return t.guest.split(0);
}

/** Offers a table made of `descriptors`; `change` has the last word on the descriptor that refers to it. */
function offerTable(
  ring: SplitRing,
  descriptors: readonly SplitDescriptor[],
  change: (reference: SplitDescriptor) => SplitDescriptor = (reference) => reference,
): void {
  const reference = splitTable(ring, descriptors);
  offerSplit(ring, 1, () => [change(reference)]);
}

/** The model's probe as an indirect table. */
function tableOf({ elements }: PreparedProbe): SplitDescriptor[] {
  return chained(elements, inOrder(elements.length));
}

cases.add({
  id: "split-ring/indirect/lengths",
  title:
    "A request in an indirect table is served, whatever the number of its descriptors up to the queue's size",
  clauses: [AFTER_DIRECT, "split-ring.device.message-framing.1"],
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
  id: "split-ring/indirect/after-direct",
  title: "Direct descriptors may come before the one that refers to a table",
  clauses: [AFTER_DIRECT],
  needs,
  parameters: [{ direct: 0 }, { direct: 1 }, { direct: 2 }, { direct: 3 }],
  async run(t, { direct }) {
    const ring = await start(t);
    for (let round = 0; round < 3; round++) {
      const probe = prepareProbe(t.guest, 0, 4);
      await servesElements(t, ring, probe, `${direct} descriptors and a table are served`, direct);
    }
  },
});

cases.add({
  id: "split-ring/indirect/write-flag-of-the-reference",
  title: "VIRTQ_DESC_F_WRITE means nothing in the descriptor that refers to a table",
  clauses: ["split-ring.device.indirect-descriptors.1"],
  needs,
  parameters: [
    { entries: 1, write: false },
    { entries: 1, write: true },
    { entries: 2, write: true },
    { entries: 5, write: true },
  ],
  async run(t, { entries, write }) {
    const ring = await start(t);
    for (let round = 0; round < SMALL + 1; round++) {
      const probe = prepareProbe(t.guest, 0, entries);
      offerTable(ring, tableOf(probe), (reference) => ({
        ...reference,
        flags: flagsOf(reference) | (write ? VIRTQ_DESC_F_WRITE : 0),
      }));
      await t.guest.kick(ring);
      const used = await t.guest.used(ring);
      if (used === null) return t.fail("the buffer does not come back");
      const wrong = probe.check(used.lengthBytes);
      if (wrong !== null) t.fail(`with VIRTQ_DESC_F_WRITE ${write} the answer is wrong: ${wrong}`);
    }
  },
});

cases.add({
  id: "split-ring/indirect/scattered-in-the-table",
  title: "The chain goes through a table in any order and may leave entries out",
  clauses: [AFTER_DIRECT, "split-ring.device.message-framing.1"],
  needs,
  async run(t) {
    const ring = await start(t);
    const probe = prepareProbe(t.guest, 0, 3);
    const slots = [0, 7, 3].slice(0, probe.elements.length);
    const chain = chained(probe.elements, slots);
    // What is not linked to is nonsense.
    const nonsense = {
      address: 0xffff_ffff_ffff_fff0n,
      lengthBytes: 0xffffffff,
      flags: 0xffff,
      next: 0xffff,
    };
    offerTable(
      ring,
      inOrder(8).map((slot) => chain[slots.indexOf(slot)] ?? nonsense),
    );
    await t.guest.kick(ring);
    const used = await t.guest.used(ring);
    if (used === null) return t.fail("the buffer does not come back");
    const wrong = probe.check(used.lengthBytes);
    if (wrong !== null) t.fail(`the answer to a scattered table is wrong: ${wrong}`);
  },
});

cases.add({
  id: "split-ring/indirect/longer-than-the-queue",
  title: "A table with more descriptors than the queue has entries is served or refused",
  clauses: ["split-ring.driver.indirect-descriptors.3", LIMIT],
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
  id: "split-ring/indirect/table-length",
  title: "A table whose length is not a multiple of 16, or 0, is refused or takes no harm",
  clauses: [ERROR_STATE],
  needs,
  parameters: [0, 1, 15, 17, 31, 33].map((bytes) => ({ bytes })),
  async run(t, { bytes }) {
    const ring = await start(t);
    offerTable(ring, tableOf(prepareProbe(t.guest, 0, 2)), (reference) => ({
      ...reference,
      lengthBytes: bytes,
    }));
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/nested-table",
  title: "A table inside a table is refused",
  clauses: ["split-ring.driver.indirect-descriptors.2", ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    offerTable(ring, [splitTable(ring, tableOf(prepareProbe(t.guest, 0, 2)))]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/table-in-the-table-itself",
  title: "A table that refers to itself is refused, and the device does not spin",
  clauses: [
    "split-ring.driver.indirect-descriptors.2",
    "split-ring.driver.the-virtqueue-descriptor-table.1",
    ERROR_STATE,
  ],
  needs,
  parameters: [{ table: "indirect" }, { table: "of-the-queue" }],
  async run(t, { table }) {
    const ring = await start(t);
    if (table === "indirect") {
      const address = ring.createTable(1);
      const itself = { address, lengthBytes: 16, flags: VIRTQ_DESC_F_INDIRECT };
      ring.writeDescriptor(0, itself, address);
      offerSplit(ring, 1, () => [itself]);
    } else {
      offerSplit(ring, 1, ([slot = 0]) => [
        { address: ring.addresses.descriptors + 16 * slot, lengthBytes: 16, flags: VIRTQ_DESC_F_INDIRECT },
      ]);
    }
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/with-next",
  title: "VIRTQ_DESC_F_INDIRECT together with VIRTQ_DESC_F_NEXT is refused or takes no harm",
  clauses: ["split-ring.driver.indirect-descriptors.4", ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const reference = splitTable(ring, tableOf(prepareProbe(t.guest, 0, 2)));
    const extra = { address: t.guest.arena.allocate(64), lengthBytes: 64, flags: VIRTQ_DESC_F_WRITE };
    offerSplit(ring, 2, (slots) => [
      { ...reference, flags: VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_NEXT, next: slots[1] as number },
      extra,
    ]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/not-negotiated",
  title: "A table without VIRTIO_F_INDIRECT_DESC is refused or takes no harm",
  clauses: ["split-ring.driver.indirect-descriptors.1", "content.device.feature-bits.3", ERROR_STATE],
  needs: { format: "split" },
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    offerTable(ring, tableOf(prepareProbe(t.guest, 0, 2)));
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/next-out-of-range",
  title: "A link to an entry that the indirect table does not have is refused",
  clauses: ["split-ring.driver.the-virtqueue-descriptor-table.1", ERROR_STATE],
  needs,
  parameters: [{ next: 2 }, { next: 0xffff }],
  async run(t, { next }) {
    const ring = await start(t);
    const [first] = tableOf(prepareProbe(t.guest, 0, 2));
    offerTable(ring, [
      { ...(first as SplitDescriptor), flags: flagsOf(first ?? {}) | VIRTQ_DESC_F_NEXT, next },
      { address: t.guest.arena.allocate(64), lengthBytes: 64, flags: VIRTQ_DESC_F_WRITE },
    ]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/loop",
  title: "A loop inside an indirect table is refused, and the device does not spin",
  clauses: ["split-ring.driver.the-virtqueue-descriptor-table.1", ERROR_STATE],
  needs,
  parameters: [{ next: 0 }, { next: 1 }],
  async run(t, { next }) {
    const ring = await start(t);
    const address = t.guest.arena.allocate(64);
    const link = { address, lengthBytes: 64, flags: VIRTQ_DESC_F_NEXT };
    offerTable(ring, [
      { ...link, next: 1 },
      { ...link, next },
    ]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/table-outside-memory",
  title: "A table that is not wholly in memory is refused",
  clauses: ["split-ring.driver.indirect-descriptors.3", ERROR_STATE],
  needs,
  parameters: [{ where: "crosses-the-end" }, { where: "behind" }, { where: "wraps" }],
  async run(t, { where }) {
    const ring = await start(t);
    const size = t.guest.dut.ram.sizeBytes;
    const address =
      where === "wraps" ? 0xffff_ffff_ffff_fff0n : where === "behind" ? size + 0x10000 : size - 16;
    offerSplit(ring, 1, () => [{ address, lengthBytes: 64, flags: VIRTQ_DESC_F_INDIRECT }]);
    if (where === "crosses-the-end") {
      // Its one entry in memory goes on in the one that is not.
      const [first] = tableOf(prepareProbe(t.guest, 0, 2));
      const link = {
        ...(first as SplitDescriptor),
        flags: flagsOf(first ?? {}) | VIRTQ_DESC_F_NEXT,
        next: 1,
      };
      ring.writeDescriptor(0, link, size - 16);
    }
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/indirect/unaligned-table",
  title: "A table at any address is served or refused",
  clauses: [LIMIT],
  needs,
  parameters: [{ offset: 1 }, { offset: 4 }, { offset: 8 }],
  async run(t, { offset }) {
    const ring = await start(t);
    const probe = prepareProbe(t.guest, 0, 2);
    const table = ring.arena.allocate(64) + offset;
    tableOf(probe).forEach((descriptor, i) => {
      ring.writeDescriptor(i, descriptor, table);
    });
    const lengthBytes = 16 * probe.elements.length;
    offerSplit(ring, 1, () => [{ address: table, lengthBytes, flags: VIRTQ_DESC_F_INDIRECT }]);
    const [placed] = ring.inFlight.values();
    await t.guest.kick(ring);
    if (placed === undefined) return t.fail("nothing was placed");
    await servedOrRefused(t, { ring, placed, writable: [] }, probe);
  },
});

/** Indirect tables (virtio 1.4, section 2.7.5.3). */
export const INDIRECT_CASES = cases.all;
