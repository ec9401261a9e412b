// Hostile inputs to rings and transports, each named after what went wrong elsewhere. What concerns the commands of the
// GPU device is in spec-tests/unit/devices/gpu/attacks.test.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import {
  DeviceRig,
  FILLER,
  INDIRECT,
  NEEDS_RESET,
  NEXT,
  RawPackedRing,
  RawSplitRing,
  settle,
  WRITE,
  writeSplitDescriptor,
} from "../../src/testing/index.ts";
import type { QueueFaultCode } from "../../src/virtqueue/index.ts";
import { CONTROLQ, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { MmioMachine } from "../support/mmio-machine.ts";
import { PciMachine } from "../support/pci-machine.ts";
import {
  type Machine,
  type Registers,
  RING_PACKED,
  RING_RESET,
  ringFeatures,
} from "../support/transport-device.ts";

const test = suite("attacks on rings and transports");

const IN_ORDER = 35;
const NO_VECTOR = 0xffff;
const DATA = 0x20000;

type Driven = Machine & Registers;

/** The same machine behind either transport. */
function machines(bits: readonly number[] = []): [name: string, machine: Driven][] {
  const offered = { ringFeatures: ringFeatures(...bits) };
  return [
    ["mmio", new MmioMachine({}, offered)],
    ["pci", new PciMachine({}, {}, offered)],
  ];
}

/** One device with a queue that echoes nothing: random bytes, all of them 7. */
function rngRig(memoryBytes = 1 << 20): DeviceRig {
  const source = (target: Uint8Array): void => void target.fill(7);
  return new DeviceRig(new RngDevice({ source }), { memoryBytes, queueSize: 8 });
}

function ringOf(rig: DeviceRig): RawSplitRing {
  return rig.rings[0] as RawSplitRing;
}

/** The queue has ended for this reason, the driver knows, and a reset of the queue repairs it. */
function expectFault(rig: DeviceRig, code: QueueFaultCode, what: string): void {
  const interrupts = rig.configInterrupts;
  rig.notify(0);
  assert.is(rig.device.activeQueue(0)?.fault?.code, code, what);
  assert.ok((rig.device.status & NEEDS_RESET) !== 0, what);
  assert.is(rig.configInterrupts, interrupts + 1, what);
  assert.is(rig.device.activeQueue(0)?.inFlight, 0, what);
  rig.device.resetQueue(0);
  rig.enableQueue(0);
  const sent = rig.offer(0, [], [8]);
  rig.notify(0);
  assert.is(sent.written, 8, what);
}

test('packed ring: endless "is it empty" loop (CVE-2026-16457)', () => {
  const AVAIL = 0x80;
  const USED = 0x8000;
  for (const flags of [AVAIL, AVAIL | NEXT, AVAIL | WRITE, AVAIL | INDIRECT, AVAIL | USED, USED, 0xffff]) {
    const [, machine] = machines([RING_PACKED])[0] as [string, Driven];
    machine.negotiate(machine, [RING_PACKED, RING_RESET]);
    const ring = new RawPackedRing(machine.memory, 0x1000, 8);
    const view = new DataView(machine.memory.view(0x1000, 128).buffer, 0x1000);
    for (let i = 0; i < 8; i++) {
      view.setBigUint64(16 * i, BigInt(DATA), true);
      view.setUint32(16 * i + 8, 16, true);
      view.setUint16(16 * i + 12, i, true);
      view.setUint16(16 * i + 14, flags, true);
    }
    machine.device.writeQueueConfig(0, ring.config());
    machine.device.enableQueue(0);
    machine.setStatus(15);
    for (let i = 0; i < 20; i++) machine.notify(0);
    assert.ok(machine.type.handled.length <= 8, `${machine.type.handled.length} chains with flags ${flags}`);
  }
});

test("queue size above the allocated maximum, with IN_ORDER", () => {
  for (const size of [0, 3, 16, 32, 1024, 32768, 0xffff]) {
    for (const [name, machine] of machines([IN_ORDER])) {
      machine.negotiate(machine, [IN_ORDER]);
      const ring = machine.ring(0, 8);
      const config = { ...ring.config(), size };
      if (machine instanceof PciMachine) {
        machine.setCommon(0x16, 2, 0);
        machine.setCommon(0x18, 2, size);
        assert.is(machine.common(0x18, 2), 8, "an impossible size is not taken");
        continue;
      }
      machine.device.writeQueueConfig(0, config);
      machine.device.enableQueue(0);
      machine.setStatus(15);
      assert.is(machine.device.activeQueue(0), null, `${name}: size ${size}`);
      assert.ok((machine.status() & NEEDS_RESET) !== 0);
      machine.notify(0);
      assert.equal(machine.type.handled, []);
    }
  }
  // The other side of the boundary.
  for (const [, machine] of machines([IN_ORDER])) {
    machine.bringUp(machine, [IN_ORDER]);
    machine.offer(0);
    machine.notify(0);
    assert.is(machine.used(0), 1);
  }
});

test("queue index out of range at notify (CVE-2011-2512)", () => {
  for (const [name, machine] of machines()) {
    machine.bringUp(machine);
    for (const index of [2, 3, 64, 0x7fff, 0xffff]) {
      assert.is(machine.ignored(() => machine.notify(index)).length, 1, `${name}: ${index}`);
    }
    if (machine instanceof MmioMachine) {
      for (const index of [0x10000, 0x80000000, 0xffffffff]) {
        assert.equal(
          machine.ignored(() => machine.notify(index)),
          ["notify-no-such-queue"],
        );
      }
    }
    assert.equal(machine.type.handled, []);
    assert.is(machine.status(), 15);
    machine.offer(1);
    machine.notify(1);
    assert.is(machine.used(1), 1);
  }
});

test("queue_select unchecked for the MSI-X vector (cloud-hypervisor#7917)", () => {
  const machine = new PciMachine({}, { msix: { vectors: 3 } });
  machine.bringUp(machine);
  for (const index of [2, 3, 0x100, 0x7fff, 0xffff]) {
    machine.setCommon(0x16, 2, index);
    assert.equal(
      machine.ignored(() => machine.setCommon(0x1a, 2, 1)),
      ["pci-vector-of-no-queue"],
    );
    assert.is(machine.common(0x1a, 2), NO_VECTOR);
    // Nor has anything else an effect there.
    for (const [offset, width] of [
      [0x18, 2],
      [0x1c, 2],
      [0x20, 4],
      [0x24, 4],
      [0x3a, 2],
    ] as const) {
      assert.is(machine.ignored(() => machine.setCommon(offset, width, 1)).length, 1);
      assert.is(machine.common(offset, width), 0);
    }
  }
  for (const index of [0, 1]) {
    machine.setCommon(0x16, 2, index);
    machine.setCommon(0x1a, 2, 2);
    assert.is(machine.common(0x1a, 2), 2);
  }
});

test("vring alignment 0: division by zero (CVE-2017-17381)", () => {
  // QueueAlign, QueuePFN and GuestPageSize of the legacy interface do not exist here.
  const machine = new MmioMachine();
  machine.negotiate(machine);
  for (const offset of [0x3c, 0x40, 0x28]) {
    for (const value of [0, 1, 3, 4096, 0xffffffff]) {
      assert.equal(
        machine.ignored(() => machine.write(offset, value)),
        ["mmio-write-of-nothing"],
      );
    }
    assert.is(machine.read(offset), 0);
  }
  machine.bringUp(machine);
  machine.offer(0);
  machine.notify(0);
  assert.is(machine.used(0), 1);
  // Addresses that are not aligned, or 0.
  for (const [descLo, driverLo, deviceLo] of [
    [0x1008, 0x2000, 0x3000],
    [0x1000, 0x2001, 0x3000],
    [0x1000, 0x2000, 0x3002],
  ] as const) {
    const rig = rngRig();
    rig.device.resetQueue(0);
    const config = { ...ringOf(rig).config(), descLo, driverLo, deviceLo };
    rig.device.writeQueueConfig(0, config);
    rig.device.enableQueue(0);
    assert.is(rig.device.activeQueue(0), null);
    assert.ok((rig.device.status & NEEDS_RESET) !== 0);
  }
});

test("rings that lie nowhere, around the end of 64 bits, across the end of memory or in memory for reading", () => {
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(1 << 20) },
    { base: 0x200000, memory: new ArrayBuffer(65536), kind: "read-only" },
    { base: (1n << 64n) - 4096n, memory: new ArrayBuffer(4096) },
  ]);
  const parts = ["desc", "driver", "device"] as const;
  const places: [hi: number, lo: number][] = [
    [0, 0xfffffff0],
    [0xffffffff, 0xfffffff0],
    [0, (1 << 20) - 16],
    [0x7fffffff, 0],
    [0, 0x200000],
  ];
  for (const part of parts) {
    for (const [hi, lo] of places) {
      const rig = new DeviceRig(new RngDevice(), { memory, queueSize: 8 });
      rig.device.resetQueue(0);
      const config = { ...ringOf(rig).config(), [`${part}Hi`]: hi, [`${part}Lo`]: lo };
      rig.device.writeQueueConfig(0, config);
      rig.device.enableQueue(0);
      // What the device only reads may be in memory for reading.
      const works = lo === 0x200000 && part !== "device";
      assert.is(
        rig.device.activeQueue(0) !== null,
        works,
        `${part} at ${hi.toString(16)}:${lo.toString(16)}`,
      );
      assert.is((rig.device.status & NEEDS_RESET) === 0, works);
    }
  }
});

