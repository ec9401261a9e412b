import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GuestMemory, GuestPages, type MemoryRegion } from "../../../src/memory/index.ts";
import { pattern } from "../../support/gpu-rig.ts";

const PAGE = 4096;
const REGION_BYTES = 16 * PAGE;

function newMemory(regions: number): GuestMemory {
  const memory = new GuestMemory(
    Array.from({ length: regions }, (_, i) => ({
      base: 2 * i * REGION_BYTES,
      memory: new ArrayBuffer(REGION_BYTES),
    })),
  );
  for (let i = 0; i < regions; i++) memory.write(2 * i * REGION_BYTES, pattern(REGION_BYTES, i));
  return memory;
}

const piece = fc.record({
  region: fc.nat({ max: 2 }),
  offset: fc.oneof(
    fc.integer({ min: 0, max: 12 }).map((page) => page * PAGE),
    fc.nat({ max: 12 * PAGE }),
  ),
  length: fc.oneof(fc.constant(PAGE), fc.constant(3 * PAGE), fc.integer({ min: 1, max: 3 * PAGE })),
  hole: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
});

test("the table knows the pages that are in one piece, and where each of them is", () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (list) => {
      const memory = newMemory(3);
      const pages = new GuestPages(memory);
      for (const { region, offset, length, hole } of list) {
        if (hole) pages.addHole(length);
        else pages.addSegment(memory.regions[region] as MemoryRegion, offset, length);
      }
      const table = pages.pageTable();
      if (pages.count === 0) {
        assert.is(table, null);
        return;
      }
      // One piece is one page of its own size; pieces of three pages at most are never too large for a table.
      if (table === null) {
        assert.is(pages.count, 1);
        return;
      }
      assert.is(table.endBytes, pages.totalBytes);
      const pageBytes = 2 ** table.shift;
      assert.is(table.offsets.length, Math.ceil(pages.totalBytes / pageBytes));
      const { segments, starts } = pages;
      for (let page = 0; page < table.offsets.length; page++) {
        const from = page * pageBytes;
        const bytes = Math.min(pageBytes, pages.totalBytes - from);
        const offset = table.offsets[page] as number;
        const at = pages.segmentAt(from);
        const inPiece = from - (starts[at] as number);
        const whole = at < pages.count && inPiece >= 0 && inPiece + bytes <= (segments.lengths[at] as number);
        const wanted = (segments.offsets[at] as number) + inPiece;
        if (!whole || wanted % 4 !== 0) {
          assert.is(offset, -1);
          continue;
        }
        assert.is(offset, wanted);
        assert.is(table.regions[table.owners[page] as number], segments.regions[at]);
      }
    }),
    { numRuns: 500 },
  );
});

test("a table takes no more than some bytes for each piece: few large pieces have none", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(256 * PAGE) }]);
  const region = memory.regions[0] as MemoryRegion;
  const pages = new GuestPages(memory);
  pages.addSegment(region, 0, 100 * PAGE);
  assert.is(pages.pageTable()?.offsets.length, 1);
  pages.addSegment(region, 120 * PAGE, 100 * PAGE);
  assert.is(pages.pageTable(), null);
  for (let i = 0; i < 20; i++) pages.addSegment(region, (i & 1) * 8 * PAGE, PAGE);
  assert.is(pages.pageTable()?.offsets.length, 220);
});

test("the table follows the pieces: what is appended, released or taken away", () => {
  const memory = newMemory(2);
  const [first, second] = memory.regions as [MemoryRegion, MemoryRegion];
  const pages = new GuestPages(memory);
  assert.is(pages.pageTable(), null);
  pages.addSegment(first, PAGE, PAGE);
  assert.equal([...(pages.pageTable()?.offsets ?? [])], [PAGE]);
  pages.addSegment(second, 0, PAGE);
  assert.equal([...(pages.pageTable()?.offsets ?? [])], [PAGE, 0]);
  pages.addHole(PAGE);
  assert.equal([...(pages.pageTable()?.offsets ?? [])], [PAGE, 0, -1]);
  pages.addSegment(first, 5 * PAGE, PAGE);
  assert.equal([...(pages.pageTable()?.offsets ?? [])], [PAGE, 0, -1, 5 * PAGE]);
  assert.equal([...(pages.pageTable()?.owners ?? [])], [0, 1, 0, 0]);
  memory.removeRegion(second);
  pages.refresh();
  assert.equal([...(pages.pageTable()?.offsets ?? [])], [PAGE, -1, -1, 5 * PAGE]);
  memory.removeRegion(first);
  pages.refresh();
  assert.ok(pages.pageTable()?.offsets.every((offset) => offset === -1));
  pages.release();
  assert.is(pages.pageTable(), null);
});

test("positions and offsets behind 2 GiB have no place in a table", () => {
  const memory = newMemory(1);
  const region = memory.regions[0] as MemoryRegion;
  const pages = new GuestPages(memory);
  // So many pieces that the table would not be too large for them.
  for (let i = 0; i < 40_000; i++) pages.addSegment(region, (i & 1) * 8 * PAGE, PAGE);
  assert.is(pages.pageTable()?.offsets.length, 40_000);
  pages.addHole(0x80000000 - PAGE);
  pages.addSegment(region, 0, PAGE);
  assert.is(pages.pageTable(), null);
});

test.run();
