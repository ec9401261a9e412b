// Whatever a driver does, the checker does not throw, spin, or remember without bound.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DriverChecker } from "../../src/conformance/driver-checker/index.ts";
import { GpuDevice } from "../../src/devices/gpu/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { CheckedMachine } from "../support/checked-driver.ts";
import { RawGuest, RING } from "../support/mutants/raw-guest.ts";

const test = suite("driver checker, hostile drivers");
const FEATURES = [28, 29, 34, 35, 38, 39, 40, 43];

const width = fc.constantFrom(1 as const, 2 as const, 4 as const);
/** Numbers near the places where something lies. */
const number = fc.oneof(
  fc.nat(64),
  fc.constantFrom(0, 1, 3, 7, 11, 15, 0xff, 0xffff, 0x7fff, 0x8000, 0xffff_ffff),
  fc.nat(0xfff).map((offset) => 0x8000_1000 + offset),
  fc.nat().map((value) => value >>> 0),
);
const access = fc.record({
  write: fc.boolean(),
  offset: fc.oneof(
    fc.nat(0x120),
    fc.nat(0x48).map((word) => 4 * word),
  ),
  width,
  value: number,
});
const poke = fc.record({
  at: fc.oneof(
    fc.nat(0x4000).map((offset) => RING.descriptors + offset),
    fc.constantFrom(...Object.values(RING)),
  ),
  bytes: fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 4, 0x80, 0xff), fc.nat(255)), {
    minLength: 1,
    maxLength: 24,
  }),
});

test("random accesses and random bytes, over mmio, from before and from behind DRIVER_OK", () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.boolean(),
      fc.subarray(FEATURES),
      fc.array(fc.oneof(access, poke), { maxLength: 120 }),
      (isGpu, live, features, steps) => {
        const guest = new RawGuest(() => undefined, FEATURES, isGpu ? new GpuDevice() : new RngDevice());
        if (live) guest.start(features);
        for (const step of steps) {
          if ("bytes" in step) guest.machine.memory.write(step.at, step.bytes);
          else if (step.write) guest.machine.mmio?.write(step.offset, step.width, step.value);
          else guest.machine.mmio?.read(step.offset, step.width);
        }
        guest.machine.finish();
      },
    ),
    { numRuns: 400 },
  );
});

test("random accesses over pci, configuration space included", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ access, place: fc.constantFrom("config" as const, 0, 1, 2, 4) }), {
        maxLength: 120,
      }),
      (steps) => {
        const machine = new CheckedMachine(new GpuDevice(), {
          transport: "pci",
          device: { ringFeatures: FEATURES },
        });
        machine.onInterrupt = () => undefined;
        for (const { access: step, place } of steps) {
          if (place === "config") {
            if (step.write) machine.pci?.configWrite(step.offset, step.width, step.value);
            else machine.pci?.configRead(step.offset, step.width);
          } else if (step.write) {
            machine.pci?.barWrite(place, step.offset, step.width, step.value);
          } else {
            machine.pci?.barRead(place, step.offset, step.width);
          }
        }
        machine.finish();
      },
    ),
    { numRuns: 200 },
  );
});

/** A checker in front of a device that is none, with as many features as the driver likes. */
function bare(features: readonly number[]) {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(8 << 20) }]);
  const checker = new DriverChecker({ memory, deviceId: 16 });
  const bus = checker.mmio({ read: () => 0xffff_ffff, write: () => undefined });
  for (const word of [0, 1]) {
    let value = 0;
    for (const bit of features) if (bit >>> 5 === word) value |= 1 << (bit & 31);
    bus.write(0x24, 4, word);
    bus.write(0x20, 4, value >>> 0);
  }
  return { memory, checker, bus };
}

function timed(action: () => void): number {
  const begin = performance.now();
  action();
  return performance.now() - begin;
}

for (const packed of [false, true]) {
  const format = packed ? "packed" : "split";
  test(`the largest ${format} queue, every descriptor a table of the largest size, all at once`, () => {
    const { memory, checker, bus } = bare([28, ...(packed ? [34] : [])]);
    const size = 32768;
    const table = 0x400000;
    const view = new DataView(memory.view(0, 8 << 20).buffer);
    for (let i = 0; i < size; i++) {
      view.setUint32(16 * i, table, true);
      view.setUint32(16 * i + 8, 16 * size, true);
      view.setUint16(16 * i + (packed ? 14 : 12), packed ? 0x84 : 4, true);
      view.setUint16(16 * i + (packed ? 12 : 14), packed ? i : 0, true);
      view.setUint16(table + 16 * i + 12, packed ? 0 : 1, true);
      view.setUint16(table + 16 * i + 14, packed ? 0 : i + 1, true);
      if (!packed) view.setUint16(0x100000 + 4 + 2 * i, i, true);
    }
    view.setUint16(0x100002, size, true);
    bus.write(0x38, 4, size);
    bus.write(0x90, 4, 0x100000);
    bus.write(0xa0, 4, 0x200000);
    const before = process.memoryUsage().heapUsed;
    const took = timed(() => {
      bus.write(0x44, 4, 1);
      for (let i = 0; i < 10; i++) bus.read(0x70, 4);
    });
    assert.ok(took < 5000, `${took} ms`);
    const grown = (process.memoryUsage().heapUsed - before) >>> 20;
    assert.ok(grown < 400, `${grown} MiB`);
    checker.finish();
  });
}

test("a split chain through the whole table from each of its descriptors", () => {
  const { memory, checker, bus } = bare([]);
  const size = 32768;
  const view = new DataView(memory.view(0, 8 << 20).buffer);
  for (let i = 0; i < size; i++) {
    view.setUint32(16 * i + 8, 1, true);
    view.setUint16(16 * i + 12, 1, true);
    view.setUint16(16 * i + 14, (i + 1) % size, true);
    view.setUint16(0x100000 + 4 + 2 * i, i, true);
  }
  view.setUint16(0x100002, size, true);
  bus.write(0x38, 4, size);
  bus.write(0x90, 4, 0x100000);
  bus.write(0xa0, 4, 0x200000);
  const took = timed(() => {
    bus.write(0x44, 4, 1);
    for (let i = 0; i < 10; i++) bus.read(0x70, 4);
  });
  assert.ok(took < 5000, `${took} ms`);
  assert.ok((checker.counts.get("split-ring.driver.the-virtqueue-descriptor-table.1") ?? 0) > 0);
  checker.finish();
});

test("more queues than there are", () => {
  const { checker, bus } = bare([]);
  for (let queue = 0; queue < 70_000; queue++) {
    bus.write(0x30, 4, queue);
    bus.write(0x38, 4, 8);
    bus.write(0x44, 4, 1);
    if (queue > 300) {
      // Enough are watched now: from here on it is about what is remembered.
      queue += 97;
    }
  }
  checker.finish();
  assert.ok(checker.eventCount > 1000);
});

test.run();
