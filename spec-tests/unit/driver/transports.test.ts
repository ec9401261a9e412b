import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DriverError, ElementList, type VirtioDriver } from "../../../src/driver/index.ts";
import {
  type Driven,
  type DrivenOptions,
  drive,
  ECHO_DEVICE_ID,
  EchoDevice,
  type EchoDeviceOptions,
} from "../../../src/testing/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
} from "../../../src/wire/index.ts";

const ALL_RING_FEATURES = [
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
];

const WAYS: readonly (DrivenOptions & { readonly name: string })[] = [
  { name: "mmio", transport: "mmio" },
  { name: "pci, interrupt line", transport: "pci" },
  { name: "pci, MSI-X", transport: "pci", msix: true },
  { name: "pci, one MSI-X vector", transport: "pci", msix: true, pci: { msix: { vectors: 1 } } },
  { name: "pci, no MSI-X to be had", transport: "pci", msix: true, pci: { msix: false } },
  { name: "pci, configuration window", transport: "pci", pciDriver: { access: "window" } },
  { name: "pci, I/O ports", transport: "pci", pci: { layout: { kind: "io" } } },
  { name: "pci, 64-bit registers", transport: "pci", pci: { layout: { is64Bit: true } } },
  { name: "pci, one notification register for all", transport: "pci", pci: { notifyOffMultiplier: 0 } },
];

function start(
  { name: _name, ...way }: DrivenOptions & { readonly name?: string },
  echoOptions: EchoDeviceOptions = {},
  refuse: readonly number[] = [],
) {
  const echo = new EchoDevice({ queues: 3, maxSize: 64, configLengthBytes: 16, ...echoOptions });
  const driven = drive(echo, {
    ...way,
    device: {
      ringFeatures: [...ALL_RING_FEATURES, ...(way.transport === "pci" ? [VIRTIO_F_NOTIF_CONFIG_DATA] : [])],
      ...way.device,
    },
  });
  driven.driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    refuse,
    setUp: (driver) => {
      for (let index = 0; index < 3; index++) driver.setUpQueue({ index, name: `echoq${index}` });
    },
  });
  return { echo, ...driven };
}

/** Sends bytes, and returns what came back. */
function echo({ driver, allocator }: Driven, index: number, bytes: readonly number[]): number[] {
  const queue = driver.queue(index);
  if (queue === null) throw new Error("no such queue");
  const request = allocator.allocate(bytes.length);
  const answer = allocator.allocate(bytes.length);
  request.region.u8.set(bytes, request.offset);
  const elements = new ElementList();
  elements.readableBuffer(request, 0, bytes.length);
  elements.writableBuffer(answer, 0, bytes.length);
  const token = queue.add(elements);
  queue.kick();
  queue.waitUsedSync();
  assert.is(queue.pollUsed(), token);
  assert.is(queue.ring.lastWritten, bytes.length);
  const back = [...answer.region.u8.slice(answer.offset, answer.offset + bytes.length)];
  allocator.free(request);
  allocator.free(answer);
  return back;
}

const ways = suite("driver over every transport");
for (const way of WAYS) {
  for (const refuse of [[], [VIRTIO_F_RING_PACKED, VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_NOTIF_CONFIG_DATA]]) {
    ways(`${way.name}, ${refuse.length === 0 ? "everything accepted" : "split, plain notifications"}`, () => {
      const driven = start(way, {}, refuse);
      const { driver, device } = driven;
      assert.is(driver.state, "live");
      assert.is(driver.hasFeature(VIRTIO_F_RING_PACKED), refuse.length === 0);
      assert.is(driver.hasFeature(VIRTIO_F_NOTIFICATION_DATA), refuse.length === 0);
      for (let round = 0; round < 70; round++) {
        assert.equal(echo(driven, round % 3, [1, 2, round]), [2, 3, round + 1]);
      }
      assert.is(device.counters.ignoredAccesses, 0);
      assert.is(device.counters.queueFaults, 0);
      driver.reset();
      assert.is(device.status, 0);
      assert.is(driven.allocator.liveAllocations, 0);
    });
  }
  ways(`${way.name}: interrupts reach the queue they belong to, and configuration changes`, () => {
    const driven = start(way);
    const { driver } = driven;
    const used: number[] = [];
    let changes = 0;
    for (let index = 0; index < 3; index++) {
      const queue = driver.queue(index);
      if (queue !== null) queue.onUsed = () => void (queue.ring.hasUsed() && used.push(index));
    }
    driver.onConfigChange = () => changes++;
    echo(driven, 1, [5]);
    echo(driven, 2, [6]);
    assert.equal(used, [1, 2]);
    driven.echo.host?.changeConfig(() => {
      driven.echo.config[0] = 77;
    });
    // A vector that serves queues as well does not say which of them it was.
    assert.is(changes, way.name === "pci, one MSI-X vector" ? 3 : 1);
    assert.is(driver.readConfig8(0), 77);
    if (driven.mmio !== null) assert.not(driven.mmio.interruptAsserted, "acknowledged");
  });
  ways(`${way.name}: configuration space, field by field`, () => {
    const { driver, echo: type } = start(way);
    type.config.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    assert.is(driver.readConfig8(3), 4);
    assert.is(driver.readConfig16(2), 0x0403);
    assert.is(driver.readConfig32(4), 0x08070605);
    assert.is(driver.readConfig64(8), 0x100f0e0d0c0b0a09n);
    driver.writeConfig(4, 4, 0xa1b2c3d4);
    driver.writeConfig(8, 2, 0xe5f6);
    driver.writeConfig(10, 1, 0x77);
    assert.equal([...type.config.slice(4, 11)], [0xd4, 0xc3, 0xb2, 0xa1, 0xf6, 0xe5, 0x77]);
  });
  ways(`${way.name}: a queue is reset with buffers in it and comes back smaller`, () => {
    const driven = start(way, { hold: true });
    const { driver, echo: type } = driven;
    const buffer = driven.allocator.allocate(16);
    const elements = new ElementList();
    elements.writableBuffer(buffer, 0, 16);
    const tokens = [0, 1, 2].map(() => driver.queue(1)?.add(elements));
    driver.queue(1)?.kick();
    const lost: number[] = [];
    driver.resetQueue(1, (token) => lost.push(token));
    assert.equal(lost, tokens);
    assert.is(driver.queue(1), null);
    assert.is(type.held[1]?.length, 0);
    const queue = driver.reEnableQueue(1, { size: 16 });
    assert.is(queue.ring.size, 16);
    type.hold = false;
    assert.equal(echo(driven, 1, [9]), [10]);
    assert.equal(echo(driven, 0, [9]), [10]);
  });
  ways(`${way.name}: suspended, nothing leaves the driver`, () => {
    const driven = start(way);
    const { driver, device } = driven;
    const queue = driver.queue(0);
    const elements = new ElementList();
    elements.readable(0, 0x8000_0000, 1);
    driver.suspend();
    assert.is(driver.state, "suspended");
    assert.is(device.status & 0x14, 0x10);
    const einval = (error: unknown) => error instanceof DriverError && error.code === "EINVAL";
    queue?.add(elements);
    assert.throws(() => queue?.kick(), einval);
    assert.throws(() => queue?.notifyAnyway(), einval);
    assert.throws(() => driver.writeConfig(0, 1, 1), einval);
    driver.resume();
    assert.is(device.status & 0x14, 0x04);
    queue?.kick();
    assert.ok(queue?.ring.hasUsed());
    assert.throws(() => driver.resume(), einval);
  });
}
ways.run();

