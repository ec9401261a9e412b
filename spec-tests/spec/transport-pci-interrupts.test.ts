import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PciMachine } from "../support/pci-machine.ts";
import { RING_RESET } from "../support/transport-device.ts";

const test = suite("virtio over PCI: ISR, INTx and MSI-X");

const NO_VECTOR = 0xffff;

/** Interrupt Status in the Status register. */
const interruptStatus = (machine: PciMachine): number => (machine.transport.configRead(6, 2) >> 3) & 1;

test("the Device Configuration Interrupt bit is set before the notification, with MSI-X too [transport-pci.device.isr-status-capability.2]", () => {
  const intx = new PciMachine();
  intx.bringUp(intx);
  let seen = -1;
  intx.onLine = (asserted) => {
    if (asserted) seen = intx.isr();
  };
  intx.changeConfig(1);
  assert.is(seen, 2);

  const msix = new PciMachine();
  msix.bringUp(msix);
  msix.useMsix([1, 2], 0);
  msix.onMsix = () => {
    seen = msix.isr();
  };
  seen = -1;
  msix.changeConfig(1);
  assert.equal(msix.vectors, [0]);
  assert.is(seen, 2);
});

test("without MSI-X the Queue Interrupt bit is set before the notification [transport-pci.device.isr-status-capability.3]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  let seen = -1;
  machine.onLine = (asserted) => {
    if (asserted) seen = machine.isr();
  };
  assert.is(machine.isr(), 0);
  machine.exchange(1);
  assert.is(seen, 1);
});

test("Interrupt Status is the OR of the ISR bits while MSI-X is disabled; INTx follows unless masked [transport-pci.device.isr-status-capability.4]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  assert.is(interruptStatus(machine), 0);
  machine.exchange(0);
  assert.is(interruptStatus(machine), 1);
  machine.isr();
  assert.is(interruptStatus(machine), 0);
  machine.changeConfig(1);
  assert.is(interruptStatus(machine), 1);
  assert.equal(machine.line, [true, false, true]);

  machine.enable(7 | 0x400);
  assert.is(interruptStatus(machine), 1, "Interrupt Disable does not touch Interrupt Status");
  assert.equal(machine.line, [true, false, true, false]);
  machine.enable(7);
  assert.equal(machine.line, [true, false, true, false, true]);

  machine.setMsix(true);
  assert.is(interruptStatus(machine), 0, "with MSI-X enabled INTx is out of use");
  assert.equal(machine.line, [true, false, true, false, true, false]);
  machine.setMsix(false);
  assert.is(interruptStatus(machine), 1);
  assert.is(machine.transport.interruptAsserted, true);
});

test("reading the ISR byte clears it and takes INTx back [transport-pci.device.isr-status-capability.5]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.exchange(0);
  machine.changeConfig(1);
  assert.equal(machine.line, [true]);
  assert.is(machine.isr(), 3);
  assert.equal(machine.line, [true, false]);
  assert.is(machine.isr(), 0);
  assert.equal(machine.line, [true, false]);
});

test("a single interrupt may stand for both events [transport-pci.prose.notification-of-device-configuration-changes.1]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.exchange(1);
  machine.changeConfig(1);
  assert.equal(machine.line, [true]);
  assert.is(machine.isr(), 3);
});

test("at least 2 and at most 0x800 vectors by default [transport-pci.device.msi-x-vector-configuration.1]", () => {
  for (const [queues, vectors] of [
    [0, 2],
    [1, 2],
    [2, 3],
    [0x7ff, 0x800],
    [0x800, 0x800],
  ] as const) {
    const machine = new PciMachine({ queueSizes: new Array<number>(queues).fill(1) });
    assert.is((machine.transport.configRead(machine.msix + 2, 2) & 0x7ff) + 1, vectors);
  }
});

test("Table Size tells the number of vectors [transport-pci.device.msi-x-vector-configuration.2]", () => {
  for (const vectors of [1, 2, 65, 0x800]) {
    const machine = new PciMachine({}, { msix: { vectors } });
    assert.is(machine.transport.configRead(machine.msix + 2, 2), vectors - 1);
    machine.setMsixTable(vectors - 1, 2, 0x1234);
    assert.is(machine.msixTable(vectors - 1, 2), 0x1234, "the last one is there");
  }
  for (const vectors of [0, 0x801, 1.5]) {
    assert.throws(() => new PciMachine({}, { msix: { vectors } }), /vectors/);
  }
});

test("no more vectors than there are sources of events [transport-pci.device.msi-x-vector-configuration.3]", () => {
  const machine = new PciMachine({ queueSizes: [8, 8, 8] });
  assert.is(machine.transport.configRead(machine.msix + 2, 2) & 0x7ff, 3);
});

test("any event maps to any valid vector, and no other [transport-pci.device.msi-x-vector-configuration.4] [transport-pci.device.msi-x-vector-configuration.8]", () => {
  const machine = new PciMachine({}, { msix: { vectors: 5 } });
  machine.bringUp(machine);
  for (let vector = 0; vector < 5; vector++) {
    machine.useMsix([vector, vector], vector);
    assert.is(machine.common(0x10, 2), vector);
    machine.vectors.length = 0;
    machine.exchange(0);
    machine.exchange(1);
    machine.changeConfig(vector);
    assert.equal(machine.vectors, [vector, vector, vector]);
  }
});

