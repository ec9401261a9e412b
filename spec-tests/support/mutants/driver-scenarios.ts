import type { LinuxProfileName } from "../../../src/driver/kms/index.ts";
import type { CheckedMachine } from "../checked-driver.ts";
import { gpuSession, kmsSession, rngSession, type SessionOptions } from "./driver-sessions.ts";
import { ODD_DEVICES } from "./odd-devices.ts";

/** A session of the driver model. */
export interface Scenario extends SessionOptions {
  readonly name: keyof typeof SCENARIOS;
  /** For `kms`. Default `linux-6.1`. */
  readonly profile?: LinuxProfileName;
}

/** Hands out the machine as soon as there is one: the driver may give up at any moment. */
export type Made = (machine: CheckedMachine) => void;

type Session = (scenario: Omit<Scenario, "name">, made: Made) => void;

/** All sessions, by name. */
export const SCENARIOS = {
  gpu: gpuSession,
  rng: rngSession,
  kms: ((scenario, made) =>
    kmsSession({ ...scenario, profile: scenario.profile ?? "linux-6.1" }, made)) as Session,
  ...ODD_DEVICES,
} as const;
