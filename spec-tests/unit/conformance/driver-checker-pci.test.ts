// What the driver checker says of drivers over virtio-pci. Numbers are the specification's.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import { SimpleBalloon } from "../../../src/cli/conformance/targets/simple-balloon.ts";
import {
  type CheckedPci,
  DriverChecker,
  NOT_OBSERVABLE_OF_DRIVERS,
  PCI_STAGES,
  type PciStage,
} from "../../../src/conformance/driver-checker/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { PciDriverTransport } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { PciTransport } from "../../../src/transport/pci/index.ts";
import type { CheckedMachine, CheckedTransport } from "../../support/checked-driver.ts";
import { SCENARIOS, type Scenario } from "../../support/mutants/driver-scenarios.ts";
import { RAW_PCI } from "../../support/mutants/raw-pci.ts";

const test = suite("driver checker, virtio-pci");
const COMMON = "transport-pci.driver.common-configuration-structure-layout";
const CAPABILITIES = "transport-pci.driver.virtio-structure-pci-capabilities";

function stage(id: string): PciStage {
  const stage = PCI_STAGES.find((candidate) => candidate.id === id);
  if (stage === undefined) throw new Error(`no stage ${id}`);
  return stage;
}

function onStage(scenario: Omit<Scenario, "name">): CheckedMachine {
  const machines: CheckedMachine[] = [];
  SCENARIOS.staged(scenario, (machine) => machines.push(machine));
  return machines[0] as CheckedMachine;
}

function rng(): PciTransport {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 16) }]);
  return new PciTransport(new VirtioDevice(new RngDevice(), { memory }));
}

/** A function with the checker in front, to be accessed by hand. */
function checked(bus: CheckedPci, transitional = false): { bus: CheckedPci; checker: DriverChecker } {
  const checker = new DriverChecker({ memory: { read: () => false }, transitional });
  return { bus: checker.pci(bus), checker };
}

const RINGS = [[], ["packed", "event", "reset"], ["indirect", "reset", "data", "configData"]] as const;
/** What Linux accepts. */
const LINUX_RINGS = [
  ["indirect", "event"],
  ["packed", "indirect", "event"],
] as const;
const TRANSPORTS: readonly CheckedTransport[] = ["pci", "pci-msix", "pci-window"];

for (const { id, expects } of PCI_STAGES) {
  test(`the driver model does right on the stage ${id}`, () => {
    for (const transport of TRANSPORTS) {
      for (const device of ["rng", "gpu", "kms"] as const) {
        // Who uses the bare driver of the GPU has to look at its events on his own.
        if (id === "both-causes" && device === "gpu") continue;
        // The GPU has no transitional id.
        if (id === "transitional-id" && device !== "rng") continue;
        for (const ring of device === "kms" ? LINUX_RINGS : RINGS) {
          const what = `${id} ${transport} ${device} ${ring.join(" ")}`;
          const machine = onStage({ transport, stage: id, device, ring });
          const driven = machine.checker.timeline().some(({ text }) => text.startsWith("status ← 0xf"));
          const violations = machine.finish();
          assert.equal(violations, [], what);
          assert.is(driven, expects === "drives" || expects === "either", what);
        }
      }
    }
  });
}

test("a driver that gives up where it should not", () => {
  assert.is(new Set(PCI_STAGES.map(({ id }) => id)).size, PCI_STAGES.length);
  for (const { id, clauses, expects, present } of PCI_STAGES) {
    if (expects !== "drives" || id === "all-vectors") continue;
    const checker = new DriverChecker({ memory: { read: () => false } });
    checker.pci(rng(), { id, clauses, expects, present, description: "" });
    checker.finish();
    assert.equal([...checker.counts.keys()], clauses, id);
  }
});

test("a stage that does not suit a device", () => {
  const checker = new DriverChecker({ memory: { read: () => false } });
  assert.throws(
    () => checker.pci(rng(), stage("all-vectors")),
    (error: unknown) => error instanceof VirtioUsageError,
  );
});

test("drivers written by hand", () => {
  for (const [name, drive] of Object.entries(RAW_PCI)) {
    const machines: CheckedMachine[] = [];
    drive(false, (machine) => machines.push(machine));
    assert.equal(machines[0]?.finish(), [], name);
  }
});

test("a driver sees what the stage says, and the device none of it", () => {
  const plain = PciDriverTransport.probe(rng());
  assert.ok(plain !== null);
  for (const id of ["reserved-structure-type", "reserved-bar", "longer-capabilities", "vendor-data"]) {
    const seen = PciDriverTransport.probe(stage(id).present(rng()));
    assert.is(seen?.deviceId, 4, id);
    assert.equal(
      seen?.structures.map(({ cfgType, bar, offset, lengthBytes }) => [cfgType, bar, offset, lengthBytes]),
      plain?.structures.map(({ cfgType, bar, offset, lengthBytes }) => [cfgType, bar, offset, lengthBytes]),
      id,
    );
  }
  const long = PciDriverTransport.probe(stage("long-structures").present(rng()));
  assert.equal(
    long?.structures
      .filter(({ cfgType }) => cfgType <= 3)
      .map(({ offset, lengthBytes }) => [offset, lengthBytes]),
    [0, 1, 2].map((i) => [i * 1024, 1024n]),
  );
  const twice = PciDriverTransport.probe(stage("second-structures").present(rng()));
  assert.is(twice?.structures.length, 2 * (plain?.structures.length ?? 0) - 1);
  const legacy = stage("without-capabilities").present(rng());
  assert.throws(() => PciDriverTransport.probe(legacy), /no usable virtio structure/);
  const revision = stage("revision-255").present(rng());
  assert.is(revision.configRead(0x08, 1), 255);
  assert.is(revision.configRead(0x08, 4) & 0xff, 255);
  assert.is(stage("transitional-id").present(rng()).configRead(0x00, 4), 0x1005_1af4);
  assert.is(stage("one-vector").present(rng()).configRead(0x34, 1), 0x40);
});

