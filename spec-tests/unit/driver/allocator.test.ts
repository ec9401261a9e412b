import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/index.ts";
import { type DmaBuffer, DriverError, GuestAllocator, type GuestBuffer } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";

const usage = (error: unknown) => error instanceof VirtioUsageError;
const enomem = (error: unknown) => error instanceof DriverError && error.code === "ENOMEM";

function make(bytes = 1 << 20, base: number | bigint = 0x1000_0000) {
  const memory = new GuestMemory([{ base, memory: new ArrayBuffer(bytes) }]);
  return { memory, allocator: new GuestAllocator(memory) };
}

const test = suite("guest allocator");

test("random traffic: aligned, zeroed, never overlapping, all of it back in the end", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.record({
            do: fc.constant("allocate" as const),
            length: fc.integer({ min: 1, max: 20000 }),
            log2: fc.integer({ min: 0, max: 14 }),
          }),
          fc.record({
            do: fc.constant("pages" as const),
            count: fc.integer({ min: 1, max: 12 }),
            flat: fc.boolean(),
          }),
          fc.record({ do: fc.constant("free" as const), which: fc.nat(1000) }),
        ),
        { maxLength: 60 },
      ),
      fc.constantFrom(0, 8, 0x1000, 0xffff_f808, 0xffff_ffff_0000n),
      (steps, base) => {
        const { allocator } = make(256 << 10, base);
        const region = allocator.region;
        const pages = allocator.freePageCount;
        const live: (DmaBuffer | GuestBuffer)[] = [];
        const owner = new Uint8Array(region.sizeBytes);
        const mark = (item: DmaBuffer | GuestBuffer, value: 0 | 1) => {
          const ranges =
            "his" in item
              ? [...item.offsets].map((offset) => [offset, 4096] as const)
              : [[item.offset, item.lengthBytes] as const];
          for (const [offset, length] of ranges) {
            assert.ok(offset + length <= region.sizeBytes);
            for (let i = offset; i < offset + length; i++) {
              assert.is(owner[i], 1 - value);
              if (value === 1) assert.is(region.u8[i], 0);
              owner[i] = value;
              region.u8[i] = 0xee;
            }
          }
        };
        for (const step of steps) {
          try {
            if (step.do === "allocate") {
              const buffer = allocator.allocate(step.length, 1 << step.log2);
              const address = (BigInt(buffer.hi) << 32n) | BigInt(buffer.lo);
              assert.is(address % BigInt(1 << step.log2), 0n);
              assert.is(address, region.base + BigInt(buffer.offset));
              mark(buffer, 1);
              live.push(buffer);
            } else if (step.do === "pages") {
              const buffer = allocator.allocatePages(step.count, step.flat);
              assert.is(buffer.count, step.count);
              mark(buffer, 1);
              live.push(buffer);
            } else if (live.length > 0) {
              const [item] = live.splice(step.which % live.length, 1);
              if (item === undefined) continue;
              mark(item, 0);
              if ("his" in item) allocator.freePages(item);
              else allocator.free(item);
            }
          } catch (error) {
            if (!enomem(error)) throw error;
          }
        }
        for (const item of live) {
          if ("his" in item) allocator.freePages(item);
          else allocator.free(item);
        }
        assert.is(allocator.liveAllocations, 0);
        // Pages cut into pieces stay cut.
        assert.ok(allocator.freePageCount <= pages);
      },
    ),
    { numRuns: 60 },
  );
});

test("scattered pages come in a random order that the seed determines, and leave the bottom free", () => {
  const order = (seed: number) => {
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(4 << 20) }]);
    const allocator = new GuestAllocator(memory, { seed });
    return [...allocator.allocatePages(100).offsets];
  };
  assert.equal(order(7), order(7));
  assert.not.equal(order(7), order(8));
  const offsets = order(7);
  const neighbours = offsets.filter((offset, i) => i > 0 && offset === (offsets[i - 1] ?? 0) + 4096).length;
  assert.ok(neighbours < 10, `${neighbours} of 99`);
  assert.ok(Math.min(...offsets) >= 2 << 20);
});

test("memory runs out with ENOMEM and comes back", () => {
  const { allocator } = make(64 << 10);
  const pages = allocator.allocatePages(16);
  assert.is(allocator.freePageCount, 0);
  assert.throws(() => allocator.allocatePages(1), enomem);
  assert.throws(() => allocator.allocatePages(1, true), enomem);
  assert.throws(() => allocator.allocate(1), enomem);
  assert.throws(() => allocator.allocate(5000), enomem);
  allocator.freePages(pages);
  allocator.free(allocator.allocate(65536));
});

