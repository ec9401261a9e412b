// The worker adapter with both ends in one thread: what does not need a second one.
import { suite, test } from "uvu";
import * as assert from "uvu/assert";
import {
  attachDriver,
  type Channel,
  ChannelError,
  type ChannelErrorCode,
  channelTransferList,
  createChannel,
  DeviceEndpoint,
  DriverEndpoint,
  type MmioTarget,
  pumpInterrupts,
  runSoon,
} from "../../../src/adapters/worker/index.ts";
import { VirtioUsageError } from "../../../src/base/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { DriverError, GuestAllocator } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import { CopyDevice } from "../../support/worker/copy-device.ts";

const QUICK = { timeoutMs: 50 };

/** Registers that only write down what happens to them. */
class RecordingTarget implements MmioTarget {
  readonly log: string[] = [];
  read(offset: number, widthBytes: 1 | 2 | 4): number {
    this.log.push(`read ${offset.toString(16)} ${widthBytes}`);
    return 0xffffffff;
  }
  write(offset: number, widthBytes: 1 | 2 | 4, value: number): void {
    this.log.push(`write ${offset.toString(16)} ${widthBytes} ${value.toString(16)}`);
  }
}

const codeOf = (code: ChannelErrorCode) => (error: unknown) =>
  error instanceof ChannelError && error.code === code;

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not reject");
}

// Word offsets of the control buffer, written out a second time.
const STATE = 2;
const DEVICE_SIGNAL = 16;
const REQUEST = { sequence: 32, operation: 33, offset: 34, width: 35, value: 36 };
const RESPONSE = { sequence: 50, status: 51 };
const DOORBELLS = 80;

/** A driver's thread that writes into the control buffer whatever it likes. */
class HostileDriver {
  readonly words: Int32Array;
  readonly target = new RecordingTarget();
  readonly endpoint: DeviceEndpoint;
  readonly served: Promise<string>;
  #sequence = 0;

  constructor(channel: Channel) {
    this.words = new Int32Array(channel.driver.control);
    this.endpoint = new DeviceEndpoint(channel.device, { spinUs: 0 });
    this.served = this.endpoint.serve(this.target);
  }

  async ring(): Promise<void> {
    Atomics.add(this.words, DEVICE_SIGNAL, 1);
    Atomics.notify(this.words, DEVICE_SIGNAL);
    for (let i = 0; i < 3; i++) await new Promise<void>(runSoon);
  }

