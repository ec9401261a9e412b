import { test } from "uvu";
import * as assert from "uvu/assert";
import { msg, OK } from "../../../support/gpu-messages.ts";
import { GpuRig, pattern } from "../../../support/gpu-rig.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });

test("a frame goes from scattered guest pages to the display", () => {
  const rig = new GpuRig();
  const { pages } = rig.resource2d(5, 320, 200);
  const image = pattern(320 * 200 * 4);
  rig.fill(pages, 0, image);
  assert.is(rig.command(msg.transfer(5, full(320, 200), 0)).type, OK.NODATA);
  assert.is(rig.command(msg.setScanout(0, 5, full(320, 200))).type, OK.NODATA);
  assert.is(rig.command(msg.flush(5, full(320, 200))).type, OK.NODATA);
  const screen = rig.display.screen(0);
  assert.is(screen.flushes, 1);
  assert.equal(screen.damage, { x: 0, y: 0, widthPixels: 320, heightPixels: 200 });
  assert.equal(screen.source?.pixels, image);
  assert.is(rig.gpu.counters.bytesCopied, image.length);
  const rgba = rig.display.readRgba(0) as Uint8Array;
  for (const at of [0, 4 * 319, 4 * 320 * 199, image.length - 4]) {
    assert.equal([...rgba.subarray(at, at + 4)], [image[at + 2], image[at + 1], image[at], 255]);
  }
});

test.run();
