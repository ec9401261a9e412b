// Rings as the page draws them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  bytesOfHex,
  decodeAvailable,
  decodeDescriptors,
  decodeEvent,
  decodeUsed,
  flagNames,
  packedBits,
  rowsOf,
  slotsBefore,
} from "../../../src/conformance/reports/html/decode-ring.ts";
import { drawPackedRing } from "../../../src/conformance/reports/html/packed-drawing.ts";
import { drawSplitRing } from "../../../src/conformance/reports/html/split-drawing.ts";
import type { RingSnapshot } from "../../../src/conformance/result.ts";
import { packedRing, splitRing } from "../../support/conformance-reports.ts";

const decoding = suite("decoding rings");

decoding("descriptors of both formats, by the bytes of the specification", () => {
  // addr 0x1122334455667788, len 0x99aabbcc, and what follows in another order in each format.
  const hex = "8877665544332211ccbbaa9905800700";
  const [split] = decodeDescriptors(hex, "split");
  assert.equal(split, {
    index: 0,
    addr: "0x1122334455667788",
    len: 0x99aabbcc,
    flags: 0x8005,
    link: 7,
    blank: false,
  });
  const [packed] = decodeDescriptors(hex, "packed");
  assert.equal([packed?.link, packed?.flags], [0x8005, 7]);
  assert.equal(decodeDescriptors(hex.slice(2), "split"), [], "not a whole one");
});

decoding("flags by name, and what is reserved as a number", () => {
  assert.is(flagNames(7, "split"), "NEXT WRITE INDIRECT");
  assert.is(flagNames(0x8081, "split"), "NEXT 0x8080");
  assert.is(flagNames(0x8081, "packed"), "NEXT");
  assert.is(flagNames(0x8081 | 8, "packed"), "NEXT 0x8");
  assert.equal(packedBits({ flags: 0x8000 } as never), { avail: 0, used: 1 });
});

decoding("available and used ring, with and without the events behind them", () => {
  const ring = {
    ...splitRing(),
    size: 2,
    driver: "010003000500060007000900",
    device: "000001000500000018000000",
  };
  assert.equal(decodeAvailable(ring), {
    flags: 1,
    idx: 3,
    entries: [
      { slot: 0, head: 5 },
      { slot: 1, head: 6 },
    ],
    event: 7,
  });
  assert.equal(decodeUsed(ring), { flags: 0, idx: 1, entries: [{ slot: 0, id: 5, len: 24 }], event: null });
});

decoding("event suppression", () => {
  assert.equal(decodeEvent("05800200"), { flags: 2, offset: 5, wrap: 1, reserved: 0 });
  assert.equal(decodeEvent("ff7f07f0"), { flags: 3, offset: 0x7fff, wrap: 0, reserved: 0xf004 });
});

decoding("what is no hexadecimal ends the bytes", () => {
  assert.equal([...bytesOfHex("0aFFzz01")], [10, 255]);
  assert.equal([...bytesOfHex("0")], []);
});

decoding("the slots before an index, around the end of the ring", () => {
  assert.equal(slotsBefore(0, 8, 4), [0]);
  assert.equal(slotsBefore(2, 8, 4), [0, 1, 2]);
  assert.equal(slotsBefore(9, 8, 4), [5, 6, 7, 0, 1]);
  assert.equal(slotsBefore(65535, 2, 4), [0, 1]);
  assert.equal(slotsBefore(3, 0, 4), []);
});

decoding("rows: what matters first, never more than the limit, gaps counted", () => {
  const table = decodeDescriptors(`${"00".repeat(16 * 3)}${"01".repeat(16 * 5)}`, "split");
  const shown = (wanted: number[], limit: number) =>
    rowsOf(table, wanted, limit).map((row) =>
      row.kind === "descriptor" ? row.descriptor.index : `${row.left}${row.blank ? " blank" : ""}`,
    );
  assert.equal(shown([1], 3), ["1 blank", 1, "1 blank", 3, 4, "3"]);
  assert.equal(shown([7, 99, -1, 7], 1), ["7", 7]);
  assert.equal(rowsOf([], [1], 4), []);
});

decoding.run();

const drawing = suite("drawings");

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text ?? "");
const arrows = (svg: string, tone: string) => [...svg.matchAll(new RegExp(`class="ar ${tone}"`, "g"))].length;
const hotRows = (svg: string) =>
  [...svg.matchAll(/<text class="c-hot"[^>]*>\s*(\S+)/g)].map(([, first]) => first);

