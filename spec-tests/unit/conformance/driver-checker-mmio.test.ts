// What the driver checker says of drivers over virtio-mmio. Numbers are the specification's.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MMIO_STAGES, type MmioStage } from "../../../src/conformance/driver-checker/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import type { CheckedMachine } from "../../support/checked-driver.ts";
import { SCENARIOS, type Scenario } from "../../support/mutants/driver-scenarios.ts";
import { RawGuest } from "../../support/mutants/raw-guest.ts";

const test = suite("driver checker, virtio-mmio");
const LAYOUT = "transport-mmio.driver.mmio-device-register-layout";
const INITIALIZATION = "transport-mmio.driver.device-initialization";
const NOTIFICATIONS = "transport-mmio.driver.notifications-from-the-device";
const CONFIG = 0x100;
const RINGS = [[], ["packed", "event", "reset"], ["indirect", "event", "reset", "data"]] as const;
/** What Linux accepts. */
const LINUX_RINGS = [
  ["indirect", "event"],
  ["packed", "indirect", "event"],
] as const;

function onStage(scenario: Omit<Scenario, "name">): CheckedMachine {
  const machines: CheckedMachine[] = [];
  SCENARIOS.staged(scenario, (machine) => machines.push(machine));
  return machines[0] as CheckedMachine;
}

function guest(stage?: MmioStage, type: RngDevice | GpuDevice = new RngDevice()): RawGuest {
  return new RawGuest(() => {}, [], type, stage === undefined ? {} : { mmioStage: stage });
}

/** Clauses of this area, without what other areas say of the same. */
function found(of: RawGuest): string[] {
  of.machine.finish();
  return [...of.machine.checker.counts.keys()].filter((id) => id.startsWith("transport-mmio")).sort();
}

function stage(id: string): MmioStage {
  const stage = MMIO_STAGES.find((candidate) => candidate.id === id);
  if (stage === undefined) throw new Error(`no stage ${id}`);
  return stage;
}

test("the driver model does right on every stage", () => {
  assert.is(new Set(MMIO_STAGES.map(({ id }) => id)).size, MMIO_STAGES.length);
  for (const { id, expects } of MMIO_STAGES) {
    for (const device of ["rng", "gpu", "kms"] as const) {
      for (const ring of device === "kms" ? LINUX_RINGS : RINGS) {
        const machine = onStage({ transport: "mmio", stage: id, device, ring });
        const driven = machine.checker.timeline().some(({ text }) => text.startsWith("status ← 0xf"));
        assert.equal(machine.finish(), [], `${id} ${device} ${ring.join(" ")}`);
        assert.is(driven, expects === "drives", `${id} ${device} ${ring.join(" ")}`);
      }
    }
  }
});

test("a driver that gives up where it should not", () => {
  for (const { id, clauses, expects } of MMIO_STAGES) {
    if (expects !== "drives") continue;
    const lazy = guest(stage(id));
    for (const offset of [0, 4, 8]) lazy.read(offset);
    assert.equal(found(lazy), [...clauses].sort(), id);
    assert.match(lazy.machine.checker.violations[0]?.message ?? "", id);
  }
});

test("control registers [transport-mmio.driver.mmio-device-register-layout.1] [transport-mmio.driver.mmio-device-register-layout.2]", () => {
  const bad = guest();
  bad.begin();
  bad.negotiate();
  const bus = bad.machine.mmio;
  bus?.write(0x00, 4, 1);
  bus?.read(0x14, 4);
  bus?.read(0x28, 4);
  bus?.read(0x70, 1);
  bus?.write(0x31, 4, 0);
  bus?.read(CONFIG, 4);
  bad.machine.finish();
  const { violations } = bad.machine.checker;
  assert.equal(
    violations.filter(({ clause }) => clause === `${LAYOUT}.1`).map(({ message }) => message),
    [
      "register 0x0 was written, which is only to be read",
      "register 0x14 was read, which is only to be written",
      "register 0x28 was read, which is none",
      "configuration space was read at 0, where device type 4 has nothing",
    ],
  );
  assert.equal(
    violations.filter(({ clause }) => clause === `${LAYOUT}.2`).map(({ message }) => message),
    ["register 0x70 was read with 8 bits", "register 0x31 was written with 32 bits"],
  );
  assert.equal(violations.find(({ clause }) => clause === `${LAYOUT}.1`)?.evidence, [
    { what: "register 0x0", address: null, after: "0x1" },
  ]);
});

test("configuration space [transport-mmio.driver.mmio-device-register-layout.3]", () => {
  const bad = guest(undefined, new GpuDevice());
  bad.begin();
  const bus = bad.machine.mmio;
  for (const offset of [0, 4, 8, 12, 16]) bus?.read(CONFIG + offset, 4);
  assert.equal(found(bad), []);
  bus?.read(CONFIG + 8, 2);
  bus?.read(CONFIG + 10, 2);
  bus?.read(CONFIG + 10, 4);
  assert.is(bad.machine.checker.counts.get(`${LAYOUT}.3`), 3);
  bus?.read(CONFIG + 20, 4);
  assert.is(bad.machine.checker.counts.get(`${LAYOUT}.1`), 1);
});