test("avail idx jumps further than the queue is long (firecracker#3149, cloud-hypervisor#7605)", () => {
  for (const idx of [9, 10, 0x7fff, 0x8000, 0xfffe, 0xffff]) {
    const rig = rngRig();
    for (let i = 0; i < 8; i++) ringOf(rig).descriptor(i, { addr: DATA, len: 4, flags: WRITE });
    ringOf(rig).publish(idx);
    expectFault(rig, "avail-idx-jump", `idx ${idx}`);
  }
  // As far as the queue is long it may go.
  const rig = rngRig();
  for (let i = 0; i < 8; i++) {
    ringOf(rig).descriptor(i, { addr: DATA, len: 4, flags: WRITE });
    ringOf(rig).offer(i, false);
  }
  ringOf(rig).publish(8);
  rig.device.notify(0);
  assert.is(ringOf(rig).usedIdx, 8);
});

test("avail idx moved backwards (firecracker#3149, cloud-hypervisor#7605)", () => {
  for (const back of [1, 2, 3]) {
    const rig = rngRig();
    for (let i = 0; i < 3; i++) {
      rig.offer(0, [], [4]);
      rig.notify(0);
    }
    ringOf(rig).publish(3 - back);
    expectFault(rig, "avail-idx-jump", `${back} back`);
  }
});

