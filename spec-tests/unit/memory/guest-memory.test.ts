import { suite } from "uvu";
import * as assert from "uvu/assert";
import { GuestMemory, type MemoryRegion } from "../../../src/memory/index.ts";

const test = suite("guest memory");

test("an access lies in one region or fails: edges, holes, the end of the address space", () => {
  const memory = new GuestMemory([
    { base: 0x1000, memory: new ArrayBuffer(0x1000) },
    { base: 0x2000, memory: new ArrayBuffer(0x1000) },
    { base: 0x1_0000_0000n, memory: new ArrayBuffer(0x1000) },
    { base: 0xffff_ffff_ffff_f000n, memory: new ArrayBuffer(0x1000) },
  ]);
  const found = (hi: number, lo: number, length: number) => memory.find(hi, lo, length) !== null;
  assert.is(found(0, 0xfff, 1), false);
  assert.is(found(0, 0x1000, 0x1000), true);
  assert.is(found(0, 0x1fff, 1), true);
  assert.is(found(0, 0x1fff, 2), false, "not across two regions, adjacent as they are");
  assert.is(found(0, 0x3000, 1), false);
  assert.is(found(1, 0, 0x1000), true);
  assert.is(found(1, 0xfff, 2), false);
  assert.is(found(2, 0, 1), false);
  assert.is(found(0xffffffff, 0xfffff000, 0x1000), true);
  assert.is(found(0xffffffff, 0xffffffff, 1), true);
  assert.is(found(0xffffffff, 0xffffffff, 2), false, "no wrap at 2^64");
  assert.is(found(0xffffffff, 0xfffff000, 0xffffffff), false);
  assert.is(found(0x80000000, 0, 1), false);
});

test("the cached region never answers for another address", () => {
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(64) },
    { base: 0x1_0000_0000n, memory: new ArrayBuffer(64) },
  ]);
  const low = memory.find(0, 0, 8);
  const high = memory.find(1, 0, 8);
  assert.is(memory.find(0, 8, 8), low);
  assert.is(memory.find(1, 8, 8), high);
  assert.is.not(low, high);
});

test("reads and writes go to the right buffer at the right offset", () => {
  const buffer = new ArrayBuffer(0x100);
  const memory = new GuestMemory([{ base: 0x5000, memory: buffer, byteOffset: 0x40, byteLength: 0x80 }]);
  memory.write(0x5003, [1, 2, 3]);
  assert.equal([...new Uint8Array(buffer, 0x43, 3)], [1, 2, 3]);
  assert.equal([...memory.read(0x5002n, 5)], [0, 1, 2, 3, 0]);
  assert.throws(() => memory.read(0x507f, 2), /no memory for 2 bytes at 0x507f/);
});

test("wrong regions are the embedder's mistake", () => {
  const ok = new ArrayBuffer(0x1000);
  const memory = new GuestMemory([{ base: 0x1000, memory: ok }]);
  const add = (options: Parameters<GuestMemory["addRegion"]>[0]) => () => memory.addRegion(options);
  assert.throws(add({ base: 0x1800, memory: ok }), /overlaps/);
  assert.throws(add({ base: 4, memory: ok }), /multiples of 8/);
  assert.throws(add({ base: 0x8000, memory: ok, byteOffset: 4 }), /multiples of 8/);
  assert.throws(add({ base: 0x8000, memory: ok, byteOffset: 8, byteLength: 0x1000 }), /exceeds its buffer/);
  assert.throws(add({ base: 0x8000, memory: new ArrayBuffer(0) }), /not in 1 … 4 GiB/);
  assert.throws(add({ base: -8, memory: ok }), /base is -8, not an address of 64 bits/);
  assert.throws(add({ base: 2 ** 60, memory: ok }), /a bigint, or an integer below 2\^53/);
  assert.throws(add({ base: 1n << 64n, memory: ok }), /not an address of 64 bits/);
  assert.throws(add({ base: 0xffff_ffff_ffff_f800n, memory: ok }), /beyond the 64-bit/);
  assert.is(memory.regions.length, 1);
});

test("a region that was removed is found no more", () => {
  const memory = new GuestMemory();
  const region = memory.addRegion({ base: 0, memory: new ArrayBuffer(64) });
  assert.is(memory.find(0, 0, 8), region);
  const epoch = memory.epoch;
  memory.removeRegion(region);
  assert.is(memory.find(0, 0, 8), null);
  assert.is.not(memory.epoch, epoch);
  assert.throws(() => memory.removeRegion(region), /not part/);
});

test("a WebAssembly memory may grow under the region: its views are renewed, the bytes stay", () => {
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  const memory = new GuestMemory([{ base: 0, memory: wasm, byteLength: 65536 }]);
  memory.write(0x10, [1, 2, 3]);
  const region = memory.regions[0];
  const epoch = memory.epoch;
  wasm.grow(1);
  assert.is(region?.u8.length, 0, "the old view is dead");
  memory.sync();
  assert.is(region?.u8.length, 65536);
  assert.is.not(memory.epoch, epoch);
  assert.equal([...memory.read(0x10, 3)], [1, 2, 3]);
  const after = memory.epoch;
  memory.sync();
  assert.is(memory.epoch, after, "nothing to renew");
});

test("a region that renews its views by itself counts as well: whoever keeps views has to learn of it", () => {
  for (const renew of ["buffer", "refresh"] as const) {
    const wasm = new WebAssembly.Memory({ initial: 1, maximum: 4 });
    const memory = new GuestMemory([{ base: 0, memory: wasm }]);
    const region = memory.regions[0] as MemoryRegion;
    const { epoch } = memory;
    wasm.grow(1);
    if (renew === "buffer") assert.is(region.buffer, wasm.buffer);
    else assert.ok(region.refresh());
    assert.is.not(memory.epoch, epoch, renew);
  }
});

test("what is not an address is not taken for the one it would be modulo 2^64", () => {
  const top = 1n << 64n;
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(64) },
    { base: top - 64n, memory: new ArrayBuffer(64) },
  ]);
  assert.is(memory.view(top - 1n, 1).byteOffset, 63);
  for (const address of [top, top + 8n, -1n, -64, 2 ** 64, 2 ** 53, 1.5, Number.NaN]) {
    assert.throws(() => memory.view(address, 4), /not a guest physical address/, String(address));
    assert.throws(() => memory.write(address, [1]), /not a guest physical address/, String(address));
  }
  for (const length of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => memory.read(0, length), /not a length/, String(length));
  }
});

test("a view is no buffer: its bytes would be looked for at the start of what it views", () => {
  const view = new Uint8Array(new ArrayBuffer(128), 64);
  assert.throws(() => new GuestMemory([{ base: 0, memory: view }]), /not a view/);
  for (const memory of [undefined, null, 4096]) {
    const options = { base: 0, memory: memory as unknown as ArrayBuffer };
    assert.throws(() => new GuestMemory([options]), /pass an ArrayBuffer|not an ArrayBuffer/);
  }
});

test("shared buffers are known as shared", () => {
  const memory = new GuestMemory([
    { base: 0, memory: new SharedArrayBuffer(64) },
    { base: 64, memory: new ArrayBuffer(64) },
  ]);
  assert.equal(
    memory.regions.map((region) => region.shared),
    [true, false],
  );
});

test.run();
