import { gpuSession, kmsSession, type Made, rngSession, type ScenarioOptions } from "./driver-sessions.ts";
import { ODD_DEVICES } from "./odd-devices.ts";
import { stagedSession } from "./staged.ts";

/** A session of the driver model. */
export interface Scenario extends ScenarioOptions {
  readonly name: keyof typeof SCENARIOS;
}

type Session = (scenario: ScenarioOptions, made: Made) => void;

/** All sessions, by name. */
export const SCENARIOS = {
  gpu: gpuSession,
  rng: rngSession,
  kms: ((scenario, made) =>
    kmsSession({ ...scenario, profile: scenario.profile ?? "linux-6.1" }, made)) as Session,
  staged: stagedSession,
  ...ODD_DEVICES,
} as const;
