// The conformance report's page, in a browser.
import type { Locator, Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatHtml, judge } from "../../src/conformance/reports/index.ts";
import { TestBrowser } from "../support/browser.ts";
import {
  caseResult,
  catalogue,
  evidence,
  largeReport,
  packedRing,
  reportOf,
} from "../support/conformance-reports.ts";
import { needs, peers } from "../support/peer.ts";

const INDIRECT = "split-ring.device.indirect-descriptors.1";
const SUPPRESSED = "packed-ring.device.packed-virtqueues.1";
const REQUEST = "entropy.device.device-operation.1";
const HIDDEN = "split-ring.device.indirect-descriptors.2";

interface Context {
  browser: TestBrowser | null;
}

const test = suite<Context>("the report's page in a browser", { browser: null });
const withChromium = needs(test, peers.chromium);

function html(): string {
  const cases = (nested: "pass" | "fail") => [
    caseResult("entropy/request/one:device=rng", { clauses: [REQUEST] }),
    caseResult("split-ring/indirect/nested:device=gpu", {
      verdict: nested,
      clauses: [INDIRECT],
      detail: nested === "fail" ? evidence("Status is 15, not 79") : null,
    }),
    caseResult("split-ring/indirect/flat:device=gpu", { clauses: [INDIRECT] }),
    ...["gpu", "rng"].map((device) =>
      caseResult(`entropy/variants/some:device=${device}`, {
        verdict: "fail",
        clauses: [REQUEST],
        detail: evidence(`${device} says nothing`, { rings: [] }),
      }),
    ),
    caseResult("packed-ring/events/off:device=gpu", {
      verdict: "wedged",
      clauses: [SUPPRESSED],
      detail: evidence("silence", { rings: [packedRing()] }),
    }),
  ];
  const statements = catalogue().map((clause) =>
    clause.id === HIDDEN
      ? { ...clause, status: "not-observable" as const, reason: "Nobody sees it." }
      : clause,
  );
  const runs = (["fail", "pass"] as const).map((nested) => {
    const report = reportOf(nested === "fail" ? "broken" : "whole", cases(nested), statements);
    return { report, judgement: judge(report, null) };
  });
  return formatHtml(runs);
}

async function open(context: Context): Promise<Page> {
  context.browser ??= await TestBrowser.openText(html());
  const { page } = context.browser;
  const [address = ""] = page.url().split("#");
  await page.goto("about:blank");
  await page.goto(address);
  return page;
}

test.after(async ({ browser }) => {
  await browser?.close();
});

