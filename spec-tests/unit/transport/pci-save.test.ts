import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import type { PciTransportOptions, SavedPciTransport } from "../../../src/transport/pci/index.ts";
import { PciMachine } from "../../support/pci-machine.ts";
import { DRIVER, RING_RESET } from "../../support/transport-device.ts";

const test = suite("virtio-pci save and restore");

const copy = (state: SavedPciTransport): SavedPciTransport => JSON.parse(JSON.stringify(state));

/** A second machine with the same memory. */
function twin(machine: PciMachine, options: PciTransportOptions = {}): PciMachine {
  const other = new PciMachine({}, options);
  other.memory.write(0, machine.memory.read(0, 0x40000));
  return other;
}

test("registers, BARs, vectors, pending messages and queues go over", () => {
  const machine = new PciMachine();
  machine.transport.configWrite(0x10, 4, 0xfea00000);
  machine.transport.configWrite(0x3c, 1, 11);
  machine.bringUp(machine, [RING_RESET]);
  machine.useMsix([1, 2], 0);
  machine.setMsixTable(2, 3, 1);
  machine.exchange(1);
  machine.exchange(0);
  machine.changeConfig(5);
  machine.setCommon(0x00, 4, 1);
  machine.setCommon(0x08, 4, 2);
  machine.select(1);
  const saved = copy(machine.transport.save());

  const other = twin(machine);
  other.transport.restore(saved);
  assert.equal(other.transport.save(), saved);
  assert.equal(other.vectors, [], "nothing is sent twice");
  assert.is(other.transport.bar(0)?.address, 0xfea00000n);
  assert.is(other.transport.bar(0)?.enabled, true);
  assert.equal(other.barChanges.length > 0, true);
  assert.is(other.common(0x16, 2), 1);
  assert.is(other.common(0x1a, 2), 2);
  assert.is(other.pending(), 0b100);
  other.setMsixTable(2, 3, 0);
  assert.equal(other.vectors, [2], "what was on hold follows");
  assert.is(other.isr(), 2);
  other.rings.push(...machine.rings);
  machine.offer(0);
  other.memory.write(0x1000, machine.memory.read(0x1000, 0x1000));
  other.notify(0);
  assert.equal(other.vectors, [2, 1], "and the queue goes on");
});

test("INTx comes back as it was", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.exchange(0);
  const saved = copy(machine.transport.save());
  const other = twin(machine);
  other.transport.restore(saved);
  assert.equal(other.line, [true]);
  assert.is(other.transport.configRead(6, 2) & 8, 8);
  const idle = twin(machine);
  idle.bringUp(idle);
  const quiet = copy(idle.transport.save());
  other.memory.write(0, idle.memory.read(0, 0x40000));
  other.transport.restore(quiet);
  assert.equal(other.line, [true, false]);
  assert.is(other.transport.configRead(6, 2) & 8, 0);
});

test("an interrupt of a queue that goes on after restore reaches its vector", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  machine.offer(1);
  const other = twin(machine);
  other.transport.restore(copy(machine.transport.save()));
  assert.equal(other.vectors, [2]);
});

test("a state of another function is refused and changes nothing", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  const saved = copy(machine.transport.save());
  const changed = (change: object): SavedPciTransport => ({ ...saved, ...change });
  const common = (change: object): SavedPciTransport => changed({ common: { ...saved.common, ...change } });
  const msix = (change: object): SavedPciTransport => changed({ msix: { ...saved.msix, ...change } });
  const config = [...saved.configSpace];
  config[0x08] = 2;
  for (const state of [
    changed({ transport: "mmio" }),
    changed({ version: 2 }),
    changed({ isr: 4 }),
    changed({ isr: -1 }),
    changed({ common: null }),
    changed({ configSpace: saved.configSpace.slice(1) }),
    changed({ configSpace: config }),
    changed({ configSpace: saved.configSpace.map(() => 256) }),
    changed({ msix: null }),
    msix({ table: [] }),
    msix({ pending: [0] }),
    msix({ pending: [8, 0] }),
    common({ queueSelect: 0x10000 }),
    common({ configVector: 3 }),
    common({ queueVectors: [0xffff] }),
    common({ queueVectors: [0xffff, 3] }),
    common({ deviceFeatureSelect: -1 }),
    common({ driverFeatureSelect: "1" }),
  ]) {
    assert.throws(
      () => machine.transport.restore(state),
      (error: unknown) => error instanceof VirtioUsageError,
    );
    assert.equal(machine.transport.save(), saved);
  }
  const without = new PciMachine({}, { msix: false });
  assert.throws(() => without.transport.restore(saved), /MSI-X|vector/);
  const elsewhere = new PciMachine({}, { layout: { bar: 2 } });
  assert.throws(() => elsewhere.transport.restore(saved), /other options/);
});

test("a device state that is refused leaves the function as it was", () => {
  const machine = new PciMachine();
  machine.transport.configWrite(0x10, 4, 0xfea00000);
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  machine.changeConfig(1);
  const saved = copy(machine.transport.save());
  const device = { ...saved.device, driverFeatures: [0xffffffff, 1, 0, 0] };
  const { line, vectors } = machine;
  const seen = [...line, ...vectors];
  assert.throws(
    () => machine.transport.restore({ ...saved, device }),
    /device.driverFeatures include bit 1, which this device does not offer/,
  );
  assert.equal(copy(machine.transport.save()), saved);
  assert.equal([...line, ...vectors], seen, "nobody hears of it");
  machine.exchange(0);
  assert.is(machine.used(0), 1);
});

test("the Interrupt Status bit of a state is not taken at its word", () => {
  const machine = new PciMachine();
  const saved = copy(machine.transport.save());
  const configSpace = [...saved.configSpace];
  configSpace[6] = (configSpace[6] ?? 0) | 8;
  machine.transport.restore({ ...saved, configSpace });
  assert.is(machine.transport.configRead(6, 2) & 8, 0);
  assert.equal(machine.line, []);
});

test("a driver in the middle of its set-up is saved as it is", () => {
  const machine = new PciMachine();
  machine.setStatus(DRIVER);
  machine.acceptFeatures(1, 1);
  const other = twin(machine);
  other.transport.restore(copy(machine.transport.save()));
  assert.is(other.status(), DRIVER);
  assert.is(other.common(0x0c, 4), 1);
});

test.run();
