// Driver and device in the threads of a browser: the same code as in Node.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TestBrowser } from "../support/browser.ts";
import { needs, peers } from "../support/peer.ts";
import type { EchoRun } from "../support/worker/echo-side.ts";
import type { Places, TestPage } from "../support/worker/page.worker.ts";

declare const testPage: TestPage;

interface Context {
  browser: TestBrowser | null;
}

const REQUESTS = 30_000;
const KINDS = (["split", "packed"] as const).flatMap((format) =>
  [false, true].map((eventIdx) => ({ format, eventIdx })),
);

const browser = suite<Context>("worker adapter in a browser", { browser: null });
const withChromium = needs(browser, peers.chromium);

async function open(context: Context): Promise<TestBrowser> {
  context.browser ??= await TestBrowser.open(new URL("../support/worker/page.worker.ts", import.meta.url));
  return context.browser;
}

browser.after(async ({ browser }) => {
  await browser?.close();
});

async function check(context: Context, places: Places, run: EchoRun): Promise<void> {
  const { page, errors } = await open(context);
  const { served, driven } = await page.evaluate(
    async ([where, what]) => await testPage.runEcho(where, what),
    [places, run] as const,
  );
  assert.is(driven.requests, run.requests);
  assert.is(served.handled, run.requests, "every request was handled once");
  assert.is(served.end, "driver-closed");
  assert.equal(errors, []);
}

for (const kind of KINDS) {
  const name = `${kind.format}${kind.eventIdx ? ", EVENT_IDX" : ""}`;
  withChromium(`${name}: device in a worker, driver in a worker`, async (context) => {
    await check(context, { device: "worker", driver: "worker" }, { ...kind, requests: REQUESTS, seed: 11 });
  });

  withChromium(`${name}: device on the page, driver in a worker`, async (context) => {
    await check(context, { device: "page", driver: "worker" }, { ...kind, requests: 5_000, seed: 12 });
  });

  withChromium(`${name}: device in a worker, driver on the page`, async (context) => {
    await check(context, { device: "worker", driver: "page" }, { ...kind, requests: 5_000, seed: 13 });
  });
}

withChromium("the device answers later and in another order", async (context) => {
  const run = { format: "packed", eventIdx: true, requests: 5_000, seed: 14 } as const;
  await check(context, { device: "worker", driver: "worker", deferred: true }, run);
});

for (const places of [
  { device: "worker", driver: "worker" },
  { device: "page", driver: "worker" },
  { device: "worker", driver: "page" },
] as const) {
  withChromium(
    `without Atomics.waitAsync: device in a ${places.device}, driver in a ${places.driver}`,
    async (context) => {
      const run = { format: "split", eventIdx: true, requests: 2_000, seed: 15 } as const;
      await check(context, { ...places, withoutWaitAsync: true }, run);
    },
  );
}

for (const places of [
  { device: "worker", driver: "worker" },
  { device: "page", driver: "worker" },
  { device: "worker", driver: "page" },
] as const) {
  for (const blob of [false, true]) {
    withChromium(
      `a gpu in a ${places.device}, its driver in a ${places.driver}${blob ? ", blobs" : ""}`,
      async (context) => {
        const { page, errors } = await open(context);
        const run = { format: "packed", eventIdx: true, blob, flips: 20 } as const;
        const { served, driven } = await page.evaluate(
          async ([where, what]) => await testPage.runGpu(where, what),
          [places, run] as const,
        );
        assert.is(driven.length, run.flips);
        assert.equal(served, driven, "what was shown is what was drawn");
        assert.equal(errors, []);
      },
    );
  }
}

withChromium("a page does not wait for ever for a device that is not there", async (context) => {
  const { page } = await open(context);
  assert.is(await page.evaluate(() => testPage.readNothing()), "timeout");
});

browser.run();
