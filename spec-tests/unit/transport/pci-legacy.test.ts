import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import {
  ByteLanes,
  type PciTransportOptions,
  type SavedPciTransport,
} from "../../../src/transport/pci/index.ts";
import {
  EVENT_IDX,
  INDIRECT_DESC,
  LegacyMachine,
  QUEUE_ADDRESS,
  QUEUE_SELECT,
  STATUS,
} from "../../support/legacy-machine.ts";
import { PciMachine } from "../../support/pci-machine.ts";

const test = suite("transitional virtio-pci: options, save and restore, byte lanes");

const copy = (state: SavedPciTransport): SavedPciTransport => JSON.parse(JSON.stringify(state));

test("options that contradict a transitional device are refused", () => {
  const refused: readonly (readonly [PciTransportOptions, RegExp])[] = [
    [{ revisionId: 1 }, /revision id 0/],
    [{ subsystemId: 0x40 }, /subsystem id/],
    [{ express: true }, /Express/],
    [{ layout: { bar: 0 } }, /BAR 0/],
    [{ layout: { legacyAddress: 4 } }, /multiple/],
  ];
  for (const [options, message] of refused) {
    assert.throws(
      () => new LegacyMachine({}, options),
      (error: unknown) => error instanceof VirtioUsageError && message.test(error.message),
    );
  }
  assert.throws(() => new LegacyMachine({ deviceId: 16 }), /younger than the legacy interface/);
  assert.throws(() => new LegacyMachine({ configBytes: 233 }), /BAR 0/);
  assert.throws(() => new PciMachine({}, { layout: { legacyAddress: 64 } }), /for transitional devices/);
  assert.not.throws(() => new LegacyMachine({}, { revisionId: 0, subsystemId: 4 }));
});

test("the modern registers may lie in any other BAR", () => {
  for (const layout of [{ bar: 4, is64Bit: true }, { bar: 2, kind: "io" }, { ioNotifyBar: 3 }] as const) {
    const machine = new LegacyMachine({}, { layout });
    machine.bringUp(machine);
    machine.exchange(1);
    assert.is(machine.used(1), 1);
    machine.legacyStart();
    machine.legacyExchange(1);
    assert.is(machine.used(1), 1);
  }
});

test("a legacy driver in the middle of its work is saved and restored", () => {
  for (const status of [3, 7]) {
    const machine = new LegacyMachine();
    machine.legacyStart([INDIRECT_DESC, EVENT_IDX]);
    machine.out(STATUS, 1, status);
    machine.legacyExchange(0);
    machine.legacyExchange(0, 1);
    machine.out(QUEUE_SELECT, 2, 1);
    const saved = copy(machine.transport.save());
    const other = new LegacyMachine();
    other.memory.write(0, machine.memory.read(0, 0x40000));
    other.transport.restore(saved);
    assert.equal(other.transport.save(), saved);
    assert.ok(other.device.legacyDriver);
    assert.ok(other.device.hasFeature(EVENT_IDX));
    assert.is(other.in(QUEUE_SELECT, 2), 1);
    assert.is(other.in(QUEUE_ADDRESS, 4), 0xc);
    assert.is(other.in(STATUS, 1), status);
    const ring = machine.rings[0];
    if (ring === undefined) throw new Error("there is a ring");
    other.rings[0] = Object.assign(other.legacyRing(2, ring.size), { ...ring, memory: other.memory });
    other.legacyExchange(0, 2);
    assert.is(other.used(0), 3);
  }
});

test("a queue that was set up and never used comes back too", () => {
  const machine = new LegacyMachine();
  machine.legacyStart();
  const other = new LegacyMachine();
  other.memory.write(0, machine.memory.read(0, 0x40000));
  other.transport.restore(copy(machine.transport.save()));
  const ring = other.legacyRing(0);
  assert.is(other.in(QUEUE_ADDRESS, 4), 0xc, "queue 1 is selected");
  other.legacyExchange(0);
  assert.is(ring.usedIdx, 1);
});

test("no device takes a legacy driver that it can't serve", () => {
  const machine = new LegacyMachine();
  machine.legacyStart([INDIRECT_DESC]);
  machine.legacyExchange(0);
  const saved = machine.transport.save();
  const modern = new PciMachine({ deviceId: 4 });
  assert.throws(() => modern.transport.restore(saved), /other options/);
  assert.throws(() => modern.device.restore(saved.device), /legacy driver/);
  assert.is(modern.status(), 0);
  const poor = new LegacyMachine({}, {}, { ringFeatures: [] });
  assert.throws(() => poor.transport.restore(saved), /does not offer/);
  assert.is(poor.in(STATUS, 1), 0);
});

test("byte by byte", () => {
  const machine = new LegacyMachine();
  const lanes = new ByteLanes(machine.transport, 0);
  const put = (offset: number, widthBytes: number, value: number): void => {
    for (let i = 0; i < widthBytes; i++) lanes.write8(offset + i, (value >>> (8 * i)) & 0xff);
  };
  put(STATUS, 1, 3);
  put(QUEUE_SELECT, 2, 1);
  put(QUEUE_ADDRESS, 4, 0x00030201);
  assert.equal(
    [8, 9, 10, 11].map((at) => lanes.read8(at)),
    [1, 2, 3, 0],
  );
  assert.is(machine.in(QUEUE_SELECT, 2), 1);
  assert.is(lanes.read8(20), 0x10);
  machine.setMsix(true);
  assert.is(lanes.read8(20), 0xff);
  assert.is(lanes.read8(24), 0x10);
});

test.run();
