import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DriverError, ElementList, type PciBus, PciDriverTransport } from "../../src/driver/index.ts";
import {
  type Driven,
  type DrivenOptions,
  drive,
  ECHO_DEVICE_ID,
  EchoDevice,
} from "../../src/testing/index.ts";
import type { PciTransportOptions } from "../../src/transport/pci/index.ts";

const test = suite("virtio over PCI, driver side");
const RING_FEATURES = [28, 29, 34, 40, 43];

function start(
  options: Partial<DrivenOptions> = {},
  ringFeatures: readonly number[] = RING_FEATURES,
): Driven & { echo: EchoDevice } {
  const echo = new EchoDevice({ queues: 3, configLengthBytes: 16, maxSize: 64 });
  const driven = drive(echo, { transport: "pci", device: { ringFeatures }, ...options });
  driven.driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: (driver) => {
      for (let index = 0; index < 3; index++) driver.setUpQueue({ index, name: `q${index}` });
    },
  });
  return { echo, ...driven };
}

function roundTrip({ driver, allocator }: Driven, index: number): void {
  const buffer = allocator.allocate(16);
  const elements = new ElementList();
  elements.readableBuffer(buffer, 0, 8);
  elements.writableBuffer(buffer, 8, 8);
  const queue = driver.queue(index);
  queue?.add(elements);
  queue?.kick();
  queue?.waitUsedSync();
  queue?.pollUsed();
  queue?.ring.enableNotifications();
}

interface Capability {
  readonly type: number;
  readonly bar?: number;
  readonly id?: number;
  readonly offset?: number;
  readonly length?: number;
  readonly extra?: readonly number[];
  readonly capLength?: number;
}

/** A function that is nothing but a configuration space of the test's making, with one memory BAR of 4 KiB. */
function paper(
  ids: { vendor?: number; device?: number; revision?: number },
  capabilities: readonly Capability[],
) {
  const space = new Uint8Array(256);
  const view = new DataView(space.buffer);
  view.setUint16(0, ids.vendor ?? 0x1af4, true);
  view.setUint16(2, ids.device ?? 0x1044, true);
  view.setUint8(8, ids.revision ?? 1);
  view.setUint32(0x2c, 0x12345678, true);
  if (capabilities.length > 0) view.setUint16(6, 0x10, true);
  let at = 0x40;
  let link = 0x34;
  for (const { type, bar = 0, id = 0, offset = 0, length = 0x100, extra = [], capLength } of capabilities) {
    view.setUint8(link, at);
    link = at + 1;
    view.setUint8(at, 9);
    view.setUint8(at + 2, capLength ?? 16 + 4 * extra.length);
    view.setUint8(at + 3, type);
    view.setUint8(at + 4, bar);
    view.setUint8(at + 5, id);
    view.setUint32(at + 8, offset, true);
    view.setUint32(at + 12, length, true);
    for (const [i, word] of extra.entries()) view.setUint32(at + 16 + 4 * i, word, true);
    at += 16 + 4 * extra.length;
  }
  const writes: [number, number, number][] = [];
  const reads: [number, number, number][] = [];
  const bus: PciBus = {
    configRead: (offset, width) =>
      width === 1
        ? view.getUint8(offset)
        : width === 2
          ? view.getUint16(offset, true)
          : view.getUint32(offset, true),
    configWrite: (offset, width, value) => {
      writes.push([offset, width, value]);
      if (offset === 0x10) view.setUint32(0x10, value & 0xfffff000, true);
      if (offset === 4) view.setUint16(4, value, true);
    },
    barRead: (bar, offset, width) => {
      reads.push([bar, offset, width]);
      return 0;
    },
    barWrite: () => {},
  };
  return { bus, writes, reads };
}

const COMPLETE: readonly Capability[] = [
  { type: 1, offset: 0 },
  { type: 2, offset: 0x100, extra: [4] },
  { type: 3, offset: 0x200, length: 1 },
  { type: 4, offset: 0x300 },
];

