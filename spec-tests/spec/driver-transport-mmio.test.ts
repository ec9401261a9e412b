import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type DriverError, ElementList, MmioDriverTransport } from "../../src/driver/index.ts";
import { type Driven, drive, ECHO_DEVICE_ID, EchoDevice } from "../../src/testing/index.ts";

// Registers and directions of table 4.1 in section 4.2.2, written out.
const READ_ONLY = [0x000, 0x004, 0x008, 0x00c, 0x010, 0x034, 0x060, 0x0b0, 0x0b4, 0x0b8, 0x0bc, 0x0fc];
const WRITE_ONLY = [
  0x014, 0x020, 0x024, 0x030, 0x038, 0x050, 0x064, 0x080, 0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x0ac,
];
const READ_WRITE = [0x044, 0x070, 0x0c0];
const CONFIG = 0x100;

const test = suite("virtio over MMIO, driver side");

/** A whole life: features, three queues, traffic, interrupts, configuration, queue reset, suspend, reset. */
function wholeLife(notificationData = false): Driven {
  const echo = new EchoDevice({ queues: 3, configLengthBytes: 16 });
  const driven = drive(echo, {
    transport: "mmio",
    device: { ringFeatures: [28, 29, 34, 40, 43, ...(notificationData ? [38] : [])] },
  });
  const { driver, allocator } = driven;
  driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: () => {
      for (let index = 0; index < 3; index++) driver.setUpQueue({ index, name: `q${index}`, size: 64 });
    },
  });
  const buffer = allocator.allocate(16);
  const elements = new ElementList();
  for (let round = 0; round < 100; round++) {
    elements.clear();
    elements.readableBuffer(buffer, 0, 8);
    elements.writableBuffer(buffer, 8, 8);
    const queue = driver.queue(round % 3);
    queue?.add(elements);
    queue?.kick();
    queue?.waitUsedSync();
    queue?.pollUsed();
    queue?.ring.enableNotifications();
  }
  driver.readConfig64(8);
  driver.writeConfig(4, 4, 1);
  driver.writeConfig(2, 2, 1);
  driver.writeConfig(1, 1, 1);
  echo.host?.changeConfig(() => {});
  driver.sharedMemory(1);
  driver.resetQueue(1);
  driver.reEnableQueue(1);
  driver.suspend();
  driver.resume();
  driver.reset();
  return driven;
}

test("[transport-mmio.driver.mmio-device-register-layout.1] [transport-mmio.driver.mmio-device-register-layout.2] [transport-mmio.driver.mmio-device-register-layout.3] registers of the table only, in their direction, width and alignment", () => {
  const { accesses, device } = wholeLife();
  assert.ok(accesses.length > 300);
  for (const { write, offset, widthBytes } of accesses) {
    if (offset >= CONFIG) {
      assert.is(offset % widthBytes, 0);
      assert.ok(offset + widthBytes <= CONFIG + 16);
      continue;
    }
    assert.is(widthBytes, 4);
    const allowed = write ? [...WRITE_ONLY, ...READ_WRITE] : [...READ_ONLY, ...READ_WRITE];
    assert.ok(allowed.includes(offset), `${write ? "write" : "read"} at 0x${offset.toString(16)}`);
  }
  assert.is(device.counters.ignoredAccesses, 0, "the device agrees");
});

test("[transport-mmio.driver.mmio-device-register-layout.4] [transport-mmio.driver.mmio-device-register-layout.5] [transport-mmio.driver.mmio-device-register-layout.6] [transport-mmio.driver.device-initialization.1] [transport-mmio.driver.device-initialization.2] magic, version and device id come first", () => {
  const probe = (registers: Record<number, number>) => {
    const reads: number[] = [];
    const bus = {
      read: (offset: number) => {
        reads.push(offset);
        return registers[offset] ?? 0;
      },
      write: () => assert.unreachable("nothing is written"),
    };
    try {
      return { found: MmioDriverTransport.probe(bus), reads, error: null };
    } catch (error) {
      return { found: null, reads, error };
    }
  };
  const wrongMagic = probe({ 0: 0x74726977, 4: 2, 8: 4 });
  assert.is((wrongMagic.error as DriverError).code, "ENODEV");
  assert.equal(wrongMagic.reads, [0]);
  for (const version of [0, 1, 3]) {
    const other = probe({ 0: 0x74726976, 4: version, 8: 4 });
    assert.is((other.error as DriverError).code, "ENODEV");
    assert.equal(other.reads, [0, 4]);
  }
  const placeholder = probe({ 0: 0x74726976, 4: 2, 8: 0 });
  assert.equal(placeholder, { found: null, reads: [0, 4, 8], error: null });
  const found = probe({ 0: 0x74726976, 4: 2, 8: 16, 12: 0x1af4 });
  assert.is(found.found?.deviceId, 16);
  assert.is(found.found?.vendorId, 0x1af4);
});

test("[transport-mmio.driver.mmio-device-register-layout.7] [transport-mmio.driver.mmio-device-register-layout.8] the selectors are written before the features", () => {
  const { accesses } = wholeLife();
  let deviceSel = false;
  let driverSel = false;
  for (const { write, offset } of accesses) {
    if (offset === 0x14) deviceSel = true;
    if (offset === 0x24) driverSel = true;
    if (offset === 0x10) assert.ok(deviceSel);
    if (write && offset === 0x20) assert.ok(driverSel);
    if (offset === 0x10) deviceSel = false;
    if (offset === 0x20) driverSel = false;
  }
});

