import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { allocatePixels } from "../../../../../src/devices/gpu/resources/resources.ts";
import { TransferEngine } from "../../../../../src/devices/gpu/transfer/engine.ts";
import type { HostPixels } from "../../../../../src/devices/gpu/transfer/words.ts";
import { GuestPages } from "../../../../../src/memory/guest-pages.ts";
import { DmaSpace, GuestMemory, type MemoryRegion } from "../../../../../src/memory/index.ts";
import { pattern } from "../../../../support/gpu-rig.ts";

const REGION_BYTES = 1 << 16;

/** Pages of guest memory, and the bytes they should amount to: null where there is a hole. */
interface Model {
  readonly pages: GuestPages;
  readonly bytes: (number | null)[];
}

function build(
  memory: GuestMemory,
  pieces: readonly { offset: number; length: number; hole: boolean }[],
): Model {
  const pages = new GuestPages(memory);
  const dma = new DmaSpace(memory);
  const bytes: (number | null)[] = [];
  for (const { offset, length, hole } of pieces) {
    if (hole) {
      pages.addHole(length);
      for (let i = 0; i < length; i++) bytes.push(null);
      continue;
    }
    assert.is(pages.add(dma, 0, offset, length, false), null);
    bytes.push(...memory.read(offset, length));
  }
  return { pages, bytes };
}

function newMemory(shared = false): GuestMemory {
  const buffer = shared ? new SharedArrayBuffer(REGION_BYTES) : new ArrayBuffer(REGION_BYTES);
  const memory = new GuestMemory([{ base: 0, memory: buffer }]);
  memory.write(0, pattern(REGION_BYTES));
  return memory;
}

/** What a transfer should do, byte by byte. */
function expected(
  model: Model,
  position: number,
  target: Uint8Array,
  targetOffset: number,
  stride: number,
  rowBytes: number,
  rows: number,
): { bytes: Uint8Array; copied: number } {
  const bytes = target.slice();
  let copied = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < rowBytes; i++) {
      const byte = model.bytes[position + row * stride + i];
      if (byte === undefined || byte === null) continue;
      bytes[targetOffset + row * stride + i] = byte;
      copied++;
    }
  }
  return { bytes, copied };
}

function pixelsOf(bytes: Uint8Array): HostPixels {
  const pixels = allocatePixels(bytes.length) as HostPixels;
  pixels.u8.set(bytes);
  return pixels;
}

const piece = fc.record({
  offset: fc.integer({ min: 0, max: REGION_BYTES - 3000 }),
  length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(256, 1024, 2048, 3000)),
  hole: fc.boolean().map((hole) => hole),
});