test("[transport-pci.driver.pci-device-discovery.1] [transport-pci.driver.pci-device-discovery.2] [transport-pci.driver.pci-device-discovery.3] [transport-pci.driver.pci-device-discovery.4] ids that match, and those that don't", () => {
  const find = (vendor: number, device: number, revision = 1) =>
    PciDriverTransport.probe(paper({ vendor, device, revision }, COMPLETE).bus)?.deviceId ?? null;
  assert.is(find(0x1af4, 0x1040), 0);
  assert.is(find(0x1af4, 0x1050), 16);
  assert.is(find(0x1af4, 0x107f), 63);
  assert.is(find(0x1af4, 0x1080), null);
  assert.is(find(0x1af4, 0x0fff), null);
  assert.is(find(0x1af5, 0x1050), null);
  assert.equal(
    [0x1000, 0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x1009, 0x1006].map((id) => find(0x1af4, id, 0)),
    [1, 2, 5, 3, 8, 4, 9, null],
  );
  for (const revision of [0, 1, 255]) assert.is(find(0x1af4, 0x1050, revision), 16);
});

test("a device without virtio structures is a legacy device: ENODEV", () => {
  assert.throws(
    () => PciDriverTransport.probe(paper({}, []).bus),
    (error: unknown) => error instanceof DriverError && error.code === "ENODEV",
  );
});

test("[transport-pci.driver.virtio-structure-pci-capabilities.1] [transport-pci.driver.virtio-structure-pci-capabilities.2] [transport-pci.driver.virtio-structure-pci-capabilities.3] [transport-pci.driver.virtio-structure-pci-capabilities.4] which structures are used", () => {
  const { bus, reads } = paper({}, [
    { type: 6 },
    { type: 0 },
    { type: 1, bar: 6, offset: 0x400 },
    { type: 1, bar: 2, offset: 0x500 },
    { type: 1, offset: 0x600, capLength: 40 },
    { type: 1, offset: 0x700 },
    ...COMPLETE.slice(1),
  ]);
  const transport = PciDriverTransport.probe(bus);
  transport?.readStatus();
  assert.equal(reads.at(-1), [0, 0x600 + 0x14, 1]);
  assert.equal(
    transport?.structures.map(({ cfgType }) => cfgType),
    [1, 1, 2, 3, 4],
  );
});

test("[transport-pci.driver.virtio-structure-pci-capabilities.5] [transport-pci.driver.virtio-structure-pci-capabilities.6] lengths: too short is no structure, longer is fine", () => {
  const short = paper({}, [{ type: 1, length: 55 }, ...COMPLETE.slice(1)]);
  assert.throws(() => PciDriverTransport.probe(short.bus), /ENODEV/);
  const long = paper({}, [{ type: 1, length: 4096 }, ...COMPLETE.slice(1)]);
  assert.ok(PciDriverTransport.probe(long.bus));
  const outside = paper({}, [{ type: 1, offset: 4000, length: 100 }, ...COMPLETE.slice(1)]);
  assert.throws(() => PciDriverTransport.probe(outside.bus), /ENODEV/);
});

test("a capability list that goes in circles ends", () => {
  const { bus } = paper({}, COMPLETE);
  const circular: PciBus = {
    ...bus,
    configRead: (offset, width) => (offset === 0x41 ? 0x40 : bus.configRead(offset, width)),
  };
  assert.throws(() => PciDriverTransport.probe(circular), /ENODEV/);
});

test("[transport-pci.driver.virtio-structure-pci-capabilities.7] [transport-pci.driver.vendor-data-capability.1] [transport-pci.driver.vendor-data-capability.2] capabilities are not written to, vendor data not touched", () => {
  const vendorData = [{ vendorId: 0x1234, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }];
  const driven = start({ pci: { vendorData } });
  roundTrip(driven, 0);
  driven.driver.reset();
  for (const { space, write, offset } of driven.accesses) {
    if (space === "config" && write) assert.ok(offset === 4 || (offset >= 0x10 && offset < 0x28));
  }
});

