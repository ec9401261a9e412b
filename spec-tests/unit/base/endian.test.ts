import { endianness } from "node:os";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HOST_IS_LITTLE_ENDIAN, le16, le32, swap16, swap32 } from "../../../src/base/endian.ts";

const endian = suite("endian");

const anyU16 = fc.integer({ min: 0, max: 0xffff });
const anyU32 = fc.integer({ min: 0, max: 0xffffffff });

endian("knows the host's byte order", () => {
  assert.is(HOST_IS_LITTLE_ENDIAN, endianness() === "LE");
});

endian("swaps bytes like a DataView read in the other order", () => {
  const view = new DataView(new ArrayBuffer(4));
  fc.assert(
    fc.property(anyU16, anyU32, (half, word) => {
      view.setUint16(0, half, true);
      assert.is(swap16(half), view.getUint16(0, false));
      view.setUint32(0, word, true);
      assert.is(swap32(word), view.getUint32(0, false));
    }),
  );
});

endian("a typed array that is written through le16 and le32 holds little-endian bytes", () => {
  const words = new Uint32Array(1);
  const halves = new Uint16Array(words.buffer);
  const view = new DataView(words.buffer);
  fc.assert(
    fc.property(anyU16, anyU32, (half, word) => {
      words[0] = le32(word);
      assert.is(view.getUint32(0, true), word);
      assert.is(le32(words[0]), word);
      halves[1] = le16(half);
      assert.is(view.getUint16(2, true), half);
      assert.is(le16(halves[1]), half);
    }),
  );
});

endian.run();