  /** Posts a request and returns the status it was answered with. */
  async request(operation: number, offset: number, width: number, value = 0): Promise<number | undefined> {
    this.#sequence += 7;
    this.words[REQUEST.operation] = operation;
    this.words[REQUEST.offset] = offset;
    this.words[REQUEST.width] = width;
    this.words[REQUEST.value] = value;
    this.words[REQUEST.sequence] = this.#sequence;
    await this.ring();
    assert.is(this.words[RESPONSE.sequence], this.#sequence, "answered");
    return this.words[RESPONSE.status];
  }
}

const misuse = suite("channel, misuse");
misuse("options and handles are checked", () => {
  for (const queues of [0, -1, 1.5, 65537, Number.NaN]) {
    assert.throws(
      () => createChannel({ queues, ram: 4096 }),
      (e: unknown) => e instanceof VirtioUsageError,
    );
  }
  for (const ram of [0, -1, 1.5, Number.NaN, new ArrayBuffer(4096), undefined]) {
    assert.throws(
      () => createChannel({ queues: 1, ram: ram as unknown as SharedArrayBuffer }),
      (e: unknown) => e instanceof VirtioUsageError,
    );
  }
  const { device, driver } = createChannel({ queues: 1, ram: 4096 });
  assert.throws(() => new DeviceEndpoint(driver), /driver's handle/);
  assert.throws(() => new DriverEndpoint(device), /device's handle/);
  assert.throws(() => new DriverEndpoint({ ...driver, queues: 1000 }), /too small/);
  assert.throws(
    () => new DriverEndpoint({ ...driver, control: new SharedArrayBuffer(4096) }),
    /another version/,
  );
  assert.throws(
    () => new DriverEndpoint({ ...driver, control: new ArrayBuffer(4096) as unknown as SharedArrayBuffer }),
    /not a handle/,
  );
});

misuse("an endpoint serves once", async () => {
  const { device } = createChannel({ queues: 1, ram: 4096 });
  const endpoint = new DeviceEndpoint(device);
  const served = endpoint.serve(new RecordingTarget());
  assert.instance(await rejection(endpoint.serve(new RecordingTarget())), VirtioUsageError);
  endpoint.close();
  assert.is(await served, "device-closed");
  assert.instance(await rejection(endpoint.serve(new RecordingTarget())), VirtioUsageError);
});

misuse("ports only when asked for, or needed", () => {
  assert.equal(channelTransferList(createChannel({ queues: 1, ram: 8 }).device), []);
  const { device, driver } = createChannel({ queues: 1, ram: 8, ports: true });
  assert.is(channelTransferList(device).length, 1);
  device.port?.close();
  driver.port?.close();
});
misuse.run();

const ends = suite("channel, its end");
ends("a device that never answers: a timeout error, every time, and no longer than told", () => {
  const bus = new DriverEndpoint(createChannel({ queues: 1, ram: 4096 }).driver, QUICK);
  for (let i = 0; i < 2; i++) {
    const begin = performance.now();
    assert.throws(() => bus.read(0, 4), codeOf("timeout"));
    const took = performance.now() - begin;
    assert.ok(took >= 45 && took < 2000, `${took} ms`);
  }
  assert.throws(() => bus.write(0x70, 4, 1), codeOf("timeout"));
  assert.is(bus.waitInterrupt(10), false);
});

ends("no device in time: connect says so", async () => {
  const bus = new DriverEndpoint(createChannel({ queues: 1, ram: 4096 }).driver, QUICK);
  assert.ok(codeOf("timeout")(await rejection(bus.connect())));
  assert.is(await bus.waitInterruptAsync(10), false);
});

ends("after a timeout the late answer is not taken for the next one", async () => {
  const { device, driver } = createChannel({ queues: 1, ram: 4096 });
  const bus = new DriverEndpoint(driver, QUICK);
  assert.throws(() => bus.read(0x10, 4), codeOf("timeout"));
  const target = new RecordingTarget();
  const endpoint = new DeviceEndpoint(device);
  const served = endpoint.serve(target);
  await bus.connect();
  await new Promise<void>(runSoon);
  assert.equal(target.log, ["read 10 4"], "the request was still in the mailbox");
  bus.close();
  assert.is(await served, "driver-closed");
});

ends("closing the driver's end wakes and ends the device", async () => {
  const { device, driver } = createChannel({ queues: 1, ram: 4096 });
  const served = new DeviceEndpoint(device).serve(new RecordingTarget());
  const bus = new DriverEndpoint(driver);
  await bus.connect();
  bus.close();
  bus.close();
  assert.is(await served, "driver-closed");
  assert.throws(() => bus.read(0, 4), codeOf("driver-closed"));
  assert.throws(() => bus.write(0x50, 4, 0), codeOf("driver-closed"));
});

ends("closing the device's end wakes and fails the driver", async () => {
  const { device, driver } = createChannel({ queues: 1, ram: 4096 });
  const endpoint = new DeviceEndpoint(device);
  const served = endpoint.serve(new RecordingTarget());
  const bus = new DriverEndpoint(driver);
  const waiting = rejection(bus.waitInterruptAsync());
  endpoint.close();
  endpoint.close();
  assert.ok(codeOf("device-closed")(await waiting));
  assert.is(await served, "device-closed");
  assert.throws(() => bus.read(0, 4), codeOf("device-closed"));
  assert.throws(() => bus.write(0x50, 4, 0), codeOf("device-closed"));
  assert.throws(() => bus.waitInterrupt(1000), codeOf("device-closed"));
});

ends("aborting ends both", async () => {
  const channel = createChannel({ queues: 1, ram: 4096 });
  const served = new DeviceEndpoint(channel.device).serve(new RecordingTarget());
  const bus = new DriverEndpoint(channel.driver);
  const waiting = rejection(bus.waitInterruptAsync());
  channel.abort();
  assert.is(await served, "aborted");
  assert.ok(codeOf("aborted")(await waiting));
  assert.throws(() => bus.read(0, 4), codeOf("aborted"));
});

ends("a device that throws: serve rejects, the driver is told", async () => {
  const { device, driver } = createChannel({ queues: 1, ram: 4096 });
  const target = new RecordingTarget();
  target.write = () => {
    throw new Error("broken");
  };
  const served = rejection(new DeviceEndpoint(device).serve(target));
  const bus = new DriverEndpoint(driver, QUICK);
  bus.write(0x50, 4, 0);
  assert.match(String(await served), /broken/);
  assert.throws(() => bus.read(0, 4), codeOf("device-failed"));
});
ends.run();

for (const ports of [false, true]) {
  test(`interrupts and doorbells reach a thread that does not block${ports ? ", with ports" : ""}`, async () => {
    const original = Atomics.waitAsync;
    // An engine without Atomics.waitAsync.
    if (ports) Reflect.deleteProperty(Atomics, "waitAsync");
    try {
      const { device, driver } = createChannel({ queues: 2, ram: 4096 });
      assert.is(device.port !== null, ports, "ports stand in for waitAsync");
      const endpoint = new DeviceEndpoint(device, { spinUs: 0 });
      const target = new RecordingTarget();
      const served = endpoint.serve(target);
      const bus = new DriverEndpoint(driver, { spinUs: 0 });
      await bus.connect();
      for (let i = 0; i < 20; i++) {
        endpoint.setInterrupt(true);
        endpoint.setInterrupt(true);
        assert.ok(await bus.waitInterruptAsync(1000));
        assert.ok(bus.interruptAsserted);
        endpoint.setInterrupt(false);
        assert.not(bus.interruptAsserted);
        const waiting = bus.waitInterruptAsync(1000);
        await new Promise<void>(runSoon);
        endpoint.setInterrupt(true);
        assert.ok(await waiting);
        endpoint.setInterrupt(false);
        bus.write(0x50, 4, 0x80001);
        bus.write(0x50, 4, 0x90001);
        while (target.log.length === 0) await new Promise<void>(runSoon);
        assert.equal(target.log.splice(0), ["write 50 4 90001"], "two rings are one, with the latest value");
      }
      assert.is(endpoint.counters.interrupts, 40);
      assert.is(bus.counters.coalesced, 20);
      bus.close();
      assert.is(await served, "driver-closed");
    } finally {
      Object.defineProperty(Atomics, "waitAsync", { value: original, configurable: true, writable: true });
    }
  });
}

test("a thread with nothing to be woken by polls", async () => {
  const original = Atomics.waitAsync;
  Reflect.deleteProperty(Atomics, "waitAsync");
  try {
    const { device, driver } = createChannel({ queues: 1, ram: 4096, ports: false });
    const target = new RecordingTarget();
    const served = new DeviceEndpoint(device).serve(target);
    const bus = new DriverEndpoint(driver);
    bus.write(0x50, 4, 0);
    while (target.log.length === 0) await new Promise<void>(runSoon);
    bus.close();
    assert.is(await served, "driver-closed");
  } finally {
    Object.defineProperty(Atomics, "waitAsync", { value: original, configurable: true, writable: true });
  }
});

const hostile = suite("channel, hostile driver");
hostile("requests that make no sense are refused and counted, nothing else happens", async () => {
  const driver = new HostileDriver(createChannel({ queues: 2, ram: 4096 }));
  for (const [operation, width] of [
    [0, 4],
    [3, 4],
    [-1, 4],
    [1, 0],
    [1, 3],
    [1, 8],
    [2, -4],
    [2, 0x7fffffff],
  ] as const) {
    assert.is(await driver.request(operation, 0x70, width, 1), 1, `${operation}, ${width}`);
  }
  assert.equal(driver.target.log, []);
  assert.is(driver.endpoint.counters.refused, 8);
  assert.is(driver.endpoint.counters.accesses, 0);
  assert.is(await driver.request(1, -1, 4), 0);
  assert.is(await driver.request(2, -4, 1, -2), 0);
  assert.equal(
    driver.target.log,
    ["read ffffffff 4", "write fffffffc 1 fffffffe"],
    "offsets are the target's business",
  );
  driver.endpoint.close();
  await driver.served;
});

hostile("any value may stand in a doorbell", async () => {
  const driver = new HostileDriver(createChannel({ queues: 2, ram: 4096 }));
  for (const [flag, value] of [
    [1, -1],
    [-5, 0x7fffffff],
    [0x40000000, 0],
  ] as const) {
    driver.words[DOORBELLS + 2] = flag;
    driver.words[DOORBELLS + 3] = value;
    await driver.ring();
    assert.is(driver.words[DOORBELLS + 2], 0, "taken");
  }
  assert.equal(driver.target.log, ["write 50 4 ffffffff", "write 50 4 7fffffff", "write 50 4 0"]);
  driver.endpoint.close();
  await driver.served;
});

// Two threads would do so by chance only: here the counter moves whenever the device's end has a look at it.
for (const spinUs of [0, 100]) {
  hostile(`a signal that is raised without end leaves the thread its timers, spin ${spinUs}`, async () => {
    const channel = createChannel({ queues: 1, ram: 4096 });
    const target = new RecordingTarget();
    const endpoint = new DeviceEndpoint(channel.device, { spinUs });
    const load = Atomics.load;
    const end = performance.now() + 1000;
    let ticks = 0;
    Atomics.load = ((words: Int32Array, at: number) => {
      if (words.buffer === channel.device.control && at === DEVICE_SIGNAL && performance.now() < end) {
        Atomics.add(words, at, 1);
      }
      return load(words, at);
    }) as typeof Atomics.load;
    try {
      const served = endpoint.serve(target);
      while (ticks < 5) {
        await new Promise<void>((resolve) => setTimeout(resolve, 1));
        ticks++;
      }
      assert.ok(performance.now() < end, "five timers within a second");
      endpoint.close();
      await served;
    } finally {
      Atomics.load = load;
    }
    assert.equal(target.log, []);
  });
}

hostile("what the device wrote itself is not read back", async () => {
  const driver = new HostileDriver(createChannel({ queues: 1, ram: 4096 }));
  driver.endpoint.setInterrupt(true);
  // The level, the state bits of the device, the answer to come: all overwritten.
  for (let at = 48; at < 80; at++) driver.words[at] = -1;
  driver.words[STATE] = 0b110;
  await driver.ring();
  driver.endpoint.setInterrupt(false);
  assert.is(driver.words[66], 0);
  assert.is(await driver.request(2, 0x70, 4, 1), 0);
  assert.equal(driver.target.log, ["write 70 4 1"]);
  driver.endpoint.close();
  assert.is(await driver.served, "device-closed");
});

hostile("a doorbell that never stops ringing leaves the thread its turns", async () => {
  const channel = createChannel({ queues: 1, ram: 4096 });
  const words = new Int32Array(channel.driver.control);
  const endpoint = new DeviceEndpoint(channel.device, { turnMs: 1 });
  const target = new RecordingTarget();
  target.write = () => {
    words[DOORBELLS] = 1;
  };
  words[DOORBELLS] = 1;
  const served = endpoint.serve(target);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(endpoint.counters.doorbells > 100);
  endpoint.close();
  assert.is(await served, "device-closed");
});
hostile.run();

test("a VirtioDriver and its device, both in one thread: waits without blocking", async () => {
  const { device, driver } = createChannel({ queues: 2, ram: 1 << 20 });
  const endpoint = new DeviceEndpoint(device);
  const copy = new CopyDevice([8, 8]);
  const virtio = new VirtioDevice(copy, {
    memory: new GuestMemory([{ base: 0, memory: endpoint.ram }]),
    schedule: runSoon,
  });
  const served = endpoint.serve(
    new MmioTransport(virtio, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) }),
  );
  // A thread that blocks while it is to serve itself would wait forever, so here the registers are reached directly.
  const bus = new DriverEndpoint(driver, QUICK);
  assert.throws(
    () =>
      attachDriver(bus, {
        allocator: new GuestAllocator(new GuestMemory([{ base: 0, memory: bus.ram }])),
      }),
    codeOf("timeout"),
  );
  bus.close();
  assert.is(await served, "driver-closed");
  assert.is(copy.answered, 0);
});

test("what is not a virtio device is refused", async () => {
  const { driver } = createChannel({ queues: 1, ram: 1 << 20 });
  const bus = new DriverEndpoint(driver);
  bus.read = () => 0;
  const allocator = new GuestAllocator(new GuestMemory([{ base: 0, memory: bus.ram }]));
  assert.throws(
    () => attachDriver(bus, { allocator }),
    (error: unknown) => error instanceof DriverError && error.code === "ENODEV",
  );
});

test("pumpInterrupts ends with its channel", async () => {
  const channel = createChannel({ queues: 1, ram: 1 << 20 });
  const bus = new DriverEndpoint(channel.driver);
  bus.read = (offset) => [0x74726976, 2, 63, 0][offset / 4] ?? 0;
  const allocator = new GuestAllocator(new GuestMemory([{ base: 0, memory: bus.ram }]));
  const driver = attachDriver(bus, { allocator });
  const pump = pumpInterrupts(bus, driver);
  bus.close();
  await pump;
});
test.run();
