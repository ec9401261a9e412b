import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  chooseFeatures,
  DriverError,
  ElementList,
  GuestAllocator,
  type MmioBus,
  MmioDriverTransport,
  VirtioDriver,
} from "../../src/driver/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import {
  type Driven,
  type DrivenOptions,
  drive,
  ECHO_DEVICE_ID,
  EchoDevice,
  type RegisterAccess,
} from "../../src/testing/index.ts";

// Register offsets of section 4.2.2, written out.
const STATUS = 0x70;
const QUEUE_NOTIFY = 0x50;
const CONFIG = 0x100;

const test = suite("a driver and its device");

function start(
  options: Partial<DrivenOptions> = {},
  echo = new EchoDevice({ configLengthBytes: 16 }),
): Driven {
  const driven = drive(echo, { transport: "mmio", ...options });
  driven.driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: (driver) => void driver.setUpQueue({ index: 0, name: "echoq" }),
  });
  return driven;
}

const statusWrites = (accesses: readonly RegisterAccess[]) =>
  accesses.filter(({ write, offset }) => write && offset === STATUS).map(({ value }) => value);

/** A device's registers with some of them answered by the test. */
function patched(bus: MmioBus, reads: (offset: number, value: number) => number): MmioBus {
  return {
    read: (offset, width) => reads(offset, bus.read(offset, width)),
    write: (offset, width, value) => bus.write(offset, width, value),
  };
}

test("[content.driver.device-initialization.1] [content.driver.device-status-field.1] [transport-mmio.driver.device-initialization.4] the steps come in order", () => {
  const { accesses } = start();
  assert.equal(statusWrites(accesses), [0, 1, 3, 11, 15]);
  const at = (wanted: (access: RegisterAccess) => boolean) => accesses.findIndex(wanted);
  const status = (value: number) =>
    at(({ write, offset, value: v }) => write && offset === STATUS && v === value);
  const features = at(({ write, offset }) => write && offset === 0x20);
  const ready = at(({ write, offset }) => write && offset === 0x44);
  assert.ok(status(3) < features && features < status(11));
  assert.ok(status(11) < ready && ready < status(15));
  const reread = accesses.findIndex(({ write, offset }, i) => i > status(11) && !write && offset === STATUS);
  assert.ok(reread > status(11) && reread < ready, "FEATURES_OK is read back");
});

test("[content.driver.device-status-field.2] no bit of the status is ever cleared", () => {
  const { driver, accesses } = start();
  driver.suspend();
  driver.resume();
  driver.fail();
  let last = 0;
  for (const value of statusWrites(accesses).slice(1)) {
    // The device clears DRIVER_OK and SUSPEND itself.
    assert.is(last & ~value & ~0x10, 0, `${value} after ${last}`);
    last = value;
  }
});

test("[content.driver.device-status-field.3] after FAILED only a reset leads on", () => {
  const { driver } = start();
  driver.fail();
  assert.is(driver.state, "failed");
  assert.throws(() => driver.acknowledge(), /EINVAL/);
  assert.throws(() => driver.start(), /EINVAL/);
  assert.throws(() => driver.queue(0)?.kick(), /EINVAL/);
  driver.reset();
  driver.acknowledge();
  assert.is(driver.state, "negotiating");
});

test("[content.driver.device-status-field.4] nothing is expected of a device that needs a reset", () => {
  const echo = new EchoDevice({ hold: true });
  const { driver } = start({}, echo);
  const elements = new ElementList();
  elements.readable(0, 0x8000_0000, 1);
  driver.queue(0)?.add(elements);
  driver.queue(0)?.kick();
  echo.host?.needsReset("test");
  assert.throws(() => driver.queue(0)?.waitUsedSync(), /EIO: the device needs a reset/);
});

