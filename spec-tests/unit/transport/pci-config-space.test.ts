import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import type { PciTransportOptions } from "../../../src/transport/pci/index.ts";
import { PciMachine } from "../../support/pci-machine.ts";
import type { TransportTypeOptions } from "../../support/transport-device.ts";

const test = suite("virtio-pci configuration space and BARs");

const IO = { layout: { kind: "io" }, msix: false } as const;
const shared = (id: number, lengthBytes: number) => ({
  id,
  lengthBytes,
  buffer: new ArrayBuffer(lengthBytes),
});

/** Writes ones and then zeros and says which bits follow. */
function writableBits(machine: PciMachine, offset: number, width: number): number {
  const { transport } = machine;
  const before = transport.configRead(offset, width);
  transport.configWrite(offset, width, 0xffffffff);
  const ones = transport.configRead(offset, width);
  transport.configWrite(offset, width, 0);
  const zeros = transport.configRead(offset, width);
  transport.configWrite(offset, width, before);
  return (ones & ~zeros) >>> 0;
}

function refused(options: PciTransportOptions, type: TransportTypeOptions = {}): string {
  try {
    new PciMachine(type, options);
  } catch (error) {
    assert.instance(error, VirtioUsageError);
    return (error as Error).message;
  }
  throw new Error(`was accepted: ${JSON.stringify(options)}`);
}

test("which bits of the header software can write", () => {
  const memory = new PciMachine();
  const io = new PciMachine({}, IO);
  const both = new PciMachine({}, { layout: { kind: "io" } });
  assert.is(writableBits(memory, 0x04, 2), 0x406, "memory, bus master, interrupt disable");
  assert.is(writableBits(io, 0x04, 2), 0x405, "I/O, bus master, interrupt disable");
  assert.is(writableBits(both, 0x04, 2), 0x407, "MSI-X needs a memory BAR");
  for (const machine of [memory, io, both]) {
    for (const [offset, width, bits] of [
      [0x00, 4, 0],
      [0x06, 2, 0],
      [0x08, 4, 0],
      [0x0c, 1, 0xff],
      [0x0d, 1, 0xff],
      [0x0e, 2, 0],
      [0x28, 4, 0],
      [0x2c, 4, 0],
      [0x30, 4, 0],
      [0x34, 4, 0],
      [0x38, 4, 0],
      [0x3c, 4, 0xff],
    ] as const) {
      assert.is(writableBits(machine, offset, width), bits, `0x${offset.toString(16)}`);
    }
  }
});

test("of capabilities only Message Control and the access window can be written", () => {
  const machine = new PciMachine({ sharedMemory: [shared(1, 16)] });
  const window = machine.structure(5).at;
  const writable = new Map([
    [machine.msix, 0xc0000000],
    [window + 4, 0xff],
    [window + 8, 0xffffffff],
    [window + 12, 0xffffffff],
    [window + 16, 0xffffffff],
  ]);
  for (let offset = 0x40; offset < 0x100; offset += 4) {
    assert.is(writableBits(machine, offset, 4), writable.get(offset) ?? 0, `0x${offset.toString(16)}`);
  }
});

test("accesses of 1, 2 and 4 bytes within a word agree; others don't reach the function", () => {
  const machine = new PciMachine({}, { subsystemVendorId: 0x1122, subsystemId: 0x3344 });
  const { transport } = machine;
  assert.is(transport.configRead(0x2c, 4), 0x33441122);
  assert.is(transport.configRead(0x2d, 2), 0x4411, "any bytes of one word");
  assert.equal(
    [0x2c, 0x2d, 0x2e, 0x2f].map((offset) => transport.configRead(offset, 1)),
    [0x22, 0x11, 0x44, 0x33],
  );
  for (const [offset, width, ones] of [
    [0x2f, 2, 0xffff],
    [0x2d, 4, 0xffffffff],
    [0x2e, 4, 0xffffffff],
    [0x100, 4, 0xffffffff],
    [0x100, 1, 0xff],
    [-4, 4, 0xffffffff],
    [0.5, 1, 0xff],
    [2 ** 32, 4, 0xffffffff],
  ] as const) {
    assert.equal(
      machine.ignored(() => assert.is(transport.configRead(offset, width), ones)),
      ["pci-config-read"],
    );
    assert.equal(
      machine.ignored(() => transport.configWrite(offset, width, 0)),
      ["pci-config-write"],
    );
  }
  for (const width of [0, 3, 8]) assert.is(machine.ignored(() => transport.configRead(0, width)).length, 1);
});

