import { VIRTQ_DESC_F_NEXT } from "../../../wire/split-ring.ts";
import { CaseList } from "../../case.ts";
import type { SplitDescriptor } from "../../guest/index.ts";
import {
  chained,
  flagsOf,
  offerSplit,
  prepareProbe,
  SMALL,
  servedOrRefused,
  servesElements,
} from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "split" } as const;
const ANY_ARRANGEMENT = "split-ring.device.message-framing.1";
const MAY_LIMIT = "split-ring.device.message-framing.2";
/** A device that neither serves nor says DEVICE_NEEDS_RESET breaks it. */
const ERROR_STATE = "content.device.device-status-field.2";
const NO_LOOPS = "split-ring.driver.the-virtqueue-descriptor-table.1";

cases.add({
  id: "split-ring/chain/lengths",
  title:
    "A request is served however many descriptors it is cut into, as long as they are fewer than the queue has",
  clauses: [ANY_ARRANGEMENT],
  needs,
  parameters: [{ descriptors: 1 }, { descriptors: 2 }, { descriptors: 3 }, { descriptors: SMALL - 1 }],
  async run(t, { descriptors }) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    // More rounds than the queue has entries, so that chains begin everywhere.
    for (let round = 0; round <= SMALL; round++) {
      const probe = prepareProbe(t.guest, 0, descriptors);
      await servesElements(t, ring, probe, `a chain of ${probe.elements.length} descriptors is served`);
    }
  },
});

cases.add({
  id: "split-ring/chain/as-long-as-the-queue",
  title: "A chain of as many descriptors as the queue has is served, or refused by a device with a limit",
  clauses: [MAY_LIMIT],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const probe = prepareProbe(t.guest, 0, ring.size);
    const request = t.guest.placeElements(ring, probe.elements);
    await t.guest.kick(ring);
    await servedOrRefused(t, request, probe);
  },
});

cases.add({
  id: "split-ring/chain/scattered-descriptors",
  title: "The descriptors of a chain stand anywhere in the table, linked in any order",
  clauses: [ANY_ARRANGEMENT],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const probe = prepareProbe(t.guest, 0, 4);
    const slots = [SMALL - 1, 2, 5, 0].slice(0, probe.elements.length);
    chained(probe.elements, slots).forEach((descriptor, i) => {
      ring.writeDescriptor(slots[i] as number, descriptor);
    });
    ring.offer(slots[0] as number);
    await t.guest.kick(ring);
    const used = await t.guest.used(ring);
    t.equal(used?.id, slots[0], "the id of the used buffer");
    const wrong = probe.check(used?.lengthBytes ?? 0);
    if (wrong !== null) t.fail(`a chain through scattered descriptors is answered wrongly: ${wrong}`);
  },
});

cases.add({
  id: "split-ring/chain/memory-backwards",
  title: "Elements lie in memory in any order and at odd addresses",
  clauses: [ANY_ARRANGEMENT],
  needs,
  async run(t) {
    await t.guest.start();
    const { arena } = t.guest;
    const ring = t.guest.split(0);
    const probe = t.guest.model.probe(0);
    const block = arena.allocate(8192);
    // Byte by byte from the top of a block down, every element at an odd address.
    let top = block + 8191;
    const elements = [
      ...[5, 1, probe.readable.length - 6].map((lengthBytes) => ({ lengthBytes, writable: false })),
      ...[3, 1, probe.writableBytes - 4].map((lengthBytes) => ({ lengthBytes, writable: true })),
    ]
      .filter(({ lengthBytes }) => lengthBytes > 0)
      .filter(({ writable }) => (writable ? probe.writableBytes > 0 : probe.readable.length > 6))
      .map((element) => {
        top -= element.lengthBytes + 1;
        if (top % 2 === 0) top--;
        return { ...element, address: top };
      });
    let at = 0;
    for (const { address, lengthBytes, writable } of elements) {
      if (writable) continue;
      arena.ram.write(address, probe.readable.subarray(at, at + lengthBytes));
      at += lengthBytes;
    }
    const request = t.guest.placeElements(ring, elements);
    await t.guest.kick(ring);
    const { lengthBytes, bytes } = await t.guest.answer(request);
    const wrong = probe.check(bytes, lengthBytes);
    if (wrong !== null) t.fail(`the answer into scattered memory is wrong: ${wrong}`);
  },
});

cases.add({
  id: "split-ring/chain/element-of-length-zero",
  title: "An element of length zero among others is skipped, or refused",
  clauses: [MAY_LIMIT],
  needs,
  parameters: [{ at: "start" }, { at: "end" }],
  async run(t, { at }) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const probe = prepareProbe(t.guest, 0, 2);
    const [first] = probe.elements;
    const writable = at === "end" || first?.writable === true;
    const nothing = { address: t.guest.arena.allocate(16), lengthBytes: 0, writable };
    const elements = at === "end" ? [...probe.elements, nothing] : [nothing, ...probe.elements];
    const request = t.guest.placeElements(ring, elements);
    await t.guest.kick(ring);
    await servedOrRefused(t, request, probe);
  },
});

cases.add({
  id: "split-ring/chain/readable-after-writable",
  title: "A device-readable element behind a device-writable one is refused or takes no harm",
  clauses: ["split-ring.driver.message-framing.1", ERROR_STATE],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const { elements } = prepareProbe(t.guest, 0, 2);
    const readable = { address: t.guest.arena.allocate(64), lengthBytes: 64, writable: false };
    const writable = elements.filter((element) => element.writable);
    t.guest.placeElements(ring, [...writable, readable]);
    await t.guest.kick(ring);
    await t.refused();
  },
});

