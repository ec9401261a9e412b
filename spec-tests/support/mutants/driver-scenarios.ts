import type { LinuxProfileName } from "../../../src/driver/kms/index.ts";
import type { CheckedMachine } from "../checked-driver.ts";
import { gpuSession, kmsSession, rngSession, type SessionOptions } from "./driver-sessions.ts";
import { ODD_DEVICES } from "./odd-devices.ts";
import { stagedSession } from "./staged.ts";

/** A session of the driver model. */
export interface Scenario extends SessionOptions {
  readonly name: keyof typeof SCENARIOS;
  /** For `kms`. Default `linux-6.1`. */
  readonly profile?: LinuxProfileName;
  /** For `staged`: the id of a stage of the transport. */
  readonly stage?: string;
  /** For `staged`: which device and driver. Default `rng`. */
  readonly device?: "rng" | "gpu" | "kms";
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
  staged: stagedSession,
  ...ODD_DEVICES,
} as const;
