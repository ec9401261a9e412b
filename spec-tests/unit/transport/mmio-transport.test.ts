import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import {
  MmioPlaceholder,
  MmioTransport,
  type SavedMmioTransport,
} from "../../../src/transport/mmio/index.ts";
import { MmioMachine } from "../../support/mmio-machine.ts";
import {
  ACKNOWLEDGE,
  ADMIN_VQ,
  DRIVER,
  NOTIF_CONFIG_DATA,
  NOTIFICATION_DATA,
  RING_RESET,
  ringFeatures,
  TransportType,
} from "../../support/transport-device.ts";

const test = suite("virtio-mmio registers");

// Section 4.2.2: offset and direction.
const DIRECTIONS: Readonly<Record<number, "R" | "W" | "RW">> = {
  0: "R",
  4: "R",
  8: "R",
  12: "R",
  16: "R",
  20: "W",
  32: "W",
  36: "W",
  48: "W",
  52: "R",
  56: "W",
  68: "RW",
  80: "W",
  96: "R",
  100: "W",
  112: "RW",
  128: "W",
  132: "W",
  144: "W",
  148: "W",
  160: "W",
  164: "W",
  172: "W",
  176: "R",
  180: "R",
  184: "R",
  188: "R",
  192: "RW",
  252: "R",
};

/** Everything a driver can see or have set. */
function stateOf(machine: MmioMachine): string {
  return JSON.stringify(machine.transport.save());
}

test("identification: device id of the type, vendor id of the embedder", () => {
  const machine = new MmioMachine({ deviceId: 42 });
  assert.is(machine.read(0x008), 42);
  assert.is(machine.read(0x00c), 0x1af4);
  assert.is(new MmioMachine({}, {}, { vendorId: 0xfedcba98 }).read(0x00c), 0xfedcba98);
});

test("feature words by selector; beyond the last word they are 0", () => {
  const machine = new MmioMachine();
  const word = (select: number): number => {
    machine.write(0x14, select);
    return machine.read(0x10);
  };
  assert.is(word(0) & 0b1001, 0b1001, "bits 0 and 3 of the type");
  assert.is(word(1) & 1, 1, "VERSION_1");
  assert.is(word(2), 1, "bit 64 of the type");
  assert.equal([word(3), word(4), word(0x80000000), word(0xffffffff)], [0, 0, 0, 0]);
  machine.acceptFeatures(0xffffffff, 1);
  machine.acceptFeatures(4, 0);
  machine.negotiate(machine);
  assert.is(machine.status(), 11);
});

test("what mmio can't carry is not offered", () => {
  const machine = new MmioMachine({}, { ringFeatures: ringFeatures(NOTIF_CONFIG_DATA, NOTIFICATION_DATA) });
  machine.write(0x14, 1);
  const word = machine.read(0x10);
  assert.is(word & (1 << (NOTIFICATION_DATA - 32)), 1 << (NOTIFICATION_DATA - 32));
  assert.is(word & (1 << (NOTIF_CONFIG_DATA - 32)), 0);
  assert.is(word & (1 << (ADMIN_VQ - 32)), 0);
  machine.negotiate(machine, [NOTIF_CONFIG_DATA]);
  assert.is(machine.status(), ACKNOWLEDGE | DRIVER, "FEATURES_OK is refused");
});

test("QueueSizeMax and QueueReady of queues that don't exist are 0, and writes for them go nowhere", () => {
  const machine = new MmioMachine();
  machine.negotiate(machine);
  const max = (index: number): number => {
    machine.write(0x30, index);
    return machine.read(0x34);
  };
  assert.equal([max(0), max(1), max(2), max(0x10000), max(0xffffffff)], [8, 16, 0, 0, 0]);
  const before = stateOf(machine);
  for (const offset of [0x38, 0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4]) {
    assert.equal(
      machine.ignored(() => machine.write(offset, 1)),
      ["queue-config-while-enabled"],
    );
  }
  assert.equal(
    machine.ignored(() => machine.write(0x44, 1)),
    ["queue-enable"],
  );
  machine.write(0x44, 0);
  assert.equal(
    machine.ignored(() => machine.write(0xc0, 1)),
    ["queue-reset"],
  );
  assert.equal([machine.read(0x44), machine.read(0xc0)], [0, 0]);
  assert.is(stateOf(machine), before);
});

