import {
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../wire/gpu.ts";
import { PVIRTQ_DESC, VIRTQ_DESC_F_AVAIL, VIRTQ_DESC_F_USED } from "../../../wire/packed-ring.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { PackedRing, Request } from "../../guest/index.ts";
import { bareRequest, create2d, decodeHeader, unref } from "../../models/gpu-commands.ts";
import { memoryUnchanged, takeImage } from "../support/memory.ts";
import { eventually, inOrder, prepareProbe, SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "packed" } as const;
const STARTS_IN_ORDER = "packed-ring.device.packed-virtqueues.1";
const WRITES_IN_ORDER = "packed-ring.device.packed-virtqueues.2";
const MAY_REORDER = "packed-ring.device.packed-virtqueues.3";
const READ_ONLY = "packed-ring.device.the-virtqueue-descriptor-table.1";
const ONLY_AVAILABLE = "packed-ring.device.the-virtqueue-descriptor-table.2";
const NOT_AFTER_USED = "packed-ring.device.the-virtqueue-descriptor-table.3";
const AT_ONCE = "packed-ring.prose.placing-available-buffers-into-the-descriptor-ri.2";
const BATCH = "packed-ring.prose.placing-available-buffers-into-the-descriptor-ri.1";

async function start(t: CaseRun, queueSize = SMALL): Promise<PackedRing> {
  await t.guest.start({ queueSize });
  return t.guest.packed(0);
}

/** Places as many probes as there is room for, or `most` of them. */
function placeMany(t: CaseRun, ring: PackedRing, most = ring.size): Request[] {
  const { length } = prepareProbe(t.guest, 0, 1).elements;
  return inOrder(Math.min(most, Math.floor(ring.size / length))).map(() =>
    t.guest.placeElements(ring, prepareProbe(t.guest, 0, 1).elements),
  );
}

/** Waits for all of these to come back, in any order, each once. */
async function allReturned(t: CaseRun, ring: PackedRing, requests: readonly Request[]): Promise<void> {
  const waiting = new Set(requests.map(({ placed }) => placed.id));
  while (waiting.size > 0) {
    const used = await t.guest.used(ring);
    if (used === null) return t.fail(`${waiting.size} of ${requests.length} buffers do not come back`);
    t.ok(waiting.delete(used.id), `the device returns what it holds, which id ${used.id} is not`);
  }
  t.ok(await t.guest.returnedNothing(ring), "each buffer comes back once");
}

cases.add({
  id: "packed-ring/used/batch",
  title: "Buffers made available together are all used, each once, their descriptors one after the other",
  clauses: [WRITES_IN_ORDER, MAY_REORDER, BATCH],
  needs,
  async run(t) {
    const ring = await start(t);
    for (let round = 0; round < 5; round++) {
      const requests = placeMany(t, ring);
      await t.guest.kick(ring);
      await allReturned(t, ring, requests);
    }
  },
});

cases.add({
  id: "packed-ring/used/next-descriptor",
  title:
    "Used descriptors are written one after the other, a list's length apart, with the round's wrap counter",
  clauses: [WRITES_IN_ORDER],
  needs,
  parameters: [{ descriptors: 1 }, { descriptors: 3 }, { descriptors: 5 }],
  async run(t, { descriptors }) {
    const ring = await start(t);
    const mask = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
    for (let round = 0; round < 3 * SMALL; round++) {
      const request = t.guest.placeElements(ring, prepareProbe(t.guest, 0, descriptors).elements);
      const { usedSlot, usedWrap } = ring;
      await t.guest.kick(ring);
      const expected = usedWrap ? mask : 0;
      const there = (): boolean => (ring.readDescriptor(usedSlot).flags & mask) === expected;
      t.ok(await eventually(t.guest, there), `descriptor ${usedSlot} becomes a used one`);
      t.equal(ring.readDescriptor(usedSlot).id, request.placed.id, `the id of descriptor ${usedSlot}`);
      ring.takeUsed();
    }
  },
});

cases.add({
  id: "packed-ring/used/processed-in-order",
  title: "Requests that build on each other work when they are made available together",
  clauses: [STARTS_IN_ORDER],
  needs: { ...needs, devices: ["gpu"] },
  async run(t) {
    const ring = await start(t, 16);
    const format = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
    const resource = { format, width: 16, height: 16 };
    // Each one only works after the one before; across the end of the ring, too.
    for (let round = 0; round < 9; round++) {
      const requests = [
        create2d({ resourceId: 1, ...resource }),
        unref(1),
        create2d({ resourceId: 1, ...resource }),
        create2d({ resourceId: 2, ...resource }),
        unref(1),
        unref(2),
      ].map((bytes) => t.guest.place(ring, bytes, VIRTIO_GPU_CTRL_HDR.sizeBytes));
      await t.guest.kick(ring);
      await allReturned(t, ring, requests);
      for (const [i, request] of requests.entries()) {
        const { type } = decodeHeader(t.guest.writtenBytes(request));
        t.equal(type, VIRTIO_GPU_RESP_OK_NODATA, `the answer to request ${i} of round ${round}`);
      }
    }
  },
});

cases.add({
  id: "packed-ring/used/not-written-again",
  title: "A descriptor that was marked used is not changed any more",
  clauses: [NOT_AFTER_USED],
  needs,
  async run(t) {
    const ring = await start(t);
    const { length } = prepareProbe(t.guest, 0, 1).elements;
    let before = new Map<number, string>();
    for (let round = 0; round < Math.floor(SMALL / length) - 1; round++) {
      const slot = ring.usedSlot;
      await t.serves();
      for (const [earlier, text] of before) {
        t.equal(text, JSON.stringify(show(ring, earlier)), `used descriptor ${earlier}`);
      }
      before = new Map(before).set(slot, JSON.stringify(show(ring, slot)));
    }
    // The driver may have its own use for it by now.
    for (const slot of before.keys()) ring.arena.write(address(ring, slot) + PVIRTQ_DESC.len, 4, 0x5a5a5a5a);
    for (let i = 0; i < 3; i++) await t.guest.notify(ring);
    await t.guest.dut.settle();
    for (const slot of before.keys()) {
      t.equal(ring.readDescriptor(slot).lengthBytes, 0x5a5a5a5a, `len of used descriptor ${slot}`);
    }
    await t.serves(0, "the device goes on");
  },
});

cases.add({
  id: "packed-ring/used/nothing-else-is-written",
  title:
    "The device writes to nothing but device-writable buffers, one used descriptor and its own event suppression",
  clauses: [READ_ONLY],
  needs,
  parameters: [{ pieces: 2 }, { pieces: 5 }],
  async run(t, { pieces }) {
    const ring = await start(t);
    for (let round = 0; round < 2 * SMALL; round++) {
      const request = t.guest.placeElements(ring, prepareProbe(t.guest, 0, pieces).elements);
      ring.publish();
      const image = takeImage(t.guest);
      const used = { address: address(ring, ring.usedSlot), lengthBytes: PVIRTQ_DESC.sizeBytes };
      await t.guest.notify(ring);
      await t.guest.answer(request);
      const changed = memoryUnchanged(t.guest, image, [
        ...request.writable.map((e) => ({ address: Number(e.address), lengthBytes: e.lengthBytes })),
        used,
        { address: ring.addresses.device, lengthBytes: 4 },
      ]);
      if (changed !== null) t.fail(`the device wrote to 0x${changed.toString(16)}`);
    }
  },
});

cases.add({
  id: "packed-ring/used/length",
  title: "Id and length are there when the descriptor is marked used",
  clauses: [WRITES_IN_ORDER],
  needs,
  async run(t) {
    const ring = await start(t);
    for (let round = 0; round < 2 * SMALL; round++) {
      const probe = prepareProbe(t.guest, 0, 2);
      const request = t.guest.placeElements(ring, probe.elements);
      await t.guest.kick(ring);
      const { lengthBytes } = await t.guest.answer(request);
      const wrong = probe.check(lengthBytes);
      if (wrong !== null) t.fail(`the used descriptor is wrong: ${wrong}`);
    }
  },
});

cases.add({
  id: "packed-ring/used/spurious-notifications",
  title: "Notifications without a new buffer use nothing and do no harm, wherever in the ring",
  clauses: [ONLY_AVAILABLE],
  needs,
  parameters: inOrder(SMALL + 2).map((used) => ({ used })),
  async run(t, { used }) {
    const ring = await start(t);
    for (let i = 0; i < used; i++) await t.serves();
    const descriptors = inOrder(SMALL).map((slot) => JSON.stringify(show(ring, slot)));
    for (let i = 0; i < 5; i++) await t.guest.notify(ring);
    t.ok(await t.guest.returnedNothing(ring), "nothing comes back");
    for (const [slot, text] of descriptors.entries()) {
      t.equal(JSON.stringify(show(ring, slot)), text, `descriptor ${slot}`);
    }
    t.ok(!(await t.guest.needsReset()), "the device does not say DEVICE_NEEDS_RESET");
    await t.serves(0, "the device goes on");
  },
});

cases.add({
  id: "packed-ring/used/at-once-or-when-notified",
  title: "A buffer is used when its flags show it or when the notification comes, and once in all",
  clauses: [AT_ONCE],
  needs,
  async run(t) {
    const ring = await start(t);
    const requests = placeMany(t, ring, 2);
    ring.publish();
    await t.guest.dut.settle();
    await t.guest.notify(ring);
    await t.guest.notify(ring);
    await allReturned(t, ring, requests);
  },
});

cases.add({
  id: "packed-ring/used/sizes",
  title: "Rings of every size work, also those that are no power of two, round after round",
  clauses: [WRITES_IN_ORDER, "content.device.virtqueue-re-enable.1"],
  needs,
  parameters: [2, 3, 5, 7, 15, 16, 17, 32768].map((size) => ({ size })),
  async run(t, { size }) {
    const ring = await start(t, size);
    for (let round = 0; round < 5; round++) {
      const requests = placeMany(t, ring, 256);
      await t.guest.kick(ring);
      await allReturned(t, ring, requests);
    }
  },
});

cases.add({
  id: "packed-ring/used/unknown-request",
  title: "A request that is answered with an error comes back like any other",
  clauses: [WRITES_IN_ORDER],
  needs: { ...needs, devices: ["gpu"] },
  async run(t) {
    const ring = await start(t);
    for (let round = 0; round < SMALL; round++) {
      const request = t.guest.place(ring, bareRequest(0xffff), VIRTIO_GPU_CTRL_HDR.sizeBytes);
      await t.guest.kick(ring);
      await t.guest.answer(request);
      await t.serves(0, "the device goes on");
    }
  },
});

function address(ring: PackedRing, slot: number): number {
  return ring.addresses.descriptors + slot * PVIRTQ_DESC.sizeBytes;
}

/** A descriptor in a form that JSON can hold. */
function show(ring: PackedRing, slot: number): unknown {
  const descriptor = ring.readDescriptor(slot);
  return { ...descriptor, address: descriptor.address.toString(16) };
}

/** Used descriptors (virtio 1.4, sections 2.8.1 to 2.8.4 and 2.8.21). */
export const USED_CASES = cases.all;
