import { type CaseDefinition, CaseList } from "../../case.ts";

const cases = new CaseList();

const devices = ["rng"];
const FILLER = 0xa5;

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
        t.ok(!bytes.slice(0, lengthBytes).every((byte) => byte === FILLER), "the bytes were written");
      }
    }
    if (seen.every((text) => text.length >= 32))
      t.equal(new Set(seen).size, 4, "the number of different answers");
  },
});

/** The entropy device (virtio 1.4, section 5.4). */
export const ENTROPY_CASES: readonly CaseDefinition[] = cases.all;