test("a queue notification: index, or notification data once negotiated", () => {
  const plain = new MmioMachine();
  plain.bringUp(plain);
  plain.offer(1);
  assert.equal(
    plain.ignored(() => plain.notify(2)),
    ["notify-no-such-queue"],
  );
  assert.equal(
    plain.ignored(() => plain.notify(0x10001)),
    ["notify-no-such-queue"],
    "32 bits are the index",
  );
  assert.is(plain.used(1), 0);
  plain.notify(1);
  assert.is(plain.used(1), 1);

  const data = new MmioMachine({}, { ringFeatures: ringFeatures(NOTIFICATION_DATA) });
  data.bringUp(data, [NOTIFICATION_DATA]);
  data.offer(1);
  data.notify(0x80010001);
  assert.is(data.used(1), 1, "next_off and next_wrap above, index below");
  data.notify(0x80010002);
  assert.is(data.used(1), 1);
});

test("queue addresses come in halves, and are dead while the queue is enabled", () => {
  const machine = new MmioMachine();
  machine.negotiate(machine);
  machine.write(0x30, 1);
  machine.write(0x38, 4);
  for (const [i, offset] of [0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4].entries()) {
    machine.write(offset, 0xf0000000 + i);
  }
  const config = {
    size: 4,
    descLo: 0xf0000000,
    descHi: 0xf0000001,
    driverLo: 0xf0000002,
    driverHi: 0xf0000003,
    deviceLo: 0xf0000004,
    deviceHi: 0xf0000005,
  };
  assert.equal(machine.device.queueConfig(1), config);
  machine.write(0x44, 1);
  assert.equal(
    machine.ignored(() => machine.write(0x80, 0)),
    ["queue-config-while-enabled"],
  );
  assert.equal(machine.device.queueConfig(1), config);
  assert.is(machine.device.queueConfig(0)?.size, 8, "the other queue keeps its own");
});

test("a size out of range is refused with DEVICE_NEEDS_RESET when the queue comes to life", () => {
  for (const [size, status] of [
    [8, 15],
    [9, 15 | 64],
    [16, 15 | 64],
    [3, 15 | 64],
    [0, 15 | 64],
    [0x10008, 15 | 64],
    [0xffffffff, 15 | 64],
  ] as const) {
    const machine = new MmioMachine();
    machine.negotiate(machine);
    const ring = machine.ring(0);
    machine.write(0x30, 0);
    machine.write(0x38, size);
    machine.write(0x80, ring.desc);
    machine.write(0x90, ring.avail);
    machine.write(0xa0, ring.used);
    machine.write(0x44, 1);
    machine.setStatus(15);
    assert.is(machine.status(), status, `size ${size}`);
    machine.transport.restore(machine.transport.save());
  }
});

test("values other than 0 and 1 mean nothing to QueueReady and QueueReset", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.write(0x30, 0);
  for (const value of [2, 3, 0x101, 0xffffffff]) {
    assert.equal(
      machine.ignored(() => machine.write(0x44, value)),
      ["mmio-queue-ready-value"],
    );
    assert.equal(
      machine.ignored(() => machine.write(0xc0, value)),
      ["mmio-queue-reset-value"],
    );
  }
  assert.is(machine.read(0x44), 1);
});

test("only the value 0 resets: bits above the status byte alone do nothing", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  const resets = machine.device.counters.resets;
  assert.equal(
    machine.ignored(() => machine.setStatus(0x100)),
    ["mmio-status-value"],
  );
  assert.equal(
    machine.ignored(() => machine.setStatus(0xffffff0f)),
    ["mmio-status-value"],
  );
  assert.is(machine.status(), 15);
  assert.is(machine.device.counters.resets, resets);
  machine.setStatus(0);
  assert.is(machine.status(), 0);
  assert.is(machine.device.counters.resets, resets + 1);
});