test("descriptors processed twice (firecracker#3149, cloud-hypervisor#7605)", async () => {
  const waiting: (() => void)[] = [];
  const source = () => new Promise<void>((resolve) => void waiting.push(resolve));
  const rig = new DeviceRig(new RngDevice({ source }), { queueSize: 8 });
  const ring = ringOf(rig);
  ring.descriptor(0, { addr: DATA, len: 4, flags: WRITE });
  ring.offer(0);
  ring.offer(0);
  rig.device.notify(0);
  assert.is(rig.device.activeQueue(0)?.fault?.code, "buffer-in-flight");
  assert.is(waiting.length, 1, "the device works on it once");
  waiting[0]?.();
  await settle();
  assert.is(ring.usedIdx, 1, "and returns it once");
});

test("zero-length descriptors in a loop (CVE-2016-6490)", () => {
  for (const loop of [[0], [1, 0], [1, 2, 3, 4, 5, 6, 7, 0]]) {
    for (const length of [0, 4]) {
      for (const flags of [NEXT, NEXT | WRITE]) {
        const rig = rngRig();
        for (const [i, next] of loop.entries())
          ringOf(rig).descriptor(i, { addr: DATA, len: length, flags, next });
        ringOf(rig).offer(0);
        expectFault(rig, "chain-too-long", `${loop.length} descriptors of ${length} bytes`);
      }
    }
  }
  // The same in a table.
  const rig = rngRig();
  writeSplitDescriptor(rig.memory, DATA, { addr: DATA, len: 0, flags: NEXT, next: 0 });
  ringOf(rig).descriptor(0, { addr: DATA, len: 16, flags: INDIRECT });
  ringOf(rig).offer(0);
  expectFault(rig, "chain-too-long", "a table that refers to its first entry");
});

