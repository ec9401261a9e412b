import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PciMachine } from "../../support/pci-machine.ts";
import {
  NOTIF_CONFIG_DATA,
  NOTIFICATION_DATA,
  RING_RESET,
  ringFeatures,
} from "../../support/transport-device.ts";

const test = suite("virtio-pci registers");

// struct virtio_pci_common_cfg, section 4.1.4.3: width and direction by offset; 64-bit fields as two halves.
const COMMON: Readonly<Record<number, readonly [width: number, direction: "R" | "RW"]>> = {
  0: [4, "RW"],
  4: [4, "R"],
  8: [4, "RW"],
  12: [4, "RW"],
  16: [2, "RW"],
  18: [2, "R"],
  20: [1, "RW"],
  21: [1, "R"],
  22: [2, "RW"],
  24: [2, "RW"],
  26: [2, "RW"],
  28: [2, "RW"],
  30: [2, "R"],
  32: [4, "RW"],
  36: [4, "RW"],
  40: [4, "RW"],
  44: [4, "RW"],
  48: [4, "RW"],
  52: [4, "RW"],
  56: [2, "R"],
  58: [2, "RW"],
  60: [2, "R"],
  62: [2, "R"],
};

const stateOf = (machine: PciMachine): string => JSON.stringify(machine.transport.save());

test("each register takes accesses of its width and no others; what is read-only stays", () => {
  const machine = new PciMachine();
  machine.bringUp(machine, [RING_RESET]);
  const { transport } = machine;
  const { bar, offset: start } = machine.structure(1);
  for (let at = 0; at < 0x40; at++) {
    for (const width of [1, 2, 4, 8]) {
      const legal = COMMON[at]?.[0] === width;
      const where = `0x${at.toString(16)}, ${width} bytes`;
      let value = -1;
      const read = machine.ignored(() => {
        value = transport.barRead(bar, start + at, width);
      });
      assert.is(read.length, legal ? 0 : 1, `read ${where}`);
      if (legal) assert.ok(value >= 0 && value < 2 ** (8 * width), where);
      else assert.is(value, 0, where);
      if (legal && COMMON[at]?.[1] === "RW") continue;
      const before = stateOf(machine);
      const write = machine.ignored(() => transport.barWrite(bar, start + at, width, 0xffffffff));
      assert.is(write.length, 1, `write ${where}`);
      assert.is(stateOf(machine), before, where);
    }
  }
});

test("what a driver sees of a fresh device", () => {
  const machine = new PciMachine();
  assert.is(machine.common(0x12, 2), 2, "num_queues");
  assert.is(machine.common(0x14, 1), 0, "device_status");
  assert.is(machine.common(0x16, 2), 0, "queue_select");
  assert.is(machine.common(0x18, 2), 8, "queue_size");
  assert.is(machine.common(0x1e, 2), 0, "queue_notify_off");
  for (const offset of [0x20, 0x24, 0x28, 0x2c, 0x30, 0x34]) assert.is(machine.common(offset, 4), 0);
  for (const offset of [0x38, 0x3a, 0x3c, 0x3e]) assert.is(machine.common(offset, 2), 0);
  machine.select(1);
  assert.is(machine.common(0x1e, 2), 1);
});

test("a queue that isn't there: zeros, no vector, and writes go nowhere", () => {
  const machine = new PciMachine();
  machine.negotiate(machine, [RING_RESET]);
  for (const index of [2, 0x7fff, 0xffff]) {
    machine.select(index);
    assert.is(machine.common(0x16, 2), index);
    const before = stateOf(machine);
    for (const [offset, width] of [
      [0x18, 2],
      [0x1a, 2],
      [0x1c, 2],
      [0x20, 4],
      [0x24, 4],
      [0x28, 4],
      [0x2c, 4],
      [0x30, 4],
      [0x34, 4],
      [0x3a, 2],
    ] as const) {
      assert.is(
        machine.ignored(() => machine.setCommon(offset, width, 1)).length,
        1,
        `0x${offset.toString(16)}`,
      );
      assert.is(machine.common(offset, width), offset === 0x1a ? 0xffff : 0);
    }
    assert.is(machine.common(0x1e, 2), 0);
    assert.is(stateOf(machine), before);
  }
});

