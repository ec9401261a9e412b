// What cases share: how requests are cut, and how untouched memory is told from touched.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import { CaseRun } from "../../../src/conformance/case.ts";
import { memoryUnchanged, takeImage } from "../../../src/conformance/cases/support/memory.ts";
import { cut, prepareProbe, windForward } from "../../../src/conformance/cases/support/rings.ts";
import { Guest } from "../../../src/conformance/guest/index.ts";
import { GPU_MODEL, RNG_MODEL } from "../../../src/conformance/models/index.ts";

const test = suite("what conformance cases share");

async function arrive(device: "gpu" | "rng"): Promise<CaseRun> {
  const dut = await builtinTarget("mmio").open(device);
  return new CaseRun(await Guest.arrive(dut, device === "gpu" ? GPU_MODEL : RNG_MODEL, "split"));
}

test("a length is cut into as many pieces as asked for, all of it and none empty", () => {
  for (const [total, count] of [
    [16, 1],
    [16, 3],
    [16, 16],
    [16, 40],
    [0, 4],
    [1056, 7],
  ] as const) {
    const pieces = cut(total, count);
    assert.is(pieces.length, Math.min(total, count));
    assert.is(
      pieces.reduce((sum, piece) => sum + piece, 0),
      total,
    );
    assert.ok(pieces.every((piece) => piece > 0));
    assert.ok(Math.max(0, ...pieces) - Math.min(...pieces, total) <= 1);
  }
});

test("a probe has as many elements as asked for, readable ones first", async () => {
  const { guest: gpu } = await arrive("gpu");
  const { guest: rng } = await arrive("rng");
  for (const count of [2, 3, 8, 20]) {
    const { elements } = prepareProbe(gpu, 0, count);
    assert.is(elements.length, count);
    const firstWritable = elements.findIndex(({ writable }) => writable);
    assert.ok(firstWritable > 0);
    assert.ok(elements.slice(firstWritable).every(({ writable }) => writable));
  }
  assert.is(prepareProbe(gpu, 0, 1).elements.length, 2);
  assert.equal(
    prepareProbe(rng, 0, 20).elements.map(({ lengthBytes }) => lengthBytes),
    new Array(16).fill(1),
  );
});

test("a byte that changed outside of what may change is found, one inside is not", async () => {
  const { guest } = await arrive("rng");
  const address = guest.arena.allocate(64);
  const image = takeImage(guest);
  assert.is(memoryUnchanged(guest, image, []), null);
  guest.arena.write(address + 10, 1, 1);
  assert.is(memoryUnchanged(guest, image, []), address + 10);
  assert.is(memoryUnchanged(guest, image, [{ address: address + 10, lengthBytes: 1 }]), null);
  assert.is(memoryUnchanged(guest, image, [{ address: address + 11, lengthBytes: 8 }]), address + 10);
  guest.arena.write(address - 1, 1, 1);
  assert.is(memoryUnchanged(guest, image, [{ address, lengthBytes: 64 }]), address - 1);
});

test("a ring is wound forward to any index, also round the end", async () => {
  const t = await arrive("gpu");
  await t.guest.start({ queueSize: 8 });
  const ring = t.guest.split(0);
  for (const idx of [1, 7, 40, 3]) {
    await windForward(t, ring, idx);
    assert.is(ring.availIdx, idx);
    assert.is(ring.usedIdx, idx);
    await t.serves();
    ring.freeAll();
  }
});

test.run();