test("[content.driver.feature-bits.1] nothing that is not offered, nothing without what it requires", () => {
  const context = { unsupported: [], translates: false };
  const accept = (offered: number[], dependencies: { feature: number; requires: number }[]) =>
    [...chooseFeatures([...offered, 32], { features: [1, 2, 3], dependencies }, context)].sort();
  assert.equal(accept([1], []), [1, 32]);
  assert.equal(accept([1, 2, 3], [{ feature: 1, requires: 2 }]), [1, 2, 3, 32].sort());
  assert.equal(
    accept(
      [1, 3],
      [
        { feature: 3, requires: 1 },
        { feature: 1, requires: 2 },
      ],
    ),
    [32],
    "a chain of dependencies",
  );
});

test("[content.driver.feature-bits.2] [content.driver.feature-bits.3] [content.driver.feature-bits.5] [content.driver.reserved-feature-bits.9] unknown, reserved and unsupported bits are ignored", () => {
  const everything = Array.from({ length: 128 }, (_, bit) => bit);
  const accepted = chooseFeatures(
    everything,
    { features: [0, 1] },
    { unsupported: [39, 37, 41], translates: false },
  );
  assert.equal([...accepted], [0, 1, 28, 29, 32, 34, 35, 36, 38, 40, 43]);
  const pci = chooseFeatures(everything, { features: [0] }, { unsupported: [37, 41], translates: false });
  assert.ok(pci.has(39));
  assert.not(pci.has(37) || pci.has(41));
});

test("[content.driver.feature-bits.4] [content.driver.device-initialization.4] [content.driver.device-initialization.5] what is required and missing ends it with FAILED", () => {
  const { driver, device, accesses } = drive(new EchoDevice(), { transport: "mmio" });
  let setUp = false;
  assert.throws(
    () =>
      driver.initialize({
        deviceId: ECHO_DEVICE_ID,
        features: [5],
        required: [5],
        setUp: () => {
          setUp = true;
        },
      }),
    (error: unknown) => error instanceof DriverError && error.code === "ENODEV",
  );
  assert.not(setUp);
  assert.is(device.status, 0x83);
  assert.equal(statusWrites(accesses), [0, 1, 3, 0x83]);
});

test("[content.driver.reserved-feature-bits.1] [content.driver.reserved-feature-bits.2] VIRTIO_F_VERSION_1 is accepted, and needed", () => {
  assert.ok(start().driver.hasFeature(32));
  assert.throws(
    () => chooseFeatures([28], { features: [] }, { unsupported: [], translates: false }),
    /ENODEV/,
  );
});

test("[content.driver.reserved-feature-bits.3] [content.driver.reserved-feature-bits.4] addresses are translated with ACCESS_PLATFORM only", () => {
  const memory = new GuestMemory([{ base: 0x8000_0000, memory: new ArrayBuffer(1 << 20) }]);
  const shift = 0x1_0000_0000n;
  const allocator = new GuestAllocator(memory, { toDeviceAddress: (physical) => physical + shift });
  const translator = {
    translate(
      hi: number,
      lo: number,
      lengthBytes: number,
      _write: boolean,
      result: { hi: number; lo: number },
    ) {
      result.hi = hi - 1;
      result.lo = lo;
      return hi === 1 ? lengthBytes : 0;
    },
  };
  const { driver, device } = start({ platform: { allocator }, device: { memory, translator } });
  assert.ok(driver.hasFeature(33));
  const answer = allocator.allocate(4);
  const elements = new ElementList();
  elements.readableBuffer(answer, 0, 2);
  elements.writableBuffer(answer, 2, 2);
  const token = driver.queue(0)?.add(elements);
  driver.queue(0)?.kick();
  assert.is(driver.queue(0)?.pollUsed(), token);
  assert.equal([...memory.read(0x8000_0000n + BigInt(answer.offset + 2), 2)], [1, 1]);
  assert.is(device.counters.queueFaults, 0);
  assert.throws(() => start({ platform: { allocator } }), /physical addresses only/);
  assert.not(start({ device: { translator } }).driver.hasFeature(33), "nothing to translate");
});

test("[content.driver.reserved-feature-bits.5] [content.driver.reserved-feature-bits.6] [content.driver.reserved-feature-bits.12] what should be accepted is", () => {
  const accepted = chooseFeatures([32, 34, 36, 39], { features: [] }, { unsupported: [], translates: false });
  assert.equal([...accepted], [32, 34, 36, 39]);
});

