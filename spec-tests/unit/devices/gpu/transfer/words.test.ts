import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createRunCopier, type WordViews } from "../../../../../src/devices/gpu/transfer/words.ts";
import { pattern } from "../../../../support/gpu-rig.ts";

const WORDS = 4096;
const CAPACITY = 16;

interface Views extends WordViews {
  readonly u8: Uint8Array;
}

function viewsOf(bytes: Uint8Array): Views {
  const buffer = new ArrayBuffer(bytes.length);
  const u8 = new Uint8Array(buffer);
  u8.set(bytes);
  return { u8, u32: new Uint32Array(buffer), u64: new BigUint64Array(buffer, 0, buffer.byteLength >>> 3) };
}

const run = fc.record({
  source: fc.nat({ max: WORDS - 1 }),
  target: fc.nat({ max: WORDS - 1 }),
  // Around the lengths at which another loop takes over, too.
  length: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 30, max: 36 }), fc.constant(600)),
  together: fc.boolean(),
});

for (const inPairs of [false, true]) {
  test(`runs of any length between any two words are copied ${inPairs ? "in pairs" : "word by word"}`, () => {
    const copier = createRunCopier(CAPACITY, inPairs);
    fc.assert(
      fc.property(fc.array(run, { maxLength: CAPACITY }), (runs) => {
        // An odd number of words: the last one belongs to no pair.
        const source = viewsOf(pattern(4 * WORDS - 4, 1));
        const target = viewsOf(pattern(4 * WORDS - 4, 2));
        const wanted = target.u8.slice();
        runs.forEach((one, i) => {
          const to = Math.min(one.together ? one.source : one.target, WORDS - 2);
          const from = Math.min(one.source, WORDS - 2);
          const length = Math.min(one.length, WORDS - 1 - from, WORDS - 1 - to);
          copier.sources[i] = from;
          copier.targets[i] = to;
          copier.lengths[i] = length;
          wanted.set(source.u8.subarray(4 * from, 4 * (from + length)), 4 * to);
        });
        copier.copy(runs.length, source, target);
        assert.ok(Buffer.from(target.u8).equals(wanted));
      }),
      { numRuns: 500 },
    );
  });
}

test.run();
