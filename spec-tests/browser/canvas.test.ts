// The display on canvases, in a browser: what is on screen, pixel for pixel.
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TestBrowser } from "../support/browser.ts";
import { needs, peers } from "../support/peer.ts";
import type { CanvasPage } from "../support/worker/canvas-page.worker.ts";

declare const canvasPage: CanvasPage;

interface Context {
  browser: TestBrowser | null;
}

const canvas = suite<Context>("canvas display in a browser", { browser: null });
const test = needs(canvas, peers.chromium);

canvas.after(async ({ browser }) => {
  await browser?.close();
});

for (const kind of ["offscreen", "element"] as const) {
  test(`${kind}: damage, cursors, two scanouts, another size, off`, async (context) => {
    context.browser ??= await TestBrowser.open(
      new URL("../support/worker/canvas-page.worker.ts", import.meta.url),
    );
    const { page, errors } = context.browser;
    const { problems, put } = await page.evaluate(async (which) => await canvasPage.run(which), kind);
    assert.equal(problems, []);
    // All of it, the part, the cursor as far as it is visible, it and where it was.
    assert.equal(put.slice(0, 6), [64 * 48, 8 * 4, 12 * 13, 12 * 13 + 16 * 16, 16 * 16 + 8 * 8, 8 * 8]);
    assert.equal(errors, []);
  });
}

test("a screenshot shows what the canvas has", async ({ browser }) => {
  assert.ok(browser);
  const shot = await browser?.page.screenshot({ clip: { x: 0, y: 0, width: 100, height: 70 } });
  if (process.env["VIRTIO_KEEP_SCREENSHOT"] !== undefined) {
    const { writeFileSync } = await import("node:fs");
    writeFileSync(process.env["VIRTIO_KEEP_SCREENSHOT"], shot ?? "");
  }
  const { width, height, data } = PNG.sync.read(shot ?? Buffer.alloc(0));
  assert.equal([width, height], [100, 70]);
  const pixel = (x: number, y: number) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
  assert.equal(pixel(0, 0), [0, 10, 255]);
  assert.equal(pixel(20, 60), [160, 10, 135]);
  assert.equal(pixel(30, 30), [
    Math.round((240 * 127) / 255),
    128 + Math.round((10 * 127) / 255),
    Math.round((195 * 127) / 255),
  ]);
});

canvas.run();