test("[content.driver.device-initialization.2] nothing is written to the configuration space before FEATURES_OK", () => {
  const { driver, accesses } = drive(new EchoDevice({ configLengthBytes: 16 }), { transport: "mmio" });
  driver.reset();
  driver.acknowledge();
  assert.throws(() => driver.writeConfig(0, 1, 1), /EINVAL/);
  assert.is(driver.readConfig8(0), 0, "reading is fine");
  driver.negotiate({ features: [] });
  driver.writeConfig(0, 1, 1);
  const write = accesses.findIndex(({ write, offset }) => write && offset === CONFIG);
  const ok = accesses.findIndex(({ write, offset, value }) => write && offset === STATUS && value === 11);
  assert.ok(write > ok);
});

test("[content.driver.device-initialization.3] no features after FEATURES_OK", () => {
  const { driver } = start();
  assert.throws(() => driver.negotiate({ features: [] }), /EINVAL/);
});

test("[content.driver.device-initialization.6] no notification before DRIVER_OK", () => {
  const { driver, accesses } = drive(new EchoDevice(), { transport: "mmio" });
  driver.initialize({
    deviceId: ECHO_DEVICE_ID,
    features: [],
    setUp: () => {
      const queue = driver.setUpQueue({ index: 0, name: "echoq" });
      const elements = new ElementList();
      elements.readable(0, 0x8000_0000, 1);
      queue.add(elements);
      assert.throws(() => queue.kick(), /EINVAL/);
      assert.throws(() => queue.notifyAnyway(), /EINVAL/);
    },
  });
  assert.not(accesses.some(({ offset }) => offset === QUEUE_NOTIFY));
  driver.queue(0)?.kick();
  assert.ok(driver.queue(0)?.ring.hasUsed());
});

test("[content.driver.device-reset.1] [transport-pci.driver.common-configuration-structure-layout.5] a reset is over when the status reads 0", () => {
  const { device, memory, mmio } = drive(new EchoDevice(), { transport: "mmio" });
  let slow = 0;
  const transport = MmioDriverTransport.probe(
    patched(mmio as never, (offset, value) => (offset === STATUS && slow-- > 0 ? 0x0f : value)),
  ) as MmioDriverTransport;
  let waits = 0;
  const driver = new VirtioDriver(transport, {
    allocator: new GuestAllocator(memory),
    wait: () => waits++,
    maxAttempts: 20,
  });
  slow = 7;
  driver.reset();
  assert.is(waits, 7);
  slow = 100;
  assert.throws(() => driver.reset(), /ETIMEDOUT/);
  assert.is(device.status, 0);
});

test("[content.driver.device-cleanup.2] memory is freed after the reset, not before", () => {
  const echo = new EchoDevice({ hold: true });
  const { driver, allocator, mmio } = start({}, echo);
  const live = allocator.liveAllocations;
  assert.ok(live > 0);
  let stuck = true;
  const transport = MmioDriverTransport.probe(
    patched(mmio as never, (offset, value) => (offset === STATUS && stuck ? 0x0f : value)),
  ) as MmioDriverTransport;
  Object.assign(driver, { transport });
  assert.throws(() => driver.reset(), /ETIMEDOUT/);
  assert.is(allocator.liveAllocations, live, "the device may still use it");
  stuck = false;
  driver.reset();
  assert.is(allocator.liveAllocations, 0);
});

test("[content.driver.device-configuration-space.1] several fields are read under one generation", () => {
  const echo = new EchoDevice({ configLengthBytes: 16 });
  const { mmio, memory } = start({}, echo);
  let changes = 3;
  const transport = MmioDriverTransport.probe(
    patched(mmio as never, (offset, value) => {
      // The device changes both halves between the reads.
      if (offset === CONFIG + 4 && changes-- > 0)
        echo.host?.changeConfig(() => echo.config.fill(changes + 10));
      return value;
    }),
  ) as MmioDriverTransport;
  const driver = new VirtioDriver(transport, { allocator: new GuestAllocator(memory) });
  assert.is(driver.readConfig64(0), 0x0a0a0a0a0a0a0a0an);
  changes = 1e9;
  assert.throws(() => driver.readConfig64(0), /EIO: the configuration space never comes to rest/);
});