test("BARs take their address byte by byte, and never below their size", () => {
  const { transport } = new PciMachine();
  for (let i = 0; i < 4; i++) transport.configWrite(0x10 + i, 1, 0x9f);
  assert.is(transport.configRead(0x10, 4), 0x9f9f9000);
  transport.configWrite(0x12, 2, 0xfe00);
  assert.is(transport.configRead(0x10, 4), 0xfe009000);
  assert.is(transport.bar(0)?.address, 0xfe009000n);
});

test("the default layout: registers, MSI-X, shared memory in BARs of its own", () => {
  const { transport } = new PciMachine({ sharedMemory: [shared(1, 0x2000), shared(2, 0x10000)] });
  assert.equal(
    transport.bars.map(({ index, kind, is64Bit, prefetchable, sizeBytes, sharedMemory }) => ({
      index,
      kind,
      is64Bit,
      prefetchable,
      sizeBytes,
      shmid: sharedMemory?.id ?? null,
    })),
    [
      { index: 0, kind: "memory", is64Bit: false, prefetchable: false, sizeBytes: 4096, shmid: null },
      { index: 1, kind: "memory", is64Bit: false, prefetchable: false, sizeBytes: 4096, shmid: null },
      { index: 2, kind: "memory", is64Bit: true, prefetchable: true, sizeBytes: 0x2000, shmid: 1 },
      { index: 4, kind: "memory", is64Bit: true, prefetchable: true, sizeBytes: 0x10000, shmid: 2 },
    ],
  );
  assert.equal(
    [0, 1, 2, 3, 4, 5].map((i) => transport.configRead(0x10 + 4 * i, 4)),
    [0, 0, 12, 0, 12, 0],
  );
  assert.is(transport.bar(3), null, "the upper half");
  assert.is(transport.bar(6), null);
});

test("decoding follows the Command register and the address", () => {
  const machine = new PciMachine({}, { layout: { kind: "io", bar: 3, ioNotifyBar: 5 } });
  const { transport } = machine;
  const enabled = () => transport.bars.map((bar) => bar.enabled);
  const program = () => {
    transport.configWrite(0x10, 4, 0xfea00000);
    transport.configWrite(0x1c, 4, 0xc000);
    transport.configWrite(0x24, 4, 0xd000);
  };
  program();
  assert.equal(enabled(), [false, false, false]);
  machine.enable(1);
  assert.equal(enabled(), [false, true, true]);
  machine.enable(2);
  assert.equal(enabled(), [true, false, false]);
  machine.enable(3);
  assert.equal(enabled(), [true, true, true]);
  transport.configWrite(0x10, 4, 0);
  transport.configWrite(0x1c, 4, 0);
  assert.equal(enabled(), [false, false, true], "not at address 0");
  transport.configWrite(0x10, 4, 0xffffffff);
  transport.configWrite(0x1c, 4, 0xffffffff);
  assert.equal(enabled(), [false, false, true], "not while its size is asked for");
  program();
  assert.equal(enabled(), [true, true, true]);
});