test("configuration space: any width at any byte inside, nothing across its end", () => {
  const machine = new MmioMachine({ configBytes: 7 });
  const { transport } = machine;
  assert.is(transport.read(0x100, 4), 0x13121110);
  assert.is(transport.read(0x103, 4), 0x16151413);
  assert.is(transport.read(0x105, 2), 0x1615);
  assert.is(transport.read(0x106, 1), 0x16);
  for (const [offset, width] of [
    [0x104, 4],
    [0x106, 2],
    [0x107, 1],
    [0x100, 8],
    [0x100, 3],
    [0x100, 0],
    [0xffffffff, 1],
  ] as const) {
    assert.equal(
      machine.ignored(() => assert.is(transport.read(offset, width), 0)),
      ["mmio-config-read"],
    );
    assert.equal(
      machine.ignored(() => transport.write(offset, width, 0xff)),
      ["mmio-config-write"],
    );
  }
  transport.write(0x101, 2, 0xaabbccdd);
  transport.write(0x106, 1, 0x1ff);
  transport.write(0x103, 4, -1);
  assert.equal(machine.type.events, ["config 1 2 52445", "config 6 1 255", "config 3 4 4294967295"]);
});

test("without a configuration space nothing is at 0x100", () => {
  const machine = new MmioMachine({ configBytes: 0 });
  assert.equal(
    machine.ignored(() => assert.is(machine.transport.read(0x100, 1), 0)),
    ["mmio-config-read"],
  );
});

test("registers take aligned 32-bit accesses in their direction and nothing else", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.write(0x30, 0);
  const { transport } = machine;
  for (let offset = 0; offset < 0x100; offset++) {
    const direction = DIRECTIONS[offset];
    for (const width of [1, 2, 4, 8]) {
      const readable = width === 4 && (direction === "R" || direction === "RW");
      const writable = width === 4 && (direction === "W" || direction === "RW");
      const before = stateOf(machine);
      let value = -1;
      const ignored = machine.ignored(() => {
        value = transport.read(offset, width);
      });
      const where = `0x${offset.toString(16)}, ${width} bytes`;
      assert.is(ignored.length, readable ? 0 : 1, `read ${where}`);
      if (readable) assert.ok(value >= 0 && value <= 0xffffffff, where);
      else assert.is(value, 0, where);
      if (!writable) {
        assert.is(
          machine.ignored(() => transport.write(offset, width, 0xffffffff)).length,
          1,
          `write ${where}`,
        );
        assert.is(stateOf(machine), before, where);
      }
    }
  }
});

test("the trace tells what was wrong with an access", () => {
  const machine = new MmioMachine();
  const { transport } = machine;
  const reasons = (offset: number, width: number): string[] =>
    machine.ignored(() => {
      transport.read(offset, width);
      transport.write(offset, width, 0);
    });
  assert.equal(reasons(0x002, 4), ["mmio-read-width", "mmio-write-width"]);
  assert.equal(reasons(0x070, 1), ["mmio-read-width", "mmio-write-width"]);
  assert.equal(reasons(0x040, 4), ["mmio-read-of-nothing", "mmio-write-of-nothing"]);
  assert.equal(reasons(0x010, 4), ["mmio-write-of-read-only"]);
  assert.equal(reasons(0x014, 4), ["mmio-read-of-write-only"]);
});

test("offsets and widths that are none are harmless", () => {
  const machine = new MmioMachine();
  const { transport } = machine;
  for (const offset of [-1, -4, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40]) {
    for (const width of [1, 4, -4, 0.5, Number.NaN]) {
      assert.is(transport.read(offset, width), 0);
      transport.write(offset, width, 0);
    }
  }
});

