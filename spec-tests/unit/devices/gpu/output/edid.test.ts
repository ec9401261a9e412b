import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../../../src/base/index.ts";
import { createEdid, EDID_MAX_PIXELS, type EdidOptions } from "../../../../../src/devices/gpu/output/edid.ts";

const edid = suite("devices/gpu/edid");

const FULL_HD = { widthPixels: 1920, heightPixels: 1080 } as const;
const sum = (bytes: Uint8Array) => bytes.reduce((total, byte) => total + byte, 0) & 0xff;

/** The first detailed timing, read by the layout of E-EDID 1.4, table 3.21. */
function detailedTiming(bytes: Uint8Array): { width: number; height: number; refreshHz: number } {
  const at = (offset: number) => bytes[54 + offset] ?? 0;
  const width = at(2) | ((at(4) & 0xf0) << 4);
  const height = at(5) | ((at(7) & 0xf0) << 4);
  const totalPixels = width + (at(3) | ((at(4) & 0x0f) << 8));
  const totalLines = height + (at(6) | ((at(7) & 0x0f) << 8));
  return { width, height, refreshHz: ((at(0) | (at(1) << 8)) * 10_000) / totalPixels / totalLines };
}

edid("begins with the header, names version 1.4, and is blocks whose bytes add up to zero", () => {
  const pixels = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: EDID_MAX_PIXELS }));
  fc.assert(
    fc.property(pixels, pixels, (widthPixels, heightPixels) => {
      const bytes = createEdid({ widthPixels, heightPixels });
      assert.equal([...bytes.subarray(0, 8)], [0, 255, 255, 255, 255, 255, 255, 0]);
      assert.equal([...bytes.subarray(18, 20)], [1, 4]);
      assert.is(bytes.length, 128 * (1 + (bytes[126] ?? 0)));
      for (let block = 0; block < bytes.length; block += 128)
        assert.is(sum(bytes.subarray(block, block + 128)), 0);
      if (bytes.length > 128) {
        assert.is(bytes[128], 0x70);
        assert.is(
          sum(bytes.subarray(129, 129 + (bytes[130] ?? 0) + 5)),
          0,
          "checksum of the DisplayID section",
        );
      }
    }),
  );
});

edid("has the mode in its first detailed timing, and no extension, wherever the base block suffices", () => {
  const pixels = fc.integer({ min: 64, max: 4095 });
  fc.assert(
    fc.property(pixels, pixels, (widthPixels, heightPixels) => {
      fc.pre(widthPixels * heightPixels < 9_000_000);
      const bytes = createEdid({ widthPixels, heightPixels });
      assert.is(bytes.length, 128);
      const { width, height, refreshHz } = detailedTiming(bytes);
      assert.equal([width, height], [widthPixels, heightPixels]);
      assert.ok(Math.abs(refreshHz - 60) < 0.03, String(refreshHz));
    }),
  );
});

edid("has a DisplayID extension for what the base block cannot tell or Linux would drop", () => {
  const lengthOf = (widthPixels: number, heightPixels: number, refreshHz = 60) =>
    createEdid({ widthPixels, heightPixels, refreshHz }).length;
  assert.is(lengthOf(4095, 2000), 128);
  assert.is(lengthOf(4096, 2000), 256);
  assert.is(lengthOf(64, 64), 128);
  assert.is(lengthOf(63, 64), 256);
  assert.is(lengthOf(64, 63), 256);
  assert.is(lengthOf(3840, 2160, 60), 128);
  assert.is(lengthOf(3840, 2160, 144), 256);
});

edid("is the same for the same options, and differs by every option", () => {
  const hex = (options: Partial<EdidOptions>) =>
    Buffer.from(createEdid({ ...FULL_HD, ...options })).toString("hex");
  assert.is(hex({}), hex({}));
  assert.is(hex({}), hex({ refreshHz: 60, name: "virtio-gpu", vendor: "VEM", serial: 0 }));
  const changes: readonly Partial<EdidOptions>[] = [
    { widthPixels: 1919 },
    { heightPixels: 1081 },
    { refreshHz: 75 },
    { name: "other" },
    { vendor: "VEN" },
    { serial: 1 },
    { serial: "1" },
    { widthMm: 300 },
    { heightMm: 200 },
  ];
  assert.is(new Set([hex({}), ...changes.map(hex)]).size, changes.length + 1);
});

edid("does not tell a size that nobody would believe", () => {
  const size = (options: EdidOptions) => [...createEdid(options).subarray(21, 23)];
  assert.equal(size(FULL_HD), [51, 29]);
  assert.equal(size({ widthPixels: 64, heightPixels: 64 }), [0, 0]);
  assert.equal(size({ widthPixels: 16384, heightPixels: 16 }), [0, 0]);
  assert.equal(size({ widthPixels: 16384, heightPixels: 8192 }), [255, 128]);
  assert.equal(size({ widthPixels: 64, heightPixels: 64, widthMm: 200, heightMm: 200 }), [20, 20]);
  assert.equal(size({ ...FULL_HD, heightMm: 270 }), [48, 27]);
});

edid("refuses options out of their range", () => {
  const refused: readonly Partial<EdidOptions>[] = [
    { widthPixels: 0 },
    { widthPixels: EDID_MAX_PIXELS + 1 },
    { widthPixels: 1.5 },
    { widthPixels: Number.NaN },
    { heightPixels: 0 },
    { heightPixels: EDID_MAX_PIXELS + 1 },
    { refreshHz: 9.9 },
    { refreshHz: 501 },
    { refreshHz: Number.NaN },
    { widthPixels: 16384, heightPixels: 16384, refreshHz: 500 },
    { name: "" },
    { name: "fourteen chars" },
    { name: "naïve" },
    { name: "line\n" },
    { name: " " },
    { name: "trailing " },
    { vendor: "ab" },
    { vendor: "abc" },
    { vendor: "ABCD" },
    { serial: -1 },
    { serial: 2 ** 32 },
    { serial: 0.5 },
    { serial: "" },
    { serial: "1 " },
    { widthMm: 0 },
    { widthMm: 99 },
    { heightMm: 99 },
    { widthMm: 2551 },
    { heightMm: 12.5 },
  ];
  for (const options of refused) {
    const attempt = () => createEdid({ ...FULL_HD, ...options });
    assert.throws(attempt, (error: unknown) => error instanceof VirtioUsageError, JSON.stringify(options));
  }
});

edid.run();