test("an enabled queue keeps its configuration, and 0 in queue_enable is ignored", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.select(0);
  const before = stateOf(machine);
  for (const [offset, width] of [
    [0x18, 2],
    [0x20, 4],
    [0x24, 4],
    [0x28, 4],
    [0x2c, 4],
    [0x30, 4],
    [0x34, 4],
  ] as const) {
    assert.equal(
      machine.ignored(() => machine.setCommon(offset, width, 4)),
      ["queue-config-while-enabled"],
    );
  }
  for (const value of [0, 2, 0xffff]) {
    assert.equal(
      machine.ignored(() => machine.setCommon(0x1c, 2, value)),
      ["pci-queue-enable-value"],
    );
    assert.equal(
      machine.ignored(() => machine.setCommon(0x3a, 2, value)),
      ["pci-queue-reset-value"],
    );
  }
  assert.is(stateOf(machine), before);
});

test("values beyond the width of an access are cut", () => {
  const machine = new PciMachine();
  machine.setCommon(0x16, 2, 0x50001);
  assert.is(machine.common(0x16, 2), 1);
  machine.setCommon(0x14, 1, 0x103);
  assert.is(machine.status(), 3);
  machine.setCommon(0x00, 4, -1);
  assert.is(machine.common(0x00, 4), 0xffffffff);
  machine.setCommon(0x14, 1, 0x100);
  assert.is(machine.status(), 0, "the byte is 0");
});

test("ISR: a byte, read-only", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.exchange(0);
  const { bar, offset } = machine.structure(3);
  for (const width of [2, 4]) {
    assert.equal(
      machine.ignored(() => assert.is(machine.transport.barRead(bar, offset, width), 0)),
      ["pci-bar-read"],
    );
  }
  assert.equal(
    machine.ignored(() => machine.transport.barWrite(bar, offset, 1, 0)),
    ["pci-isr-write"],
  );
  assert.is(machine.isr(), 1, "none of it cleared anything");
});

test("device-specific configuration: any width at any byte inside, nothing across its end", () => {
  const machine = new PciMachine({ configBytes: 7 });
  const { transport } = machine;
  const { bar, offset, size } = machine.structure(4);
  assert.is(size, 7);
  assert.is(transport.barRead(bar, offset, 4), 0x13121110);
  assert.is(transport.barRead(bar, offset + 3, 4), 0x16151413);
  assert.is(transport.barRead(bar, offset + 5, 2), 0x1615);
  for (const [at, width] of [
    [4, 4],
    [6, 2],
    [7, 1],
    [0, 8],
    [0, 3],
  ] as const) {
    assert.equal(
      machine.ignored(() => assert.is(transport.barRead(bar, offset + at, width), 0)),
      ["pci-bar-read"],
    );
    assert.equal(
      machine.ignored(() => transport.barWrite(bar, offset + at, width, 1)),
      ["pci-bar-write"],
    );
  }
  transport.barWrite(bar, offset + 1, 2, 0x1abcd);
  assert.equal(machine.type.events, ["config 1 2 43981"]);
});

test("the rest of a BAR, BARs that aren't there and offsets that are none: 0, ignored", () => {
  const machine = new PciMachine({
    sharedMemory: [{ id: 1, lengthBytes: 100, buffer: new ArrayBuffer(100) }],
  });
  for (const [bar, offset] of [
    [0, 0xfff],
    [0, 0x1000],
    [0, -1],
    [0, 0.25],
    [0, Number.NaN],
    [2, 100],
    [2, 98],
    [3, 0],
    [6, 0],
    [-1, 0],
    [0.5, 0],
  ] as const) {
    const width = offset === 98 ? 4 : 1;
    const found = machine.ignored(() => {
      assert.is(machine.transport.barRead(bar, offset, width), 0);
      machine.transport.barWrite(bar, offset, width, 1);
    });
    assert.is(found.length, 2, `${bar} ${offset}`);
  }
});