test("fields of the common configuration [transport-pci.driver.common-configuration-structure-layout.1] [transport-pci.driver.pci-device-layout.1]", () => {
  const { bus, checker } = checked(rng());
  for (const [offset, width] of [
    [0x04, 4],
    [0x12, 2],
    [0x15, 1],
    [0x1e, 2],
    [0x38, 2],
  ] as const) {
    bus.barWrite(0, offset, width, 0);
  }
  assert.is(checker.counts.get(`${COMMON}.1`), 5);
  assert.is(checker.counts.get("transport-pci.driver.pci-device-layout.1"), undefined);
  bus.barWrite(0, 0x14, 4, 0);
  assert.is(checker.counts.get(`${COMMON}.1`), 6, "a wide write touches config_generation");
  bus.barRead(0, 0x20, 4);
  bus.barRead(0, 0x24, 4);
  bus.barRead(0, 0x18, 2);
  assert.is(checker.counts.get("transport-pci.driver.pci-device-layout.1"), 1);
  bus.barRead(0, 0x22, 2);
  bus.barRead(0, 0x18, 4);
  assert.is(checker.counts.get("transport-pci.driver.pci-device-layout.1"), 3);
});

test("capabilities are not to be written [transport-pci.driver.virtio-structure-pci-capabilities.7]", () => {
  const { bus, checker } = checked(rng());
  const first = bus.configRead(0x34, 1);
  bus.configWrite(first + 8, 4, 0);
  assert.is(checker.counts.get(`${CAPABILITIES}.7`), 1);
  assert.is(
    checker.violations.find(({ clause }) => clause === `${CAPABILITIES}.7`)?.message,
    "the capability at 0x40, of a structure of type 1, was written to at 8",
  );
  for (let at = first; at !== 0; at = bus.configRead(at + 1, 1)) {
    // MSI-X is not a virtio structure, and the access capability is there to be written to.
    if (bus.configRead(at, 1) === 0x11) bus.configWrite(at + 2, 2, 0x8000);
    else if (bus.configRead(at + 3, 1) === 5) bus.configWrite(at + 4, 1, 0);
  }
  assert.is(checker.counts.get(`${CAPABILITIES}.7`), 1);
});

test("the configuration access capability [transport-pci.driver.pci-configuration-access-capability.1] [transport-pci.driver.pci-configuration-access-capability.2]", () => {
  const WINDOW = "transport-pci.driver.pci-configuration-access-capability";
  const { bus, checker } = checked(rng());
  let at = bus.configRead(0x34, 1);
  while (bus.configRead(at, 1) !== 9 || bus.configRead(at + 3, 1) !== 5) at = bus.configRead(at + 1, 1);
  const look = (bar: number, offset: number, length: number) => {
    bus.configWrite(at + 4, 1, bar);
    bus.configWrite(at + 12, 4, length);
    bus.configWrite(at + 8, 4, offset);
    bus.configRead(at + 16, 4);
    return [checker.counts.get(`${WINDOW}.1`) ?? 0, checker.counts.get(`${WINDOW}.2`) ?? 0];
  };
  assert.equal(look(0, 0x14, 1), [0, 0]);
  assert.equal(look(0, 0x12, 2), [0, 0]);
  assert.equal(look(0, 0x12, 4), [1, 0]);
  assert.equal(look(0, 0x800, 4), [1, 1]);
  assert.equal(look(2, 0x10, 4), [1, 2]);
  assert.equal(look(0, 0x10, 3), [2, 3]);
});

test("what Linux does by the legacy interface [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.2] [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.4]", () => {
  for (const name of ["rng", "balloon"]) {
    const type = name === "rng" ? new RngDevice() : new SimpleBalloon();
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(64 << 20) }]);
    const device = new PciTransport(new VirtioDevice(type, { memory }), { transitional: true, msix: false });
    const { bus, checker } = checked(stage("without-capabilities").present(device), true);
    bus.configRead(0x34, 1);
    for (const line of readFileSync(`spec-tests/fixtures/legacy-pci/${name}.txt`, "utf8")
      .trimEnd()
      .split("\n")) {
      const [what = "", offset = "", value = ""] = line.split(" ");
      const width = Number(what[1]) as 1 | 2 | 4;
      if (what.startsWith("r")) bus.barRead(0, Number(offset), width);
      else bus.barWrite(0, Number(offset), width, Number.parseInt(value, 16));
    }
    checker.finish();
    assert.equal(checker.violations, [], name);
    assert.ok(checker.eventCount > 50);
  }
});

test("configuration space that the checker does not see", () => {
  for (const [seesConfigSpace, expected] of [
    [true, ["transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.4"]],
    [false, []],
  ] as const) {
    const checker = new DriverChecker({ memory: { read: () => false }, seesConfigSpace });
    checker.pci(rng()).barRead(0, 0x14, 1);
    checker.finish();
    assert.equal([...checker.counts.keys()], expected);
  }
});

test("nothing of these areas is called unobservable that is observed", () => {
  const observed = new Set(PCI_STAGES.flatMap(({ clauses }) => clauses));
  for (const { clause } of NOT_OBSERVABLE_OF_DRIVERS) assert.not.ok(observed.has(clause), clause);
});

test.run();