/** Until what was asked for in an animation frame has been done. */
const settled = (page: Page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const visible = (page: Page) => page.locator("tr.clause:visible");
const ids = async (page: Page) => {
  await settled(page);
  return await visible(page).evaluateAll((rows) => rows.map(({ id }) => id));
};
const shown = async (page: Page) => {
  await settled(page);
  return await page.locator("#shown").innerText();
};

withChromium("filters by text, standing, area and level, and shows all again", async (context) => {
  const page = await open(context);
  assert.is(await shown(page), "1,661 statements");
  await page.fill("input[type=search]", "indirect flat");
  assert.is(await shown(page), "1 of 1,661 statements");
  assert.equal(await ids(page), [INDIRECT], "found by the id of one of its cases");
  await page.click("#reset");
  assert.is(await shown(page), "1,661 statements");
  await page.check("input[value=fail]");
  assert.equal((await ids(page)).sort(), [REQUEST, INDIRECT]);
  await page.check("input[value=wedged]");
  assert.equal((await ids(page)).sort(), [REQUEST, SUPPRESSED, INDIRECT]);
  await page.selectOption("select", "split-ring");
  assert.equal(await ids(page), [INDIRECT]);
  await page.check("input[value=may]");
  assert.equal(await ids(page), []);
  assert.ok(await page.locator("#none").isVisible());
  await page.click("#reset");
  await page.check("input[value=must]");
  const must = catalogue().filter(({ level }) => level === "must").length;
  assert.match(await shown(page), `${must.toLocaleString("en")} of`);
  await page.click("#reset");
  await page.fill("input[type=search]", "balloon");
  assert.ok((await ids(page)).length > 10, "areas that were folded open for what is in them");
  assert.equal(context.browser?.errors, []);
});

withChromium("a failing case: its rings are drawn, its timeline is there", async (context) => {
  const page = await open(context);
  await page.click(`[id="${INDIRECT}"] button`);
  const below = page.locator("tr.opened");
  assert.is(await below.locator("details.case").count(), 2);
  const nested = below.locator("details.case").first();
  assert.match(await nested.locator("summary").first().innerText(), "split-ring/indirect/nested:device=gpu");
  await nested.locator("summary").first().click();
  assert.match(await nested.innerText(), "Status is 15, not 79");
  const ring = nested.locator("svg.ring").first();
  const box = await ring.boundingBox();
  assert.ok(box !== null && box.width > 800 && box.height > 200, "it has a size");
  assert.is(await ring.locator("path.ar.hot").count(), 6, "the chain, with arrows");
  const arrow = await ring
    .locator("path.ar.hot")
    .first()
    .evaluate((path) => getComputedStyle(path).stroke);
  const other = await ring
    .locator("path.ar.plain")
    .first()
    .evaluate((path) => getComputedStyle(path).stroke);
  assert.is.not(arrow, other, "the chain has a colour of its own");
  assert.is(await nested.locator(".timeline tbody tr").count(), 8);
  assert.equal(context.browser?.errors, []);
  await page.click(`[id="${INDIRECT}"] button`);
  assert.is(await below.count(), 0, "and closed again");
});

withChromium("no text of a drawing leaves its box or lies on another", async (context) => {
  const page = await open(context);
  for (const clause of [INDIRECT, SUPPRESSED]) {
    await page.goto(`${page.url().split("#")[0]}#${clause}`);
    await page.locator("details.case, details.ring-box").evaluateAll((all) => {
      for (const details of all) (details as HTMLDetailsElement).open = true;
    });
  }
  const drawings = page.locator("svg.ring");
  assert.ok((await drawings.count()) >= 3);
  // Whatever fonts a machine has: narrow ones, wide ones, and those that the page asks for.
  for (const font of ["", "serif", "sans-serif", "monospace", "cursive"]) {
    await drawings.evaluateAll((all, family) => {
      for (const text of all.flatMap((svg) => [...svg.querySelectorAll("text")])) {
        text.style.fontFamily = family;
      }
    }, font);
    assert.equal(await textsOutOfPlace(drawings), [], font);
  }
});

/** Texts of drawings that leave their drawing or lie on another text. */
function textsOutOfPlace(drawings: Locator): Promise<string[]> {
  return drawings.evaluateAll((all) =>
    all.flatMap((svg) => {
      const frame = svg.getBoundingClientRect();
      const boxes = [...svg.querySelectorAll("text")].map((text) => ({
        text: text.textContent ?? "",
        box: text.getBoundingClientRect(),
      }));
      const outside = boxes.filter(({ box }) => box.left < frame.left - 1 || box.right > frame.right + 1);
      const overlapping = boxes.flatMap((a, index) =>
        boxes
          .slice(index + 1)
          .filter(
            (b) =>
              Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 &&
              Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 5,
          )
          .map((b) => `${a.text} | ${b.text}`),
      );
      return [...outside.map(({ text }) => text), ...overlapping];
    }),
  );
}

withChromium("a finding opens its case; what passed elsewhere stands beside it", async (context) => {
  const page = await open(context);
  const finding = page.locator(".findings tbody tr").first();
  assert.match(await finding.innerText(), INDIRECT);
  await finding.locator("button").click();
  const panel = page.locator(".findings details.case");
  assert.ok(await panel.locator("svg.ring").first().isVisible());
  assert.equal(await panel.locator(".marks .mark").allInnerTexts(), ["broken fail", "whole pass"]);
});

withChromium("variants of a case share a row, and take turns below it", async (context) => {
  const page = await open(context);
  const row = page.locator(".findings tbody tr", { hasText: "entropy/variants/some" });
  assert.is(await row.count(), 1);
  const below = page.locator(".findings tr.opened");
  for (const device of ["rng", "gpu"]) {
    await row.locator("button", { hasText: `device=${device}` }).click();
    assert.is(await below.count(), 1);
    assert.match(await below.innerText(), `${device} says nothing`);
  }
  assert.is(await row.locator("button[aria-expanded=true]").count(), 1);
  await row.locator("button", { hasText: "device=gpu" }).click();
  assert.is(await below.count(), 0);
});

withChromium("a packed ring is drawn with its bits and event suppression", async (context) => {
  const page = await open(context);
  await page.goto(`${page.url().split("#")[0]}#${SUPPRESSED}`);
  const ring = page.locator("svg.ring").first();
  assert.ok(await ring.isVisible(), "the address of a statement opens it, and its only case");
  assert.match((await ring.locator("text").allTextContents()).join("\n"), "Driver event suppression");
  assert.ok((await ring.locator("rect.bit.b1").count()) > 0);
});

withChromium("the reason why a statement cannot be observed", async (context) => {
  const page = await open(context);
  await page.click(`[id="${HIDDEN}"] button`);
  assert.match(await page.locator("tr.opened").innerText(), "Not observable: Nobody sees it.");
});

withChromium("by keyboard alone: search, go to a statement, open it, go on", async (context) => {
  const page = await open(context);
  await page.keyboard.press("/");
  assert.is(await page.evaluate(() => document.activeElement?.getAttribute("type")), "search");
  await page.keyboard.type("nested");
  await page.locator(`[id="${INDIRECT}"] button`).focus();
  await page.keyboard.press("Enter");
  assert.is(await page.locator("tr.opened").count(), 1);
  const expanded = page.locator(`[id="${INDIRECT}"] button[aria-expanded=true]`);
  assert.is(await expanded.count(), 1);
  await page.locator("input[type=search]").focus();
  await page.keyboard.press("Escape");
  assert.is(await shown(page), "1,661 statements");
  await page.locator(`[id="${INDIRECT}"] button`).focus();
  await page.keyboard.press("ArrowDown");
  const at = await page.evaluate(() => document.activeElement?.closest("tr")?.id);
  assert.is(at, HIDDEN);
});

withChromium("a filter is part of the address, and comes back with it", async (context) => {
  const page = await open(context);
  await page.check("input[value=wedged]");
  await page.waitForFunction(() => location.hash !== "");
  const address = page.url();
  assert.match(address, "#?status=wedged");
  await page.goto("about:blank");
  await page.goto(address);
  assert.equal(await ids(page), [SUPPRESSED]);
  assert.equal(context.browser?.errors, []);
});

withChromium("without scripts the matrix is there, and nothing that does not work", async (context) => {
  await open(context);
  const browser = context.browser?.page.context().browser();
  const plain = await browser?.newContext({ javaScriptEnabled: false });
  const page = await plain?.newPage();
  await page?.setContent(html());
  assert.is(await page?.locator("#filters").isVisible(), false);
  assert.is(await page?.locator(`[id="${INDIRECT}"]`).isVisible(), true);
  const row = page?.locator(`[id="${INDIRECT}"]`);
  assert.match((await row?.locator("th, td").allTextContents())?.join(" ") ?? "", /must\s+fail\s+pass/);
  await plain?.close();
});

withChromium("800 pixels wide: nothing but drawings and tables scrolls sideways", async (context) => {
  const page = await open(context);
  await page.setViewportSize({ width: 800, height: 900 });
  await page.locator(".findings button.case-link").first().click();
  const { wide, clipped } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    clipped: [...document.querySelectorAll("tr.clause td.s")].filter(
      (cell) => cell.scrollWidth > cell.clientWidth + 1,
    ).length,
  }));
  await page.setViewportSize({ width: 1280, height: 720 });
  assert.ok(wide <= 800, `${wide} pixels`);
  assert.is(clipped, 0);
});

