// Modes: CVT's formula, and what EDIDs list.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createEdid } from "../../../../src/devices/gpu/output/edid.ts";
import { edidModes, readEdid } from "../../../../src/driver/kms/objects/edid-modes.ts";
import { cvtMode, listModes, modesWithoutEdid, sameMode } from "../../../../src/driver/kms/objects/modes.ts";

const BLOCK = 128;

const formula = suite("kms, modes");

// Numbers of VESA's CVT generator for normal blanking.
formula("CVT", () => {
  const fields = (w: number, h: number, hz: number) => {
    const m = cvtMode(w, h, hz);
    return [m.clock, m.hsyncStart, m.hsyncEnd, m.htotal, m.vsyncStart, m.vsyncEnd, m.vtotal].join(" ");
  };
  assert.is(fields(640, 480, 60), "23750 664 720 800 483 487 500");
  assert.is(fields(800, 600, 60), "38250 832 912 1024 603 607 624");
  assert.is(fields(1024, 768, 60), "63500 1072 1176 1328 771 775 798");
  assert.is(fields(1280, 800, 60), "83500 1352 1480 1680 803 809 831");
  assert.is(fields(1920, 1080, 60), "173000 2048 2248 2576 1083 1088 1120");
  assert.is(cvtMode(1366, 768).hdisplay, 1360);
  assert.throws(() => cvtMode(0, 100), /no mode/);
});

formula("equal modes are listed once, the preferred one first", () => {
  const small = cvtMode(640, 480);
  const large = cvtMode(1280, 800);
  const list = listModes([small, large, { ...small, preferred: true }]);
  assert.equal(
    list.map(({ name, preferred }) => [name, preferred]),
    [
      ["640x480", true],
      ["1280x800", false],
    ],
  );
  assert.is(sameMode(small, { ...small, clock: small.clock + 1 }), false);
  assert.is(sameMode(null, null), true);
  assert.is(sameMode(null, small), false);
});

formula("without an EDID there are the usual ones", () => {
  const names = modesWithoutEdid().map(({ name }) => name);
  for (const name of ["640x480", "1366x768", "1920x1080", "4096x2160"]) assert.ok(names.includes(name), name);
});
formula.run();

const edids = suite("kms, modes of EDIDs");

for (const [widthPixels, heightPixels, refreshHz] of [
  [1280, 800, 60],
  [1366, 768, 60],
  [3840, 2160, 30],
  [5120, 2880, 60],
  [8192, 4320, 60],
  [40, 33, 60],
  [1000, 700, 75],
] as const) {
  edids(`${widthPixels} × ${heightPixels} at ${refreshHz} Hz`, () => {
    const edid = readEdid(createEdid({ widthPixels, heightPixels, refreshHz }));
    assert.ok(edid);
    const modes = edidModes(edid as Uint8Array);
    const preferred = modes.filter((mode) => mode.preferred);
    const wanted = preferred.find((mode) => mode.hdisplay === widthPixels && mode.vdisplay === heightPixels);
    assert.ok(wanted, JSON.stringify(preferred));
    assert.is(wanted?.vrefresh, refreshHz);
    assert.ok((wanted?.htotal ?? 0) > (wanted?.hsyncEnd ?? 0));
    assert.ok((wanted?.vtotal ?? 0) > (wanted?.vsyncEnd ?? 0));
    assert.ok(modes.some(({ name }) => name === "640x480"));
  });
}

edids("standard and established timings", () => {
  const edid = createEdid({ widthPixels: 1920, heightPixels: 1200 });
  const names = edidModes(edid).map(({ name, vrefresh }) => `${name}@${vrefresh}`);
  for (const name of ["1920x1080@60", "1600x1200@60", "1280x1024@60", "1024x768@60", "800x600@60"]) {
    assert.ok(names.includes(name), `${name} of ${names.join(" ")}`);
  }
});

edids("detailed timings and codes of a CTA extension", () => {
  const edid = new Uint8Array(2 * BLOCK);
  edid.set(createEdid({ widthPixels: 1280, heightPixels: 800 }));
  edid[126] = 1;
  const cta = edid.subarray(BLOCK);
  cta.set([0x02, 3, 8, 0, (2 << 5) | 3, 16 | 0x80, 97, 200]);
  // Of 1280 × 720 as CEA-861 has it.
  cta.set([0x01, 0x1d, 0x00, 0x72, 0x51, 0xd0, 0x1e, 0x20, 0x6e, 0x28, 0x55, 0x00, 0, 0, 0, 0, 0, 0x1e], 8);
  fix(edid.subarray(0, BLOCK));
  fix(cta);
  const names = edidModes(readEdid(edid) as Uint8Array).map(({ name, clock }) => `${name} ${clock}`);
  assert.ok(names.includes("1280x720 74250"), names.join(", "));
  assert.ok(names.some((name) => name.startsWith("1920x1080")));
  assert.ok(names.some((name) => name.startsWith("3840x2160")));
});

edids("what is no EDID", () => {
  const good = createEdid({ widthPixels: 1280, heightPixels: 800 });
  assert.is(readEdid(good.subarray(0, 100)), null);
  assert.is(readEdid(new Uint8Array(128)), null, "the checksum of nothing fits, its header does not");
  const flipped = good.slice();
  flipped[60] = (flipped[60] as number) ^ 1;
  assert.is(readEdid(flipped), null);
  const damagedHeader = good.slice();
  damagedHeader[1] = 0;
  fix(damagedHeader);
  assert.ok(readEdid(damagedHeader), "a header that is nearly right is");
  const missing = good.slice();
  missing[126] = 3;
  fix(missing);
  assert.is(readEdid(missing)?.length, BLOCK, "extensions that are not there");
});

edids("no bytes make the parser fail", () => {
  let state = 1;
  for (let round = 0; round < 300; round++) {
    const bytes = new Uint8Array(384);
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[i] = state >>> 24;
    }
    bytes[BLOCK] = 0x02;
    bytes[2 * BLOCK] = 0x70;
    edidModes(bytes);
  }
});

function fix(block: Uint8Array): void {
  block[127] = 0;
  block[127] = (256 - (block.reduce((sum, byte) => sum + byte, 0) & 0xff)) & 0xff;
}
edids.run();