test("what comes first [transport-mmio.driver.device-initialization.1] [transport-mmio.driver.device-initialization.2]", () => {
  const blind = guest();
  blind.status(0);
  assert.equal(found(blind), [`${INITIALIZATION}.1`, `${INITIALIZATION}.2`]);
  const hasty = guest();
  for (const offset of [0, 8, 4, 0x0c]) hasty.read(offset);
  assert.equal(found(hasty), [`${INITIALIZATION}.1`]);
  const whole = guest();
  for (const offset of [4, 0, 8, 0x0c]) whole.read(offset);
  assert.equal(found(whole), []);
});

test("a legacy device [transport-mmio.driver.mmio-device-register-layout.5]", () => {
  for (const [transitional, offset, expected] of [
    [false, 0x28, [`${LAYOUT}.5`]],
    [true, 0x28, []],
    [true, 0x80, [`${LAYOUT}.5`]],
  ] as const) {
    const driver = new RawGuest(() => {}, [], new RngDevice(), {
      mmioStage: stage("version-1"),
      transitional,
    });
    for (const at of [0, 4, 8]) driver.read(at);
    driver.write(offset, 4096);
    // GuestPageSize is in the table of the legacy interface only.
    const clauses = found(driver).filter((id) => id !== `${LAYOUT}.1`);
    assert.equal(clauses, expected, `${transitional} ${offset}`);
  }
});

test("queues [transport-mmio.driver.mmio-device-register-layout.9] [transport-mmio.driver.mmio-device-register-layout.10] [transport-mmio.driver.mmio-device-register-layout.11]", () => {
  const bad = guest(stage("small-queues"));
  bad.begin();
  bad.negotiate();
  bad.write(0x30, 0);
  bad.write(0x38, 8);
  assert.is(bad.machine.checker.counts.get(`${LAYOUT}.9`), 1);
  bad.write(0x38, 4);
  bad.write(0x44, 1);
  bad.write(0x80, 0);
  assert.is(bad.machine.checker.counts.get(`${LAYOUT}.9`), 1);
  assert.is(bad.machine.checker.counts.get(`${LAYOUT}.10`), 1);
  bad.write(0x44, 0);
  bad.read(0x44);
  assert.is(bad.machine.checker.counts.get(`${LAYOUT}.11`), undefined);
  bad.write(0x44, 1);
  bad.write(0x44, 0);
  bad.status(0);
  assert.is(bad.machine.checker.counts.get(`${LAYOUT}.11`), 1);
});

test("interrupts [transport-mmio.driver.notifications-from-the-device.1] [transport-mmio.driver.notifications-from-the-device.3] [transport-mmio.driver.mmio-device-register-layout.13]", () => {
  const handlers: readonly [string, (of: RawGuest) => void, readonly string[]][] = [
    ["well", (of) => of.write(0x64, of.read(0x60)), []],
    ["never", () => {}, [`${NOTIFICATIONS}.1`]],
    ["without a look", (of) => of.write(0x64, 1), [`${LAYOUT}.13`, `${NOTIFICATIONS}.1`]],
    ["without an acknowledgement", (of) => void of.read(0x60), [`${LAYOUT}.13`, `${NOTIFICATIONS}.3`]],
    ["with more than there was", (of) => of.write(0x64, of.read(0x60) | 2), [`${LAYOUT}.13`]],
    ["with undefined bits", (of) => of.write(0x64, of.read(0x60) | 4), [`${LAYOUT}.13`]],
  ];
  for (const [how, handle, expected] of handlers) {
    const driver = guest();
    driver.machine.onInterrupt = () => handle(driver);
    driver.start();
    driver.split(0, { flags: 2 });
    driver.offer(0, 0);
    driver.notify();
    assert.is(driver.machine.interrupts, 1);
    assert.equal(found(driver), expected, how);
  }
});

test("a driver that is slow to handle an interrupt is given time", () => {
  const driver = guest();
  driver.machine.onInterrupt = () => {};
  driver.start();
  driver.split(0, { flags: 2 });
  driver.offer(0, 0);
  driver.notify();
  for (let i = 0; i < 100; i++) driver.glance();
  driver.interrupt();
  assert.equal(found(driver), []);
});

test("undefined causes of interrupts [transport-mmio.driver.mmio-device-register-layout.12]", () => {
  const driver = guest(stage("undefined-interrupt-causes"));
  driver.start();
  driver.split(0, { flags: 2 });
  driver.offer(0, 0);
  // The raw guest acknowledges whatever it reads.
  driver.notify();
  assert.equal(found(driver), [`${LAYOUT}.12`, `${LAYOUT}.13`]);
});

test.run();
