// The picture that a MemoryDisplay keeps: converted by what was flushed, with the cursor on demand.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../../src/backends/display/memory/index.ts";
import { TestPicture, testCursor } from "../../../support/test-picture.ts";

const test = suite("kept picture");
const WIDTH = 100;
const HEIGHT = 80;

function rgbOf(rgba: Uint8Array | null): Uint8Array {
  const bytes = rgba ?? new Uint8Array(0);
  for (let at = 3; at < bytes.length; at += 4) assert.is(bytes[at], 255);
  return bytes.filter((_, at) => (at & 3) !== 3);
}

/** uvu shows differences of all bytes, for minutes. */
function same(actual: Uint8Array, expected: Uint8Array, message?: string): void {
  assert.is(Buffer.compare(actual, expected), 0, message);
}

function shown(): { display: MemoryDisplay; picture: TestPicture } {
  const display = new MemoryDisplay();
  const picture = new TestPicture(WIDTH, HEIGHT, 0, 1);
  picture.draw((x, y) => [x, y, 7]);
  picture.showOn(display);
  return { display, picture };
}

test("the buffer stays, and follows what is flushed", () => {
  const { display, picture } = shown();
  const first = display.picture(0);
  same(rgbOf(first), picture.rgb());
  const before = picture.rgb();
  picture.draw(() => [1, 2, 3], 10, 10, 20, 20);
  assert.is(display.picture(0), first);
  same(rgbOf(first), before, "drawn, not flushed");
  display.flush(0, 10, 10, 20, 20);
  assert.is(display.picture(0), first);
  same(rgbOf(first), picture.rgb());
});

test("the cursor is in the picture where it is now, and in the other picture never", () => {
  const { display, picture } = shown();
  display.setCursor(
    0,
    testCursor(-5, -6, () => [50, 60, 70, 255]),
  );
  const composed = display.picture(0, { withCursor: true });
  const expected = (left: number, top: number): Uint8Array => {
    const copy = new TestPicture(WIDTH, HEIGHT, 0, 1);
    copy.pixels.set(picture.pixels);
    for (let y = Math.max(0, top); y < Math.min(HEIGHT, top + 64); y++) {
      for (let x = Math.max(0, left); x < Math.min(WIDTH, left + 64); x++)
        copy.draw(() => [50, 60, 70], x, y, 1, 1);
    }
    return copy.rgb();
  };
  same(rgbOf(composed), expected(-5, -6));
  display.moveCursor(0, 60, 40);
  assert.is(display.picture(0, { withCursor: true }), composed);
  same(rgbOf(composed), expected(60, 40));
  picture.draw(() => [9, 9, 9], 50, 30, 30, 30);
  display.flush(0, 50, 30, 30, 30);
  same(rgbOf(display.picture(0)), picture.rgb());
  same(rgbOf(display.picture(0, { withCursor: true })), expected(60, 40));
  display.setCursor(0, null);
  same(rgbOf(display.picture(0, { withCursor: true })), picture.rgb());
});

test("another size is another buffer, and what is off has none", () => {
  const { display } = shown();
  const first = display.picture(0);
  const larger = new TestPicture(WIDTH + 1, HEIGHT);
  larger.draw((x) => [x, 0, 0]);
  larger.showOn(display);
  assert.not(display.picture(0) === first);
  same(rgbOf(display.picture(0)), larger.rgb());
  display.setScanout(0, null);
  assert.is(display.picture(0), null);
  larger.showOn(display);
  same(rgbOf(display.picture(0)), larger.rgb());
});

test.run();
