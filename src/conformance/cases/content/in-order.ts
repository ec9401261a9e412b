import { VIRTIO_F_IN_ORDER } from "../../../wire/common.ts";
import { VIRTQ_DESC_F_AVAIL, VIRTQ_DESC_F_USED } from "../../../wire/packed-ring.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { PackedRing, Request, Ring } from "../../guest/index.ts";
import { SplitRing } from "../../guest/index.ts";
import { eventually, inOrder, SMALL } from "../support/rings.ts";

const cases = new CaseList();
const features = [VIRTIO_F_IN_ORDER];
const ORDER = "content.device.reserved-feature-bits.5";

/** One descriptor each, so that they stand in the ring one after the other as the feature has it. */
function place(t: CaseRun, ring: Ring): Request {
  const { readable } = t.guest.model.probe(0);
  const writable = readable.length === 0;
  const address = writable ? t.guest.arena.allocate(16) : t.guest.arena.place(readable);
  const lengthBytes = writable ? 16 : readable.length;
  return t.guest.placeElements(ring, [{ address, lengthBytes, writable }]);
}

/**
 * Reads the next used entry of a ring with VIRTIO_F_IN_ORDER, which stands for all buffers up to its own. Returns how
 * many that are; fails when it is none of those that are waited for.
 */
function takeGroup(t: CaseRun, ring: Ring, waiting: readonly Request[], position: number): number {
  let id: number;
  if (ring instanceof SplitRing) {
    if (((ring.usedIdx - position) & 0xffff) === 0) return 0;
    id = ring.usedElement(position % ring.size).id;
  } else {
    const packed = ring as PackedRing;
    const used = Math.floor(position / ring.size) % 2 === 0 ? VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED : 0;
    const descriptor = packed.readDescriptor(position % ring.size);
    if ((descriptor.flags & (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED)) !== used) return 0;
    id = descriptor.id;
  }
  const index = waiting.findIndex((request) => request.placed.id === id);
  if (index < 0) t.fail(`the used entry at ${position} has id ${id}, which is not waited for in this order`);
  return index + 1;
}

cases.add({
  id: "content/in-order/one-by-one",
  title: "With VIRTIO_F_IN_ORDER the device serves, one buffer at a time",
  clauses: [ORDER, "content.device.feature-bits.3"],
  needs: { features },
  async run(t) {
    await t.guest.start({ features, queueSize: SMALL });
    for (let i = 0; i < 3 * SMALL; i++) await t.serves();
  },
});

cases.add({
  id: "content/in-order/batches",
  title: "With VIRTIO_F_IN_ORDER buffers come back in the order in which they were made available",
  clauses: [ORDER],
  needs: { features },
  parameters: [{ buffers: 2 }, { buffers: 3 }, { buffers: SMALL }],
  async run(t, { buffers }) {
    await t.guest.start({ features, queueSize: SMALL });
    let position = 0;
    for (let round = 0; round < 3 * SMALL; round++) {
      // A ring for each round would hide how they follow each other: the guest's own accounts are left out.
      const ring = t.guest.ring(0);
      const waiting = inOrder(buffers).map(() => place(t, ring));
      await t.guest.kick(ring);
      while (waiting.length > 0) {
        let group = 0;
        const came = (): boolean => {
          group = takeGroup(t, ring, waiting, position);
          return group > 0;
        };
        if (!(await eventually(t.guest, came))) t.fail(`${waiting.length} buffers do not come back`);
        waiting.splice(0, group);
        position += group;
      }
      if (ring instanceof SplitRing) t.equal(ring.usedIdx, position & 0xffff, "the used index");
      giveBack(ring, position);
    }
  },
});

/** Tells the guest that everything came back. */
function giveBack(ring: Ring, position: number): void {
  if (ring instanceof SplitRing) {
    ring.freeAll();
    ring.lastUsedIdx = position & 0xffff;
  } else {
    const packed = ring as PackedRing;
    packed.freeAll();
    packed.usedSlot = position % ring.size;
    packed.usedWrap = Math.floor(position / ring.size) % 2 === 0;
  }
}

/** In-order use of buffers (virtio 1.4, sections 2.7.8 and 2.8.8, chapter 6). */
export const IN_ORDER_CASES = cases.all;
