import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Decoded } from "../../../src/wire/index.ts";
import * as wire from "../../../src/wire/index.ts";
import { wireStructs } from "../../support/wire-facts.ts";

const schema = suite("wire/schema");

schema("derives offsets from the order of the fields, without padding", () => {
  const point = wire.struct({ tag: wire.le8, x: wire.le32, y: wire.le16, rest: wire.bytes(5) });
  assert.equal(wire.offsetsOf(point), { tag: 0, x: 1, y: 5, rest: 7, sizeBytes: 12 });
  assert.equal(wire.fieldsOf(point)[3], { name: "rest", offsetBytes: 7, sizeBytes: 5 });
  assert.ok(Object.isFrozen(wire.offsetsOf(point)));
});

schema("nests structs and arrays", () => {
  const pair = wire.struct({ a: wire.le16, b: wire.le16 });
  const outer = wire.struct({ head: wire.le32, pairs: wire.array(pair, 3), one: pair });
  assert.equal(wire.offsetsOf(outer), { head: 0, pairs: 4, one: 16, sizeBytes: 20 });
  const buffer = Buffer.alloc(20);
  const value: Decoded<typeof outer> = {
    head: 1,
    pairs: [
      { a: 2, b: 3 },
      { a: 4, b: 5 },
      { a: 6, b: 7 },
    ],
    one: { a: 8, b: 9 },
  };
  assert.is(outer.encode(value, buffer), 20);
  assert.is(buffer.toString("hex"), "0100000002000300040005000600070008000900");
  assert.equal(outer.decode(buffer), value);
});

schema("takes a flexible array as the end of a struct", () => {
  assert.equal(wire.VIRTIO_GPU_RESP_CAPSET, { hdr: 0, capset_data: 24, sizeBytes: 24 });
  assert.equal(wire.VIRTQ_USED, { flags: 0, idx: 2, ring: 4, sizeBytes: 4 });
});

schema("decodes 64-bit fields exactly", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (address) => {
      const buffer = Buffer.alloc(wire.VIRTQ_DESC.sizeBytes);
      buffer.writeBigUInt64LE(address, wire.VIRTQ_DESC.addr);
      const { lo, hi } = wire.virtq_desc.decode(buffer).addr;
      assert.is((BigInt(hi) << 32n) | BigInt(lo), address);
    }),
    { examples: [[2n ** 53n + 1n], [2n ** 64n - 1n], [0xffffffffn], [1n << 63n]] },
  );
});

schema("exports the offsets of every struct under its name in upper case", () => {
  const structs = wireStructs();
  assert.ok(structs.size > 40);
  for (const [name, struct] of structs) {
    const offsets = new Map(Object.entries(wire)).get(name.toUpperCase());
    assert.equal(offsets, wire.offsetsOf(struct), name);
  }
});

schema("gives back what it encodes, for every struct", () => {
  for (const [name, struct] of wireStructs()) {
    const buffer = Buffer.from(Array.from({ length: struct.span }, (_, at) => (at * 7 + 1) & 255));
    const copy = Buffer.alloc(struct.span);
    struct.encode(struct.decode(buffer), copy);
    assert.is(copy.toString("hex"), buffer.toString("hex"), name);
  }
});

schema.run();