test("huge lengths (CVE-2016-7422)", () => {
  for (const length of [0xffffffff, 0x80000000, 1 << 20]) {
    const rig = rngRig();
    ringOf(rig).descriptor(0, { addr: DATA, len: length, flags: WRITE });
    ringOf(rig).offer(0);
    expectFault(rig, "address-out-of-range", `${length} bytes`);
  }
  // All of memory, again and again, is more than a chain may hold.
  const rig = new DeviceRig(new RngDevice(), { memoryBytes: 1 << 28, queueSize: 64 });
  for (let i = 0; i < 64; i++) {
    const next = i === 63 ? 0 : NEXT;
    ringOf(rig).descriptor(i, { addr: 0, len: 1 << 28, flags: WRITE | next, next: i + 1 });
  }
  ringOf(rig).offer(0);
  expectFault(rig, "chain-bytes-overflow", "16 GiB");
  for (const [length, code] of [
    [0xfffffff0, "indirect-out-of-range"],
    [0x10000000, "indirect-out-of-range"],
    [8, "indirect-length"],
    [0, "indirect-length"],
  ] as const) {
    const table = rngRig();
    ringOf(table).descriptor(0, { addr: DATA, len: length, flags: INDIRECT });
    ringOf(table).offer(0);
    expectFault(table, code, `a table of ${length} bytes`);
  }
});

test("malformed chain never returned (cloud-hypervisor#8401)", () => {
  // It does not come back, but neither is it passed over: the queue stops, and the driver is told.
  const rig = rngRig();
  const good = rig.offer(0, [], [4]);
  ringOf(rig).descriptor(5, { addr: DATA, len: 4, flags: WRITE | NEXT, next: 99 });
  ringOf(rig).offer(5);
  const behind = rig.offer(0, [], [4]);
  rig.notify(0);
  assert.is(good.written, 4, "what came before it is done");
  assert.is(behind.written, -1, "what comes behind it is not");
  assert.is(rig.device.activeQueue(0)?.fault?.code, "next-out-of-range");
  assert.is(rig.configInterrupts, 1);
  rig.notify(0);
  assert.is(behind.written, -1);
  rig.device.writeStatus(0);
  rig.initialize();
  const again = rig.offer(0, [], [4]);
  rig.notify(0);
  assert.is(again.written, 4);
});

test("only the first descriptor of a request processed (cloud-hypervisor#7803)", () => {
  for (const indirect of [false, true]) {
    const rig = rngRig();
    const sent = rig.offer(0, [new Uint8Array(3), new Uint8Array(2)], [1, 5, 2, 16, 3], indirect);
    rig.notify(0);
    assert.is(sent.written, 27);
    assert.ok(rig.response(sent).every((byte) => byte === 7));
  }
});

