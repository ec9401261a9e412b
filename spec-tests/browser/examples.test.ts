// The example of docs/browser.md as a bundler makes a page of it: what the guest draws is on screen.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TestBrowser } from "../support/browser.ts";
import { buildCommandLine } from "../support/command-line.ts";
import { needs, peers } from "../support/peer.ts";

interface Context {
  browser: TestBrowser | null;
}

const FOLDER = ".build/tests/examples/browser";
/** The canvas may be shown some frames after its worker has drawn. */
const MOST_FRAMES = 100;

const examples = suite<Context>("examples in a browser", { browser: null });
const test = needs(examples, peers.chromium);

examples.after(async ({ browser }) => {
  await browser?.close();
});

/** What bundlers do: all modules in one file, a file for each worker, and its URL in the page. */
async function bundle(): Promise<URL> {
  buildCommandLine();
  mkdirSync(FOLDER, { recursive: true });
  await build({
    entryPoints: ["page", "device.worker", "guest.worker"].map((name) => `examples/browser/${name}.ts`),
    outdir: FOLDER,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
  });
  const page = resolve(FOLDER, "page.js");
  const text = readFileSync(page, "utf8");
  writeFileSync(page, text.replaceAll(/"(\.\/\w+\.worker)\.ts"/g, '"$1.js"'));
  return pathToFileURL(page);
}

test("examples/browser/page.ts draws on its canvas from a worker", async (context) => {
  context.browser = await TestBrowser.open(await bundle());
  const { page, errors } = context.browser;
  await page.waitForFunction('document.title === "drawn"').catch(() => {});
  assert.equal(errors, []);
  assert.is(await page.title(), "drawn");
  const canvas = page.locator("canvas");
  let seen: number[][] = [];
  for (let frame = 0; frame < MOST_FRAMES && seen[1]?.[0] !== 0xff; frame++) {
    const { data, width } = PNG.sync.read(await canvas.screenshot());
    assert.is(width, 640);
    const pixel = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
    seen = [pixel(10, 10), pixel(150, 120), pixel(320, 120)];
  }
  assert.equal(seen, [
    [0x00, 0x50, 0xa0],
    [0xff, 0x80, 0x00],
    [0x00, 0x50, 0xa0],
  ]);
});

examples.run();
