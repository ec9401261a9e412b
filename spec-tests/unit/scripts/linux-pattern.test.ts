import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseMarker } from "../../../scripts/linux/markers.ts";
import { DrawnPicture, firstDifference, hashPicture, patternPixel } from "../../../scripts/linux/pattern.ts";
import { encodePng } from "../../../scripts/linux/picture-file.ts";

const pattern = suite("linux pattern");

pattern("every pixel is different from every other, and from itself with another seed", () => {
  const seen = new Set<number>();
  for (let y = 0; y < 800; y++) for (let x = 0; x < 1280; x++) seen.add(patternPixel(x, y, 1));
  assert.is(seen.size, 1280 * 800);
  for (let seed = 1; seed < 20; seed++) {
    assert.is.not(patternPixel(700, 300, seed), patternPixel(700, 300, seed + 1));
  }
});

pattern("known values", () => {
  // 0x0102: column 258 = 0x102, row 3; the seed's factor is 0x2f1b6d.
  assert.is(patternPixel(0, 0, 0), 0);
  assert.is(patternPixel(258, 3, 0), 0x020310);
  assert.is(patternPixel(258, 3, 1), 0x020310 ^ 0x2f1b6d);
  assert.is(patternPixel(0, 0, 100), (100 * 0x2f1b6d) & 0xffffff);
  // What the guest's own program printed for a 1280 × 800 framebuffer drawn with seed 1, on a real kernel.
  const drawn = new DrawnPicture(1280, 800);
  drawn.draw(0, 0, 1280, 800, 1);
  assert.is(hashPicture(drawn), 0xf41da1c5);
  drawn.draw(16, 32, 64, 64, 2);
  assert.is(hashPicture(drawn), 0x3dde76c5);
  const cursor = new DrawnPicture(64, 64);
  cursor.drawCursor(11);
  assert.is(hashPicture(cursor, true), 0x2f4c7d05);
});

pattern("FNV-1a has its published values", () => {
  // The hash of no bytes, and of the three bytes of "foo": blue f, green o, red o.
  assert.is(hashPicture({ width: 0, height: 0, pixels: new Uint32Array(0) }), 0x811c9dc5);
  assert.is(hashPicture({ width: 1, height: 1, pixels: Uint32Array.of(0x6f6f66) }), 0xa9f37ed7);
});

pattern("a difference is counted and located", () => {
  const wanted = new DrawnPicture(8, 4);
  wanted.draw(0, 0, 8, 4, 1);
  const actual = new DrawnPicture(8, 4);
  actual.draw(0, 0, 8, 4, 1);
  assert.is(firstDifference(actual, wanted), undefined);
  actual.pixels[8 + 3] = 0x123456;
  actual.pixels[31] = 0;
  assert.match(firstDifference(actual, wanted) ?? "", /^2 pixels differ, the first at \(3, 1\): 00123456/);
  assert.match(firstDifference(new DrawnPicture(4, 8), wanted) ?? "", /4×8/);
  assert.is(firstDifference(undefined, wanted), "nothing is on screen");
});

pattern("a picture survives as PNG", () => {
  const picture = new DrawnPicture(300, 2);
  picture.draw(0, 0, 300, 2, 5);
  const png = PNG.sync.read(encodePng(picture));
  assert.is(png.width, 300);
  assert.is(png.height, 2);
  const read = Array.from(picture.pixels, (_, i) => png.data.readUIntBE(i * 4, 3));
  assert.equal(read, [...picture.pixels]);
});

pattern("markers come apart into values and fields", () => {
  const marker = parseMarker("@@DRAW a 16 32 64 64 seed=2");
  assert.equal(marker, {
    word: "DRAW",
    values: ["a", "16", "32", "64", "64"],
    fields: { seed: "2" },
    rest: "a 16 32 64 64 seed=2",
  });
  assert.equal(parseMarker("@@READY")?.values, []);
  assert.is(parseMarker("[    0.1] @@READY"), undefined);
  assert.is(parseMarker("login:"), undefined);
});

pattern.run();
