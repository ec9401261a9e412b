import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../../src/backends/display/memory/index.ts";
import { VirtioUsageError } from "../../../../src/base/index.ts";
import { type DeviceType, VirtioDevice } from "../../../../src/device/index.ts";
import { GpuDevice } from "../../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../../src/devices/rng/index.ts";
import { GpuDriver, GpuFramebuffer, RngDriver } from "../../../../src/driver/index.ts";
import type { GuestMemory } from "../../../../src/memory/index.ts";
import {
  DeviceRig,
  type Driven,
  drive,
  EchoDevice,
  NEEDS_RESET,
  WRITE,
} from "../../../../src/testing/index.ts";
import { MmioTransport, type SavedMmioTransport } from "../../../../src/transport/mmio/index.ts";
import { PciTransport, type SavedPciTransport } from "../../../../src/transport/pci/index.ts";
import { RingPair } from "../../../support/ring-pair.ts";

const SUSPEND = 16;
const F_SUSPEND = 43;
const RUNNING = 15;

type Path = readonly (string | number)[];

/** Every place in a plain object; of long lists the first elements. */
function* placesIn(value: unknown, at: Path = []): Generator<Path> {
  yield at;
  if (Array.isArray(value)) {
    for (const [i, element] of value.slice(0, 3).entries()) yield* placesIn(element, [...at, i]);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, element] of Object.entries(value)) yield* placesIn(element, [...at, key]);
  }
}

/** A copy with something else at a place; nothing at all for undefined. */
function replaced(value: unknown, [first, ...rest]: Path, by: unknown): unknown {
  if (first === undefined) return by;
  const copy: Record<string | number, unknown> = { ...(value as object) };
  if (rest.length === 0 && by === undefined) delete copy[first];
  else copy[first] = replaced(copy[first], rest, by);
  // As it comes out of a file.
  return Array.isArray(value) ? Object.values(copy) : copy;
}

const ODD: readonly unknown[] = [undefined, null, -1, 1.5, Number.NaN, "x", [], {}, true, 2 ** 53, [null]];

interface Subject {
  readonly name: string;
  readonly make: () => DeviceType;
  readonly run: (driven: Driven) => void;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: "rng",
    make: () => new RngDevice(),
    run: ({ driver }) => void RngDriver.start(driver).read(10),
  },
  {
    name: "gpu",
    make: () => new GpuDevice({ display: new MemoryDisplay() }),
    run: ({ driver }) => {
      const framebuffer = GpuFramebuffer.create(GpuDriver.start(driver), { width: 16, height: 16 });
      framebuffer.show(0);
      framebuffer.flush();
    },
  },
];

interface Restorable {
  restore(state: unknown): void;
  save(): unknown;
}

function fresh(kind: "mmio" | "pci", type: DeviceType, memory: GuestMemory): Restorable {
  const device = new VirtioDevice(type, { memory, schedule: () => {} });
  if (kind === "mmio") {
    const mmio = new MmioTransport(device);
    return { save: () => mmio.save(), restore: (state) => mmio.restore(state as SavedMmioTransport) };
  }
  const pci = new PciTransport(device);
  return { save: () => pci.save(), restore: (state) => pci.restore(state as SavedPciTransport) };
}

const test = suite("saved state");

for (const kind of ["mmio", "pci"] as const) {
  for (const { name, make, run } of SUBJECTS) {
    test(`${name} behind ${kind}: through JSON and back; anything wrong anywhere is refused, or harmless`, () => {
      const driven = drive(make(), { transport: kind, msix: kind === "pci" });
      run(driven);
      const saved: unknown = (driven.mmio ?? driven.pci)?.save();
      const state: unknown = JSON.parse(JSON.stringify(saved));
      assert.equal(state, saved);
      const restored = fresh(kind, make(), driven.memory);
      restored.restore(state);
      assert.equal(restored.save(), state);
      let refused = 0;
      for (const place of placesIn(state)) {
        for (const odd of ODD) {
          const wrong = replaced(state, place, odd);
          const text = JSON.stringify(wrong) ?? "undefined";
          if (text === JSON.stringify(state)) continue;
          const other = fresh(kind, make(), driven.memory);
          try {
            other.restore(wrong);
          } catch (error) {
            assert.instance(error, VirtioUsageError, `${place.join(".")} = ${String(odd)}: ${error}`);
            refused++;
            continue;
          }
          // What it took it also means: it can be saved, and is made of proper values.
          const again = JSON.stringify(other.save());
          assert.is(JSON.stringify(JSON.parse(again)), again);
        }
      }
      assert.ok(refused > 400, String(refused));
    });
  }
}

