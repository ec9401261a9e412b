// Drivers without a mistake, however small: of them the checker says nothing at all, at no level.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { driveMinimally, type MinimalSetup } from "../../support/minimal-driver.ts";

const test = suite("driver checker, minimal drivers");

const SETUPS: readonly Omit<MinimalSetup, "polls" | "polled">[] = [
  ...(["mmio", "pci-intx", "pci-msix"] as const).flatMap((transport) =>
    (["gpu", "rng"] as const).flatMap((device) =>
      [false, true].map((packed) => ({ transport, device, packed })),
    ),
  ),
  // The legacy interface knows split rings only, and no GPU.
  { transport: "pci-legacy", device: "rng", packed: false },
];

for (const setup of SETUPS) {
  const name = `${setup.device} over ${setup.transport}, ${setup.packed ? "packed" : "split"}`;
  test(`${name}: a driver that takes interrupts ends without a word, whatever is said of it`, () => {
    for (const polled of [false, null]) {
      const machine = driveMinimally({ ...setup, polls: false, polled });
      assert.equal(machine.checker.violations, []);
      assert.ok(machine.checker.eventCount > 60, "it saw something");
      if (setup.transport !== "pci-legacy") assert.ok(machine.interrupts > 5, "there were interrupts");
    }
  });

  test(`${name}: so does one that polls, when it is said to`, () => {
    assert.equal(driveMinimally({ ...setup, polls: true, polled: true }).checker.violations, []);
  });

  test(`${name}: and when nothing is said, no statement is held against one that polls`, () => {
    const { violations } = driveMinimally({ ...setup, polls: true, polled: null }).checker;
    assert.ok(violations.length <= 1);
    for (const { level, id, message } of violations) {
      assert.is(level, "hint");
      assert.is(id, "hint.interrupt-not-handled");
      assert.match(message, /polled: true/);
    }
  });
}

test("a driver that is said to take interrupts and does not is judged [transport-mmio.driver.notifications-from-the-device.1]", () => {
  const machine = driveMinimally({
    transport: "mmio",
    device: "rng",
    packed: false,
    polls: true,
    polled: false,
  });
  const found = machine.checker.violations.map(({ level, clause }) => [level, clause]);
  assert.equal(found, [["MUST", "transport-mmio.driver.notifications-from-the-device.1"]]);
});

test.run();
