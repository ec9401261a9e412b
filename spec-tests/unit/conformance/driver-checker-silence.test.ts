// The driver model breaks no statement: the checker has nothing to say of it.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LINUX_PROFILE_NAMES } from "../../../src/driver/kms/index.ts";
import { CHECKED_TRANSPORTS, type CheckedMachine } from "../../support/checked-driver.ts";
import {
  gpuSession,
  kmsSession,
  type Made,
  type RingFeatureName,
  rngSession,
} from "../../support/mutants/driver-sessions.ts";

const test = suite("driver checker, silence");

/** Every format with everything that shapes rings and notifications. */
const RINGS: readonly (readonly RingFeatureName[])[] = [
  [],
  ["indirect"],
  ["event", "reset"],
  ["indirect", "event", "suspend"],
  ["order"],
  ["indirect", "event", "order", "data", "configData", "reset", "suspend"],
  ["packed"],
  ["packed", "indirect", "reset"],
  ["packed", "event", "suspend"],
  ["packed", "order", "data"],
  ["packed", "indirect", "event", "order", "data", "configData", "reset", "suspend"],
];

function expectSilence(session: (made: Made) => void, what: string): void {
  const machines: CheckedMachine[] = [];
  session((made) => machines.push(made));
  const machine = machines[0] as CheckedMachine;
  const violations = machine.finish();
  const found = violations.map(
    ({ clause, message, at }) =>
      `${clause}: ${message}\n${machine.checker
        .timeline(at - 6, 9)
        .map(({ index, text }) => `   ${index} ${text}`)
        .join("\n")}`,
  );
  assert.is(found.join("\n"), "", what);
  assert.ok(machine.checker.eventCount > 100, "it saw something");
}

for (const transport of CHECKED_TRANSPORTS) {
  test(`gpu and rng over ${transport}`, () => {
    for (const ring of RINGS) {
      const what = `${transport} ${ring.join(" ")}`;
      expectSilence((made) => gpuSession({ transport, ring }, made), `gpu ${what}`);
      expectSilence((made) => rngSession({ transport, ring }, made), `rng ${what}`);
    }
  });
}

for (const profile of LINUX_PROFILE_NAMES) {
  test(`the model of ${profile}`, () => {
    for (const transport of ["mmio", "pci-msix"] as const) {
      for (const ring of [
        ["indirect", "event"],
        ["packed", "indirect", "event"],
      ] as const) {
        expectSilence(
          (made) => kmsSession({ transport, ring, profile }, made),
          `${profile} ${transport} ${ring.join(" ")}`,
        );
      }
    }
  });
}

test.run();
