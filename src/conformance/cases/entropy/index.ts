import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

const devices = ["rng"];
const FILLER = 0xa5;

/** Whether random bytes stand where the filler was; chance makes half of 16 bytes equal to it in no lifetime. */
function wereWritten(bytes: Uint8Array): boolean {
  return bytes.filter((byte) => byte === FILLER).length < bytes.length / 2;
}

cases.add({
  id: "entropy/request/one-byte-or-more",
  title: "A buffer comes back with at least one byte of randomness in it, whatever its length",
  clauses: ["entropy.device.device-operation.1"],
  needs: { devices },
  parameters: [{ bytes: 1 }, { bytes: 2 }, { bytes: 64 }, { bytes: 4096 }],
  async run(t, { bytes }) {
    await t.guest.start();
    const { lengthBytes } = await t.guest.exchange(0, new Uint8Array(0), bytes);
    t.ok(lengthBytes >= 1, "at least one byte was placed into the buffer");
    t.ok(lengthBytes <= bytes, "no more bytes are said to be written than the buffer has");
  },
});

cases.add({
  id: "entropy/request/bytes-are-written",
  title: "The bytes it says it placed are written, differ between requests, and nothing lies behind them",
  clauses: ["entropy.device.device-operation.1"],
  needs: { devices },
  async run(t) {
    await t.guest.start();
    const ring = t.guest.ring(0);
    const seen: string[] = [];
    for (let round = 0; round < 4; round++) {
      const address = t.guest.arena.place(new Uint8Array(96).fill(FILLER));
      const request = t.guest.placeElements(ring, [{ address, lengthBytes: 64, writable: true }]);
      await t.guest.kick(ring);
      const { lengthBytes, bytes } = await t.guest.answer(request);
      const behind = t.guest.arena.ram.read(address + lengthBytes, 96 - lengthBytes);
      t.ok(
        behind.slice(64 - lengthBytes).every((byte) => byte === FILLER),
        "nothing behind the buffer changed",
      );
      seen.push(bytes.slice(0, lengthBytes).join());
      // One byte may repeat or equal the filler by chance; sixteen do not.
      if (lengthBytes >= 16) {
        t.ok(wereWritten(bytes.slice(0, lengthBytes)), "the bytes were written");
      }
    }
    if (seen.every((text) => text.length >= 32))
      t.equal(new Set(seen).size, 4, "the number of different answers");
  },
});

cases.add({
  id: "entropy/request/several-descriptors",
  title: "A buffer of several descriptors is filled from its beginning",
  clauses: ["entropy.device.device-operation.1"],
  needs: { devices },
  parameters: [{ pieces: "1,1" }, { pieces: "7,9,16" }, { pieces: "1,1,1,1,1,1,1,1" }],
  async run(t, { pieces }) {
    await t.guest.start();
    const ring = t.guest.ring(0);
    const elements = pieces.split(",").map((length) => ({
      address: t.guest.arena.place(new Uint8Array(Number(length)).fill(FILLER)),
      lengthBytes: Number(length),
      writable: true,
    }));
    const request = t.guest.placeElements(ring, elements);
    await t.guest.kick(ring);
    const { lengthBytes, bytes } = await t.guest.answer(request);
    t.ok(lengthBytes >= 1 && lengthBytes <= bytes.length, `${lengthBytes} bytes fit into the buffer`);
    t.ok(
      bytes.slice(lengthBytes).every((byte) => byte === FILLER),
      "nothing is written behind the bytes it says it placed",
    );
    if (lengthBytes < 16) return;
    t.ok(wereWritten(bytes.slice(0, lengthBytes)), "the bytes were written");
  },
});

cases.add({
  id: "entropy/request/many-at-once",
  title: "Every buffer of many that are available at once gets bytes of its own",
  clauses: ["entropy.device.device-operation.1"],
  needs: { devices },
  async run(t) {
    await t.guest.start();
    const ring = t.guest.ring(0);
    const requests = Array.from({ length: 8 }, () => t.guest.place(ring, new Uint8Array(0), 32));
    await t.guest.kick(ring);
    const open = new Map(requests.map((request) => [request.placed.id, request]));
    const seen = new Set<string>();
    let whole = 0;
    while (open.size > 0) {
      const used = await t.guest.used(ring);
      if (used === null) return t.fail(`${open.size} buffers do not come back`);
      const request = open.get(used.id);
      if (request === undefined) return t.fail(`id ${used.id} is none that is open`);
      open.delete(used.id);
      t.ok(used.lengthBytes >= 1, "at least one byte was placed into the buffer");
      if (used.lengthBytes < 16) continue;
      whole++;
      seen.add(t.guest.writtenBytes(request).slice(0, used.lengthBytes).join());
    }
    t.equal(seen.size, whole, "the number of different answers");
  },
});

cases.add({
  id: "entropy/request/no-room",
  title:
    "A buffer that no byte can be placed into is returned with used length 0, or refused, and the queue goes on",
  clauses: ["entropy.driver.device-operation.1"],
  needs: { devices },
  async run(t) {
    await t.guest.start();
    const ring = t.guest.ring(0);
    t.guest.place(ring, new Uint8Array(16), 0);
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "entropy/request/readable-bytes",
  title: "Device-readable bytes, which must not be there, are not written to, and the queue goes on",
  clauses: ["entropy.driver.device-operation.1"],
  needs: { devices },
  async run(t) {
    await t.guest.start();
    const ring = t.guest.ring(0);
    const address = t.guest.arena.place(new Uint8Array(32).fill(FILLER));
    t.guest.placeElements(ring, [
      { address, lengthBytes: 32, writable: false },
      { address: t.guest.arena.allocate(32), lengthBytes: 32, writable: true },
    ]);
    await t.guest.kick(ring);
    await t.refused();
    t.ok(
      t.guest.arena.ram.read(address, 32).every((byte) => byte === FILLER),
      "the device-readable bytes are as they were",
    );
  },
});

/** The entropy device (virtio 1.4, section 5.4). */
export const ENTROPY_CASES: readonly CaseDefinition[] = cases.all;