const COMMON_FIELDS: readonly (readonly [offset: number, width: number, writable: boolean])[] = [
  [0, 4, true],
  [4, 4, false],
  [8, 4, true],
  [12, 4, true],
  [16, 2, true],
  [18, 2, false],
  [20, 1, true],
  [21, 1, false],
  [22, 2, true],
  [24, 2, true],
  [26, 2, true],
  [28, 2, true],
  [30, 2, false],
  [32, 4, true],
  [36, 4, true],
  [40, 4, true],
  [44, 4, true],
  [48, 4, true],
  [52, 4, true],
  [56, 2, false],
  [58, 2, true],
];

/** Accesses to the common configuration, relative to its start. */
function commonAccesses({ accesses, transport }: Driven) {
  const common = (transport as PciDriverTransport).structures.find(({ cfgType }) => cfgType === 1);
  return accesses
    .filter(({ space, bar, offset }) => {
      const start = common?.offset ?? 0;
      return space === "bar" && bar === common?.bar && offset >= start && offset < start + 64;
    })
    .map((access) => ({ ...access, field: access.offset - (common?.offset ?? 0) }));
}

test("[transport-pci.driver.pci-device-layout.1] [transport-pci.driver.pci-device-layout.2] [transport-pci.driver.common-configuration-structure-layout.1] fields with their own width, read-only ones never written", () => {
  for (const features of [RING_FEATURES, [...RING_FEATURES, 38, 39]]) {
    const driven = start({ msix: true }, features);
    for (let i = 0; i < 30; i++) roundTrip(driven, i % 3);
    driven.driver.readConfig64(8);
    driven.driver.resetQueue(1);
    driven.driver.reEnableQueue(1);
    driven.driver.suspend();
    driven.driver.resume();
    driven.driver.reset();
    const common = commonAccesses(driven);
    assert.ok(common.length > 60);
    for (const { field, widthBytes, write } of common) {
      const known = COMMON_FIELDS.find(([offset]) => offset === field);
      assert.ok(known !== undefined, `offset ${field}`);
      assert.is(widthBytes, known?.[1]);
      if (write) assert.ok(known?.[2], `write to ${field}`);
    }
    assert.is(driven.device.counters.ignoredAccesses, 0);
  }
});

test("[transport-pci.driver.common-configuration-structure-layout.2] [transport-pci.driver.common-configuration-structure-layout.3] queue sizes", () => {
  for (const packed of [false, true]) {
    const echo = new EchoDevice({ maxSize: 64 });
    const driven = drive(echo, { transport: "pci", device: { ringFeatures: packed ? [34] : [] } });
    driven.driver.initialize({
      deviceId: ECHO_DEVICE_ID,
      features: [],
      setUp: (driver) => void driver.setUpQueue({ index: 0, name: "q", size: 23 }),
    });
    const sizes = commonAccesses(driven).filter(({ field, write }) => field === 24 && write);
    assert.equal(
      sizes.map(({ value }) => value),
      [packed ? 23 : 16],
    );
  }
});

test("[transport-pci.driver.common-configuration-structure-layout.4] [transport-pci.driver.common-configuration-structure-layout.6] queue_enable comes last, and is never 0", () => {
  const driven = start({ msix: true });
  driven.driver.resetQueue(0);
  driven.driver.reEnableQueue(0);
  driven.driver.reset();
  let configured = 0;
  for (const { field, write, value } of commonAccesses(driven)) {
    if (write && ((field >= 32 && field < 56) || field === 26)) configured++;
    if (write && field === 28) {
      assert.is(value, 1);
      assert.is(configured, 7);
      configured = 0;
    }
  }
  assert.throws(() => driven.transport.disableQueue(0), /EOPNOTSUPP/);
});

test("[transport-pci.driver.common-configuration-structure-layout.7] [transport-pci.driver.common-configuration-structure-layout.8] [transport-pci.driver.common-configuration-structure-layout.9] a queue reset is read back, then the queue may come back smaller", () => {
  const driven = start();
  driven.accesses.length = 0;
  driven.driver.resetQueue(2);
  const resets = commonAccesses(driven).filter(({ field }) => field === 58);
  assert.equal(
    resets.map(({ write, value }) => [write, value]),
    [
      [true, 1],
      [false, 0],
    ],
  );
  assert.is(driven.driver.reEnableQueue(2, { size: 8 }).ring.size, 8);
  roundTrip(driven, 2);
});