test("shared memory: length and base by id, all ones for ids not in use", () => {
  const buffer = new ArrayBuffer(0x2000);
  const machine = new MmioMachine(
    {
      sharedMemory: [
        { id: 1, lengthBytes: 0x2000, buffer },
        // Reserved, and never touched.
        { id: 255, lengthBytes: 2 ** 32 + 0x1000, buffer: new ArrayBuffer(2 ** 32 + 0x1000) },
      ],
    },
    {},
    { sharedMemoryBases: { 1: 0xfedc_ba98_0000_1000n, 255: 0x8_0000_0000 } },
  );
  const registers = (id: number): number[] => {
    machine.write(0xac, id);
    return [0xb0, 0xb4, 0xb8, 0xbc].map((offset) => machine.read(offset));
  };
  const none = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff];
  assert.equal(registers(1), [0x2000, 0, 0x00001000, 0xfedcba98]);
  assert.equal(registers(255), [0x1000, 1, 0, 8]);
  for (const id of [0, 2, 254, 256, 0x101, 0xffffffff]) assert.equal(registers(id), none);
  machine.setStatus(0);
  assert.equal(
    [0xb0, 0xb8].map((offset) => machine.read(offset)),
    [0xffffffff, 0xffffffff],
    "id 0 again",
  );
});

test("shared memory needs an address that makes sense", () => {
  const region = (id: number) => ({ id, lengthBytes: 0x1000, buffer: new ArrayBuffer(0x1000) });
  const attempt = (ids: readonly number[], sharedMemoryBases?: Record<number, bigint | number>) => () =>
    new MmioMachine(
      { sharedMemory: ids.map(region) },
      {},
      sharedMemoryBases === undefined ? {} : { sharedMemoryBases },
    );
  assert.throws(attempt([1]), /region 1 is to lie/);
  assert.throws(attempt([1], { 1: 0, 2: 0x1000 }), /no shared memory region 2/);
  assert.throws(attempt([1], { 1: -1 }), /not a guest physical address/);
  assert.throws(attempt([1], { 1: 2 ** 53 }), /not a guest physical address/);
  assert.throws(attempt([1], { 1: 1n << 64n }), /not a guest physical address/);
  assert.throws(attempt([1], { 1: (1n << 64n) - 0xfffn }), /beyond/);
  assert.not.throws(attempt([1], { 1: (1n << 64n) - 0x1000n }));
  assert.throws(attempt([1, 2], { 1: 0x1000, 2: 0x1fff }), /overlaps/);
  assert.not.throws(attempt([1, 2], { 1: 0x1000, 2: 0x2000 }));
  assert.throws(attempt([1, 1], { 1: 0x1000 }), /two shared memory regions/);
});

test("the handler may acknowledge and notify from within the interrupt", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  let again = 3;
  machine.onLine = (asserted) => {
    if (!asserted) return;
    assert.is(machine.read(0x60), 1);
    machine.write(0x64, 1);
    assert.is(machine.read(0x60), 0);
    if (again-- > 0) {
      machine.offer(0);
      machine.notify(0);
    }
  };
  machine.offer(0);
  machine.notify(0);
  assert.is(machine.used(0), 4);
  assert.equal(machine.line, [true, false, true, false, true, false, true, false]);
});

test("the handler may reset the device from within the interrupt", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  machine.onLine = (asserted) => {
    if (asserted) machine.setStatus(0);
  };
  machine.offer(0);
  machine.notify(0);
  assert.is(machine.status(), 0);
  assert.is(machine.read(0x60), 0);
  assert.equal(machine.line, [true, false]);
  assert.is(machine.transport.interruptAsserted, false);
});

test("size of the range: a power of two from 512 on that holds the configuration space", () => {
  assert.is(new MmioMachine({ configBytes: 0 }).transport.sizeBytes, 0x200);
  assert.is(new MmioMachine({ configBytes: 0x100 }).transport.sizeBytes, 0x200);
  assert.is(new MmioMachine({ configBytes: 0x101 }).transport.sizeBytes, 0x400);
});

test("a device has one transport", () => {
  const machine = new MmioMachine();
  assert.throws(
    () => new MmioTransport(machine.device),
    (error: unknown) => error instanceof VirtioUsageError,
  );
});

