import { VIRTQ_DESC_F_AVAIL, VIRTQ_DESC_F_USED } from "../../../wire/packed-ring.ts";
import { VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../../wire/split-ring.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { PackedDescriptor, PackedRing } from "../../guest/index.ts";
import {
  continued,
  flagsOf,
  offerPacked,
  prepareProbe,
  refusedOrLost,
  SMALL,
  servedOrRefused,
  servesElements,
} from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "packed" } as const;
const IN_ORDER = "packed-ring.device.scatter-gather-support.1";
const MAY_LIMIT = "packed-ring.device.scatter-gather-support.2";
/** A device that neither serves nor says DEVICE_NEEDS_RESET breaks it. */
const ERROR_STATE = "content.device.device-status-field.2";

async function start(t: CaseRun): Promise<PackedRing> {
  await t.guest.start({ queueSize: SMALL });
  return t.guest.packed(0);
}

cases.add({
  id: "packed-ring/list/lengths",
  title: "A request is served however many descriptors it is cut into, wherever in the ring its list begins",
  clauses: [IN_ORDER],
  needs,
  parameters: [{ descriptors: 1 }, { descriptors: 2 }, { descriptors: 3 }, { descriptors: SMALL - 1 }],
  async run(t, { descriptors }) {
    const ring = await start(t);
    for (let round = 0; round <= SMALL; round++) {
      const probe = prepareProbe(t.guest, 0, descriptors);
      await servesElements(t, ring, probe, `a list of ${probe.elements.length} descriptors is served`);
    }
  },
});

cases.add({
  id: "packed-ring/list/as-long-as-the-ring",
  title: "A list of as many descriptors as the ring has is served, or refused by a device with a limit",
  clauses: [MAY_LIMIT],
  needs,
  parameters: [{ from: 0 }, { from: 3 }],
  async run(t, { from }) {
    const ring = await start(t);
    for (let i = 0; i < from; i++) {
      const { elements } = prepareProbe(t.guest, 0, 1);
      await servesElements(t, ring, prepareProbe(t.guest, 0, elements.length), "the device serves");
    }
    const probe = prepareProbe(t.guest, 0, ring.size);
    const request = t.guest.placeElements(ring, probe.elements);
    await t.guest.kick(ring);
    await servedOrRefused(t, request, probe);
  },
});

cases.add({
  id: "packed-ring/list/elements-in-order",
  title: "Elements of a list are read and written in the order of the list, not of memory",
  clauses: [IN_ORDER],
  needs: { ...needs, devices: ["gpu"] },
  parameters: [{ memory: "up" }, { memory: "down" }],
  async run(t, { memory }) {
    const ring = await start(t);
    const { readable, writableBytes, check } = t.guest.model.probe(0);
    const lengths = [7, 9, readable.length - 16];
    const answers = [5, 100, writableBytes - 105];
    const total = 4096;
    const block = t.guest.arena.allocate(total);
    let at = memory === "up" ? block : block + total;
    const place = (lengthBytes: number): number => {
      if (memory === "down") at -= lengthBytes + 3;
      const address = at;
      if (memory === "up") at += lengthBytes + 3;
      return address;
    };
    let from = 0;
    const elements = [
      ...lengths.map((lengthBytes) => {
        const address = place(lengthBytes);
        t.guest.arena.ram.write(address, readable.subarray(from, from + lengthBytes));
        from += lengthBytes;
        return { address, lengthBytes, writable: false };
      }),
      ...answers.map((lengthBytes) => ({ address: place(lengthBytes), lengthBytes, writable: true })),
    ];
    const request = t.guest.placeElements(ring, elements);
    await t.guest.kick(ring);
    const { lengthBytes, bytes } = await t.guest.answer(request);
    const wrong = check(bytes, lengthBytes);
    if (wrong !== null) t.fail(`the answer is wrong: ${wrong}`);
  },
});

cases.add({
  id: "packed-ring/list/id-of-the-last",
  title: "The buffer id is that of the last descriptor of a list, whatever the others hold",
  clauses: [IN_ORDER],
  needs,
  parameters: [{ id: 0 }, { id: SMALL - 1 }, { id: SMALL }, { id: 0xffff }],
  async run(t, { id }) {
    const ring = await start(t);
    for (let round = 0; round < SMALL; round++) {
      const { elements } = prepareProbe(t.guest, 0, 3);
      const descriptors = continued(elements).map((descriptor, i) => ({
        ...descriptor,
        id: i === elements.length - 1 ? id : 0x1234 + i,
      }));
      const placed = offerPacked(ring, descriptors);
      const list = ring.inFlight.get(placed);
      ring.inFlight.delete(placed);
      if (list !== undefined) ring.inFlight.set(id, { ...list, id });
      await t.guest.kick(ring);
      t.equal((await t.guest.used(ring))?.id, id, "the id of the used buffer");
    }
  },
});