/** Closes a chain of three to a loop. */
const LOOPS: Readonly<Record<string, (slots: readonly number[]) => readonly number[]>> = {
  "to-itself": ([a = 0]) => [a, a, a],
  "last-to-first": ([a = 0, b = 0, c = 0]) => [b, c, a],
  "last-to-second": ([, b = 0, c = 0]) => [b, c, b],
};

cases.add({
  id: "split-ring/chain/loop",
  title: "A chain whose links form a loop is refused, and the device does not spin",
  clauses: [NO_LOOPS, MAY_LIMIT, ERROR_STATE],
  needs,
  parameters: Object.keys(LOOPS).map((link) => ({ link })),
  async run(t, { link }) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const address = t.guest.arena.allocate(64);
    offerSplit(ring, 3, (slots) => {
      const nexts = LOOPS[link]?.(slots) ?? [];
      return nexts.map((next) => ({ address, lengthBytes: 64, flags: VIRTQ_DESC_F_NEXT, next }));
    });
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/chain/next-is-the-last-entry",
  title: "The last entry of the table can be linked to: the control of next-out-of-range",
  clauses: [ANY_ARRANGEMENT],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const probe = prepareProbe(t.guest, 0, 2);
    const slots = [0, SMALL - 1];
    chained(probe.elements, slots).forEach((descriptor, i) => {
      ring.writeDescriptor(slots[i] as number, descriptor);
    });
    ring.offer(0);
    await t.guest.kick(ring);
    const used = await t.guest.used(ring);
    t.equal(used?.id, 0, "the id of the used buffer");
  },
});

cases.add({
  id: "split-ring/chain/next-out-of-range",
  title: "A link to an entry that the table does not have is refused",
  clauses: [NO_LOOPS, MAY_LIMIT, ERROR_STATE],
  needs,
  parameters: [{ next: SMALL }, { next: 0xffff }],
  async run(t, { next }) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const probe = prepareProbe(t.guest, 0, 2);
    offerSplit(ring, probe.elements.length, (slots) => {
      const chain = chained(probe.elements, slots);
      const last = chain.at(-1) as SplitDescriptor;
      return [...chain.slice(0, -1), { ...last, flags: flagsOf(last) | VIRTQ_DESC_F_NEXT, next }];
    });
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "split-ring/chain/ends-with-memory",
  title: "A buffer that ends with the last byte of memory is served: the control of outside-memory",
  clauses: [ANY_ARRANGEMENT],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const { sizeBytes } = t.guest.dut.ram;
    const probe = prepareProbe(t.guest, 0, 2);
    const elements = probe.elements.map((element) =>
      element.writable ? { ...element, address: sizeBytes - element.lengthBytes } : element,
    );
    // Two writable elements must not lie in the same place.
    const last = elements.slice(0, elements.findIndex(({ writable }) => writable) + 1);
    const request = t.guest.placeElements(t.guest.split(0), last);
    await t.guest.kick(request.ring);
    const { lengthBytes } = await t.guest.answer(request);
    t.ok(lengthBytes > 0, "something was written");
    const bytes = t.guest.writtenBytes(request);
    t.ok(
      bytes.slice(0, lengthBytes).some((byte) => byte !== 0),
      "it was written where the buffer lies",
    );
  },
});

/** Where a buffer of 64 bytes lies that is not wholly in memory of `size` bytes. */
const OUTSIDE: Readonly<Record<string, (size: number) => bigint>> = {
  "one-byte-beyond": (size) => BigInt(size - 63),
  behind: (size) => BigInt(size) + 0x10000n,
  "at-the-top-of-64-bits": () => 0xffff_ffff_ffff_ffe0n,
};

cases.add({
  id: "split-ring/chain/outside-memory",
  title: "A buffer that is not in memory is refused or takes no harm",
  clauses: ["split-ring.device.the-virtqueue-descriptor-table.1", ERROR_STATE],
  needs,
  parameters: Object.keys(OUTSIDE).flatMap((where) => [
    { where, writable: false },
    { where, writable: true },
  ]),
  async run(t, { where, writable }) {
    await t.guest.start({ queueSize: SMALL });
    const address = OUTSIDE[where]?.(t.guest.dut.ram.sizeBytes) ?? 0n;
    const { elements } = prepareProbe(t.guest, 0, 2);
    const readable = elements.filter((element) => !element.writable);
    const broken = { address, lengthBytes: 64, writable };
    t.guest.placeElements(t.guest.split(0), writable ? [...readable, broken] : [broken]);
    await t.guest.kick(t.guest.ring(0));
    await t.refused();
  },
});

cases.add({
  id: "split-ring/chain/more-than-32-bits-of-bytes",
  title: "A chain of more than 2^32 bytes is refused or takes no harm",
  clauses: [NO_LOOPS, MAY_LIMIT, ERROR_STATE],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const address = t.guest.arena.allocate(4096);
    const huge = { address, lengthBytes: 0xffffffff, writable: true };
    const { elements } = prepareProbe(t.guest, 0, 2);
    const readable = elements.filter((element) => !element.writable);
    t.guest.placeElements(t.guest.split(0), [...readable, huge, huge]);
    await t.guest.kick(t.guest.ring(0));
    await t.refused();
  },
});

/** How requests are cut and linked (virtio 1.4, sections 2.7.4 and 2.7.5). */
export const CHAIN_CASES = cases.all;