test("save and restore carry registers, queues and the interrupt over", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine, [RING_RESET]);
  machine.offer(0);
  machine.notify(0);
  machine.changeConfig(0x55);
  machine.write(0x14, 1);
  machine.write(0x24, 2);
  machine.write(0x30, 1);
  machine.write(0xac, 7);
  const saved = JSON.parse(JSON.stringify(machine.transport.save())) as SavedMmioTransport;

  const other = new MmioMachine();
  other.memory.write(0, machine.memory.read(0, 0x40000));
  other.rings.push(...machine.rings);
  let atRestore = -1;
  other.onLine = () => {
    atRestore = other.read(0x60);
  };
  other.transport.restore(saved);
  assert.equal(other.line, [true]);
  assert.is(atRestore, 3);
  assert.equal(other.transport.save(), saved);
  assert.is(other.read(0x44), 1, "queue 1 is selected and ready");
  assert.is(other.read(0x34), 16);
  other.write(0x64, 3);
  assert.equal(other.line, [true, false]);
  const ring = other.ring(0);
  Object.assign(ring, { availIdx: 1 });
  machine.rings[0]?.offer(0);
  other.memory.write(0, machine.memory.read(0, 0x40000));
  other.notify(0);
  assert.is(other.used(0), 2, "goes on where the other left off");
  assert.equal(other.line, [true, false, true]);
});

test("an interrupt raised while the device goes on after restore is not lost", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  machine.offer(0);
  const saved = machine.transport.save();
  assert.is(saved.interruptStatus, 0);
  const other = new MmioMachine();
  other.memory.write(0, machine.memory.read(0, 0x40000));
  other.transport.restore(saved);
  assert.is(other.read(0x60), 1, "the buffer that was waiting is used");
  assert.equal(other.line, [true]);
});

test("a state that does not fit is refused and leaves everything as it was", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  const saved = machine.transport.save();
  const broken: readonly Partial<Record<keyof SavedMmioTransport, unknown>>[] = [
    { transport: "pci" },
    { version: 0 },
    { queueSel: -1 },
    { queueSel: 0.5 },
    { shmSel: 2 ** 32 },
    { interruptStatus: 4 },
    { deviceFeaturesSel: "0" },
    { driverFeaturesSel: null },
  ];
  for (const change of broken) {
    const state = { ...saved, ...change } as SavedMmioTransport;
    assert.throws(
      () => machine.transport.restore(state),
      (error: unknown) => error instanceof VirtioUsageError,
      JSON.stringify(change),
    );
    assert.is(machine.status(), 15, "nothing happened");
  }
  machine.write(0x30, 1);
  machine.changeConfig(1);
  const device = { ...saved.device, driverFeatures: [0xffffffff, 1, 0, 0] };
  const before = machine.transport.save();
  assert.throws(
    () => machine.transport.restore({ ...saved, device }),
    /device.driverFeatures include bit 1, which this device does not offer/,
  );
  assert.equal(machine.transport.save(), before);
  assert.is(machine.read(0x60), 2);
  assert.is(machine.transport.interruptAsserted, true);
});

test("reset() is a reset by the driver", () => {
  const machine = new MmioMachine();
  machine.bringUp(machine);
  machine.transport.reset();
  assert.is(machine.status(), 0);
});

test("a transport without options works", () => {
  const { memory } = new MmioMachine();
  const transport = new MmioTransport(new VirtioDevice(new TransportType(), { memory }));
  assert.is(transport.read(0x000, 4), 0x74726976);
  assert.equal(transport.sharedMemory, []);
});

test("a placeholder shows magic, version and device id 0", () => {
  const placeholder = new MmioPlaceholder();
  assert.equal(
    [0, 4, 8, 0xc, 0x70, 0x100].map((offset) => placeholder.read(offset, 4)),
    [0x74726976, 2, 0, 0, 0, 0],
  );
  assert.is(placeholder.read(0, 1), 0);
  placeholder.write(0x70, 4, 1);
  assert.is(placeholder.read(0x70, 4), 0);
});

test.run();
