import { existsSync } from "node:fs";
import { join } from "node:path";
import { guestFolder } from "../../linux/paths.ts";
import { median } from "../compare.ts";
import type { JudgedRow } from "../row.ts";
import { valueRow } from "../rows.ts";

const SCENARIO = "mode-set";

/**
 * How long a real kernel in an emulator takes for a mode set, wall-clock: a report, not a comparison. Only with the
 * guest that `npm run linux` fetches and boots; nothing is downloaded here.
 */
export async function benchModeSet(
  name: string,
  runs: number,
  report: (line: string) => void,
): Promise<JudgedRow[]> {
  const folder = guestFolder();
  if (!existsSync(join(folder, "debian"))) {
    report(`${name}: no guest in ${folder}; "npm run linux" fetches it`);
    return [];
  }
  // Loaded only now: it brings the emulator along.
  const { runLinux } = await import("../../linux/run-linux.ts");
  const { LinuxGpu } = await import("../../linux/gpu-device.ts");
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const { runs: machines } = await runLinux({
      createDevice: (options) => new LinuxGpu(options),
      scenarios: [SCENARIO],
      featureSets: [["edid", "uuid"]],
      memoryMebibytes: 128,
    });
    const scenario = machines[0]?.scenarios.find((each) => each.name === SCENARIO);
    if (scenario === undefined) throw new Error(`the guest did not report on ${SCENARIO}`);
    times.push(scenario.elapsedMs);
  }
  return [valueRow(name, median(times), "ms", null)];
}