test("unbounded requests in flight (CVE-2016-5403)", async () => {
  const waiting: (() => void)[] = [];
  const source = () => new Promise<void>((resolve) => void waiting.push(resolve));
  const type = new RngDevice({ source, queueSize: 256, maxRequestsInFlight: 8, maxAbandonedCalls: 16 });
  const rig = new DeviceRig(type, { queueSize: 256 });
  for (let i = 0; i < 200; i++) rig.offer(0, [], [4]);
  for (let i = 0; i < 50; i++) rig.notify(0);
  assert.is(waiting.length, 8);
  assert.is(rig.device.activeQueue(0)?.inFlight, 8);
  // Resets make room, so that a source that died holds up nobody, but not for ever more.
  for (let i = 0; i < 5; i++) {
    rig.device.writeStatus(0);
    rig.initialize();
    for (let k = 0; k < 200; k++) rig.offer(0, [], [4]);
    rig.notify(0);
  }
  assert.is(waiting.length, 16);
  while (waiting.length > 0) {
    waiting.shift()?.();
    await settle();
  }
  rig.collect(0);
  assert.is(ringOf(rig).usedIdx, 200, "all of them are answered in the end");
});

test("an indirect table inside itself", () => {
  // The table's only buffer is the table: the device has read it by the time it writes there.
  const rig = rngRig();
  writeSplitDescriptor(rig.memory, DATA, { addr: DATA, len: 32, flags: WRITE | NEXT, next: 1 });
  writeSplitDescriptor(rig.memory, DATA + 16, { addr: DATA + 64, len: 32, flags: WRITE });
  ringOf(rig).descriptor(0, { addr: DATA, len: 32, flags: INDIRECT });
  ringOf(rig).offer(0);
  rig.device.notify(0);
  assert.equal(ringOf(rig).usedElement(0), { id: 0, len: 64 });
  assert.ok(rig.memory.read(DATA, 32).every((byte) => byte === 7));
  assert.ok(rig.memory.read(DATA + 64, 32).every((byte) => byte === 7));
  // As a table of tables it is refused.
  const nested = rngRig();
  writeSplitDescriptor(nested.memory, DATA, { addr: DATA, len: 16, flags: INDIRECT });
  ringOf(nested).descriptor(0, { addr: DATA, len: 16, flags: INDIRECT });
  ringOf(nested).offer(0);
  expectFault(nested, "indirect-nested", "a table that refers to itself as a table");
});

test("an indirect table in another queue's ring, or across the end of memory", () => {
  const rig = new GpuRig({}, { memoryBytes: 1 << 20 });
  const [control, cursor] = rig.rings as [RawSplitRing, RawSplitRing];
  const request = rig.place(msg.displayInfo());
  const response = rig.allocate(408);
  cursor.descriptor(0, { addr: request, len: 24, flags: NEXT, next: 1 });
  cursor.descriptor(1, { addr: response, len: 408, flags: WRITE });
  control.descriptor(0, { addr: cursor.desc, len: 32, flags: INDIRECT });
  control.offer(0);
  rig.device.notify(CONTROLQ);
  assert.equal(control.usedElement(0), { id: 0, len: 408 });
  assert.is(rig.memory.read(response, 2)[1], 0x11);
  // The other queue goes on with the descriptors it has.
  cursor.offer(0);
  rig.device.notify(1);
  assert.is(cursor.usedIdx, 1);
  control.descriptor(1, { addr: (1 << 20) - 16, len: 32, flags: INDIRECT });
  control.offer(1);
  rig.device.notify(CONTROLQ);
  assert.is(rig.device.activeQueue(CONTROLQ)?.fault?.code, "indirect-out-of-range");
  cursor.offer(0);
  rig.device.notify(1);
  assert.is(cursor.usedIdx, 2, "the other queue goes on");
});

