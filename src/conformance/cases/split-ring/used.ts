import { VIRTIO_F_INDIRECT_DESC } from "../../../wire/common.ts";
import { VIRTQ_USED, VIRTQ_USED_ELEM } from "../../../wire/split-ring.ts";
import { CaseList } from "../../case.ts";
import { memoryUnchanged, takeImage } from "../support/memory.ts";
import { eventually, FILLER, prepareProbe, SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "split" } as const;
const LENGTH_FIRST = "split-ring.device.the-virtqueue-used-ring.1";
const WRITTEN_FIRST = "split-ring.device.the-virtqueue-used-ring.2";
const MAY_WRITE_MORE = "split-ring.device.the-virtqueue-used-ring.3";

cases.add({
  id: "split-ring/used/length-before-idx",
  title: "When the used index moves, the elements before it hold id and length",
  clauses: [LENGTH_FIRST],
  needs,
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const { ram } = t.guest.arena;
    const elements = ring.addresses.device + VIRTQ_USED.ring;
    for (let round = 0; round < 2 * SMALL; round++) {
      ram.write(elements, new Uint8Array(VIRTQ_USED_ELEM.sizeBytes * SMALL).fill(0xff));
      const probe = prepareProbe(t.guest, 0, 2);
      const request = t.guest.placeElements(ring, probe.elements);
      await t.guest.kick(ring);
      const before = ring.lastUsedIdx;
      t.ok(await eventually(t.guest, () => ring.usedIdx !== before), "the buffer comes back");
      const { id, lengthBytes } = ring.usedElement(before % SMALL);
      t.equal(id, request.placed.id, "id of the used element at the old index");
      const wrong = probe.check(lengthBytes);
      if (wrong !== null) t.fail(`the used element at the old index is wrong: ${wrong}`);
      ring.takeUsed();
    }
  },
});

cases.add({
  id: "split-ring/used/bytes-before-idx",
  title: "When the used index moves, the first len bytes of the device-writable part are written",
  clauses: [WRITTEN_FIRST],
  needs,
  parameters: [{ pieces: 1 }, { pieces: 2 }, { pieces: 4 }],
  async run(t, { pieces }) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    const { arena, model } = t.guest;
    const answers: Uint8Array[] = [];
    for (const filler of [FILLER, ~FILLER & 0xff, 0]) {
      const { elements } = prepareProbe(t.guest, 0, 2 * pieces);
      for (const { address, lengthBytes, writable } of elements) {
        if (writable) arena.ram.write(Number(address), new Uint8Array(lengthBytes).fill(filler));
      }
      const request = t.guest.placeElements(ring, elements);
      await t.guest.kick(ring);
      const { lengthBytes, bytes } = await t.guest.answer(request);
      t.ok(lengthBytes > 0 && lengthBytes <= bytes.length, "len is what the device may have written");
      const written = bytes.slice(0, lengthBytes);
      if (lengthBytes >= 8 && filler !== 0)
        t.ok(!written.slice(-8).every((byte) => byte === filler), "the last of len bytes are written");
      answers.push(written);
    }
    // A gpu says the same each time; what it did not write would differ with the filler.
    if (model.name === "gpu") {
      for (const answer of answers)
        t.equalBytes(answer, answers[0] as Uint8Array, "the answer over other bytes");
    }
  },
});