const life = suite("a device's life as its driver sees it");
life("waiting for what does not come ends, synchronously and asynchronously", async () => {
  const looks: number[] = [];
  const driven = start(
    {
      transport: "mmio",
      platform: { maxAttempts: 50, timeoutMs: 20, wait: (attempt) => looks.push(attempt) },
    },
    { hold: true },
  );
  const queue = driven.driver.queue(0);
  const elements = new ElementList();
  elements.readable(0, 0x8000_0000, 1);
  assert.throws(() => queue?.waitUsedSync(), /EINVAL/);
  queue?.add(elements);
  queue?.kick();
  assert.throws(() => queue?.waitUsedSync(), /ETIMEDOUT/);
  assert.is(looks.length, 50);
  try {
    await queue?.waitUsed();
    assert.unreachable();
  } catch (error) {
    assert.is((error as DriverError).code, "ETIMEDOUT");
  }
});
life("an interrupt ends an asynchronous wait", async () => {
  const driven = start({ transport: "mmio", platform: { pollMs: 60000, timeoutMs: 120000 } }, { hold: true });
  const queue = driven.driver.queue(0);
  const elements = new ElementList();
  elements.readable(0, 0x8000_0000, 1);
  const token = queue?.add(elements);
  queue?.kick();
  setTimeout(() => driven.echo.complete(0, [0]), 2);
  await queue?.waitUsed();
  assert.is(queue?.pollUsed(), token);
});
life("suspend, resume, queue reset and reset without blocking", async () => {
  const driven = start({ transport: "pci" }, { hold: true });
  const { driver } = driven;
  const elements = new ElementList();
  elements.readable(0, 0x8000_0000, 1);
  const token = driver.queue(2)?.add(elements);
  driver.queue(2)?.kick();
  const lost: number[] = [];
  await driver.resetQueueAsync(2, (index) => lost.push(index));
  assert.equal(lost, [token]);
  assert.equal(driver.reEnableQueue(2).ring.inFlight, 0);
  await driver.suspendAsync();
  assert.is(driver.state, "suspended");
  await driver.resumeAsync();
  assert.is(driver.state, "live");
  await driver.resetAsync();
  assert.is(driver.state, "idle");
  assert.is(driven.allocator.liveAllocations, 0);
});
life("a device that needs a reset is not waited for", () => {
  const driven = start({ transport: "mmio" }, { hold: true });
  const queue = driven.driver.queue(0);
  const elements = new ElementList();
  elements.readable(0, 0x8000_0000, 1);
  queue?.add(elements);
  queue?.kick();
  let noticed = false;
  driven.driver.onConfigChange = () => {
    noticed = driven.driver.needsReset();
  };
  driven.echo.host?.needsReset("test");
  assert.ok(noticed);
  assert.throws(() => queue?.waitUsedSync(), /EIO/);
  driven.driver.reset();
  assert.is(driven.driver.state, "idle");
});
life("failure during initialization sets FAILED and leaves no memory behind after a reset", () => {
  const echoType = new EchoDevice();
  const driven = drive(echoType, { transport: "mmio" });
  const program = (setUp: (driver: VirtioDriver) => void, required: number[] = []) => ({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    required,
    setUp,
  });
  assert.throws(() => driven.driver.initialize(program(() => {}, [3])), /ENODEV/);
  assert.is(driven.device.status & 0x80, 0x80);
  assert.is(driven.driver.state, "failed");
  assert.throws(
    () => driven.driver.initialize(program((driver) => void driver.setUpQueue({ index: 9, name: "none" }))),
    /ENODEV: the device has no queue 9/,
  );
  assert.throws(() => driven.driver.initialize({ ...program(() => {}), deviceId: 2 }), /ENODEV/);
  driven.driver.initialize(program((driver) => void driver.setUpQueue({ index: 0, name: "q" })));
  driven.driver.reset();
  assert.is(driven.allocator.liveAllocations, 0);
});
life.run();