test("a 64-bit BAR may lie anywhere", () => {
  const machine = new PciMachine({ sharedMemory: [shared(1, 0x1000)] });
  const { transport } = machine;
  machine.enable();
  const bar = transport.bar(2);
  for (const address of [0x1000n, 0xfffff000n, 0x1_0000_0000n, 0xffff_ffff_0000_0000n]) {
    transport.configWrite(0x18, 4, Number(address & 0xffffffffn));
    transport.configWrite(0x1c, 4, Number(address >> 32n));
    assert.is(bar?.address, address);
    assert.is(bar?.enabled, true);
    assert.is(transport.access("memory", address + 4n, 4, 0xabcd), 0xabcd);
    assert.is(transport.access("memory", address + 4n, 4), 0xabcd);
    assert.is(transport.access("memory", address + 0xfffn, 1), 0);
    assert.is(transport.access("memory", address + 0x1000n, 1), null);
    assert.is(transport.access("memory", address - 1n, 1), null);
  }
  transport.configWrite(0x18, 4, 0xffffffff);
  transport.configWrite(0x1c, 4, 0xffffffff);
  assert.is(bar?.enabled, false);
});

test("access() finds the BAR by address space and address", () => {
  const machine = new PciMachine({}, { layout: { kind: "io", bar: 0 }, msix: { bar: 1 } });
  const { transport } = machine;
  transport.configWrite(0x10, 4, 0xc000);
  transport.configWrite(0x14, 4, 0xc000);
  machine.enable(3);
  assert.is(transport.access("io", 0xc012, 2), 2, "num_queues");
  assert.is(transport.access("memory", 0xc00c, 4), 1, "vector control, masked");
  assert.is(transport.access("io", 0xc014, 1, 0x103), 3);
  assert.is(machine.status(), 3);
  assert.is(transport.access("io", 0xbfff, 1), null);
  assert.is(transport.access("io", 0xc080, 1), null, "beyond its 128 bytes");
  assert.is(transport.access("memory", 0xd000, 4, 1), null);
  assert.equal(transport.decode("io", 0xc07fn), { bar: transport.bar(0), offset: 0x7f });
  assert.is(transport.decode("io", 0x1_0000_c000n), null);
  for (const address of [(1n << 64n) + 0xc012n, 0xc012n - (1n << 64n), 2 ** 64, Number.NaN]) {
    assert.is(transport.access("io", address, 2), null, `${address} is beyond any space`);
    assert.is(transport.decode("io", address), null);
  }
  machine.enable(2);
  assert.is(transport.access("io", 0xc012, 2), null);
  assert.is(transport.decode("io", 0xc012), null);
  assert.is(transport.barRead(0, 0x12, 2), 2, "who decodes on his own is not held back");
});

test("onBarChange tells of addresses and of decoding, once each", () => {
  const machine = new PciMachine();
  const seen: string[] = [];
  machine.onBarChange = ({ index, address, enabled }) => {
    seen.push(`${index} ${address.toString(16)} ${enabled}`);
  };
  const { transport } = machine;
  transport.configWrite(0x10, 4, 0xfea00000);
  transport.configWrite(0x10, 4, 0xfea00000);
  machine.enable();
  machine.enable();
  transport.configWrite(0x14, 4, 0xfea01000);
  machine.enable(0);
  transport.configWrite(0x3c, 1, 11);
  assert.equal(seen, [
    "0 fea00000 false",
    "0 fea00000 true",
    "1 fea01000 true",
    "0 fea00000 false",
    "1 fea01000 false",
  ]);
});

test("onBarChange may write configuration space", () => {
  const machine = new PciMachine();
  const { transport } = machine;
  transport.configWrite(0x10, 4, 0xfea00000);
  transport.configWrite(0x14, 4, 0xfea01000);
  machine.barChanges.length = 0;
  machine.onBarChange = () => {
    machine.onBarChange = () => {};
    machine.enable(0);
  };
  machine.enable();
  assert.equal(
    transport.bars.map((bar) => bar.enabled),
    [false, false],
  );
});