test("any event can be unmapped [transport-pci.device.msi-x-vector-configuration.5]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  machine.select(0);
  machine.setCommon(0x1a, 2, NO_VECTOR);
  machine.setCommon(0x10, 2, NO_VECTOR);
  machine.exchange(0);
  machine.changeConfig(1);
  assert.equal(machine.vectors, []);
  machine.exchange(1);
  assert.equal(machine.vectors, [2], "the other queue is still mapped");
  machine.select(0);
  machine.setCommon(0x1a, 2, 0);
  machine.exchange(0);
  assert.equal(machine.vectors, [2, 0], "and it can be mapped again");
});

test("the mapped vector is read back, NO_VECTOR when there is none [transport-pci.device.msi-x-vector-configuration.6]", () => {
  const machine = new PciMachine();
  machine.select(1);
  assert.is(machine.common(0x1a, 2), NO_VECTOR);
  machine.setCommon(0x1a, 2, 2);
  machine.setCommon(0x10, 2, 1);
  assert.is(machine.common(0x1a, 2), 2);
  assert.is(machine.common(0x10, 2), 1);
  machine.select(0);
  assert.is(machine.common(0x1a, 2), NO_VECTOR, "each queue has its own");
  machine.setCommon(0x10, 2, NO_VECTOR);
  assert.is(machine.common(0x10, 2), NO_VECTOR);
});

test("a reset unmaps everything [transport-pci.device.msi-x-vector-configuration.7]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  machine.bringUp(machine);
  machine.exchange(0);
  machine.exchange(1);
  machine.changeConfig(1);
  assert.equal(machine.vectors, []);
});

test("a vector beyond the table reads back as NO_VECTOR, and the mapping before is gone [transport-pci.device.msi-x-vector-configuration.9]", () => {
  const machine = new PciMachine({}, { msix: { vectors: 3 } });
  machine.select(0);
  for (const offset of [0x10, 0x1a]) {
    machine.setCommon(offset, 2, 2);
    assert.is(machine.common(offset, 2), 2);
    for (const bad of [3, 0x7ff, 0x800, 0xfffe]) {
      assert.equal(
        machine.ignored(() => machine.setCommon(offset, 2, bad)),
        ["pci-no-such-vector"],
      );
      assert.is(machine.common(offset, 2), NO_VECTOR);
    }
  }
});

test("without the MSI-X capability no vector can be mapped [transport-pci.device.msi-x-vector-configuration.9]", () => {
  const machine = new PciMachine({}, { msix: false });
  assert.is(machine.msix, 0);
  machine.setCommon(0x10, 2, 0);
  assert.is(machine.common(0x10, 2), NO_VECTOR);
  machine.bringUp(machine);
  machine.exchange(0);
  assert.equal(machine.line, [true]);
});

test("with MSI-X a queue without a vector does not interrupt [transport-pci.device.used-buffer-notifications.1]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.useMsix([1, NO_VECTOR], 0);
  machine.exchange(1);
  assert.is(machine.used(1), 1);
  assert.equal(machine.vectors, []);
  assert.equal(machine.line, []);
  assert.is(machine.isr(), 0, "the queue bit is for INTx");
  machine.exchange(0);
  assert.equal(machine.vectors, [1]);
});

test("with MSI-X and no vector a configuration change does not interrupt [transport-pci.device.notification-of-device-configuration-changes.1]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.useMsix([1, 2], NO_VECTOR);
  machine.changeConfig(1);
  assert.equal(machine.vectors, []);
  assert.equal(machine.line, []);
  machine.setCommon(0x10, 2, 0);
  machine.changeConfig(2);
  assert.equal(machine.vectors, [0]);
});

test("a queue that was reset does not interrupt any more [content.device.virtqueue-reset.1]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.useMsix([1, 2], 0);
  for (const vector of [0, 1, 2]) machine.setMsixTable(vector, 3, 1);
  machine.exchange(0);
  machine.exchange(1);
  assert.is(machine.pending(), 0b110);
  machine.select(0);
  machine.setCommon(0x3a, 2, 1);
  assert.is(machine.pending(), 0b100, "what was on hold goes with the queue");
  assert.is(machine.common(0x1a, 2), NO_VECTOR);
  machine.select(1);
  assert.is(machine.common(0x1a, 2), 2);
  for (const vector of [0, 1, 2]) machine.setMsixTable(vector, 3, 0);
  assert.equal(machine.vectors, [2]);
});

test("a message on hold that may be another queue's survives the reset of the queue [content.device.virtqueue-reset.1]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.useMsix([1, 1], 0);
  machine.setMsixTable(1, 3, 1);
  machine.exchange(1);
  machine.select(0);
  machine.setCommon(0x3a, 2, 1);
  assert.is(machine.pending(), 0b10);
});

test("a message on hold that may be a configuration change survives the reset of a queue [content.device.virtqueue-reset.1]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.useMsix([1, 2], 1);
  machine.setMsixTable(1, 3, 1);
  machine.changeConfig(1);
  machine.select(0);
  machine.setCommon(0x3a, 2, 1);
  assert.is(machine.pending(), 0b10);
});

test("a reset drops messages on hold [content.device.device-reset.2]", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  machine.setMsix(true, true);
  machine.exchange(0);
  machine.changeConfig(1);
  assert.is(machine.pending(), 0b011);
  machine.setStatus(0);
  machine.setMsix(true);
  assert.equal(machine.vectors, []);
});

test.run();
