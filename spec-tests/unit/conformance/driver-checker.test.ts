// What the checker sees, and that nobody notices it. Which statements it knows is for the mutants to show.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  DriverChecker,
  NOT_OBSERVABLE_OF_DRIVERS,
  STATEMENTS_OF_DRIVERS,
  type Violation,
} from "../../../src/conformance/driver-checker/index.ts";
import { CLAUSES, KIT_AREAS, NOT_OBSERVABLE } from "../../../src/conformance/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { RngDriver } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { drive } from "../../../src/testing/index.ts";
import { CheckedMachine } from "../../support/checked-driver.ts";
import { ACKNOWLEDGE, DRIVER, FAILED, NEXT, RawGuest, RING, WRITE } from "../../support/mutants/raw-guest.ts";

const test = suite("driver checker");

function guest(features: readonly number[] = []): RawGuest {
  return new RawGuest(() => undefined, features);
}

function clauses(violations: readonly Violation[]): string[] {
  return violations.map(({ id }) => id);
}

test("a violation says what, where and when, with the bytes before and after", () => {
  const raw = guest();
  raw.start();
  raw.split(2, { flags: WRITE, address: 0x8001_2340, length: 16 });
  raw.offer(2, 0);
  raw.glance();
  raw.split(2, { flags: WRITE, address: 0x8001_2340, length: 32 });
  raw.glance();
  const [violation, ...rest] = raw.machine.checker.violations;
  assert.equal(rest, []);
  assert.is(violation?.clause, "content.driver.device-cleanup.1");
  assert.is(violation?.queue, 0);
  assert.match(violation?.message ?? "", /^descriptor 2 was altered while the device held its buffer: /);
  assert.equal(violation?.evidence, [
    {
      what: "descriptor 2",
      address: RING.descriptors + 32,
      before: "40230180000000001000000002000000",
      after: "40230180000000002000000002000000",
    },
  ]);
  const { checker } = raw.machine;
  const before = checker.timeline().map(({ text }) => text);
  assert.match(
    before[(violation?.at ?? 0) - 1] ?? "",
    /^queue 0: buffer 2 available, 1 descriptors, 0 bytes to read, 16/,
  );
  assert.is(before[violation?.at ?? 0], "status → 0xf");
});

test("an alteration is reported once, not at every look", () => {
  const raw = guest();
  raw.start();
  raw.split(0, { flags: WRITE });
  raw.offer(0, 0);
  raw.glance();
  raw.split(0, { flags: WRITE, length: 4 });
  for (let i = 0; i < 10; i++) raw.glance();
  assert.is(raw.machine.checker.counts.get("content.driver.device-cleanup.1"), 1);
});

test("of each statement the first few violations are kept, all are counted, and somebody may listen", () => {
  const heard: Violation[] = [];
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(4096) }]);
  const checker = new DriverChecker({
    memory,
    violationsPerClause: 3,
    timelineLength: 5,
    onViolation: (violation) => heard.push(violation),
  });
  const bus = checker.mmio({ read: () => 0, write: () => undefined });
  bus.read(8, 4);
  bus.write(0x70, 4, 0);
  bus.read(0x70, 4);
  for (let i = 0; i < 50; i++) bus.write(0x70, 4, i % 2 === 0 ? 1 : 3);
  assert.is(checker.counts.get("content.driver.device-status-field.2"), 24);
  const kept = checker.violations.filter(({ clause }) => clause === "content.driver.device-status-field.2");
  assert.is(kept.length, 3);
  assert.is(heard.length, checker.violations.length);
  const timeline = checker.timeline();
  assert.is(timeline.length, 5);
  assert.is(timeline.at(-1)?.index, checker.eventCount - 1);
  assert.is(timeline.at(-1)?.text, "status ← 0x3");
  assert.equal(checker.timeline(timeline[2]?.index, 1), [timeline[2]]);
});

test("the device sees the accesses of its driver and no others, in their order", () => {
  const alone = drive(new RngDevice(), { transport: "mmio", device: { ringFeatures: [] } });
  RngDriver.start(alone.driver).read(100);
  const expected = alone.accesses.map(
    ({ write, offset, widthBytes, value }) => `${write ? "w" : "r"} ${offset} ${widthBytes} ${value}`,
  );
  const trace: string[] = [];
  const machine = new CheckedMachine(new RngDevice(), {
    transport: "mmio",
    device: { ringFeatures: [] },
    filterMmio: (bus) => ({
      read(offset, width) {
        const value = bus.read(offset, width);
        trace.push(`r ${offset} ${width} ${value}`);
        return value;
      },
      write(offset, width, value) {
        trace.push(`w ${offset} ${width} ${value}`);
        bus.write(offset, width, value);
      },
    }),
  });
  RngDriver.start(machine.probe()).read(100);
  assert.equal(trace, expected);
});

