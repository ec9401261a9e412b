// The kit from a test runner of your own: some cases, their verdicts, and how single statements stand.
import { CASES, runCases } from "virtio-emulator/conformance";
import target from "./my-device.mjs";

const report = await runCases(target, CASES, {
  filter: (id) => id.startsWith("entropy/"),
  formats: ["split"],
});
const findings = report.cases.filter(({ verdict }) => verdict === "fail" || verdict === "wedged");
console.log(`${findings.length} findings`);
for (const { id, verdict, title } of findings) console.log(`${verdict} ${id}: ${title}`);

// Prints:
//   0 findings
