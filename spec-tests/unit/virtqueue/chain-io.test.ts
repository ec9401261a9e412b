// Readers and writers of chains: whatever the pieces are, the fields are those of one run of bytes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { GuestMemory, type MemoryRegion } from "../../../src/memory/index.ts";
import { ChainReader, ChainWriter, DescriptorChain } from "../../../src/virtqueue/index.ts";
import { VIRTQ_DESC_F_WRITE } from "../../../src/wire/index.ts";

const test = suite("chain reader and writer");

const SPACING = 0x400;

/** A chain whose readable or writable part is cut into pieces of these lengths, far from each other. */
function chainOf(lengths: readonly number[], write: boolean, bytes?: Uint8Array) {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const chain = new DescriptorChain();
  let done = 0;
  lengths.forEach((length, i) => {
    const at = SPACING * (i + 1) + (i % 5);
    if (bytes !== undefined) memory.write(at, bytes.subarray(done, done + length));
    chain.add(memory.regions[0] as MemoryRegion, at, length, write ? VIRTQ_DESC_F_WRITE : 0);
    done += length;
  });
  if (write) chain.writableBytes = done;
  else chain.readableBytes = done;
  const written = (): number[] =>
    lengths.flatMap((length, i) => [...memory.read(SPACING * (i + 1) + (i % 5), length)]);
  return { chain, memory, written };
}

const MESSAGE = Uint8Array.from({ length: 100 }, (_, i) => (i * 37 + 200) & 0xff);
const CUTS: readonly (readonly number[])[] = [
  [100],
  [24, 76],
  [1, 99],
  [63, 37],
  [64, 36],
  [65, 35],
  [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 90],
  [50, 3, 3, 3, 3, 38],
];

test("fields before, across and behind the head, in pieces of any size", () => {
  const expected = new DataView(MESSAGE.buffer);
  const reader = new ChainReader();
  for (const cut of CUTS) {
    const { chain } = chainOf(cut, false, MESSAGE);
    for (let first = 0; first <= 80; first++) {
      reader.open(chain).skip(first);
      assert.is(reader.u8(), expected.getUint8(first));
      assert.is(reader.u16(), expected.getUint16(first + 1, true));
      assert.is(reader.u32(), expected.getUint32(first + 3, true));
      assert.is(reader.bigU64(), expected.getBigUint64(first + 7, true));
      const rest = new Uint8Array(7);
      assert.is(reader.bytes(rest, 2, 5), 5);
      assert.equal([...rest], [0, 0, ...MESSAGE.subarray(first + 15, first + 20)], `${cut} from ${first}`);
      assert.ok(reader.ok);
      assert.is(reader.position, first + 20);
      assert.is(reader.remaining, 80 - first);
    }
  }
});

test("beyond the end: zeros, and not ok from then on, whatever is asked", () => {
  const asks: ((reader: ChainReader) => unknown)[] = [
    (reader) => reader.u8(),
    (reader) => reader.u16(),
    (reader) => reader.u32(),
    (reader) => reader.u64(),
    (reader) => Number(reader.bigU64()),
    (reader) => reader.bytes(new Uint8Array(9)),
  ];
  for (const [i, ask] of asks.entries()) {
    const lengthBytes = [0, 1, 3, 7, 7, 8][i] as number;
    for (const before of [0, 60, 92]) {
      const cut = [before + lengthBytes].filter((length) => length > 0);
      const reader = new ChainReader(chainOf(cut, false, MESSAGE).chain).skip(before);
      const result = ask(reader);
      assert.is(result, i === 5 ? 8 : 0);
      assert.not(reader.ok);
      assert.is(reader.remaining, 0);
      assert.is(reader.u8(), 0);
    }
  }
  const skipped = new ChainReader(chainOf([4], false).chain);
  assert.ok(skipped.skip(4).ok);
  assert.not(skipped.skip(1).ok);
  assert.is(skipped.position, 4);
});

test("a number of 64 bits is exact as far as numbers are, and large above that", () => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 2n ** 53n - 1n, true);
  view.setBigUint64(8, 2n ** 64n - 1n, true);
  const reader = new ChainReader(chainOf([16], false, bytes).chain);
  assert.is(reader.u64(), Number.MAX_SAFE_INTEGER);
  assert.is(reader.u64(), 2 ** 64);
});

test("a chain that was abandoned has nothing to read and takes nothing", () => {
  for (const skipped of [0, 70]) {
    const { chain } = chainOf([100], false, MESSAGE);
    const reader = new ChainReader(chain).skip(skipped);
    chain.abandon();
    if (skipped === 0) reader.open(chain);
    assert.is(reader.u32(), 0);
    assert.not(reader.ok);
  }
  const { chain, written } = chainOf([8], true);
  chain.abandon();
  const writer = new ChainWriter(chain).u32(1);
  assert.not(writer.ok);
  assert.is(writer.written, 0);
  assert.equal(written(), new Array(8).fill(0));
});

test("each byte is read from memory once, though a guest changes it in between", () => {
  const { chain, memory } = chainOf([100], false, MESSAGE);
  const reader = new ChainReader(chain);
  memory.write(SPACING, new Uint8Array(100));
  const bytes = new Uint8Array(64);
  reader.bytes(bytes);
  assert.equal([...bytes], [...MESSAGE.subarray(0, 64)]);
});

test("what is written lies as one run of bytes, in pieces of any size", () => {
  const expected = new Uint8Array(20);
  const view = new DataView(expected.buffer);
  view.setUint8(0, 0x81);
  view.setUint16(1, 0x8283, true);
  view.setUint32(3, 0x84858687, true);
  view.setBigUint64(7, 0x8000_0001_8000_0002n, true);
  expected.set([1, 2, 3], 17);
  const writer = new ChainWriter();
  for (const cut of [[20], [1, 19], [2, 2, 2, 2, 2, 2, 2, 2, 2, 2], [13, 7], [40]]) {
    const { chain, written } = chainOf(cut, true);
    writer.open(chain).u8(0x81).u16(0x8283).u32(0x84858687).u64(0x8000_0001_8000_0002n).skip(2);
    writer.bytes(Uint8Array.of(0, 1, 2, 3), 1);
    assert.equal(written().slice(0, 20), [...expected]);
    assert.ok(writer.ok);
    assert.equal([writer.written, writer.position], [20, 20]);
  }
  const { chain, written } = chainOf([16], true);
  writer
    .open(chain)
    .u64(2 ** 53 - 1)
    .u64(5);
  assert.equal(written(), [255, 255, 255, 255, 255, 255, 31, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
});

test("what has no room is left out as a whole, with all behind it", () => {
  const { chain, written } = chainOf([3, 3], true);
  const writer = new ChainWriter(chain).u32(0xffffffff).u32(1).u8(2);
  assert.not(writer.ok);
  assert.is(writer.written, 4);
  assert.equal(written(), [255, 255, 255, 255, 0, 0]);
  assert.ok(writer.open(chain).ok, "opened anew");
  assert.not(writer.skip(7).ok);
  assert.is(writer.written, 0);
});

test("the used length reaches to the last byte written, not to what was skipped behind it", () => {
  const { chain } = chainOf([16], true);
  const writer = new ChainWriter(chain).u32(1).skip(8);
  assert.equal([writer.written, writer.position, writer.remaining], [4, 12, 4]);
});

test.run();