test("shared memory: bytes of the region's buffer, little-endian, at any alignment", () => {
  const buffer = new SharedArrayBuffer(64);
  const machine = new PciMachine({ sharedMemory: [{ id: 1, lengthBytes: 33, buffer }] });
  const { transport } = machine;
  const bytes = new Uint8Array(buffer);
  const bar = machine.structure(8).bar;
  transport.barWrite(bar, 0, 4, 0x44332211);
  transport.barWrite(bar, 5, 4, 0x88776655);
  transport.barWrite(bar, 10, 2, 0xbbaa);
  transport.barWrite(bar, 13, 2, 0xddcc);
  transport.barWrite(bar, 32, 1, 0x1ee);
  assert.equal(
    [...bytes.subarray(0, 16)],
    [0x11, 0x22, 0x33, 0x44, 0, 0x55, 0x66, 0x77, 0x88, 0, 0xaa, 0xbb, 0, 0xcc, 0xdd, 0],
  );
  assert.is(bytes[32], 0xee);
  assert.is(transport.barRead(bar, 0, 4), 0x44332211);
  assert.is(transport.barRead(bar, 5, 4), 0x88776655);
  assert.is(transport.barRead(bar, 10, 2), 0xbbaa);
  assert.is(transport.barRead(bar, 13, 2), 0xddcc);
  assert.is(transport.barRead(bar, 32, 1), 0xee);
  assert.is(transport.bar(bar)?.sharedMemory?.buffer, buffer);
});

// Notifications

test("without notification data 16 bits notify, and nothing else does", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.offer(1);
  for (const width of [1, 4]) {
    const found = machine.ignored(() => machine.notify(1, 1, width));
    assert.is(found.length, 1, `${width} bytes`);
  }
  assert.is(machine.used(1), 0);
  machine.notify(1, 0x10001);
  assert.is(machine.used(1), 1, "an embedder's upper bits are cut");
});

test("a value for another queue than the register's is ignored", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.offer(0);
  machine.offer(1);
  assert.equal(
    machine.ignored(() => machine.notify(1, 0)),
    ["pci-notify-at-another-queue"],
  );
  assert.equal(
    machine.ignored(() => machine.notify(1, 2)),
    ["notify-no-such-queue"],
  );
  const { bar, offset } = machine.notifyAddress(1);
  assert.equal(
    machine.ignored(() => machine.transport.barWrite(bar, offset - 2, 2, 0)),
    ["pci-notify-at-another-queue"],
    "between two registers",
  );
  assert.equal([machine.used(0), machine.used(1)], [0, 0]);
});

test("reading a notification register does nothing", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  const { bar, offset } = machine.notifyAddress(0);
  assert.equal(
    machine.ignored(() => assert.is(machine.transport.barRead(bar, offset, 2), 0)),
    ["pci-notify-read"],
  );
});

test("in the profiles of QEMU and crosvm the register decides, whatever value or width", () => {
  for (const profile of ["qemu", "crosvm"] as const) {
    const machine = new PciMachine({}, {}, { profile });
    machine.bringUp(machine);
    machine.offer(1);
    machine.notify(1, 0xffff, 1);
    assert.is(machine.used(1), 1);
    const single = new PciMachine({}, { notifyOffMultiplier: 0 }, { profile });
    single.bringUp(single);
    single.offer(1);
    single.notify(1);
    assert.is(single.used(1), 1, "with one register for all the value has to");
  }
});

test("notification config data takes the place of the index once negotiated", () => {
  const features = { ringFeatures: ringFeatures(NOTIF_CONFIG_DATA, NOTIFICATION_DATA) };
  const options = { notifConfigData: (index: number) => 0xbee0 + index };
  for (const notifyOffMultiplier of [0, 4]) {
    const machine = new PciMachine({}, { ...options, notifyOffMultiplier }, features);
    machine.bringUp(machine);
    machine.select(1);
    assert.is(machine.common(0x38, 2), 0, "not before it is negotiated");
    machine.exchange(1);
    assert.is(machine.used(1), 1);

    machine.bringUp(machine, [NOTIF_CONFIG_DATA]);
    machine.select(1);
    assert.is(machine.common(0x38, 2), 0xbee1);
    machine.offer(1);
    assert.equal(
      machine.ignored(() => machine.notify(1, 1)),
      ["notify-no-such-queue"],
    );
    machine.notify(1, 0xbee1);
    assert.is(machine.used(1), 1);

    machine.bringUp(machine, [NOTIF_CONFIG_DATA, NOTIFICATION_DATA]);
    machine.offer(1);
    assert.is(machine.ignored(() => machine.notify(1, 0xbee1, 2)).length, 1);
    machine.notify(1, 0x8001bee1, 4);
    assert.is(machine.used(1), 1);
    machine.select(2);
    assert.is(machine.common(0x38, 2), 0);
  }
});