test("[transport-mmio.driver.mmio-device-register-layout.9] no size above QueueSizeMax", () => {
  const { driver, transport, allocator, accesses } = drive(new EchoDevice({ maxSize: 32 }), {
    transport: "mmio",
  });
  driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: () => void driver.setUpQueue({ index: 0, name: "q", size: 1000 }),
  });
  assert.is(driver.queue(0)?.ring.size, 32);
  driver.resetQueue(0);
  accesses.length = 0;
  const memory = {
    desc: allocator.allocate(16),
    driver: allocator.allocate(16),
    device: allocator.allocate(16),
  };
  assert.throws(() => transport.enableQueue(0, 33, memory), /EINVAL/);
  assert.not(accesses.some(({ write, offset }) => write && offset === 0x38));
});

test("[transport-mmio.driver.mmio-device-register-layout.10] a queue in use is not configured", () => {
  const { driver, transport, accesses } = drive(new EchoDevice(), { transport: "mmio" });
  driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: () => void driver.setUpQueue({ index: 0, name: "q" }),
  });
  accesses.length = 0;
  const memory = driver.queue(0)?.ring.memory;
  assert.throws(() => transport.enableQueue(0, 8, memory as never), /EINVAL/);
  assert.not(accesses.some(({ write }) => write));
});

test("[transport-mmio.driver.mmio-device-register-layout.11] QueueReady is read back after writing 0", () => {
  const { driver, transport, accesses, device } = drive(new EchoDevice(), { transport: "mmio" });
  driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: () => void driver.setUpQueue({ index: 0, name: "q" }),
  });
  accesses.length = 0;
  transport.disableQueue(0);
  assert.equal(
    accesses.map(({ write, offset, value }) => [write, offset, value]),
    [
      [true, 0x44, 0],
      [false, 0x44, 0],
    ],
  );
  assert.not(device.queueEnabled(0));
});

test("[transport-mmio.driver.mmio-device-register-layout.12] [transport-mmio.driver.mmio-device-register-layout.13] [transport-mmio.driver.notifications-from-the-device.1] [transport-mmio.driver.notifications-from-the-device.2] [transport-mmio.driver.notifications-from-the-device.3] interrupts: read, acknowledged as read, for every queue", () => {
  const writes: [number, number][] = [];
  let status = 0;
  const transport = MmioDriverTransport.probe({
    read: (offset) => ({ 0: 0x74726976, 4: 2, 8: 4, 96: status })[offset] ?? 0,
    write: (offset, _width, value) => writes.push([offset, value]),
  });
  for (status of [0, 1, 2, 3, 0xfffffffc, 0xffffffff, 5]) {
    writes.length = 0;
    const causes = transport?.readInterruptCauses() ?? 0;
    assert.is(causes, status & 3);
    transport?.acknowledgeInterrupt(0xff);
    assert.equal(writes, [[0x64, 3]]);
  }

  const echo = new EchoDevice({ queues: 2 });
  const driven = drive(echo, { transport: "mmio", interrupts: false });
  const { driver, accesses } = driven;
  driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: () => {
      driver.setUpQueue({ index: 0, name: "q0" });
      driver.setUpQueue({ index: 1, name: "q1" });
    },
  });
  const asked: number[] = [];
  for (const index of [0, 1]) {
    const queue = driver.queue(index);
    if (queue !== null) queue.onUsed = () => asked.push(index);
  }
  const elements = new ElementList();
  elements.readable(0, 0x8000_0000, 1);
  driver.queue(1)?.add(elements);
  driver.queue(1)?.kick();
  accesses.length = 0;
  assert.ok(driver.handleInterrupt());
  assert.equal(asked, [0, 1]);
  assert.equal(
    accesses.map(({ write, offset, value }) => [write, offset, value]),
    [
      [false, 0x60, 1],
      [true, 0x64, 1],
    ],
  );
  assert.not(driver.handleInterrupt(), "spurious");
  assert.not(driven.mmio?.interruptAsserted);
});

test("[transport-mmio.driver.device-initialization.3] who expects no shared memory does not look for it", () => {
  const echo = drive(new EchoDevice(), { transport: "mmio" });
  echo.driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: () => void echo.driver.setUpQueue({ index: 0, name: "q" }),
  });
  assert.not(echo.accesses.some(({ offset }) => offset >= 0xac && offset < 0xc0));
});

test("notifications carry the queue index, and with NOTIFICATION_DATA where the driver stands", () => {
  const plain = wholeLife().accesses.filter(({ offset }) => offset === 0x50);
  assert.equal([...new Set(plain.map(({ value }) => value))], [0, 1, 2]);
  const { accesses, device } = wholeLife(true);
  const data = accesses.filter(({ offset }) => offset === 0x50).map(({ value }) => value);
  assert.equal(
    data.slice(0, 4),
    [0x8001_0000, 0x8001_0001, 0x8001_0002, 0x8002_0000].map((v) => v >>> 0),
  );
  assert.is(device.counters.ignoredAccesses, 0);
});
test.run();