/** A page about four targets on a screen this wide. */
async function onScreen(width: number, body: (page: Page) => Promise<void>): Promise<void> {
  const runs = ["builtin-mmio", "builtin-pci", "qemu-mmio", "qemu-pci"].map((target) => {
    const result = caseResult("split-ring/indirect/nested:device=gpu", {
      verdict: "fail",
      clauses: [INDIRECT],
      detail: evidence("Status is 15, not 79"),
    });
    const report = reportOf(target, [result], catalogue());
    return { report, judgement: judge(report, null, undefined, () => "In <their> words.") };
  });
  const browser = await TestBrowser.openText(formatHtml(runs));
  try {
    await browser.page.setViewportSize({ width, height: 800 });
    await body(browser.page);
    assert.equal(browser.errors, []);
  } finally {
    await browser.close();
  }
}

for (const width of [390, 1280, 2560]) {
  withChromium(`${width} pixels wide, four targets: ids, sentences and timelines have room`, () =>
    onScreen(width, async (page) => {
      const row = page.locator(`[id="${INDIRECT}"]`);
      const name = await row.locator("button").boundingBox();
      assert.ok((name?.width ?? 0) >= 250, `an id is ${name?.width} pixels wide`);
      assert.ok((name?.height ?? 99) < 45, `and ${name?.height} high: two lines at most`);
      const demand = await row.locator(".demand").boundingBox();
      assert.ok((demand?.width ?? 0) >= 250, `a sentence is ${demand?.width} pixels wide`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `the page is ${wide} pixels wide`);
      await row.locator("button").click();
      const timeline = page.locator("tr.opened .timeline table").first();
      const room = await page.locator("tr.opened .timeline .scroll").first().boundingBox();
      const what = await timeline.locator("td:last-child").first().boundingBox();
      assert.ok(
        (what?.width ?? 0) > 0.5 * (room?.width ?? Number.POSITIVE_INFINITY),
        `what happened has ${what?.width} of ${room?.width} pixels`,
      );
    }),
  );
}

