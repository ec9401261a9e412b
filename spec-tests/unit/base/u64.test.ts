import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hex64, hi32, lo32, toBigInt, toNumber } from "../../../src/base/u64.ts";

const u64 = suite("u64");

const EDGES = [
  0n,
  1n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x1_0000_0000n,
  0x1f_ffff_ffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
];

const anyU64 = fc.oneof(fc.constantFrom(...EDGES), fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }));

/** The halves as the engine itself lays a 64-bit integer out in memory: independent of the code under test. */
function halves(value: bigint): { hi: number; lo: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value);
  return { hi: view.getUint32(0), lo: view.getUint32(4) };
}

u64("splits a bigint into the halves that memory would hold", () => {
  fc.assert(
    fc.property(anyU64, (value) => {
      assert.equal({ hi: hi32(value), lo: lo32(value) }, halves(value));
    }),
  );
});

u64("splits a safe integer like the same bigint", () => {
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 32), fc.maxSafeNat()), (value) => {
      assert.equal({ hi: hi32(value), lo: lo32(value) }, halves(BigInt(value)));
    }),
  );
});

u64("joins halves into a bigint", () => {
  fc.assert(
    fc.property(anyU64, (value) => {
      const { hi, lo } = halves(value);
      assert.is(toBigInt(hi, lo), value);
    }),
  );
});

u64("takes halves that bit operations made negative", () => {
  assert.is(toBigInt(-1, -1), 0xffff_ffff_ffff_ffffn);
  assert.is(toBigInt(0x80000000 | 0, 0), 0x8000_0000_0000_0000n);
  assert.is(toNumber(0, -1), 0xffffffff);
  assert.is(toNumber(1, 0x80000000 | 0), 0x1_8000_0000);
  assert.is(toNumber(0x80000000 | 0, 0), 2 ** 63);
});

u64("joins halves into a number, exactly below 2^53 and never below it from there on", () => {
  fc.assert(
    fc.property(anyU64, (value) => {
      const { hi, lo } = halves(value);
      const number = toNumber(hi, lo);
      if (value < 0x20_0000_0000_0000n) assert.is(BigInt(number), value);
      else assert.ok(number >= 2 ** 53);
    }),
  );
});

u64("prints halves in hexadecimal", () => {
  assert.is(hex64(0, 0), "0x0");
  assert.is(hex64(0, 0xfee00000), "0xfee00000");
  assert.is(hex64(1, 0x10), "0x100000010");
  assert.is(hex64(0xffffffff, 0xffffffff), "0xffffffffffffffff");
});

u64.run();
