import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ByteLanes } from "../../../src/transport/pci/index.ts";
import { PciMachine } from "../../support/pci-machine.ts";
import { NOTIFICATION_DATA, ringFeatures } from "../../support/transport-device.ts";

const test = suite("registers byte by byte");

/** As v86 is given it: one memory BAR of 128 KiB at a fixed address, INTx only. */
const OPTIONS = { layout: { sizeBytes: 0x20000, address: 0xfea00000 }, msix: false, command: 6 } as const;

function setUp(machine = new PciMachine({}, OPTIONS)) {
  const lanes = new ByteLanes(machine.transport, 0);
  return {
    machine,
    lanes,
    write16: (offset: number, value: number): void => {
      lanes.write8(offset, value & 0xff);
      lanes.write8(offset + 1, value >>> 8);
    },
    read16: (offset: number): number => lanes.read8(offset) | (lanes.read8(offset + 1) << 8),
  };
}

test("a whole set-up and a request with 8- and 32-bit accesses only", () => {
  const { machine, lanes, write16, read16 } = setUp();
  const { transport } = machine;
  for (const status of [0, 1, 3]) lanes.write8(0x14, status);
  transport.barWrite(0, 0x08, 4, 1);
  transport.barWrite(0, 0x0c, 4, 1);
  lanes.write8(0x14, 11);
  assert.is(read16(0x12), 2, "num_queues");
  for (const index of [0, 1]) {
    const ring = machine.ring(index, 8);
    write16(0x16, index);
    assert.is(read16(0x16), index);
    write16(0x18, 8);
    transport.barWrite(0, 0x20, 4, ring.desc);
    transport.barWrite(0, 0x28, 4, ring.avail);
    transport.barWrite(0, 0x30, 4, ring.used);
    write16(0x1c, 1);
    assert.is(read16(0x1c), 1);
  }
  lanes.write8(0x14, 15);
  assert.is(lanes.read8(0x14), 15);
  machine.offer(1);
  const { offset } = machine.notifyAddress(1);
  assert.equal(
    machine.ignored(() => write16(offset, 1)),
    [],
  );
  assert.is(machine.used(1), 1);
  const isr = machine.structure(3).offset;
  assert.equal(machine.line, [true]);
  assert.is(lanes.read8(isr), 1);
  assert.equal(machine.line, [true, false], "an 8-bit register at once");
});

test("a register is written when its last byte is there", () => {
  const { machine, lanes } = setUp();
  lanes.write8(0x16, 0x34);
  assert.is(machine.common(0x16, 2), 0);
  lanes.write8(0x17, 0x112);
  assert.is(machine.common(0x16, 2), 0x1234);
  for (const [lane, byte] of [0xf4, 0xf3, 0xf2, 0xf1].entries()) {
    assert.is(machine.common(0x08, 4), 0);
    lanes.write8(0x08 + lane, byte);
  }
  assert.is(machine.common(0x08, 4), 0xf1f2f3f4);
  assert.equal(
    [8, 9, 10, 11].map((offset) => lanes.read8(offset)),
    [0xf4, 0xf3, 0xf2, 0xf1],
  );
});

test("what is not written whole is dropped and counted, and does not taint what follows", () => {
  const { machine, lanes, write16 } = setUp();
  const dropped = (offset: number, value = 0x55): void =>
    assert.equal(
      machine.ignored(() => lanes.write8(offset, value)),
      ["pci-bytes-incomplete"],
    );
  dropped(0x17);
  assert.is(machine.common(0x16, 2), 0);
  lanes.write8(0x16, 1);
  dropped(0x08);
  dropped(0x17);
  lanes.write8(0x16, 2);
  dropped(0x16);
  lanes.write8(0x17, 3);
  assert.is(machine.common(0x16, 2), 0x0355, "the later low byte counts");
  dropped(0x0a);
  write16(0x16, 0x1234);
  assert.is(machine.common(0x16, 2), 0x1234);
});

test("configuration and shared memory take bytes as they come", () => {
  const buffer = new ArrayBuffer(16);
  const machine = new PciMachine({ sharedMemory: [{ id: 1, lengthBytes: 16, buffer }] }, OPTIONS);
  const { lanes } = setUp(machine);
  const device = machine.structure(4).offset;
  lanes.write8(device + 2, 0xab);
  assert.is(lanes.read8(device + 2), 0xab);
  assert.equal(machine.type.events, ["config 2 1 171"]);
  const memory = new ByteLanes(machine.transport, machine.structure(8).bar);
  memory.write8(5, 0xcd);
  assert.is(memory.read8(5), 0xcd);
  assert.is(new Uint8Array(buffer)[5], 0xcd);
});

test("notification data has four bytes", () => {
  const machine = new PciMachine({}, OPTIONS, { ringFeatures: ringFeatures(NOTIFICATION_DATA) });
  const { lanes } = setUp(machine);
  machine.bringUp(machine, [NOTIFICATION_DATA]);
  machine.offer(1);
  const { offset } = machine.notifyAddress(1);
  for (const [lane, byte] of [1, 0, 1].entries()) lanes.write8(offset + lane, byte);
  assert.is(machine.used(1), 0);
  lanes.write8(offset + 3, 0x80);
  assert.is(machine.used(1), 1);
});

test("the MSI-X table too", () => {
  const machine = new PciMachine();
  const register = machine.transport.configRead(machine.msix + 4, 4);
  const lanes = new ByteLanes(machine.transport, register & 7);
  for (const [lane, byte] of [0x78, 0x56, 0x34, 0x12].entries()) lanes.write8(8 + lane, byte);
  assert.is(machine.msixTable(0, 2), 0x12345678);
  assert.is(lanes.read8(9), 0x56);
});

test("where nothing is, bytes are ignored and counted", () => {
  const { machine, lanes } = setUp();
  assert.equal(
    machine.ignored(() => {
      assert.is(lanes.read8(0x1ffff), 0);
      lanes.write8(0x1ffff, 1);
    }),
    ["pci-bar-read", "pci-bar-write"],
  );
});

test.run();