test("an embedder that plays the firmware gives addresses and the Command register", () => {
  const { transport } = new PciMachine(
    {},
    { layout: { address: 0xfea00000, sizeBytes: 0x20000 }, command: 0xffff },
  );
  assert.is(transport.bar(0)?.address, 0xfea00000n);
  assert.is(transport.bar(0)?.sizeBytes, 0x20000);
  assert.is(transport.bar(0)?.enabled, true);
  assert.is(transport.configRead(4, 2), 0x406);
  const image = transport.configImage();
  assert.is(image.length, 256);
  assert.equal(
    [...image],
    Array.from({ length: 256 }, (_, i) => transport.configRead(i, 1)),
  );
  image.fill(0);
  assert.is(transport.configRead(0, 2), 0x1af4, "the image is a copy");
  transport.configWrite(4, 2, 0);
  transport.configWrite(0x10, 4, 0);
  transport.reset();
  assert.is(transport.bar(0)?.address, 0xfea00000n);
  assert.is(transport.configRead(4, 2), 0x406);
});

test("everything in one I/O BAR, small enough for PCI, for as many queues as go", () => {
  for (const [queues, multiplier] of [
    [2, 4],
    [32, 4],
    [64, 2],
    [200, 0],
  ] as const) {
    const machine = new PciMachine({ queueSizes: new Array<number>(queues).fill(8) }, IO);
    const [bar] = machine.transport.bars;
    assert.is(machine.transport.bars.length, 1);
    assert.is(bar?.kind, "io");
    assert.ok((bar?.sizeBytes ?? 257) <= 256);
    assert.is(machine.transport.configRead(machine.structure(2).at + 16, 4), multiplier, `${queues} queues`);
  }
  assert.match(
    refused({ ...IO, notifyOffMultiplier: 4 }, { queueSizes: new Array<number>(64).fill(8) }),
    /BAR 0/,
  );
  assert.match(refused(IO, { configBytes: 256 }), /BAR 0/);
});

test("MSI-X may share the BAR of the registers", () => {
  const machine = new PciMachine({}, { msix: { bar: 0 } });
  assert.is(machine.transport.bars.length, 1);
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  machine.exchange(0);
  assert.equal(machine.vectors, [1]);
});

test("wrong options are refused with what is wrong", () => {
  assert.match(refused({ layout: { bar: -1 } }), /bar is -1, not an integer from 0 to 5/);
  assert.match(refused({ layout: { bar: 6 } }), /bar is 6, not an integer from 0 to 5/);
  assert.match(refused({ layout: { bar: 5, is64Bit: true } }), /BAR 6/);
  assert.match(refused({ layout: { bar: 1, ioNotifyBar: 1 } }), /BAR 1/);
  assert.match(refused({ msix: { bar: 6 } }), /bar is 6, not an integer from 0 to 5/);
  assert.match(refused({ layout: { kind: "io" }, msix: { bar: 0 } }), /memory BAR/);
  assert.match(refused({ layout: { kind: "io", is64Bit: true } }), /64-bit/);
  assert.match(refused({ layout: { sizeBytes: 3000 } }), /power of two/);
  assert.match(refused({ layout: { sizeBytes: 64 } }), /power of two/);
  assert.match(refused({ layout: { sizeBytes: 2 ** 32 } }), /power of two/);
  assert.match(refused({ layout: { address: 0x800 } }), /multiple/);
  assert.match(refused({ layout: { address: 2 ** 32 } }), /multiple/);
  assert.match(refused({ layout: { address: -4096 } }), /address is -4096, not an address/);
  assert.match(refused({ layout: { address: 0.5 } }), /address is 0.5, not an address/);
  assert.match(refused({ interruptPin: 5 }), /interruptPin/);
  assert.match(refused({ interruptPin: 0 }), /interruptPin/);
  assert.match(refused({ subsystemVendorId: 0x10000 }), /subsystemVendorId/);
  assert.match(refused({ notifConfigData: () => 7 }), /two queues/);
  assert.match(refused({ notifConfigData: () => 0x10000 }), /0xffff/);
  assert.match(
    refused({ vendorData: [{ vendorId: 1, data: new Uint8Array(200) }] }),
    /256|bytes of configuration/,
  );
  const three = [1, 2, 3].map((id) => shared(id, 16));
  assert.match(refused({}, { sharedMemory: three }), /no BAR is left for shared memory region 3/);
  assert.match(
    refused({}, { sharedMemory: [{ id: 1, lengthBytes: 17, buffer: new ArrayBuffer(16) }] }),
    /part that is wrong as sharedMemory/,
  );
  assert.match(
    refused({}, { sharedMemory: [{ id: 1, lengthBytes: 0, buffer: new ArrayBuffer(16) }] }),
    /region 1/,
  );
});

