import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { MsixMessage } from "../../../src/transport/pci/index.ts";
import { PciMachine } from "../../support/pci-machine.ts";

const test = suite("virtio-pci MSI-X table");

function ready(vectors?: number): PciMachine {
  const machine = new PciMachine({}, vectors === undefined ? {} : { msix: { vectors } });
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  return machine;
}

test("after a reset all vectors are masked and empty", () => {
  const machine = new PciMachine();
  for (const vector of [0, 1, 2]) {
    assert.equal(
      [0, 1, 2, 3].map((word) => machine.msixTable(vector, word)),
      [0, 0, 0, 1],
    );
  }
  assert.is(machine.pending(), 0);
});

test("the table keeps address and data; address bits 0 and 1 and reserved control bits are 0", () => {
  const machine = new PciMachine();
  for (const word of [0, 1, 2, 3]) machine.setMsixTable(1, word, 0xffffffff);
  assert.equal(
    [0, 1, 2, 3].map((word) => machine.msixTable(1, word)),
    [0xfffffffc, 0xffffffff, 0xffffffff, 1],
  );
  assert.equal(
    [0, 1, 2, 3].map((word) => machine.msixTable(0, word)),
    [0, 0, 0, 1],
  );
});

test("a message carries what the table says at that moment", () => {
  const machine = ready();
  const messages: MsixMessage[] = [];
  machine.onMsix = (message) => messages.push({ ...message });
  machine.setMsixTable(1, 1, 0x12345678);
  machine.exchange(0);
  machine.setMsixTable(1, 2, 0xffffffff);
  machine.exchange(0);
  const { vector, addressHi, addressLo, data } = messages[0] as MsixMessage;
  assert.equal([vector, addressHi, addressLo, data], [1, 0x12345678, 0xfee00010, 0x41]);
  assert.is(messages[1]?.data, 0xffffffff);
});

test("a masked vector stays pending and is delivered once at unmask", () => {
  const machine = ready();
  machine.setMsixTable(1, 3, 1);
  machine.exchange(0);
  machine.exchange(0);
  machine.exchange(1);
  assert.equal(machine.vectors, [2], "others are delivered");
  assert.is(machine.pending(), 0b010);
  machine.setMsixTable(1, 3, 1);
  assert.equal(machine.vectors, [2]);
  machine.setMsixTable(1, 3, 0);
  assert.equal(machine.vectors, [2, 1]);
  assert.is(machine.pending(), 0);
  machine.setMsixTable(1, 3, 0);
  assert.equal(machine.vectors, [2, 1]);
});

test("the function mask holds all vectors back; masks of vectors stay in force", () => {
  const machine = ready();
  machine.setMsix(true, true);
  machine.exchange(0);
  machine.exchange(1);
  machine.changeConfig(1);
  machine.setMsixTable(2, 3, 1);
  assert.equal(machine.vectors, []);
  assert.is(machine.pending(), 0b111);
  machine.setMsix(true);
  assert.equal(machine.vectors, [0, 1]);
  assert.is(machine.pending(), 0b100);
  machine.setMsixTable(2, 3, 0);
  assert.equal(machine.vectors, [0, 1, 2]);
});

test("unmasking a vector under the function mask delivers nothing yet", () => {
  const machine = ready();
  machine.setMsixTable(1, 3, 1);
  machine.exchange(0);
  machine.setMsix(true, true);
  machine.setMsixTable(1, 3, 0);
  assert.equal(machine.vectors, []);
  machine.setMsix(true);
  assert.equal(machine.vectors, [1]);
});

test("without bus mastering messages wait", () => {
  const machine = ready();
  machine.enable(3);
  machine.exchange(0);
  assert.equal(machine.vectors, []);
  assert.is(machine.pending(), 0b010);
  machine.enable(7);
  assert.equal(machine.vectors, [1]);
});

test("disabling MSI-X in between brings INTx back and keeps the table", () => {
  const machine = ready();
  machine.setMsix(false);
  machine.exchange(0);
  assert.equal(machine.vectors, []);
  assert.equal(machine.line, [true]);
  assert.is(machine.isr(), 1);
  machine.setMsix(true);
  machine.exchange(0);
  assert.equal(machine.vectors, [1]);
  assert.equal(machine.line, [true, false]);
});

test("pending bits are 32-bit words, read-only, in units of 64 vectors", () => {
  const machine = ready(70);
  const { transport } = machine;
  machine.setMsix(true, true);
  machine.select(0);
  for (const vector of [31, 32, 63, 64, 69]) {
    machine.setCommon(0x1a, 2, vector);
    machine.exchange(0);
  }
  assert.equal(
    [0, 1, 2, 3].map((word) => machine.pending(word)),
    [0x80000000, 0x80000001, 0x21, 0],
  );
  const register = transport.configRead(machine.msix + 8, 4);
  assert.equal(
    machine.ignored(() => transport.barWrite(register & 7, register & ~7, 4, 0)),
    ["pci-msix-pending-write"],
  );
  assert.is(machine.pending(0), 0x80000000);
  assert.is(machine.ignored(() => assert.is(machine.pending(4), 0)).length, 1, "beyond");
  machine.setMsix(true);
  assert.equal(machine.vectors, [31, 32, 63, 64, 69]);
});

test("table and pending bits take aligned 32-bit accesses only", () => {
  const machine = new PciMachine();
  const { transport } = machine;
  for (const register of [4, 8]) {
    const value = transport.configRead(machine.msix + register, 4);
    for (const [offset, width] of [
      [0, 1],
      [0, 2],
      [2, 4],
      [1, 1],
      [2, 2],
    ] as const) {
      const found = machine.ignored(() => {
        assert.is(transport.barRead(value & 7, (value & ~7) + offset, width), 0);
        transport.barWrite(value & 7, (value & ~7) + offset, width, 0xffffffff);
      });
      assert.is(found.length, 2);
    }
  }
  assert.equal(
    [0, 1, 2, 3].map((word) => machine.msixTable(0, word)),
    [0, 0, 0, 1],
  );
});

test("the handler may mask, unmask and notify from within a message", () => {
  const machine = ready();
  machine.setMsix(true, true);
  machine.exchange(0);
  machine.exchange(1);
  machine.changeConfig(1);
  machine.onMsix = ({ vector }) => {
    if (vector === 0) machine.setMsix(true, true);
  };
  machine.setMsix(true);
  assert.equal(machine.vectors, [0], "the rest waits again");
  assert.is(machine.pending(), 0b110);
  let again = 2;
  machine.onMsix = () => {
    if (again-- > 0) machine.exchange(0);
  };
  machine.setMsix(true);
  assert.equal(machine.vectors, [0, 1, 1, 1, 2]);
});

test("the handler may disable MSI-X from within a message", () => {
  const machine = ready();
  machine.onMsix = () => machine.setMsix(false);
  machine.exchange(0);
  machine.exchange(0);
  assert.equal(machine.vectors, [1]);
  assert.equal(machine.line, [true]);
});

test.run();