test("an interrupt inside of a notification is handled inside of it", () => {
  const raw = guest();
  const seen: string[] = [];
  raw.machine.onInterrupt = () => {
    seen.push(`causes ${raw.read(0x60)}`);
    raw.write(0x64, 1);
    // The next request, from within the handler.
    if (seen.length < 5) {
      raw.split(seen.length % 2, { flags: WRITE });
      raw.offer(seen.length % 2, seen.length);
      raw.notify();
    }
  };
  raw.start();
  raw.split(0, { flags: WRITE });
  raw.offer(0, 0);
  raw.notify();
  raw.machine.run();
  assert.equal(seen, new Array(5).fill("causes 1"));
  assert.equal(raw.machine.finish(), []);
  const texts = raw.machine.checker.timeline().map(({ text }) => text);
  assert.is(texts.filter((text) => text === "interrupt line asserted").length, 5);
  assert.is(texts.filter((text) => /^queue 0: buffer \d used/.test(text)).length, 5);
});

test("a buffer that came back may be altered, and used again", () => {
  for (const features of [[], [34]] as const) {
    const raw = guest(features);
    raw.start(features, 4);
    for (let i = 0; i < 20; i++) {
      if (features.length === 0) {
        raw.split(0, { flags: WRITE, length: 1 + i });
        raw.offer(0, i, 4);
      } else {
        const lap = Math.floor(i / 4) % 2 === 0;
        raw.packed(i % 4, { flags: (lap ? 0x80 : 0x8000) | WRITE, length: 1 + i, extra: i % 3 });
      }
      raw.notify();
    }
    assert.equal(raw.machine.finish(), []);
    const texts = raw.machine.checker.timeline().map(({ text }) => text);
    assert.is(texts.filter((text) => /^queue 0: buffer \d used/.test(text)).length, 20);
  }
});

test("a buffer that came and went between two looks is not taken for one in flight", () => {
  for (const features of [[], [35]] as const) {
    const raw = guest(features);
    raw.start(features);
    raw.split(1, { flags: WRITE });
    raw.offer(1, 0);
    // What a device does that looks into the ring by itself.
    raw.put32(RING.device + 4, 1);
    raw.put16(RING.device + 2, 1);
    raw.glance();
    raw.split(1, { flags: WRITE, length: 99 });
    raw.glance();
    assert.equal(raw.machine.checker.violations, []);
  }
});

test("more than a lap between two looks is no step backwards", () => {
  const raw = guest();
  raw.start();
  raw.split(1, { flags: WRITE });
  raw.offer(1, 0);
  raw.glance();
  raw.put16(RING.driver + 2, 3000);
  raw.put16(RING.device + 2, 2996);
  raw.glance();
  raw.split(1, { flags: WRITE, length: 99 });
  raw.glance();
  assert.equal(raw.machine.checker.violations, []);
});

test("a packed descriptor that is available again was used in between, if the device had a turn", async () => {
  for (const turn of [false, true]) {
    const raw = guest([34]);
    raw.start([34], 2);
    raw.packed(0, { flags: 0x80 | WRITE, extra: 0 });
    raw.packed(1, { flags: 0x80 | WRITE, extra: 1 });
    raw.glance();
    if (turn) await Promise.resolve();
    raw.packed(0, { flags: 0x8000 | WRITE, extra: 1 });
    raw.glance();
    assert.equal(
      clauses(raw.machine.checker.violations),
      turn ? [] : ["packed-ring.driver.the-virtqueue-descriptor-table.1"],
    );
  }
});

test("of a packed descriptor the device may write length and id before the flags, the driver nothing", () => {
  for (const byDevice of [false, true]) {
    let work = (): void => undefined;
    const raw = new RawGuest(() => undefined, [34], new RngDevice(), {
      filterMmio: (bus) => ({
        read(offset, width) {
          work();
          return bus.read(offset, width);
        },
        write: (offset, width, value) => bus.write(offset, width, value),
      }),
    });
    raw.start([34], 4);
    for (const slot of [0, 1]) raw.packed(slot, { flags: 0x80 | WRITE, extra: slot });
    raw.glance();
    const early = () => raw.packed(0, { flags: 0x80 | WRITE, extra: 1, length: 5 });
    if (byDevice) work = early;
    else early();
    raw.glance();
    const changed = ["packed-ring.driver.the-virtqueue-descriptor-table.2"];
    assert.equal(clauses(raw.machine.checker.violations), byDevice ? [] : changed);
    assert.equal(
      raw.machine.checker.violations[0]?.also,
      byDevice ? undefined : ["content.driver.device-cleanup.1"],
    );
    // The second used descriptor is complete before the first: a batch, whose first flags come last.
    work = () => raw.packed(1, { flags: 0x8080 | WRITE, extra: 0, length: 5 });
    raw.glance();
    work = () => raw.packed(0, { flags: 0x8080 | WRITE, extra: 1, length: 5 });
    raw.glance();
    assert.is(raw.machine.checker.violations.length, byDevice ? 0 : 1);
    const texts = raw.machine.checker.timeline().map(({ text }) => text);
    assert.equal(
      texts.filter((text) => / used, /.test(text)),
      ["queue 0: buffer 1 used, 5 bytes written", "queue 0: buffer 0 used, 5 bytes written"],
    );
  }
});