cases.add({
  id: "split-ring/used/nothing-else-is-written",
  title: "The device writes to nothing but device-writable buffers and the used ring",
  clauses: [
    "split-ring.device.the-virtqueue-descriptor-table.1",
    "split-ring.device.the-virtqueue-descriptor-table.2",
    MAY_WRITE_MORE,
  ],
  needs,
  parameters: [{ pieces: 2 }, { pieces: 5 }],
  async run(t, { pieces }) {
    await t.guest.start({ queueSize: SMALL });
    const ring = t.guest.split(0);
    for (let round = 0; round < SMALL; round++) {
      const { elements } = prepareProbe(t.guest, 0, pieces);
      const request = t.guest.placeElements(ring, elements);
      ring.publish();
      const image = takeImage(t.guest);
      await t.guest.notify(ring);
      await t.guest.answer(request);
      const changed = memoryUnchanged(t.guest, image, [
        ...request.writable.map((e) => ({ address: Number(e.address), lengthBytes: e.lengthBytes })),
        { address: ring.addresses.device, lengthBytes: 6 + VIRTQ_USED_ELEM.sizeBytes * ring.size },
      ]);
      if (changed !== null) t.fail(`the device wrote ${whatIsAt(ring.addresses, changed)}`);
    }
  },
});

cases.add({
  id: "split-ring/used/indirect-table-unchanged",
  title: "The device does not write to an indirect table nor to the entry that refers to it",
  clauses: [
    "split-ring.device.the-virtqueue-descriptor-table.1",
    "split-ring.device.the-virtqueue-descriptor-table.2",
  ],
  needs: { ...needs, features: [VIRTIO_F_INDIRECT_DESC] },
  async run(t) {
    await t.guest.start({ queueSize: SMALL, features: [VIRTIO_F_INDIRECT_DESC] });
    const ring = t.guest.split(0);
    for (let round = 0; round < SMALL; round++) {
      const request = t.guest.placeElements(ring, prepareProbe(t.guest, 0, 4).elements, { indirectFrom: 0 });
      ring.publish();
      const image = takeImage(t.guest);
      await t.guest.notify(ring);
      await t.guest.answer(request);
      const changed = memoryUnchanged(t.guest, image, [
        ...request.writable.map((e) => ({ address: Number(e.address), lengthBytes: e.lengthBytes })),
        { address: ring.addresses.device, lengthBytes: 6 + VIRTQ_USED_ELEM.sizeBytes * ring.size },
      ]);
      if (changed !== null) t.fail(`the device wrote ${whatIsAt(ring.addresses, changed)}`);
    }
  },
});

cases.add({
  id: "split-ring/used/short-answer",
  title:
    "A buffer longer than the answer comes back with the answer's length, and nothing behind the buffer changes",
  clauses: [WRITTEN_FIRST, MAY_WRITE_MORE],
  needs: { ...needs, devices: ["gpu"] },
  parameters: [{ more: 0 }, { more: 1 }, { more: 4096 }],
  async run(t, { more }) {
    await t.guest.start({ queueSize: SMALL });
    const { readable, writableBytes, check } = t.guest.model.probe(0);
    const behind = 64;
    const room = writableBytes + more;
    const address = t.guest.arena.place(new Uint8Array(room + behind).fill(FILLER));
    const request = t.guest.placeElements(t.guest.ring(0), [
      { address: t.guest.arena.place(readable), lengthBytes: readable.length, writable: false },
      { address, lengthBytes: room, writable: true },
    ]);
    await t.guest.kick(request.ring);
    const { lengthBytes, bytes } = await t.guest.answer(request);
    const wrong = check(bytes.slice(0, lengthBytes), lengthBytes);
    if (wrong !== null) t.fail(`the answer is wrong: ${wrong}`);
    const rest = t.guest.arena.ram.read(address + room, behind);
    t.ok(
      rest.every((byte) => byte === FILLER),
      "nothing behind the buffer changed",
    );
  },
});

function whatIsAt({ descriptors, driver }: { descriptors: number; driver: number }, address: number): string {
  const where = `at 0x${address.toString(16)}`;
  if (address >= descriptors && address < descriptors + 16 * SMALL)
    return `to the descriptor table, ${where}`;
  if (address >= driver && address < driver + 6 + 2 * SMALL) return `to the available ring, ${where}`;
  return `to memory that is not its to write, ${where}`;
}

/** The used ring and what the device writes (virtio 1.4, sections 2.7.5 and 2.7.8). */
export const USED_CASES = cases.all;