drawing("a split ring: the chain stands out, from the available ring to the indirect table", () => {
  const svg = drawSplitRing(splitRing());
  const all = texts(svg).join("\n");
  assert.match(all, "Descriptor table  0x100000");
  assert.match(all, "Available ring  0x101000");
  assert.match(all, "Used ring  0x102000");
  assert.match(all, "Indirect table  0x208000");
  assert.match(all, "flags 0  idx 2  used_event 1");
  assert.match(all, /^2 +0x201000 +32 +NEXT +3$/m);
  assert.match(all, /^5 +0x208000 +48 +INDIRECT$/m);
  assert.match(all, /^1 +0x20a000 +4096 +NEXT WRITE +2$/m);
  assert.match(all, "⋮ 1 blank");
  // The slot of the available ring, the chain, its table.
  assert.equal(hotRows(svg), ["1", "2", "3", "5", "0", "1", "2"]);
  // Slot to head, 2 → 3 → 5 → table, 0 → 1 → 2 inside.
  assert.is(arrows(svg, "hot"), 6);
  assert.is(arrows(svg, "bad"), 0);
  assert.match(
    svg,
    'aria-label="Split virtqueue controlq of 8 descriptors. Chain: 2 (0x201000, 32 bytes, NEXT), ',
  );
});

drawing("links to nowhere, to themselves and backwards are drawn as what they are", () => {
  const with1 = (flagsAndNext: string) =>
    drawSplitRing({
      ...splitRing({ tables: [], highlight: [1] }),
      descriptors: `${"00".repeat(16)}${"11".repeat(12)}${flagsAndNext}${"00".repeat(16 * 6)}`,
    });
  assert.match(texts(with1("01000900")).join("\n"), "none");
  assert.is(arrows(with1("01000900"), "bad"), 1);
  assert.is(arrows(with1("01000100"), "bad"), 1);
  assert.is(arrows(with1("01000000"), "bad"), 1);
  assert.is(arrows(with1("01000200"), "bad"), 0);
  const head = drawSplitRing(splitRing({ driver: "00000100630000000000000000000000000000000000" }));
  assert.is(arrows(head, "bad"), 1, "head 99 of 8");
});

drawing("a packed ring: bits, states, event suppression", () => {
  const svg = drawPackedRing(packedRing());
  const all = texts(svg).join("\n");
  assert.match(all, "Descriptor ring  0x110000");
  assert.match(all, /^flags +DESC$/m);
  assert.match(all, /^flags +DISABLE$/m);
  assert.match(all, /^0 +0x200000 +24 +7 +1 +1 +WRITE +used, wrap 1$/m);
  assert.match(all, /^1 +0x201000 +32 +0 +1 +0 +NEXT +avail, wrap 1$/m);
  assert.equal(hotRows(svg), ["1", "2"]);
  assert.is(arrows(svg, "hot"), 1, "1 → 2");
  assert.is(arrows(svg, "mark"), 1, "the driver wants to hear of descriptor 2");
  const bits = [...svg.matchAll(/class="bit b([01])"/g)].map(([, bit]) => bit).join("");
  assert.is(bits.slice(0, 6), "111010", "AVAIL and USED of the first three");
});

drawing("whatever the memory holds, there is a drawing, and no large one", () => {
  let state = 7;
  const noise = (bytes: number) =>
    Array.from({ length: bytes }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return ((state >>> 16) & 0xff).toString(16).padStart(2, "0");
    }).join("");
  for (const size of [0, 1, 2, 8, 256, 1024]) {
    for (let round = 0; round < 20; round++) {
      const cut = round % 3 === 0 ? 5 : 0;
      const ring: RingSnapshot = {
        ...splitRing(),
        size,
        descriptors: noise(Math.max(0, 16 * size - cut)),
        driver: noise(Math.max(0, 6 + 2 * size - cut)),
        device: noise(Math.max(0, 6 + 8 * size - cut)),
        tables: [
          { address: 4096, bytes: noise(33) },
          { address: 0, bytes: "" },
        ],
        highlight: [0, size, -1, 3],
      };
      for (const svg of [drawSplitRing(ring), drawPackedRing({ ...ring, format: "packed" })]) {
        assert.match(svg, /^<svg .*<\/svg>$/s);
        assert.not.match(svg, /NaN|undefined|Infinity/);
        assert.ok(svg.length < 60_000, `${svg.length} characters`);
      }
    }
  }
});

drawing.run();
