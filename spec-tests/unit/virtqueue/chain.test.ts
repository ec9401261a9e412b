import { suite } from "uvu";
import * as assert from "uvu/assert";
import { GuestMemory, type MemoryRegion } from "../../../src/memory/index.ts";
import { DescriptorChain, Scratch } from "../../../src/virtqueue/index.ts";
import { VIRTQ_DESC_F_WRITE } from "../../../src/wire/index.ts";

const test = suite("descriptor chain");

const SIZE = 0x2000;

/** A chain with the given pieces, as a queue would have made it. */
function chainOf(
  readable: readonly [number, number][],
  writable: readonly [number, number][],
  closed = false,
) {
  const writes: [number, number][] = [];
  const memory = new GuestMemory([
    {
      base: 0,
      memory: new ArrayBuffer(SIZE),
      onDeviceWrite: (offset, length) => writes.push([offset, length]),
    },
  ]);
  memory.write(
    0,
    Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8)) & 0xff),
  );
  const chain = new DescriptorChain();
  const region = memory.regions[0] as MemoryRegion;
  for (const [at, length] of readable) {
    chain.add(region, at, length, 0);
    chain.readableBytes += length;
  }
  for (const [at, length] of writable) {
    chain.add(region, at, length, VIRTQ_DESC_F_WRITE);
    chain.writableBytes += length;
  }
  if (closed) chain.abandon();
  return { memory, chain, writes };
}

const SHAPES: readonly (readonly [number, number][])[] = [
  [],
  [[0x100, 24]],
  [[0x101, 24]],
  [[0x100, 23]],
  [[0x102, 64]],
  [[0x100, 256]],
  [[0x100, 260]],
  [[0x100, 4000]],
  [
    [0x100, 4],
    [0x200, 20],
  ],
  [
    [0x101, 1],
    [0x205, 2],
    [0x309, 300],
  ],
];

test("readHead copies what read copies: aligned or not, in one piece or many, as much as fits", () => {
  for (const shape of SHAPES) {
    for (const scratchBytes of [8, 24, 64, 512]) {
      const { chain } = chainOf(shape, []);
      const scratch = new Scratch(scratchBytes);
      const expected = new Uint8Array(scratchBytes);
      const length = chain.read(0, expected, 0, scratchBytes);
      assert.is(length, Math.min(scratchBytes, chain.readableBytes));
      assert.is(chain.readHead(scratch), length, `${JSON.stringify(shape)} into ${scratchBytes}`);
      assert.equal(scratch.u8, expected, `${JSON.stringify(shape)} into ${scratchBytes}`);
    }
  }
});

test("writeHead writes what write writes, nothing beyond, and reports it", () => {
  for (const shape of SHAPES) {
    for (const length of [0, 1, 4, 24, 256, 300]) {
      const scratch = new Scratch(512);
      for (let i = 0; i < 512; i++) scratch.u8[i] = 255 - (i & 0xff);
      const one = chainOf([[0x1000, 8]], shape);
      const two = chainOf([[0x1000, 8]], shape);
      const written = two.chain.write(0, scratch.u8, 0, length);
      assert.is(written, Math.min(length, two.chain.writableBytes));
      assert.is(one.chain.writeHead(scratch, length), written);
      assert.equal(
        one.memory.read(0, SIZE),
        two.memory.read(0, SIZE),
        `${JSON.stringify(shape)}, ${length} bytes`,
      );
      const sum = one.writes.reduce((total, [, bytes]) => total + bytes, 0);
      assert.is(sum, written);
    }
  }
});

test("through a chain of a closed queue nothing is read or written", () => {
  const { memory, chain, writes } = chainOf([[0x100, 24]], [[0x200, 24]], true);
  const before = memory.read(0, SIZE);
  const scratch = new Scratch(24);
  assert.is(chain.abandoned, true);
  assert.is(chain.readHead(scratch), 0);
  assert.is(chain.read(0, scratch.u8, 0, 24), 0);
  assert.is(chain.writeHead(scratch, 24), 0);
  assert.is(chain.write(0, scratch.u8, 0, 24), 0);
  assert.equal(scratch.u8, new Uint8Array(24));
  assert.equal(memory.read(0, SIZE), before);
  assert.equal(writes, []);
});

test.run();
