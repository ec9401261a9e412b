import type { CaseRun, Needs } from "../../case.ts";
import { LegacyPci, type SplitRing } from "../../guest/index.ts";

/** Devices with the legacy interface, by which only split rings are known. */
export const LEGACY: Needs = {
  transport: "pci",
  devices: ["rng-transitional", "balloon-transitional"],
  format: "any",
};

/** A legacy driver's view of a device that was just reset. */
export function legacyOf(t: CaseRun): LegacyPci {
  return new LegacyPci(t.guest);
}

/** Fails unless the model's probe is answered by way of the legacy interface. */
export async function serves(t: CaseRun, legacy: LegacyPci, ring: SplitRing, what: string): Promise<void> {
  const wrong = await legacy.probe(ring);
  if (wrong !== null) t.fail(`it does not hold that ${what}: ${wrong}`);
}