/** A running device, and a way to restore a changed state of it. */
function stage(queueSize = 64) {
  const rig = new DeviceRig(new EchoDevice({ queues: 2, maxSize: queueSize }), { ringFeatures: [F_SUSPEND] });
  const { device } = rig;
  const restore = (state: object, maxSize = queueSize) => {
    const type = new EchoDevice({ queues: 2, maxSize });
    const next = new DeviceRig(type, { memory: rig.memory, idle: true });
    next.device.restore({ ...device.save(), ...state });
    return Object.assign(next, { type });
  };
  return { rig, device, restore };
}

test("status and suspension belong together", () => {
  const { device, restore } = stage();
  restore({});
  assert.throws(
    () => restore({ suspended: true }),
    /suspended is (true|false), and the status says otherwise/,
  );
  assert.throws(
    () => restore({ status: device.status | SUSPEND }),
    /suspended is (true|false), and the status says otherwise/,
  );
  device.writeStatus(RUNNING | SUSPEND);
  restore({});
  assert.throws(
    () => restore({ suspended: false }),
    /suspended is (true|false), and the status says otherwise/,
  );
  assert.throws(
    () => restore({ status: RUNNING }),
    /suspended is (true|false), and the status says otherwise/,
  );
});

test("what a suspended device shows of its configuration is that of a suspended device", () => {
  const type = new EchoDevice({ configLengthBytes: 4 });
  const { device, memory } = new DeviceRig(type, { ringFeatures: [F_SUSPEND] });
  const change = (value: number) => type.host?.changeConfig(() => type.config.fill(value));
  const restore = (state: object) => {
    const next = new DeviceRig(new EchoDevice({ configLengthBytes: 4 }), { memory, idle: true });
    next.device.restore({ ...device.save(), ...state });
    return next.device;
  };
  const running = device.save();
  assert.is(running.shownConfig, null);
  assert.throws(() => restore({ shownConfig: [0, 0, 0, 0] }), /only a suspended device has one/);
  device.writeStatus(RUNNING | SUSPEND);
  change(1);
  change(2);
  const before = device.counters.configInterrupts;
  assert.is(device.readConfig(0, 4), 0, "the driver sees nothing of it");
  assert.equal(device.save().shownConfig, [0, 0, 0, 0]);
  for (const wrong of [[0], [0, 0, 0, 256], "0000", undefined]) {
    assert.throws(
      () => restore({ shownConfig: wrong }),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
  assert.is(restore({}).readConfig(0, 4), 0);
  device.writeStatus(RUNNING);
  assert.is(device.counters.configInterrupts, before + 1, "told once");
  assert.is(device.readConfig(0, 4), 0x02020202);
  device.writeStatus(RUNNING | SUSPEND);
  change(3);
  device.reset();
  assert.is(device.readConfig(0, 4), 0x03030303, "no longer suspended");
});

test("what a queue in use says of itself belongs together", () => {
  const { device, restore } = stage();
  const [queue, other] = device.save().queues;
  const withQueue = (changes: object) => () => restore({ queues: [{ ...queue, ...changes }, other] });
  withQueue({})();
  const { config, progress } = queue?.live ?? {};
  assert.throws(withQueue({ live: null }), /queues\[0\].live is null, and the queue is in use/);
  assert.throws(withQueue({ enabled: false }), /queues\[0\].live is there, and the queue is not enabled/);
  assert.throws(
    withQueue({ live: { config, progress: { ...progress, format: "packed" } } }),
    /queues\[0\].live.progress.format is packed, and the driver negotiated split/,
  );
  assert.throws(withQueue({ enabled: 1 }), /queues\[0\].enabled is 1, neither true nor false/);
  assert.throws(withQueue({ faulted: undefined }), /neither true nor false/);
});

test("a queue that is larger than those of this device is refused, not broken", () => {
  const { restore } = stage(64);
  restore({}, 128);
  assert.throws(
    () => restore({}, 32),
    /queues\[0\].live.config.size is 64, and a split queue here has at most 32 entries/,
  );
});

test("a queue that faulted stays dead after restore and resume, and is told of once", () => {
  const { rig, device, restore } = stage();
  rig.offer(0, [Uint8Array.of(1)], [4]);
  rig.notify(0);
  rig.offerBuffers(0, [{ address: 0xfff_0000, length: 16, flags: WRITE }], []);
  rig.notify(0);
  assert.is(device.status, RUNNING | NEEDS_RESET);
  device.writeStatus(RUNNING | SUSPEND);
  const next = restore({});
  next.device.writeStatus(RUNNING);
  assert.is(next.device.status, RUNNING | NEEDS_RESET);
  assert.is(next.device.activeQueue(0), null);
  assert.is(next.device.counters.queueFaults, 0);
  assert.is(next.type.seen.length, 0, "nothing is done twice");
  assert.is.not(next.device.activeQueue(1), null, "the other queue goes on");
  next.device.resetQueue(0);
  next.enableQueue(0);
  const sent = next.offer(0, [Uint8Array.of(1)], [4]);
  next.notify(0);
  assert.is(sent.written, 1, "until it is reset");
});

test("a queue that faulted when it was enabled faults once, however often the device resumes", () => {
  const { device } = stage();
  device.resetQueue(0);
  device.writeQueueConfig(0, { descLo: 5 });
  device.enableQueue(0);
  assert.is(device.counters.queueFaults, 1);
  for (let i = 0; i < 3; i++) {
    device.writeStatus(RUNNING | SUSPEND);
    device.writeStatus(RUNNING);
  }
  assert.is(device.counters.queueFaults, 1);
});

for (const format of ["split", "packed"] as const) {
  test(`nothing is saved while a buffer is used and not shown: it would be lost, ${format}`, () => {
    const pair = new RingPair({ format, indirectDesc: false, eventIdx: false, inOrder: false }, 8);
    const { ring, elements, device, echo } = pair;
    const handle = echo.handleQueue.bind(echo);
    let attempts = 0;
    echo.handleQueue = (index, queue) => {
      handle(index, queue);
      attempts++;
      assert.throws(() => device.save(), /about to be shown/);
    };
    elements.readableBuffer(pair.bufferOf(Uint8Array.of(1, 2)), 0, 2);
    ring.add(elements);
    pair.kick();
    assert.is(attempts, 1);
    assert.ok(ring.hasUsed());
    device.save();
  });

  test(`a device is not suspended before all that was used is shown, ${format} [content.device.device-suspend.8]`, () => {
    const kind = { format, indirectDesc: false, eventIdx: false, inOrder: false };
    const pair = new RingPair(kind, 8, { hold: true, suspend: true });
    const { ring, elements, device, echo } = pair;
    elements.readableBuffer(pair.bufferOf(Uint8Array.of(1, 2)), 0, 2);
    ring.add(elements);
    pair.kick();
    echo.quiesce = () => {};
    const request = echo.held[0]?.shift();
    request?.queue.push(request.chain, 0);
    device.writeStatus(RUNNING | SUSPEND);
    assert.is(device.status, RUNNING, "not yet");
    echo.host?.flush(0);
    assert.is(device.status & (SUSPEND | 4), SUSPEND);
    assert.ok(ring.hasUsed());
    assert.is(pair.interrupts, 1);
  });
}

test("what a suspended gpu had to tell it tells after restore and resume [content.device.device-suspend.5]", () => {
  const size = { widthPixels: 640, heightPixels: 480 };
  const gpu = new GpuDevice();
  const rig = new DeviceRig(gpu, { ringFeatures: [F_SUSPEND] });
  rig.device.writeStatus(RUNNING | SUSPEND);
  gpu.setDisplay(0, size);
  const state = JSON.parse(JSON.stringify(rig.device.save()));
  const next = new DeviceRig(new GpuDevice({ displays: [size] }), { memory: rig.memory, idle: true });
  next.device.restore(state);
  // Once more, while it is still suspended.
  const last = new DeviceRig(new GpuDevice({ displays: [size] }), { memory: rig.memory, idle: true });
  last.device.restore(next.device.save());
  for (const { device } of [rig, next, last]) {
    const before = device.counters.configInterrupts;
    assert.is(device.readConfig(0, 4), 0, "nothing changes while it is suspended");
    const generation = device.configGeneration;
    device.writeStatus(RUNNING);
    assert.is(device.counters.configInterrupts, before + 1);
    assert.is(device.readConfig(0, 4), 1);
    assert.is.not(device.configGeneration, generation);
  }
});

test.run();