test("a device in another thread may write at any time", () => {
  const raw = new RawGuest(() => undefined, [34], new RngDevice(), { deviceElsewhere: true });
  raw.start([34], 4);
  raw.packed(0, { flags: 0x80 | WRITE, extra: 0 });
  raw.glance();
  raw.packed(0, { flags: 0x80 | WRITE, extra: 2, length: 5 });
  raw.glance();
  assert.equal(raw.machine.checker.violations, []);
  // But no device writes addresses.
  raw.packed(0, { flags: 0x80 | WRITE, extra: 2, length: 5, address: 0x8002_0000 });
  raw.glance();
  assert.is(raw.machine.checker.counts.get("packed-ring.driver.the-virtqueue-descriptor-table.2"), 1);
});

test("a used descriptor of a buffer nobody saw ends the watch over a packed ring", () => {
  const raw = guest([34]);
  raw.start([34], 4);
  raw.packed(0, { flags: 0x80 | WRITE, extra: 0 });
  raw.glance();
  raw.packed(0, { flags: 0x8080 | WRITE, extra: 3 });
  raw.glance();
  raw.packed(0, { flags: 0x8080 | WRITE, extra: 2 });
  raw.glance();
  assert.equal(raw.machine.checker.violations, []);
  assert.ok(
    raw.machine.checker.timeline().some(({ text }) => text.includes("the watch over this ring ends")),
  );
});

test("the available index may wrap", () => {
  const raw = guest();
  raw.start();
  for (let i = 0; i < 65_600; i += 4) {
    for (let j = 0; j < 4; j++) {
      raw.split(j, { flags: WRITE });
      raw.offer(j, (i + j) & 0xffff);
    }
    raw.notify();
  }
  assert.equal(raw.machine.finish(), []);
});

test("a notification that is late is not missing; one that never comes is, after some patience", () => {
  for (const looks of [20, 100]) {
    const raw = guest();
    raw.start();
    raw.split(0, { flags: WRITE });
    raw.offer(0, 0);
    for (let i = 0; i < looks; i++) raw.glance();
    const found = clauses(raw.machine.checker.violations);
    const missing = "split-ring.driver.available-buffer-notification-suppression.4";
    assert.equal(found, looks === 20 ? [] : [missing]);
    if (looks === 20) raw.notify();
    raw.machine.finish();
    assert.is(raw.machine.checker.violations.length, found.length, "and not twice");
  }
});

test("a driver may reset the device with buffers in flight, and begin anew", () => {
  const raw = guest();
  for (let life = 0; life < 3; life++) {
    raw.start();
    raw.split(0, { flags: WRITE | NEXT, extra: 1 });
    raw.split(1, { flags: WRITE });
    raw.offer(0, 0);
    raw.notify();
    raw.status(0);
    raw.readStatus();
    raw.machine.memory.write(RING.descriptors, new Uint8Array(0x4000));
  }
  assert.equal(raw.machine.finish(), []);
});

test("FAILED may be set at any moment", () => {
  const raw = guest();
  raw.begin();
  raw.status(ACKNOWLEDGE | DRIVER | FAILED);
  raw.start();
  assert.equal(raw.machine.finish(), []);
});

test("one that is finished may go on", () => {
  const raw = guest();
  raw.start();
  assert.equal(raw.machine.finish(), []);
  raw.split(0, { flags: WRITE });
  raw.offer(0, 0);
  raw.notify();
  assert.equal(raw.machine.finish(), []);
});

test("every statement that binds drivers is in the catalogue, and each exception is one of them", () => {
  const ids = new Set(CLAUSES.map(({ id }) => id));
  for (const id of STATEMENTS_OF_DRIVERS) assert.ok(ids.has(id), id);
  const statements = new Set(STATEMENTS_OF_DRIVERS);
  assert.is(statements.size, STATEMENTS_OF_DRIVERS.length);
  const excepted = NOT_OBSERVABLE_OF_DRIVERS.map(({ clause }) => clause);
  assert.is(new Set(excepted).size, excepted.length);
  for (const { clause, reason } of NOT_OBSERVABLE_OF_DRIVERS) {
    assert.ok(statements.has(clause), clause);
    assert.ok(reason.length > 20, clause);
  }
  // Together with those that devices are not judged by.
  const all = CLAUSES.filter(({ area }) => KIT_AREAS.includes(area));
  const unseen = new Set([...excepted, ...Object.keys(NOT_OBSERVABLE)]);
  assert.ok(unseen.size <= 0.08 * all.length, `${unseen.size} of ${all.length}`);
});

test.run();