cases.add({
  id: "packed-ring/list/element-of-length-zero",
  title: "An element of length zero among others is skipped, or refused",
  clauses: [MAY_LIMIT],
  needs,
  async run(t) {
    const ring = await start(t);
    const probe = prepareProbe(t.guest, 0, 2);
    const nothing = { address: t.guest.arena.allocate(16), lengthBytes: 0, writable: true };
    const request = t.guest.placeElements(ring, [...probe.elements, nothing]);
    await t.guest.kick(ring);
    await servedOrRefused(t, request, probe);
  },
});

cases.add({
  id: "packed-ring/list/readable-after-writable",
  title: "A device-readable element behind a device-writable one is refused or takes no harm",
  clauses: ["packed-ring.driver.scatter-gather-support.3", ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const { elements } = prepareProbe(t.guest, 0, 2);
    const readable = { address: t.guest.arena.allocate(64), lengthBytes: 64, writable: false };
    offerPacked(ring, continued([...elements.filter(({ writable }) => writable), readable]));
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/list/never-ends",
  title: "A list whose every descriptor is continued is refused, and the device does not spin",
  clauses: ["packed-ring.driver.scatter-gather-support.2", MAY_LIMIT, ERROR_STATE],
  needs,
  parameters: [{ descriptors: SMALL }, { descriptors: SMALL - 1 }],
  async run(t, { descriptors }) {
    const ring = await start(t);
    const link = { address: t.guest.arena.allocate(64), lengthBytes: 64, flags: VIRTQ_DESC_F_NEXT };
    offerPacked(ring, new Array<typeof link>(descriptors).fill(link));
    await t.guest.kick(ring);
    await refusedOrLost(t);
  },
});

cases.add({
  id: "packed-ring/list/later-ones-not-available",
  title: "A list of which only the first descriptor is available is not used; it may be refused",
  clauses: [
    "packed-ring.driver.scatter-gather-support.6",
    "packed-ring.device.the-virtqueue-descriptor-table.2",
  ],
  needs,
  async run(t) {
    const ring = await start(t);
    const { elements } = prepareProbe(t.guest, 0, 3);
    const slots = ring.takeSlots(elements.length);
    // Whatever stood in the later slots: descriptors that are not available.
    continued(elements).forEach((descriptor, i) => {
      const { slot = 0, wrap = true } = slots[i] ?? {};
      const available = i === 0 ? ring.availableFlags(wrap) : 0;
      ring.writeDescriptor(slot, { ...descriptor, id: 3, flags: flagsOf(descriptor) | available });
    });
    if (elements.length === 1) t.skip("the device's requests have one element");
    await t.guest.kick(ring);
    t.ok(await t.guest.returnedNothing(ring), "the list is not used before all of it is available");
    if (await t.guest.needsReset()) return;
    continued(elements).forEach((descriptor, i) => {
      const { slot = 0, wrap = true } = slots[i] ?? {};
      ring.writeFlags(slot, flagsOf(descriptor) | ring.availableFlags(wrap));
    });
    await t.guest.notify(ring);
    const used = await t.guest.used(ring);
    if (used !== null) t.equal(used.id, 3, "the id of the used buffer");
    else t.ok(await t.guest.needsReset(), "the device uses the list now, or says DEVICE_NEEDS_RESET");
  },
});

cases.add({
  id: "packed-ring/list/id-twice",
  title: "A buffer id that is made available again before it came back is refused or takes no harm",
  clauses: [ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const { elements } = prepareProbe(t.guest, 0, 1);
    const descriptors = continued(elements).map((descriptor) => ({ ...descriptor, id: 5 }));
    const slots = ring.takeSlots(2 * elements.length);
    for (let i = slots.length - 1; i >= 0; i--) {
      const { slot = 0, wrap = true } = slots[i] ?? {};
      const descriptor: PackedDescriptor = descriptors[i % elements.length] ?? { address: 0, lengthBytes: 0 };
      ring.writeDescriptor(slot, {
        ...descriptor,
        flags: flagsOf(descriptor) | ring.availableFlags(wrap),
      });
    }
    await t.guest.notify(ring);
    await t.guest.dut.settle();
    if (await t.guest.needsReset()) {
      t.rejected = true;
      return;
    }
    for (const which of ["first", "second"]) {
      const slots = elements.map((_, i) => i);
      ring.inFlight.set(5, { id: 5, slots, table: 0 });
      t.equal((await t.guest.used(ring))?.id, 5, `the id of the ${which} used buffer`);
    }
  },
});

/** Where a buffer of 64 bytes lies that is not wholly in memory of `size` bytes. */
const OUTSIDE: Readonly<Record<string, (size: number) => bigint>> = {
  "one-byte-beyond": (size) => BigInt(size - 63),
  behind: (size) => BigInt(size) + 0x10000n,
  "at-the-top-of-64-bits": () => 0xffff_ffff_ffff_ffe0n,
};

cases.add({
  id: "packed-ring/list/outside-memory",
  title: "A buffer that is not in memory is refused or takes no harm",
  clauses: ["packed-ring.device.the-virtqueue-descriptor-table.1", ERROR_STATE],
  needs,
  parameters: Object.keys(OUTSIDE).flatMap((where) => [
    { where, writable: false },
    { where, writable: true },
  ]),
  async run(t, { where, writable }) {
    const ring = await start(t);
    const address = OUTSIDE[where]?.(t.guest.dut.ram.sizeBytes) ?? 0n;
    const readable = prepareProbe(t.guest, 0, 2).elements.filter((element) => !element.writable);
    const broken = { address, lengthBytes: 64, writable };
    offerPacked(ring, continued(writable ? [...readable, broken] : [broken]));
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/list/more-than-32-bits-of-bytes",
  title: "A list of more than 2^32 bytes is refused or takes no harm",
  clauses: [MAY_LIMIT, ERROR_STATE],
  needs,
  async run(t) {
    const ring = await start(t);
    const huge = {
      address: t.guest.arena.allocate(4096),
      lengthBytes: 0xffffffff,
      flags: VIRTQ_DESC_F_WRITE,
    };
    offerPacked(ring, [{ ...huge, flags: huge.flags | VIRTQ_DESC_F_NEXT }, huge]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

/** Flags of a descriptor that is not available in the first round of the ring. */
const NOT_AVAILABLE: Readonly<Record<string, number>> = {
  neither: 0,
  used: VIRTQ_DESC_F_USED | VIRTQ_DESC_F_AVAIL,
  "available-in-the-other-round": VIRTQ_DESC_F_USED,
};

cases.add({
  id: "packed-ring/list/not-before-avail-changes",
  title:
    "A descriptor is not used before VIRTQ_DESC_F_AVAIL says that it is available in this round of the ring",
  clauses: ["packed-ring.device.the-virtqueue-descriptor-table.2"],
  needs,
  parameters: Object.keys(NOT_AVAILABLE).flatMap((flags) => [
    { flags, round: 1 },
    { flags, round: 2 },
  ]),
  async run(t, { flags, round }) {
    const ring = await start(t);
    const { length } = prepareProbe(t.guest, 0, 1).elements;
    for (let i = 0; round === 2 && i < SMALL / length; i++) await t.serves();
    t.equal(ring.wrap, round === 1, "the ring wrap counter");
    const probe = prepareProbe(t.guest, 0, 1);
    const request = t.guest.placeElements(ring, probe.elements);
    const [head = 0] = request.placed.slots;
    const mask = VIRTQ_DESC_F_USED | VIRTQ_DESC_F_AVAIL;
    const wrong = round === 1 ? NOT_AVAILABLE[flags] : (NOT_AVAILABLE[flags] ?? 0) ^ mask;
    ring.writeFlags(head, flagsOf(continued(probe.elements)[0] ?? {}) | (wrong ?? 0));
    for (let i = 0; i < 3; i++) await t.guest.notify(ring);
    await t.guest.dut.settle();
    const { flags: now } = ring.readDescriptor(head);
    t.equal(now & mask, wrong, "what VIRTQ_DESC_F_AVAIL and VIRTQ_DESC_F_USED of the descriptor say");
    t.ok(!(await t.guest.needsReset()), "the device does not say DEVICE_NEEDS_RESET");
    await t.guest.kick(ring);
    const { lengthBytes } = await t.guest.answer(request);
    const bad = probe.check(lengthBytes);
    if (bad !== null) t.fail(`once it is available the buffer is answered wrongly: ${bad}`);
  },
});

/** Lists of descriptors in the ring (virtio 1.4, sections 2.8.6 and 2.8.10 to 2.8.14). */
export const LIST_CASES = cases.all;