test("[transport-pci.driver.isr-status-capability.1] ISR status is read for the interrupt line only", () => {
  for (const msix of [false, true]) {
    const driven = start({ msix });
    for (let i = 0; i < 9; i++) roundTrip(driven, i % 3);
    const isr = (driven.transport as PciDriverTransport).structures.find(({ cfgType }) => cfgType === 3);
    const reads = driven.accesses.filter(
      ({ space, write, bar, offset }) =>
        space === "bar" && !write && bar === isr?.bar && offset === isr.offset,
    );
    assert.is(reads.length > 0, !msix);
  }
});

test("[transport-pci.driver.pci-configuration-access-capability.1] [transport-pci.driver.pci-configuration-access-capability.2] the configuration window is aimed at aligned fields of structures", () => {
  const driven = start({ pciDriver: { access: "window" } });
  for (let i = 0; i < 9; i++) roundTrip(driven, i % 3);
  const { structures } = driven.transport as PciDriverTransport;
  const window = structures.find(({ cfgType }) => cfgType === 5)?.capability ?? 0;
  let bar = -1;
  let length = 0;
  let offset = -1;
  let used = 0;
  for (const access of driven.accesses) {
    assert.is.not(access.space, "bar");
    if (access.write && access.offset === window + 4) bar = access.value;
    if (access.write && access.offset === window + 12) length = access.value;
    if (access.write && access.offset === window + 8) offset = access.value;
    if (access.offset !== window + 16) continue;
    used++;
    assert.is(access.widthBytes, length);
    assert.is(offset % length, 0);
    assert.ok(
      structures.some(
        (structure) =>
          structure.cfgType !== 5 &&
          structure.bar === bar &&
          offset >= structure.offset &&
          offset + length <= structure.offset + Number(structure.lengthBytes),
      ),
    );
  }
  assert.ok(used > 50);
});

test("[transport-pci.driver.msi-x-vector-configuration.1] [transport-pci.driver.msi-x-vector-configuration.2] [transport-pci.driver.msi-x-vector-configuration.3] [transport-pci.driver.msi-x-vector-configuration.4] any table size will do, and no vector lies outside of it", () => {
  const tables: readonly (PciTransportOptions["msix"] & object)[] = [
    { vectors: 1 },
    { vectors: 2 },
    { vectors: 3 },
    { vectors: 4 },
    { vectors: 2048 },
  ];
  for (const msix of tables) {
    const driven = start({ msix: true, pci: { msix } });
    const used: number[] = [];
    for (let index = 0; index < 3; index++) {
      const queue = driven.driver.queue(index);
      if (queue !== null) queue.onUsed = () => void (queue.ring.hasUsed() && used.push(index));
    }
    for (let index = 0; index < 3; index++) roundTrip(driven, index);
    assert.equal(used, [0, 1, 2]);
    for (const { field, write, value } of commonAccesses(driven)) {
      if (write && (field === 16 || field === 26)) assert.ok(value < (msix.vectors ?? 0), `vector ${value}`);
    }
    assert.equal(
      [-1, 0, 1, 2].map((index) => driven.transport.vectorOf(index)),
      [0, 1, 2, 3].map((vector) => Math.min(vector, (msix.vectors ?? 0) - 1)),
    );
  }
});

