// Our own devices pass the whole kit: on both transports, with both ring formats.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { builtinTarget } from "../../src/cli/conformance/targets/builtin.ts";
import { CASES, runCases } from "../../src/conformance/index.ts";

const test = suite("conformance of the built-in devices");

for (const transport of ["mmio", "pci"] as const) {
  test(`builtin-${transport}: nothing fails, nothing is wedged, nothing is unimplemented`, async () => {
    const { cases, totals } = await runCases(builtinTarget(transport), CASES);
    const bad = cases.filter(({ verdict }) => ["fail", "wedged", "unimplemented"].includes(verdict));
    assert.equal(
      bad.map(({ id, verdict, detail }) => `${verdict} ${id}: ${detail?.message}`),
      [],
    );
    assert.ok(totals.pass > 0);
  });
}

test.run();
