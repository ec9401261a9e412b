import { readFileSync } from "node:fs";
import type { Test } from "uvu";
import * as assert from "uvu/assert";
import { qemuTarget } from "../../src/cli/conformance/targets/qemu.ts";
import { CASES, judge, parseExpectations, runCases, selectInstances } from "../../src/conformance/index.ts";
import { locate, needs, peers } from "./peer.ts";

const EXPECTED = "spec-tests/fixtures/conformance/qemu-7.2.json";

/**
 * Declares that QEMU 7.2 differs from the specification exactly as it is written down: so a change shows, be it on QEMU's
 * side or on that of the cases. After a change that is right:
 * `virtio-emulator conformance --target qemu-mmio,qemu-pci --write-expect spec-tests/fixtures/conformance/qemu-7.2.json`
 */
export function expectKnownDifferences(test: Test, name: "qemu-mmio" | "qemu-pci"): void {
  needs(test, peers.qemu72)(
    `${name}: QEMU 7.2 differs from the specification as it is known to`,
    async () => {
      const target = await qemuTarget(name, { qemuPath: locate(peers.qemu72) });
      const report = await runCases(target, CASES);
      const expected = parseExpectations(readFileSync(EXPECTED, "utf8")).find((one) => one.target === name);
      const ids = new Set(selectInstances(target, CASES).map(({ id }) => id));
      const { findings, known } = judge(report, expected ?? null, ids);
      assert.equal(
        findings.map(
          ({ caseId, verdict, expected: was, message }) => `${caseId}: ${verdict}, not ${was}: ${message}`,
        ),
        [],
      );
      assert.ok(known.length > 0);
      const { pass, reject } = report.totals;
      process.stderr.write(
        `note: ${name}: ${pass + reject} cases as specified, ${known.length} known differences\n`,
      );
    },
  );
}