test("misuse is told at once", () => {
  const { memory, allocator } = make();
  for (const length of [0, -1, 1.5, Number.NaN]) assert.throws(() => allocator.allocate(length), usage);
  for (const alignment of [0, 3, -4]) assert.throws(() => allocator.allocate(4, alignment), usage);
  assert.throws(() => allocator.allocatePages(0), usage);
  const buffer = allocator.allocate(16);
  allocator.free(buffer);
  assert.throws(() => allocator.free(buffer), usage);
  const pages = allocator.allocatePages(2);
  allocator.freePages(pages);
  assert.throws(() => allocator.freePages(pages), usage);
  assert.throws(() => new GuestAllocator(memory, { base: 0 }), usage);
  assert.throws(() => new GuestAllocator(memory, { base: 0x1000_0000, lengthBytes: 2 << 20 }), usage);
  assert.throws(() => new GuestAllocator(memory, { base: 0x1000_0800, lengthBytes: 4096 }), usage);
  const rom = new GuestMemory([{ base: 0, memory: new ArrayBuffer(8192), kind: "read-only" }]);
  assert.throws(() => new GuestAllocator(rom), usage);
});

test("a range of a region, and addresses behind a translation", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
  const allocator = new GuestAllocator(memory, {
    base: 0x40000,
    lengthBytes: 0x10000,
    toDeviceAddress: (physical) => physical + 0x5_0000_0000n,
  });
  assert.ok(allocator.translates);
  const buffer = allocator.allocate(100);
  assert.ok(buffer.offset >= 0x40000 && buffer.offset < 0x50000);
  assert.is(buffer.hi, 5);
  assert.is(buffer.lo, buffer.offset);
  assert.is(allocator.freePageCount, 15);
});
test.run();

const buffers = suite("guest buffer");

buffers("bytes, words and rows cross pages as if there were none", () => {
  const { allocator } = make();
  const buffer = allocator.allocatePages(5);
  const model = new Uint8Array(buffer.lengthBytes);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: buffer.lengthBytes }),
      fc.integer({ min: 0, max: 9000 }),
      fc.integer({ min: 0, max: 2 }),
      (position, wanted, way) => {
        const length = Math.min(wanted, buffer.lengthBytes - position);
        if (way === 0) {
          const bytes = Uint8Array.from({ length }, (_, i) => (position + i * 31) & 0xff);
          buffer.write(position, bytes);
          model.set(bytes, position);
        } else if (way === 1) {
          buffer.fill(length & 0xff, position, length);
          model.fill(length & 0xff, position, position + length);
        } else {
          const words = length >>> 2;
          const at = Math.min(position & ~3, buffer.lengthBytes - words * 4);
          buffer.fillWords(at, words, 0x01020304 + wanted);
          new Uint32Array(model.buffer).fill(0x01020304 + wanted, at >>> 2, (at >>> 2) + words);
        }
        const back = new Uint8Array(buffer.lengthBytes);
        buffer.read(0, back);
        assert.equal(back, model);
      },
    ),
    { numRuns: 100 },
  );
  buffer.setWord(4096, 0xdeadbeef);
  assert.is(buffer.word(4096), 0xdeadbeef);
});

buffers("outside is outside, not somewhere else in guest memory", () => {
  const { allocator } = make();
  const buffer = allocator.allocatePages(1);
  for (const at of [4096, 5000, -4, 2 ** 32, Number.NaN]) {
    assert.throws(() => buffer.setWord(at, 1), usage);
    assert.throws(() => buffer.word(at), usage);
    assert.throws(() => buffer.write(at, Uint8Array.of(1)), usage);
  }
  assert.throws(() => buffer.read(4000, new Uint8Array(97)), usage);
  assert.ok(allocator.region.u8.every((byte) => byte === 0));
});

buffers("runs join what is contiguous for the device, and end where they shall", () => {
  const { allocator } = make();
  const runs = (buffer: GuestBuffer, lengthBytes: number) => {
    const found: [number, number][] = [];
    const count = buffer.forEachRun(lengthBytes, (_hi, lo, length) => found.push([lo, length]));
    assert.is(count, found.length);
    return found;
  };
  const flat = allocator.allocatePages(4, true);
  assert.equal(runs(flat, flat.lengthBytes), [[flat.los[0], 16384]]);
  assert.equal(runs(flat, 5000), [[flat.los[0], 5000]]);
  const scattered = allocator.allocatePages(40);
  const total = runs(scattered, scattered.lengthBytes - 100).reduce((sum, [, length]) => sum + length, 0);
  assert.is(total, scattered.lengthBytes - 100);
  assert.ok(runs(scattered, scattered.lengthBytes).length > 20);
});
buffers.run();