test("the handler may read the ISR and notify from within INTx", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  let again = 3;
  machine.onLine = (asserted) => {
    if (!asserted) return;
    assert.is(machine.isr(), 1);
    if (again-- > 0) machine.exchange(0);
  };
  machine.exchange(0);
  assert.is(machine.used(0), 4);
  assert.equal(machine.line, [true, false, true, false, true, false, true, false]);
});

test("the handler may reset the function from within INTx", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.onLine = (asserted) => {
    if (asserted) machine.transport.reset();
  };
  machine.exchange(0);
  assert.is(machine.status(), 0);
  assert.equal(machine.line, [true, false]);
});

const FOUR_GIB = 2 ** 32;
let large: ArrayBuffer | null = null;
try {
  large = new ArrayBuffer(FOUR_GIB);
} catch {
  process.stderr.write("skipped: shared memory of 4 GiB: there is no room for the buffer\n");
}

(large === null ? test.skip : test)("shared memory of 4 GiB: upper halves of capability and BAR", () => {
  const buffer = large as ArrayBuffer;
  const machine = new PciMachine({ sharedMemory: [{ id: 1, lengthBytes: FOUR_GIB, buffer }] });
  const { transport } = machine;
  const { at, size, bar } = machine.structure(8);
  assert.equal([size, transport.configRead(at + 20, 4)], [0, 1]);
  transport.configWrite(0x10 + 4 * bar, 4, 0xffffffff);
  transport.configWrite(0x14 + 4 * bar, 4, 0xffffffff);
  assert.equal(
    [transport.configRead(0x10 + 4 * bar, 4), transport.configRead(0x14 + 4 * bar, 4)],
    [12, 0xffffffff],
  );
  machine.enable();
  assert.is(transport.bar(bar)?.enabled, false);
  transport.configWrite(0x14 + 4 * bar, 4, 5);
  assert.is(transport.access("memory", 0x5_ffff_fffcn, 4, 0xa1b2c3d4), 0xa1b2c3d4);
  assert.is(new Uint8Array(buffer, FOUR_GIB - 1)[0], 0xa1);
  assert.is(transport.access("memory", 0x6_0000_0000n, 4), null);
  large = null;
});

test("the layout of QEMU can be had with every profile, and places of one's own", () => {
  const at = (machine: PciMachine): unknown =>
    machine.transport.bars.flatMap(({ index, windows }) =>
      windows
        .filter(({ structure }) => !structure.startsWith("msix"))
        .map(({ structure, offset }) => [structure, index, offset]),
    );
  const qemu = [
    ["common", 4, 0],
    ["isr", 4, 0x1000],
    ["device", 4, 0x2000],
    ["notify", 4, 0x3000],
  ];
  assert.equal(at(new PciMachine({}, { layout: "qemu" })), qemu);
  assert.equal(at(new PciMachine({}, {}, { profile: "qemu" })), qemu);
  const own = new PciMachine({}, { layout: { structures: { notify: { offset: 0x800 } } } });
  assert.equal((at(own) as unknown[])[3], ["notify", 0, 0x800]);
  own.bringUp(own);
  own.exchange(1);
  assert.is(own.used(1), 1);
  for (const [structures, message] of [
    [{ isr: { offset: 0 } }, /overlaps common/],
    [{ isr: { offset: 0x42 } }, /multiple of 4/],
    [{ common: { offset: 0, lengthBytes: 8 } }, /fewer than/],
  ] as const) {
    assert.throws(() => new PciMachine({}, { layout: { structures } }), message);
  }
});

test.run();