test("[content.driver.device-configuration-space.3] [content.driver.device-configuration-space.4] a larger configuration space is fine", () => {
  const { driver } = start({}, new EchoDevice({ configLengthBytes: 4000 }));
  assert.is(driver.readConfig32(3996), 0);
});

test("[content.driver.virtqueue-reset.1] [content.driver.virtqueue-reset.2] [transport-mmio.driver.mmio-device-register-layout.14] a queue reset is waited for, then its memory is freed", () => {
  const { driver, mmio, allocator } = start();
  const live = allocator.liveAllocations;
  let busy = 5;
  const transport = MmioDriverTransport.probe(
    patched(mmio as never, (offset, value) => (offset === 0xc0 && busy-- > 0 ? 1 : value)),
  ) as MmioDriverTransport;
  Object.assign(driver, { transport });
  driver.resetQueue(0);
  assert.is(busy, -1);
  assert.ok(allocator.liveAllocations < live);
});

test("[content.driver.virtqueue-re-enable.1] [transport-mmio.driver.mmio-device-register-layout.15] [transport-mmio.driver.mmio-device-register-layout.16] re-enabling configures everything anew", () => {
  const { driver, accesses } = start();
  driver.resetQueue(0);
  accesses.length = 0;
  const queue = driver.reEnableQueue(0, { size: 32 });
  const writes = new Map(accesses.filter(({ write }) => write).map(({ offset, value }) => [offset, value]));
  assert.is(writes.get(0x38), 32);
  assert.is(writes.get(0x80), queue.ring.memory.desc.lo);
  assert.is(writes.get(0x90), queue.ring.memory.driver.lo);
  assert.is(writes.get(0xa0), queue.ring.memory.device.lo);
  assert.is(writes.get(0x44), 1);
});

test("[content.driver.device-suspend.1] SUSPEND is set with DRIVER_OK and the feature only", () => {
  const { driver } = drive(new EchoDevice(), { transport: "mmio" });
  assert.throws(() => driver.suspend(), /EINVAL/);
  const without = start({ device: { ringFeatures: [] } });
  assert.throws(() => without.driver.suspend(), /EOPNOTSUPP/);
  assert.not(statusWrites(without.accesses).some((value) => (value & 0x10) !== 0));
});

test("[content.driver.device-suspend.2] [content.driver.device-suspend.3] [content.driver.device-suspend.4] [content.driver.device-suspend.5] suspended: verified, and nothing else goes out", () => {
  const { driver, accesses } = start();
  const queue = driver.queue(0);
  const elements = new ElementList();
  elements.readable(0, 0x8000_0000, 1);
  queue?.add(elements);
  accesses.length = 0;
  driver.suspend();
  assert.equal(
    accesses.map(({ write, offset }) => [write, offset]),
    [
      [true, STATUS],
      [false, STATUS],
    ],
  );
  assert.throws(() => queue?.kick(), /EINVAL/);
  assert.is(queue?.ring.unpublished, 1);
  assert.throws(() => queue?.notifyAnyway(), /EINVAL/);
  assert.throws(() => driver.writeConfig(0, 1, 1), /EINVAL/);
  assert.throws(() => driver.suspend(), /EINVAL/);
  assert.is(accesses.length, 2);
});

test("[content.driver.device-suspend.6] after DRIVER_OK the driver waits until the device runs", () => {
  const { driver, mmio } = start({ platform: { maxAttempts: 10 } });
  driver.suspend();
  let slow = 4;
  const transport = MmioDriverTransport.probe(
    patched(mmio as never, (offset, value) => (offset === STATUS && slow-- > 0 ? 0x1b : value)),
  ) as MmioDriverTransport;
  Object.assign(driver, { transport });
  driver.resume();
  assert.ok(slow < 0);
  assert.is(driver.state, "live");
  driver.suspend();
  slow = 1000;
  assert.throws(() => driver.resume(), /ETIMEDOUT/);
  assert.is(driver.state, "suspended");
});
test.run();