test("rings that overlap each other, and the used ring inside a data buffer", () => {
  const overlaps: [string, (c: { descLo: number; driverLo: number; deviceLo: number }) => object][] = [
    ["used ring on the available ring", ({ driverLo }) => ({ deviceLo: (driverLo + 3) & ~3 })],
    ["used ring on the descriptors", ({ descLo }) => ({ deviceLo: descLo })],
    ["available ring on the descriptors", ({ descLo }) => ({ driverLo: descLo })],
    ["all on one another", ({ descLo }) => ({ driverLo: descLo, deviceLo: descLo })],
  ];
  for (const [what, place] of overlaps) {
    const rig = rngRig();
    rig.device.resetQueue(0);
    const ring = new RawSplitRing(rig.memory, 0x10000, 8);
    const config = ring.config();
    rig.device.writeQueueConfig(0, { ...config, ...place(config) });
    rig.device.enableQueue(0);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 8; i++) ring.descriptor(i, { addr: DATA, len: 4, flags: WRITE });
      ring.offer(round % 8);
      rig.device.notify(0);
      assert.ok((rig.device.activeQueue(0)?.inFlight ?? 0) <= 8, what);
    }
    rig.device.writeStatus(0);
    rig.initialize();
    const sent = rig.offer(0, [], [8]);
    rig.notify(0);
    assert.is(sent.written, 8, what);
  }
  // The response falls on the used ring; what the device knows of its ring it knows by itself.
  const rig = rngRig();
  const ring = ringOf(rig);
  for (let i = 0; i < 20; i++) {
    ring.descriptor(0, { addr: ring.used, len: 6 + 8 * 8, flags: WRITE });
    ring.offer(0);
    rig.device.notify(0);
    assert.is(ring.usedIdx, i + 1);
    assert.equal(ring.usedElement(i), { id: 0, len: 70 });
  }
});

test("a buffer that is its own descriptor, or the available ring", () => {
  const rig = rngRig();
  const ring = ringOf(rig);
  ring.descriptor(0, { addr: ring.desc, len: 16, flags: WRITE });
  ring.offer(0);
  rig.device.notify(0);
  assert.equal(ring.usedElement(0), { id: 0, len: 16 });
  ring.descriptor(1, { addr: ring.avail, len: 4 + 2 * 8, flags: WRITE });
  ring.offer(1);
  rig.device.notify(0);
  assert.equal(ring.usedElement(1), { id: 1, len: 20 });
  // The index is now 0x0707: the next look finds a jump.
  rig.device.notify(0);
  assert.is(rig.device.activeQueue(0)?.fault?.code, "avail-idx-jump");
});

test("features changed after FEATURES_OK", () => {
  for (const [name, machine] of machines([IN_ORDER])) {
    machine.negotiate(machine, [RING_RESET]);
    const ignored = machine.ignored(() => {
      for (let word = 0; word < 4; word++) machine.acceptFeatures(word, 0xffffffff);
    });
    assert.is(ignored.length, 4, name);
    assert.is(machine.device.hasFeature(IN_ORDER), false);
    assert.is(machine.device.hasFeature(RING_RESET), true);
    assert.is(machine.device.driverFeatureWord(1), 1 | (1 << (RING_RESET - 32)));
    for (let i = 0; i < 2; i++) machine.setUpQueue(i, machine.ring(i));
    machine.setStatus(15);
    machine.ignored(() => machine.acceptFeatures(1, 0));
    assert.is(machine.device.hasFeature(RING_RESET), true);
    machine.offer(0);
    machine.notify(0);
    assert.is(machine.used(0), 1);
  }
});

test("every register at every width and offset in every status", () => {
  const statuses = [0, 1, 3, 11, 15, 15 | 16, 15 | 64, 15 | 128, 0x20, 0xff];
  for (const status of statuses) {
    for (const value of [0, 1, 0x7fffffff, 0xffffffff]) {
      for (const [, machine] of machines()) {
        const bring = (): void => {
          machine.bringUp(machine, [RING_RESET]);
          machine.setStatus(status);
        };
        bring();
        sweep(machine, value, bring);
        machine.setStatus(0);
        machine.bringUp(machine);
        machine.offer(0);
        machine.notify(0);
        assert.is(machine.used(0), 1, `status ${status}, value ${value}`);
      }
    }
  }
});

