// The driver checker in front of Debian's own kernel: what it has to say of Linux is known and explained.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LinuxGpu } from "../../scripts/linux/gpu-device.ts";
import { KNOWN_FINDINGS } from "../../scripts/linux/known-findings.ts";
import { runLinux } from "../../scripts/linux/run-linux.ts";
import { CLAUSES } from "../../src/conformance/index.ts";
import { needs, peers } from "../support/peer.ts";

const linux = suite("linux, driver checker");
const test = needs(linux, peers.apt, peers.dpkgDeb);

linux("known findings name statements of the specification", () => {
  const ids = new Set(CLAUSES.map(({ id }) => id));
  for (const { clause } of KNOWN_FINDINGS) assert.ok(ids.has(clause), clause);
});

test("nothing is found that is not known, with split and with packed rings", async () => {
  const report = await runLinux({
    createDevice: (options) => new LinuxGpu(options),
    checkDriver: true,
    scenarios: ["mode-set", "cursor", "resize", "blob"],
    featureSets: [
      ["edid", "uuid"],
      ["edid", "uuid", "blob", "packed"],
    ],
    memoryMebibytes: 128,
  });
  for (const { driver } of report.runs) {
    assert.ok((driver?.events ?? 0) > 300, `${driver?.events} events`);
    assert.equal(
      driver?.findings.map(({ clause, explanation }) => ({ clause, known: explanation !== null })),
      [{ clause: "content.driver.reserved-feature-bits.12", known: true }],
    );
  }
  assert.is(report.problems, 0);
});

linux.run();
