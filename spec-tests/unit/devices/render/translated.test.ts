// Lists of pages that a translator scatters: what they cost, in work and in the limits, saved states included.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { AddressTranslator } from "../../../../src/memory/index.ts";
import { RERR, ROK, rmsg } from "../../../support/render-messages.ts";
import { ARGB, RenderRig } from "../../../support/render-rig.ts";

const ACCESS_PLATFORM = 33;
const SMALL = { width: 8, height: 8, format: ARGB };
/** From here on no page of device memory adjoins the next in guest memory. */
const SCATTERED = 0x4000_0000;

class ScatteredPages implements AddressTranslator {
  asked = 0;

  translate(
    _hi: number,
    lo: number,
    lengthBytes: number,
    _write: boolean,
    result: { hi: number; lo: number },
  ): number {
    this.asked++;
    result.hi = 0;
    result.lo = lo < SCATTERED ? lo : (8 << 20) + ((lo >>> 12) & 255) * 8192 + (lo & 4095);
    return lo < SCATTERED ? lengthBytes : Math.min(lengthBytes, 4096 - (lo & 4095));
  }
}

function rig(maxEntriesTotal: number) {
  const translator = new ScatteredPages();
  const made = new RenderRig(
    { limits: { maxEntries: 16, maxEntriesTotal } },
    { device: { translator }, ringFeatures: [ACCESS_PLATFORM] },
  );
  return { rig: made, translator };
}

const pages = (id: number, count: number): Uint8Array =>
  rmsg.importPages(id, [[SCATTERED, count * 4096]], SMALL);

test("one entry may come to no more runs than a list may have entries, and no more are looked for", () => {
  const { rig: render, translator } = rig(1000);
  assert.is(render.type(pages(1, 16)), ROK.IMPORT);
  const before = translator.asked;
  assert.is(render.type(pages(2, 4000)), RERR.LIMIT);
  assert.ok(translator.asked - before < 32, `${translator.asked - before} pages looked for`);
  assert.is(render.type(pages(2, 17)), RERR.LIMIT);
});

test("segments count in the limit of all lists, in a saved state as well", () => {
  const { rig: render } = rig(40);
  for (const id of [1, 2]) assert.is(render.type(pages(id, 16)), ROK.IMPORT);
  assert.is(render.type(pages(3, 16)), RERR.LIMIT);
  const state = render.device.save();
  const { rig: same } = rig(40);
  same.device.restore(state);
  const { rig: smaller } = rig(31);
  assert.throws(() => smaller.device.restore(state), /32 entries, more than this device's limit/);
});

test.run();