test("a reset of the bus brings back what was after construction", () => {
  const machine = new PciMachine();
  const before = JSON.stringify(machine.transport.save());
  machine.transport.configWrite(0x10, 4, 0xfea00000);
  machine.transport.configWrite(0x3c, 1, 11);
  machine.useMsix([1, 2], 0);
  machine.bringUp(machine);
  machine.setMsix(false);
  machine.exchange(0);
  machine.transport.reset();
  assert.equal(machine.line, [true, false]);
  assert.is(machine.transport.bar(0)?.enabled, false);
  assert.is(JSON.stringify(machine.transport.save()), before);
  assert.is(machine.msixTable(0, 3), 1, "masked");
});

// PCI Express

const express = (): PciMachine => new PciMachine({}, { express: true });
const find = (machine: PciMachine, id: number): number =>
  machine.capabilities().find((c) => c.id === id)?.at ?? 0;

test("express: 4096 bytes with an empty list of extended capabilities", () => {
  const { transport } = express();
  assert.is(transport.configSizeBytes, 4096);
  assert.is(transport.configRead(0x100, 4), 0);
  assert.is(transport.configRead(0xffc, 4), 0);
  assert.is(transport.configRead(0x1000, 4), 0xffffffff);
  assert.is(
    new PciMachine().capabilities().some(({ id }) => id === 0x10 || id === 0x01),
    false,
  );
});

test("express: a root complex integrated endpoint with function level reset", () => {
  const machine = express();
  const at = find(machine, 0x10);
  assert.is(machine.transport.configRead(at + 2, 2) & 0xff, 0x91);
  assert.is(machine.transport.configRead(at + 4, 4) >>> 28, 1);
  machine.transport.configWrite(0x10, 4, 0xfea00000);
  machine.bringUp(machine);
  machine.exchange(0);
  machine.transport.configWrite(at + 8, 2, 0x0010);
  assert.is(machine.status(), 15, "not without the bit");
  machine.transport.configWrite(at + 9, 1, 0x80);
  assert.is(machine.status(), 0);
  assert.is(machine.transport.bar(0)?.address, 0n);
  assert.equal(machine.line, [true, false]);
  assert.is(machine.transport.configRead(at + 8, 2), 0x2810);
  machine.bringUp(machine);
  machine.transport.configWrite(at + 8, 4, 0x8000);
  assert.is(machine.status(), 0, "in a wider write too");
});

test("express: in D3hot nothing but configuration space answers, and D1 and D2 don't exist", () => {
  const machine = express();
  const control = find(machine, 0x01) + 4;
  const { transport } = machine;
  transport.configWrite(0x10, 4, 0xfea00000);
  machine.enable();
  machine.bringUp(machine);
  machine.exchange(0);
  assert.equal(machine.line, [true]);
  for (const state of [1, 2]) {
    transport.configWrite(control, 2, state);
    assert.is(transport.configRead(control, 2) & 3, 0);
  }
  transport.configWrite(control, 2, 3);
  assert.is(transport.configRead(control, 2) & 3, 3);
  assert.is(transport.bar(0)?.enabled, false);
  assert.equal(machine.line, [true, false]);
  transport.configWrite(control, 2, 2);
  assert.is(transport.configRead(control, 2) & 3, 3);
  transport.configWrite(control, 2, 0);
  assert.is(transport.bar(0)?.enabled, true);
  assert.equal(machine.line, [true, false, true]);
  assert.is(machine.status(), 15, "the state was kept");
});

test.run();
