import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MmioMachine } from "../support/mmio-machine.ts";
import { RING_RESET } from "../support/transport-device.ts";

const test = suite("virtio over MMIO: device requirements");

const INTERRUPT_STATUS = 0x60;
const INTERRUPT_ACK = 0x64;
const QUEUE_RESET = 0xc0;
const CONFIG_GENERATION = 0xfc;

test("MagicValue is 0x74726976 in any state [transport-mmio.device.mmio-device-register-layout.1]", () => {
  const machine = new MmioMachine();
  assert.is(machine.read(0x000), 0x74726976);
  machine.bringUp(machine);
  machine.write(0x000, 0);
  assert.is(machine.read(0x000), 0x74726976);
});

test("Version is 2 in any state [transport-mmio.device.mmio-device-register-layout.2]", () => {
  const machine = new MmioMachine();
  assert.is(machine.read(0x004), 2);
  machine.bringUp(machine);
  machine.write(0x004, 1);
  assert.is(machine.read(0x004), 2);
});

test("an event shows in InterruptStatus from when it takes place until it is acknowledged [transport-mmio.device.mmio-device-register-layout.3]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  let seen = -1;
  machine.onLine = (asserted) => {
    if (asserted) seen = machine.read(INTERRUPT_STATUS);
  };
  machine.offer(0);
  machine.notify(0);
  assert.is(seen, 1, "the bit is there when the interrupt arrives");
  assert.is(machine.read(INTERRUPT_STATUS), 1);
  assert.is(machine.read(INTERRUPT_STATUS), 1, "reading does not clear");
  machine.changeConfig(0x77);
  assert.is(machine.read(INTERRUPT_STATUS), 3);
  machine.write(INTERRUPT_ACK, 1);
  assert.is(machine.read(INTERRUPT_STATUS), 2, "only what was acknowledged goes");
  machine.write(INTERRUPT_ACK, 1);
  assert.is(machine.read(INTERRUPT_STATUS), 2);
  machine.write(INTERRUPT_ACK, 2);
  assert.is(machine.read(INTERRUPT_STATUS), 0);
  assert.equal(machine.line, [true, false]);
});

test("bits of events that did not take place are 0 [transport-mmio.device.mmio-device-register-layout.4]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  assert.is(machine.read(INTERRUPT_STATUS), 0);
  machine.notify(0);
  assert.is(machine.read(INTERRUPT_STATUS), 0, "a notification of an empty queue is not an event");
  machine.write(INTERRUPT_ACK, 0xffffffff);
  assert.is(machine.read(INTERRUPT_STATUS), 0);
  machine.offer(1);
  machine.notify(1);
  assert.is(machine.read(INTERRUPT_STATUS), 1);
  machine.write(INTERRUPT_ACK, 0xfffffffe);
  assert.is(machine.read(INTERRUPT_STATUS), 1, "undefined bits acknowledge nothing");
});

test("reset clears InterruptStatus and every QueueReady [transport-mmio.device.mmio-device-register-layout.5]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  machine.offer(0);
  machine.notify(0);
  machine.changeConfig(1);
  assert.is(machine.read(INTERRUPT_STATUS), 3);
  assert.equal([machine.queueReady(0), machine.queueReady(1)], [1, 1]);
  machine.setStatus(0);
  assert.is(machine.status(), 0);
  assert.is(machine.read(INTERRUPT_STATUS), 0);
  assert.equal([machine.queueReady(0), machine.queueReady(1)], [0, 0]);
  assert.equal(machine.line, [true, false], "the line follows");
});

test("ConfigGeneration tells two halves of a change apart, and stays without one [transport-mmio.device.mmio-device-register-layout.6]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  const before = machine.read(CONFIG_GENERATION);
  machine.read(0x100);
  machine.read(0x104);
  assert.is(machine.read(CONFIG_GENERATION), before, "nothing changed");
  machine.read(0x100);
  machine.changeConfig(0x99);
  machine.read(0x104);
  assert.is.not(machine.read(CONFIG_GENERATION), before, "changed between the two reads");
  const after = machine.read(CONFIG_GENERATION);
  machine.read(0x100);
  assert.is(machine.read(CONFIG_GENERATION), after);
});