withChromium("the head of the statements stays in sight, that of a timeline in its place", () =>
  onScreen(1280, async (page) => {
    await page.locator(`[id="${INDIRECT}"] button`).click();
    const timeline = page.locator("tr.opened .timeline table").first();
    // Scrolled so that the table lies under the head of the matrix.
    await timeline.evaluate((table) => scrollTo(0, scrollY + table.getBoundingClientRect().top + 10));
    await settled(page);
    const tops = await timeline.locator("thead th, tbody tr").evaluateAll((cells) =>
      cells.map((cell) => {
        const { top, bottom } = cell.getBoundingClientRect();
        return { top, bottom, position: getComputedStyle(cell).position };
      }),
    );
    for (const { position } of tops) assert.is.not(position, "sticky");
    const [head, , , first] = tops;
    assert.ok((head?.bottom ?? 0) <= (first?.top ?? 0) + 1, "the first row begins below the head");
    const columns = await page.locator("#area-split-ring > .matrix > thead th").first().boundingBox();
    const filters = await page.locator("#filters").boundingBox();
    const below = (filters?.y ?? 0) + (filters?.height ?? 0);
    assert.ok(Math.abs((columns?.y ?? 0) - below) <= 1, "columns are named right below the filters");
  }),
);

withChromium("what a statement demands stands in its row, its place and wording where it is opened", () =>
  onScreen(1280, async (page) => {
    const row = page.locator(`[id="${INDIRECT}"]`);
    assert.match((await row.locator(".demand").textContent()) ?? "", /is passed over\.$/);
    await row.locator("button").click();
    const opened = page.locator("tr.opened .statement");
    assert.match((await opened.textContent()) ?? "", "2.7.5.3.2 Device Requirements: Indirect Descriptors");
    assert.is(await opened.locator("blockquote").textContent(), "In <their> words.");
    const links = await opened.locator("a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    assert.equal(links, [
      "https://docs.oasis-open.org/virtio/virtio/v1.4/cs01/virtio-v1.4-cs01.html",
      "https://github.com/oasis-tcs/virtio-spec/blob/v1.4-cs01/split-ring.tex#L282",
    ]);
    const finding = page.locator(".findings .statement").first();
    assert.match(
      (await finding.textContent()) ?? "",
      /passed over\.\s*2\.7\.5\.3\.2 [\s\S]*In <their> words\./,
    );
    await page.fill("input[type=search]", "means nothing passed over");
    assert.equal(await ids(page), [INDIRECT], "found by the words of its sentence");
  }),
);

withChromium("four targets with 1,500 cases each: it loads and filters at once", async () => {
  const runs = ["a", "b", "c", "d"].map((target) => {
    const report = largeReport(target, 9, 8);
    return { report, judgement: judge(report, null) };
  });
  const begin = performance.now();
  const browser = await TestBrowser.openText(formatHtml(runs));
  try {
    const { page, errors } = browser;
    assert.ok(performance.now() - begin < 60_000, "browser and all");
    const ms = await page.evaluate(() => {
      const input = document.querySelector<HTMLInputElement>("input[value=fail]");
      const start = performance.now();
      input?.click();
      return new Promise<number>((done) =>
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start))),
      );
    });
    assert.ok(ms < 3000, `${ms} ms`);
    assert.ok((await ids(page)).length > 0);
    assert.equal(errors, []);
  } finally {
    await browser.close();
  }
});

test.run();