test("[transport-pci.driver.msi-x-vector-configuration.5] [transport-pci.driver.msi-x-vector-configuration.6] every mapping is read back; a refused one is tried with fewer vectors, then given up", () => {
  for (const refused of [[2], [1, 2, 3], [0, 1, 2, 3]]) {
    const echo = new EchoDevice({ queues: 3, maxSize: 64 });
    const { pci, memory, allocator } = drive(echo, { transport: "pci" });
    if (pci === null) throw new Error("no function");
    let last = 0xffff;
    let common = 0;
    const bus: PciBus = {
      configRead: (offset, width) => pci.configRead(offset, width),
      configWrite: (offset, width, value) => pci.configWrite(offset, width, value),
      barRead: (bar, offset, width) => {
        const value = pci.barRead(bar, offset, width);
        return offset === common + 26 && refused.includes(last) ? 0xffff : value;
      },
      barWrite: (bar, offset, width, value) => {
        if (offset === common + 26) last = value;
        pci.barWrite(bar, offset, width, value);
      },
    };
    const transport = PciDriverTransport.probe(bus, {
      msix: (vector) => ({ addressHi: 0, addressLo: 0xfee0_0000, data: vector }),
    }) as PciDriverTransport;
    common = transport.structures.find(({ cfgType }) => cfgType === 1)?.offset ?? 0;
    transport.negotiated(() => false);
    transport.writeStatus(0);
    transport.writeStatus(3);
    transport.writeDriverFeatures(1, 1);
    transport.writeStatus(11);
    const part = allocator.allocatePages(3, true);
    const at = (page: number) => ({
      region: memory.regions[0] as never,
      offset: part.offsets[page] as number,
      lengthBytes: 4096,
      hi: part.his[page] as number,
      lo: part.los[page] as number,
    });
    const ring = { desc: at(0), driver: at(1), device: at(2) };
    if (refused.includes(0)) {
      assert.throws(() => transport.enableQueue(1, 64, ring), /EIO: the device refuses MSI-X vector 2/);
      assert.not(transport.queueEnabled(1));
    } else {
      transport.enableQueue(1, 64, ring);
      assert.is(transport.vectorOf(1), 0);
      assert.ok(transport.queueEnabled(1));
    }
  }
});

test("[transport-pci.driver.available-buffer-notifications.1] [transport-pci.driver.available-buffer-notifications.2] [transport-pci.driver.available-buffer-notifications.3] [transport-pci.driver.available-buffer-notifications.4] [transport-pci.driver.available-buffer-notifications.5] [transport-pci.driver.available-buffer-notifications.6] width, place and value of notifications", () => {
  for (const multiplier of [0, 4, 8]) {
    for (const data of [false, true]) {
      for (const config of [false, true]) {
        const driven = start(
          { pci: { notifyOffMultiplier: multiplier, notifConfigData: (index) => 0x4242 + index } },
          [...RING_FEATURES, ...(data ? [38] : []), ...(config ? [39] : [])],
        );
        const notify = (driven.transport as PciDriverTransport).structures.find(
          ({ cfgType }) => cfgType === 2,
        );
        driven.accesses.length = 0;
        for (let index = 0; index < 3; index++) roundTrip(driven, index);
        const writes = driven.accesses.filter(
          ({ space, write, offset }) =>
            space === "bar" &&
            write &&
            offset >= (notify?.offset ?? 0) &&
            offset < (notify?.offset ?? 0) + Number(notify?.lengthBytes),
        );
        assert.equal(
          writes.map(({ offset, widthBytes, value }) => [offset - (notify?.offset ?? 0), widthBytes, value]),
          [0, 1, 2].map((index) => [
            index * multiplier,
            data ? 4 : 2,
            ((data ? 0x8001 : 0) * 65536 + (config ? 0x4242 + index : index)) >>> 0,
          ]),
        );
        assert.is(driven.device.counters.ignoredAccesses, 0);
      }
    }
  }
});

test("[transport-pci.driver.notification-of-device-configuration-changes.1] one interrupt for both", () => {
  const driven = start({ interrupts: false });
  const seen: string[] = [];
  const queue = driven.driver.queue(0);
  if (queue !== null) queue.onUsed = () => seen.push("queue");
  driven.driver.onConfigChange = () => seen.push("config");
  roundTrip(driven, 0);
  driven.echo.host?.changeConfig(() => {});
  assert.ok(driven.driver.handleInterrupt());
  assert.equal(seen, ["queue", "config"]);
  assert.not(driven.driver.handleInterrupt());
});

test("shared memory lies where its register was put", () => {
  const driven = start();
  assert.is(driven.driver.sharedMemory(1), null);
});
test.run();