test("ConfigGeneration never comes back to a value that hides a change [transport-mmio.device.mmio-device-register-layout.6]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  machine.read(0x100);
  const before = machine.read(CONFIG_GENERATION);
  for (let i = 0; i < 0x100; i++) machine.changeConfig(i);
  machine.read(0x100);
  assert.is.not(machine.read(CONFIG_GENERATION), before);
});

test("a queue is left alone while QueueReady is 0 [transport-mmio.device.mmio-device-register-layout.7]", () => {
  const machine = new MmioMachine();
  machine.negotiate(machine);
  machine.setUpQueue(0, machine.ring(0));
  machine.setUpQueue(1, machine.ring(1));
  machine.write(0x44, 0);
  machine.setStatus(15);
  machine.offer(0);
  machine.offer(1);
  const untouched = machine.memory.read(0x2000, 0x1000);
  machine.notify(0);
  machine.notify(1);
  assert.is(machine.used(0), 1);
  assert.is(machine.used(1), 0);
  assert.equal(machine.memory.read(0x2000, 0x1000), untouched);
  machine.write(0x44, 1);
  assert.is(machine.used(1), 1, "with QueueReady what is available is taken");
  machine.write(0x44, 0);
  machine.offer(1);
  machine.notify(1);
  assert.is(machine.used(1), 1);
});

test("QueueReset is 0 after a reset of the device [transport-mmio.device.mmio-device-register-layout.8]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.write(0x30, 0);
  machine.write(QUEUE_RESET, 1);
  machine.setStatus(0);
  machine.negotiate(machine, [RING_RESET]);
  assert.is(machine.read(QUEUE_RESET), 0);
});

test("QueueReset is 0 after the queue is enabled, first and again [transport-mmio.device.mmio-device-register-layout.9]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.write(0x30, 0);
  assert.is(machine.read(QUEUE_RESET), 0);
  machine.write(QUEUE_RESET, 1);
  machine.setUpQueue(0, machine.ring(0, 4));
  assert.is(machine.read(0x44), 1);
  assert.is(machine.read(QUEUE_RESET), 0);
  machine.offer(0);
  machine.notify(0);
  assert.is(machine.used(0), 1, "with its new size and place");
});

test("writing 1 to QueueReset resets the queue, writing 0 does not [transport-mmio.device.mmio-device-register-layout.10]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.write(0x30, 0);
  machine.write(QUEUE_RESET, 0);
  assert.is(machine.read(0x44), 1);
  machine.write(QUEUE_RESET, 1);
  assert.equal(
    machine.type.events.filter((event) => event.startsWith("queueReset")),
    ["queueReset 0"],
  );
  machine.offer(0);
  machine.offer(1);
  machine.notify(0);
  machine.notify(1);
  assert.is(machine.used(0), 0);
  assert.is(machine.used(1), 1, "the other queue goes on");
});

test("without VIRTIO_F_RING_RESET nothing is reset [transport-mmio.device.mmio-device-register-layout.10]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  machine.write(0x30, 0);
  assert.equal(
    machine.ignored(() => machine.write(QUEUE_RESET, 1)),
    ["queue-reset"],
  );
  assert.is(machine.read(0x44), 1);
});

test("QueueReset is 1 as long as the reset lasts, for that queue [transport-mmio.device.mmio-device-register-layout.11]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  const seen: number[] = [];
  machine.type.onQueueReset = () => {
    seen.push(machine.read(QUEUE_RESET), machine.read(0x44));
    machine.write(0x30, 0);
    seen.push(machine.read(QUEUE_RESET));
    machine.write(0x30, 1);
  };
  machine.write(0x30, 1);
  machine.write(QUEUE_RESET, 1);
  assert.equal(seen, [1, 0, 0]);
});

test("QueueReset and QueueReady are 0 once the reset is done [transport-mmio.device.mmio-device-register-layout.12]", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.write(0x30, 1);
  assert.is(machine.read(0x44), 1);
  machine.write(QUEUE_RESET, 1);
  assert.is(machine.read(QUEUE_RESET), 0);
  assert.is(machine.read(0x44), 0);
  assert.is(machine.queueReady(0), 1);
});

test.run();