/** Reads and writes everything once, beginning anew where a write reset the device. */
function sweep(machine: Driven, value: number, bring: () => void): void {
  const check = (read: number, width: number): void => {
    if (!(read >= 0 && read < 2 ** (8 * width)))
      throw new Error(`a register of ${width} bytes read as ${read}`);
  };
  for (const width of [1, 2, 4]) {
    if (machine instanceof MmioMachine) {
      for (let offset = 0; offset < 0x120; offset++) {
        check(machine.transport.read(offset, width), width);
        machine.transport.write(offset, width, value);
        if (machine.status() === 0) bring();
      }
    } else if (machine instanceof PciMachine) {
      for (let offset = 0; offset < 0x104; offset++) {
        check(machine.transport.configRead(offset, width), width);
        machine.transport.configWrite(offset, width, value);
      }
      for (const { index, windows } of machine.transport.bars) {
        for (const { offset: start, lengthBytes } of windows) {
          for (let offset = start; offset < start + Math.min(lengthBytes, 0x50) + 4; offset++) {
            check(machine.transport.barRead(index, offset, width), width);
            machine.transport.barWrite(index, offset, width, value);
            if (machine.status() === 0) bring();
          }
        }
      }
    }
  }
}

test("reset, queue reset and queue disable with fences pending", async () => {
  const ends: [string, (rig: GpuRig) => void][] = [
    ["reset", (rig) => rig.device.writeStatus(0)],
    ["queue reset", (rig) => rig.device.resetQueue(CONTROLQ)],
    ["queue disable", (rig) => rig.device.disableQueue(CONTROLQ)],
  ];
  for (const [what, end] of ends) {
    const waiting: (() => void)[] = [];
    const display = new MemoryDisplay(() => new Promise<void>((resolve) => void waiting.push(resolve)));
    const rig = new GpuRig({ display });
    const all = { x: 0, y: 0, w: 16, h: 16 };
    rig.resource2d(1, 16, 16);
    expectOk(rig.command(msg.setScanout(0, 1, all)));
    const pending = [1, 2, 3].map((fence) => rig.begin(msg.flush(1, all, { flags: 1, fence })));
    assert.is(rig.gpu.commandsInFlight, 3);
    end(rig);
    const before = rig.memory.read(0, 1 << 20);
    for (const resolve of waiting.splice(0)) resolve();
    await settle();
    assert.equal(rig.memory.read(0, 1 << 20), before, `${what}: nothing is written any more`);
    for (const sent of pending) assert.ok(rig.response(sent).every((byte) => byte === FILLER));
    assert.is(rig.gpu.commandsInFlight, 0);
    if (rig.device.status === 0) rig.initialize();
    else rig.enableQueue(CONTROLQ);
    assert.is(rig.command(msg.displayInfo({ flags: 1, fence: 9 }), 408).type, OK.DISPLAY_INFO, what);
  }
});

test("a queue that faulted takes no other queue with it", () => {
  const rig = new GpuRig();
  for (let i = 0; i < 3; i++) {
    const control = rig.rings[CONTROLQ] as RawSplitRing;
    control.descriptor(0, { addr: 0xdead0000, len: 24 });
    control.offer(0);
    rig.device.notify(CONTROLQ);
    assert.is(rig.device.activeQueue(CONTROLQ)?.fault?.code, "address-out-of-range");
    expectOk(rig.cursorCommand(msg.cursor(0x301, 0, i, i), 24));
    rig.device.resetQueue(CONTROLQ);
    rig.enableQueue(CONTROLQ);
    assert.is(rig.command(msg.displayInfo(), 408).type, OK.DISPLAY_INFO);
  }
});

test.run();