test("any rectangle from any pages equals a copy byte by byte, however often it comes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ piece, aligned: fc.boolean(), holes: fc.integer({ min: 0, max: 9 }) }), {
        minLength: 1,
        maxLength: 40,
      }),
      fc.boolean(),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.nat({ max: 3 })), {
        minLength: 1,
        maxLength: 6,
      }),
      (list, shared, width, height, rectangles) => {
        const memory = newMemory(shared);
        const model = build(
          memory,
          list.map(({ piece: { offset, length, hole }, aligned, holes }) => ({
            offset: aligned ? offset & ~3 : offset,
            length: aligned ? (length + 3) & ~3 : length,
            hole: hole && holes === 0,
          })),
        );
        const stride = width * 4;
        const engine = new TransferEngine();
        const pixels = pixelsOf(pattern(stride * height, 7));
        for (const [a, b, c, d, odd] of rectangles) {
          const x = a % width;
          const y = b % height;
          const w = 1 + (c % (width - x));
          const h = 1 + (d % (height - y));
          // Mostly what drivers send, sometimes an offset from anywhere.
          const position = odd === 0 ? a % 5000 : y * stride + x * 4;
          const to = y * stride + x * 4;
          for (let repeat = 0; repeat < 3; repeat++) {
            const wanted = expected(model, position, pixels.u8, to, stride, w * 4, h);
            assert.is(engine.copy(model.pages, position, pixels, to, stride, w * 4, h), wanted.copied);
            assert.equal(pixels.u8, wanted.bytes);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** Pages as drivers have them: 4 KiB each and from two regions, some of them elsewhere or not aligned. */
const guestPage = fc.record({
  page: fc.integer({ min: 0, max: 14 }),
  second: fc.boolean(),
  kind: fc.oneof(
    { weight: 20, arbitrary: fc.constant("whole" as const) },
    fc.constantFrom("hole" as const, "by a word" as const, "by a byte" as const, "short" as const),
  ),
});

test("any rectangle from whole pages, of one region or of two, equals a copy byte by byte", () => {
  fc.assert(
    fc.property(
      fc.array(guestPage, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 2, max: 700 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.integer({ min: 0, max: 5 })), {
        minLength: 1,
        maxLength: 8,
      }),
      (list, width, rectangles) => {
        const memory = newMemory();
        memory.addRegion({ base: REGION_BYTES, memory: new ArrayBuffer(REGION_BYTES) });
        memory.write(REGION_BYTES, pattern(REGION_BYTES, 3));
        const model = build(
          memory,
          list.map(({ page, second, kind }) => ({
            offset:
              (second ? REGION_BYTES : 0) +
              4096 * page +
              (kind === "by a word" ? 20 : kind === "by a byte" ? 7 : 0),
            length: kind === "short" ? 1234 : 4096,
            hole: kind === "hole",
          })),
        );
        const stride = width * 4;
        const height = Math.max(1, Math.floor(model.bytes.length / stride));
        const engine = new TransferEngine();
        const pixels = pixelsOf(pattern(stride * height, 7));
        for (const [a, b, c, d, shift] of rectangles) {
          const x = a % width;
          const y = b % height;
          const w = 1 + (c % (width - x));
          const h = 1 + (d % (height - y));
          const to = y * stride + x * 4;
          // Seldom from another place than the one it goes to: by whole words, or not.
          const position = Math.max(0, to + (shift === 4 ? -12 : shift === 5 ? 6 : 0));
          const wanted = expected(model, position, pixels.u8, to, stride, w * 4, h);
          assert.is(engine.copy(model.pages, position, pixels, to, stride, w * 4, h), wanted.copied);
          assert.ok(Buffer.from(pixels.u8).equals(wanted.bytes), `${x}, ${y}, ${w} × ${h}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("the same source for another place of the target, again and again", () => {
  const memory = newMemory();
  const model = build(memory, [
    { offset: 5000, length: 4096, hole: false },
    { offset: 100, length: 4096, hole: false },
  ]);
  const engine = new TransferEngine();
  const pixels = pixelsOf(new Uint8Array(8192));
  for (let i = 0; i < 9; i++) {
    const to = 300 * (i % 3);
    const wanted = expected(model, 700, pixels.u8, to, 256, 128, 20);
    assert.is(engine.copy(model.pages, 700, pixels, to, 256, 128, 20), wanted.copied);
    assert.equal(pixels.u8, wanted.bytes);
    if (i % 3 === 2) pixels.u8.fill(0);
  }
});

test("more rectangles than are remembered, at all distances from each other", () => {
  const memory = newMemory();
  const order = [3, 0, 9, 5, 14, 1, 7, 12, 2, 11, 4, 15, 6, 13, 8, 10];
  const model = build(
    memory,
    order.map((page) => ({ offset: page << 12, length: 4096, hole: false })),
  );
  const engine = new TransferEngine();
  const pixels = pixelsOf(new Uint8Array(REGION_BYTES));
  const stride = 512;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 150; i++) {
      const at = ((i * 7) % 60) * stride + ((i * 13) % 50) * 4;
      const wanted = expected(model, at, pixels.u8, at, stride, 256, 64);
      assert.is(engine.copy(model.pages, at, pixels, at, stride, 256, 64), wanted.copied);
      assert.ok(Buffer.from(pixels.u8).equals(wanted.bytes), `round ${round}, rectangle ${i}`);
    }
    pixels.u8.fill(round);
  }
});

test("rows on both sides of 2 GiB, where positions are no 32-bit integers any more", () => {
  const memory = newMemory();
  const pages = new GuestPages(memory);
  const hole = 0x7fffff00;
  pages.addHole(hole);
  pages.addSegment(memory.regions[0] as MemoryRegion, 4096, 4096);
  pages.addSegment(memory.regions[0] as MemoryRegion, 0, 4096);
  const engine = new TransferEngine();
  for (const position of [hole - 128, hole, hole + 100, hole + 4000]) {
    const pixels = pixelsOf(new Uint8Array(4096).fill(0xee));
    const wanted = new Uint8Array(4096).fill(0xee);
    let copied = 0;
    for (let row = 0; row < 8; row++) {
      for (let i = 0; i < 40; i++) {
        const inner = position + row * 256 + i - hole;
        if (inner < 0 || inner >= 8192) continue;
        wanted[row * 256 + i] = memory.read(inner < 4096 ? 4096 + inner : inner - 4096, 1)[0] as number;
        copied++;
      }
    }
    assert.is(engine.copy(pages, position, pixels, 0, 256, 40, 8), copied);
    assert.equal(pixels.u8, wanted);
  }
});

test("a hole of more than 2 GiB stays one", () => {
  const memory = newMemory();
  const pages = new GuestPages(memory);
  pages.addHole(0x80000100);
  pages.addSegment(memory.regions[0] as MemoryRegion, 0, 4096);
  const pixels = pixelsOf(new Uint8Array(4096).fill(0xee));
  assert.is(new TransferEngine().copy(pages, 100, pixels, 0, 256, 40, 8), 0);
  assert.equal(pixels.u8, new Uint8Array(4096).fill(0xee));
});

test("adjacent pages are merged into one segment, pages in reverse order are not", () => {
  const memory = newMemory();
  const forward = build(
    memory,
    [0, 4096, 8192].map((offset) => ({ offset, length: 4096, hole: false })),
  );
  assert.is(forward.pages.count, 1);
  assert.is(forward.pages.entryCount, 3);
  const backward = build(
    memory,
    [8192, 4096, 0].map((offset) => ({ offset, length: 4096, hole: false })),
  );
  assert.is(backward.pages.count, 3);
  assert.is(backward.pages.totalBytes, 12288);
});

test("a hole separates pages that are adjacent in memory", () => {
  const memory = newMemory();
  const { pages } = build(memory, [
    { offset: 0, length: 16, hole: false },
    { offset: 0, length: 16, hole: true },
    { offset: 16, length: 16, hole: false },
  ]);
  const target = new Uint8Array(48).fill(0xee);
  assert.is(pages.read(0, target, 0, 48), 32);
  assert.equal(target.subarray(0, 16), memory.read(0, 16));
  assert.ok(target.subarray(16, 32).every((byte) => byte === 0xee));
  assert.equal(target.subarray(32), memory.read(16, 16));
});

test("what is kept of a rectangle follows the memory when it grows", () => {
  let buffer = new ArrayBuffer(REGION_BYTES);
  const source = {
    get buffer() {
      return buffer;
    },
  };
  const memory = new GuestMemory([{ base: 0, memory: source }]);
  const { pages } = build(memory, [{ offset: 0, length: 8192, hole: false }]);
  const engine = new TransferEngine();
  const pixels = allocatePixels(8192) as HostPixels;
  const transfer = () => engine.copy(pages, 128, pixels, 128, 256, 128, 8);
  memory.write(128, new Uint8Array(128).fill(1));
  const whole = () => engine.copy(pages, 0, pixels, 0, 8192, 8192, 1);
  const part = () => engine.copy(pages, 1024, pixels, 1024, 4096, 4096, 1);
  whole();
  part();
  for (let i = 0; i < 3; i++) transfer();
  assert.is(pixels.u8[128], 1);
  const grown = new ArrayBuffer(2 * REGION_BYTES);
  new Uint8Array(grown).fill(2);
  buffer = structuredClone(buffer, { transfer: [buffer] });
  buffer = grown;
  transfer();
  assert.is(pixels.u8[128], 2);
  part();
  assert.is(pixels.u8[1024], 2);
  whole();
  assert.ok(pixels.u8.every((byte) => byte === 2));
});

test("a region that is removed turns into a hole, one that comes instead is not read", () => {
  const memory = newMemory();
  const region = memory.regions[0] as MemoryRegion;
  const { pages } = build(memory, [{ offset: 0, length: 4096, hole: false }]);
  const engine = new TransferEngine();
  const pixels = pixelsOf(new Uint8Array(4096).fill(9));
  assert.is(engine.copy(pages, 0, pixels, 0, 64, 48, 4), 192);
  memory.removeRegion(region);
  memory.addRegion({ base: 0, memory: new ArrayBuffer(REGION_BYTES) });
  pixels.u8.fill(9);
  for (let i = 0; i < 3; i++) {
    assert.is(engine.copy(pages, 0, pixels, 0, 64, 48, 4), 0);
    assert.is(engine.copy(pages, 0, pixels, 0, 64, 64, 4), 0);
  }
  assert.ok(pixels.u8.every((byte) => byte === 9));
  assert.is(pages.contiguous(0, 16), null);
  assert.is(pages.write(0, new Uint8Array(16), 0, 16), 0);
});

test("writes reach the guest, tell who watches the region, and spare read-only memory", () => {
  const writes: number[][] = [];
  const memory = new GuestMemory([
    {
      base: 0,
      memory: new ArrayBuffer(4096),
      onDeviceWrite: (offset, length) => writes.push([offset, length]),
    },
    { base: 8192, memory: new ArrayBuffer(4096), kind: "read-only" },
  ]);
  const pages = new GuestPages(memory);
  const dma = new DmaSpace(memory);
  assert.is(pages.add(dma, 0, 100, 50, true), null);
  assert.is(pages.add(dma, 0, 8192, 50, false), null);
  assert.is(pages.add(dma, 0, 8192, 50, true), "write-to-read-only");
  assert.is(pages.totalBytes, 100);
  assert.is(pages.write(40, pattern(20), 0, 20), 10);
  assert.equal(memory.read(140, 10), pattern(20).slice(0, 10));
  assert.equal(writes, [[140, 10]]);
});

test("a contiguous range is a view of the guest's memory itself", () => {
  const memory = newMemory();
  const { pages } = build(memory, [
    { offset: 0, length: 4096, hole: false },
    { offset: 8192, length: 4096, hole: false },
  ]);
  const view = pages.contiguous(4096, 4096) as Uint8Array;
  memory.write(8200, [0xab]);
  assert.is(view[8], 0xab);
  assert.is(pages.contiguous(4095, 2), null);
  assert.is(pages.contiguous(8192, 1), null);
});

test.run();
