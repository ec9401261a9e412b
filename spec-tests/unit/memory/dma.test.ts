import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type AddressTranslator, DmaSpace, GuestMemory, SegmentList } from "../../../src/memory/index.ts";

const test = suite("dma and segments");

/** Device page n is guest page `table[n]`; unknown pages are refused, and so are writes to pages in `readOnly`. */
function pager(table: Readonly<Record<number, number>>, readOnly: readonly number[] = []): AddressTranslator {
  return {
    translate(hi, lo, lengthBytes, write, result) {
      const page = table[lo >>> 12];
      if (hi !== 0 || page === undefined || (write && readOnly.includes(lo >>> 12))) return 0;
      result.hi = 0;
      result.lo = page * 4096 + (lo & 0xfff);
      return Math.min(lengthBytes, 4096 - (lo & 0xfff));
    },
  };
}

function pieces(list: SegmentList): [number, number][] {
  return Array.from({ length: list.count }, (_, i) => [list.offsets[i] as number, list.lengths[i] as number]);
}

test("without a translator an address is a guest physical one", () => {
  const memory = new GuestMemory([{ base: 0x1000, memory: new ArrayBuffer(0x1000) }]);
  const dma = new DmaSpace(memory);
  const list = new SegmentList(1);
  assert.is(dma.append(list, 0, 0x1010, 16, true), null);
  assert.is(dma.append(list, 0, 0x1020, 16, true), null);
  assert.equal(pieces(list), [
    [0x10, 16],
    [0x20, 16],
  ]);
  assert.is(dma.append(list, 0, 0x1ff8, 16, true), "address-out-of-range");
});

test("a translated range is cut at its pages and joined where they happen to be adjacent", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const dma = new DmaSpace(memory, pager({ 0: 5, 1: 6, 2: 3 }));
  const list = new SegmentList();
  assert.is(dma.append(list, 0, 0xf00, 0x1200, false), null);
  assert.equal(pieces(list), [
    [0x5f00, 0x1100],
    [0x3000, 0x100],
  ]);
});

test("two elements are never merged, adjacent as they are: they may differ in direction", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const dma = new DmaSpace(memory, pager({ 0: 1 }));
  const list = new SegmentList();
  dma.append(list, 0, 0, 8, false);
  dma.append(list, 0, 8, 8, true);
  assert.is(list.count, 2);
});

test("a refusal in the middle of a range is an error, as is a page that leads nowhere", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const list = new SegmentList();
  assert.is(new DmaSpace(memory, pager({ 0: 5 })).append(list, 0, 0, 0x1001, false), "translation-refused");
  assert.is(new DmaSpace(memory, pager({ 0: 99 })).append(list, 0, 0, 1, false), "address-out-of-range");
  assert.is(new DmaSpace(memory, pager({ 0: 5 }, [0])).append(list, 0, 0, 1, true), "translation-refused");
  assert.is(new DmaSpace(memory, pager({ 0: 5 }, [0])).append(list, 0, 0, 1, false), null);
});

test("a translator that grants single bytes can't make the list grow without end", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x100000) }]);
  let calls = 0;
  const dma = new DmaSpace(memory, {
    translate(_hi, lo, _lengthBytes, _write, result) {
      calls++;
      result.hi = 0;
      result.lo = (lo * 8) & 0xfffff;
      return 1;
    },
  });
  assert.is(dma.append(new SegmentList(), 0, 0, 0xffffffff, false), "translation-refused");
  assert.ok(calls <= 65536);
});

test("a region that was removed is not served from the cache", () => {
  const memory = new GuestMemory();
  const region = memory.addRegion({ base: 0, memory: new ArrayBuffer(64) });
  const dma = new DmaSpace(memory);
  assert.is(dma.append(new SegmentList(), 0, 0, 8, false), null);
  memory.removeRegion(region);
  assert.is(dma.append(new SegmentList(), 0, 0, 8, false), "address-out-of-range");
});

test("copies run over pieces of any length, from and to any position", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x1000) }]);
  const dma = new DmaSpace(memory);
  const list = new SegmentList();
  const lengths = [3, 0, 300, 1, 17];
  let at = 0;
  for (const length of lengths) {
    if (length > 0) dma.append(list, 0, at, length, true);
    at += length + 5;
  }
  const total = 321;
  const source = Uint8Array.from({ length: total }, (_, i) => (i * 7 + 1) & 0xff);
  for (const [position, length] of [
    [0, total],
    [1, 5],
    [2, 1],
    [3, 300],
    [302, 19],
    [320, 1],
    [320, 9],
    [321, 4],
    [0, 0],
  ] as const) {
    memory.write(0, new Uint8Array(0x1000));
    const expected = Math.max(0, Math.min(length, total - position));
    assert.is(list.copyIn(0, list.count, position, source, 0, length), expected);
    const back = new Uint8Array(total);
    assert.is(list.copyOut(0, list.count, 0, back, 0, total), total);
    const want = new Uint8Array(total);
    want.set(source.subarray(0, expected), position);
    assert.equal(back, want, `${length} bytes at ${position}`);
  }
});

test("device writes are reported where the region wants to know", () => {
  const writes: [number, number][] = [];
  const memory = new GuestMemory([
    {
      base: 0,
      memory: new ArrayBuffer(64),
      onDeviceWrite: (offset, length) => writes.push([offset, length]),
    },
  ]);
  const list = new SegmentList();
  new DmaSpace(memory).append(list, 0, 8, 4, true);
  new DmaSpace(memory).append(list, 0, 32, 4, true);
  list.copyIn(0, 2, 2, new Uint8Array(4), 0, 4);
  assert.equal(writes, [
    [10, 2],
    [32, 2],
  ]);
});

test.run();
