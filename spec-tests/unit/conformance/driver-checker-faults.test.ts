// How the checker tells of a fault: once, at its level, in words that name what the driver did; and what it does not hold
// against drivers because it cannot see enough of them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type CheckedMmio,
  DriverChecker,
  type Violation,
} from "../../../src/conformance/driver-checker/index.ts";
import { CLAUSES } from "../../../src/conformance/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { DRIVER_MUTANTS } from "../../mutants/drivers/index.ts";
import { run } from "../../support/mutants/driver-judge.ts";
import { BUFFERS, RawGuest, RING, TABLE, WRITE } from "../../support/mutants/raw-guest.ts";

const test = suite("driver checker, faults");
const STEPS = [0, 1, 3] as const;

function guest(features: readonly number[] = [], more = {}): RawGuest {
  return new RawGuest(() => undefined, features, new RngDevice(), more);
}

function ids(violations: readonly Violation[]): string[] {
  return violations.map(({ id }) => id);
}

test("VERSION_1 not accepted is said to drivers that never looked for it, and nothing of a reset [content.driver.reserved-feature-bits.1]", () => {
  for (const looks of [true, false]) {
    const raw = guest();
    raw.begin();
    for (const word of [0, 1]) {
      if (looks) {
        raw.write(0x14, word);
        raw.read(0x10);
      }
      raw.write(0x24, word);
      raw.write(0x20, 0);
    }
    raw.status(11);
    raw.readStatus();
    const found = raw.machine.checker.violations;
    assert.equal(
      ids(found),
      looks
        ? ["content.driver.reserved-feature-bits.1"]
        : ["transport-mmio.driver.device-initialization.4", "content.driver.reserved-feature-bits.1"],
    );
    assert.match(found.at(-1)?.message ?? "", /VIRTIO_F_VERSION_1 was not accepted: write bit 0 of word 1/);
    for (const { message } of found) assert.not.match(message, /reset/);
  }
});

test("a driver that forgets DRIVER_OK hears of that, once [content.driver.device-initialization.6]", () => {
  const raw = guest();
  raw.begin();
  raw.negotiate();
  raw.queue();
  raw.split(0, { flags: WRITE });
  raw.offer(0, 0);
  for (let i = 0; i < 5; i++) raw.notify();
  const found = raw.machine.finish();
  assert.equal(ids(found), ["content.driver.device-initialization.6"]);
  assert.match(found[0]?.message ?? "", /notified at device status 0xb, where DRIVER_OK is not set/);
  assert.equal(found[0]?.also, [], "it did not give up: it went on");
  // One that stops without ever notifying did give up.
  const quiet = guest();
  quiet.begin();
  quiet.negotiate();
  const [gaveUp, ...rest] = quiet.machine.finish();
  assert.equal(rest, []);
  assert.is(gaveUp?.clause, "content.driver.device-initialization.4");
  assert.is(gaveUp?.level, "SHOULD");
  assert.match(gaveUp?.message ?? "", /stopped at device status 0xb: DRIVER_OK was never set/);
});

test("features written when all is settled are said to be so [content.driver.device-initialization.3]", () => {
  const raw = guest();
  raw.start();
  raw.write(0x20, 0);
  const [found, ...rest] = raw.machine.finish();
  assert.equal(rest, []);
  assert.is(found?.clause, "content.driver.device-initialization.3");
  assert.match(found?.message ?? "", /^features were written at device status 0xf, with FEATURES_OK set/);
  const early = guest();
  for (const offset of [0, 4, 8]) early.read(offset);
  early.status(0);
  early.readStatus();
  early.status(1);
  early.write(0x24, 0);
  early.write(0x20, 0);
  assert.match(
    early.machine.checker.violations[0]?.message ?? "",
    /at device status 0x1, before DRIVER was set/,
  );
});

test("levels are those of the statements", () => {
  const levels = new Map(CLAUSES.map(({ id, level }) => [id, level.toUpperCase()]));
  const seen = new Set<string>();
  for (const { input } of Object.values(DRIVER_MUTANTS).flat()) {
    if (!("raw" in input)) continue;
    for (const { level, clause, id, also } of run(input).violations) {
      seen.add(level);
      assert.is(level, clause === null ? "hint" : levels.get(clause), id);
      assert.is(id.startsWith("hint."), clause === null);
      for (const other of also)
        assert.ok(levels.get(other) === level || levels.get(other) === "SHOULD", other);
    }
  }
  assert.equal([...seen].sort(), ["MUST", "SHOULD", "hint"]);
});

test("one fault is one violation, the strictest statement first, and all are counted", () => {
  for (const [raw, clause, also] of [
    [
      "takes-buffers-back",
      "split-ring.driver.the-virtqueue-available-ring.1",
      ["content.driver.device-cleanup.2"],
    ],
    [
      "packed-descriptor-changed-in-flight",
      "packed-ring.driver.the-virtqueue-descriptor-table.2",
      ["content.driver.device-cleanup.1"],
    ],
    [
      "packed-list-without-room",
      "packed-ring.driver.scatter-gather-support.6",
      ["packed-ring.driver.scatter-gather-support.4", "packed-ring.driver.scatter-gather-support.5"],
    ],
    ["gpu-display-event-ignored", "gpu.prose.events.1", ["gpu.prose.events.2"]],
  ] as const) {
    const { violations, counts } = run({ raw, broken: true });
    const found = violations.map((violation) => [violation.clause, violation.also]);
    assert.equal(found, [[clause, also]], raw);
    for (const id of [clause, ...also]) assert.is(counts[id], 1, id);
  }
  // A reset that is not awaited: a SHOULD of all devices, and a MUST of PCI's.
  const memory = { read: () => false };
  const checker = new DriverChecker({ memory });
  const raw = guest();
  for (const offset of [0, 4, 8]) raw.read(offset);
  raw.status(1);
  assert.equal(ids(raw.machine.checker.violations), ["content.driver.device-initialization.1"]);
  assert.equal(raw.machine.checker.violations[0]?.also, ["transport-mmio.driver.device-initialization.4"]);
  assert.equal(checker.violations, []);
});

test("an event that the timeline has forgotten is said to be gone, and a violation keeps its own", () => {
  const raw = guest();
  raw.start();
  raw.status(14);
  const [found] = raw.machine.checker.violations;
  assert.is(found?.event, "status ← 0xe");
  const { checker } = raw.machine;
  assert.equal(checker.timeline(found?.at, 1), [{ index: found?.at, text: "status ← 0xe" }]);
  for (let i = 0; i < 5000; i++) raw.glance();
  const at = found?.at ?? 0;
  assert.equal(checker.timeline(at, 1), [
    {
      index: at,
      text: `event ${at} is no longer kept: the timeline holds the last 4096 (timelineLength)`,
      gone: true,
    },
  ]);
  const first = checker.eventCount - 4096;
  assert.equal(
    checker.timeline(first - 2, 4).map(({ index, gone }) => [index, gone ?? false]),
    [
      [first - 2, true],
      [first, false],
      [first + 1, false],
    ],
  );
  assert.is(checker.timeline().length, 4096);
  assert.is(checker.timeline()[0]?.index, first);
  assert.equal(checker.timeline(checker.eventCount, 3), []);
});

test("addresses are hexadecimal, and exact in all 64 bits", () => {
  const raw = guest();
  raw.start();
  raw.split(0, { flags: WRITE });
  raw.put32(RING.descriptors, 0x89ab_cdef);
  raw.put32(RING.descriptors + 4, 0xfedc_ba98);
  raw.offer(0, 0);
  raw.notify();
  const found = raw.machine.checker.violations.find(({ clause }) => clause?.endsWith("feature-bits.4"));
  assert.match(found?.message ?? "", /points to 0xfedcba9889abcdef, where no memory is/);
  assert.is(found?.evidence[0]?.after, "0xfedcba9889abcdef, 16 bytes");
});

// Step mode

/** A guest whose every store into its memory is shown to the checker, as an emulator's write hook would. */
function stepped(raw: RawGuest): (address: number, bytes: readonly number[]) => void {
  const { checker, memory } = raw.machine;
  return checker.afterEach((address: number, bytes: readonly number[]) => memory.write(address, bytes), 2);
}

test("step mode finds the order in which a driver writes: the index before the descriptors [content.driver.device-cleanup.1]", () => {
  for (const indexFirst of [true, false]) {
    for (const steps of [true, false]) {
      const raw = guest();
      raw.start();
      const store = steps ? stepped(raw) : raw.machine.memory.write.bind(raw.machine.memory);
      const halves = (at: number, value: number) => {
        store(at, [value & 0xff, (value >>> 8) & 0xff]);
        store(at + 2, [(value >>> 16) & 0xff, value >>> 24]);
      };
      const describe = () => {
        halves(RING.descriptors, BUFFERS);
        halves(RING.descriptors + 8, 16);
        store(RING.descriptors + 12, [WRITE, 0]);
      };
      const publish = () => {
        store(RING.driver + 4, [0, 0]);
        store(RING.driver + 2, [1, 0]);
      };
      for (const part of indexFirst ? [publish, describe] : [describe, publish]) part();
      raw.notify();
      const found = raw.machine.finish();
      if (!steps || !indexFirst) {
        assert.equal(found, [], `${steps} ${indexFirst}`);
        continue;
      }
      assert.equal(ids(found), ["content.driver.device-cleanup.1"]);
      assert.match(
        found[0]?.message ?? "",
        /descriptor 0 .* filled only after the available index had been raised/,
      );
      assert.is(found[0]?.level, "MUST");
    }
  }
});

test("step mode finds an entry of the available ring that is written after the index", () => {
  for (const indexFirst of [true, false]) {
    const raw = guest();
    raw.start();
    const store = stepped(raw);
    for (const head of [0, 3]) raw.split(head, { flags: WRITE });
    const parts = [() => store(RING.driver + 4, [3, 0]), () => store(RING.driver + 2, [1, 0])];
    for (const part of indexFirst ? parts.reverse() : parts) part();
    raw.notify();
    const found = raw.machine.finish();
    assert.equal(ids(found), indexFirst ? ["content.driver.device-cleanup.1"] : []);
    if (indexFirst)
      assert.match(found[0]?.message ?? "", /entry 0 of the available ring .* after the available index/);
  }
});

test("a store somewhere else costs no look at the rings", () => {
  let reads = 0;
  const bytes = new Uint8Array(1 << 16);
  const checker = new DriverChecker({
    deviceId: 4,
    memory: {
      read(address: number, into: Uint8Array) {
        reads++;
        into.set(bytes.subarray(address, address + into.length));
        return true;
      },
    },
  });
  const bus = checker.mmio({ read: () => 0, write: () => undefined });
  for (const [offset, value] of [
    [0x38, 8],
    [0x80, 0x1000],
    [0x90, 0x2000],
    [0xa0, 0x3000],
    [0x44, 1],
  ] as const) {
    bus.write(offset, 4, value);
  }
  reads = 0;
  for (const address of [0xffc, 0x1080, 0x1ffe, 0x2016, 0x2ffe, 0x3046]) checker.stored(address, 2);
  assert.is(reads, 0);
  for (const address of [0xfff, 0x107f, 0x1fff, 0x2015, 0x2fff, 0x3045]) {
    reads = 0;
    checker.stored(address, 2);
    assert.ok(reads > 0, address.toString(16));
  }
  reads = 0;
  checker.stored();
  assert.ok(reads > 0);
});

test("a store into a table in flight is looked at", () => {
  const raw = guest([28]);
  raw.start([28]);
  raw.split(0, { flags: WRITE }, TABLE);
  raw.split(0, { flags: 4, address: TABLE, length: 16 });
  raw.offer(0, 0);
  raw.machine.checker.stored();
  const store = stepped(raw);
  store(TABLE + 8, [99, 0]);
  assert.match(
    raw.machine.checker.violations[0]?.message ?? "",
    /the indirect table of buffer 0 was altered/,
  );
});

// What the checker cannot know is not held against a driver

test("rings may be filled before DRIVER_OK, and are notified after it, however long that takes", () => {
  for (const notifies of [true, false]) {
    const raw = guest();
    raw.begin();
    raw.negotiate();
    raw.queue();
    raw.split(0, { flags: WRITE });
    raw.offer(0, 0);
    for (let i = 0; i < 300; i++) raw.glance();
    raw.live();
    if (notifies) raw.notify();
    else for (let i = 0; i < 100; i++) raw.glance();
    const missing = "split-ring.driver.available-buffer-notification-suppression.4";
    assert.equal(ids(raw.machine.finish()), notifies ? [] : [missing]);
  }
});

/** A GPU up to DRIVER_OK whose configuration generation is what the test says. */
function withGeneration(generation: () => number): RawGuest {
  const raw = new RawGuest(() => undefined, [], new GpuDevice(), {
    filterMmio: (bus) => ({
      read: (offset, width) => (offset === 0xfc ? generation() : bus.read(offset, width)),
      write: (offset, width, value) => bus.write(offset, width, value),
    }),
  });
  raw.start();
  return raw;
}

test("single configuration fields may be read whatever the generation, several together may not [content.driver.device-configuration-space.1]", () => {
  for (const [fields, between, expected] of [
    [[0x100], false, 0],
    [[0x100, 0x108], true, 0],
    [[0x100, 0x108], false, 1],
  ] as const) {
    let generation = 0;
    const raw = withGeneration(() => generation);
    raw.read(0xfc);
    for (const field of fields) raw.read(field);
    // The driver turned to something else: its next look at the generation begins anew.
    if (between) raw.write(0x30, 0);
    generation++;
    raw.read(0xfc);
    for (let i = 0; i < 40; i++) raw.glance();
    assert.is(raw.machine.finish().length, expected, `${fields} ${between}`);
  }
});

test("a driver that reads fields after a complete attempt has not broken it off", () => {
  let generation = 0;
  const raw = withGeneration(() => generation);
  for (let i = 0; i < 3; i++) {
    raw.read(0xfc);
    for (const field of [0x100, 0x108]) raw.read(field);
    raw.read(0xfc);
    raw.read(0x100);
    raw.read(0x10c);
    generation++;
  }
  for (let i = 0; i < 40; i++) raw.glance();
  assert.equal(raw.machine.finish(), []);
});

test("what a driver does about interrupts is judged as far as it is known to take them", () => {
  const never = (polled: boolean | null) => {
    const raw = guest([], { polled });
    raw.machine.onInterrupt = () => undefined;
    raw.start();
    for (let i = 0; i < 3; i++) {
      raw.split(0, { flags: WRITE });
      raw.offer(0, i);
      raw.notify();
    }
    return ids(raw.machine.finish());
  };
  assert.equal(never(true), []);
  assert.equal(never(null), ["hint.interrupt-not-handled"]);
  assert.equal(never(false), ["transport-mmio.driver.notifications-from-the-device.1"]);
});

test("why a driver gives up is not known, unless it drives other devices [content.driver.feature-bits.5]", () => {
  for (const [drivesOthers, offers, expected] of [
    [true, 1, ["content.driver.feature-bits.5"]],
    [false, 1, ["hint.gave-up"]],
    [false, 0, []],
  ] as const) {
    const raw = guest([], {
      drivesOthers,
      filterMmio: (bus: CheckedMmio): CheckedMmio => ({
        // Feature 0, of which an entropy device has none.
        read: (offset, width) => (bus.read(offset, width) | (offset === 0x10 ? offers : 0)) >>> 0,
        write: (offset, width, value) => bus.write(offset, width, value),
      }),
    });
    raw.begin();
    for (const word of [0, 1]) {
      raw.write(0x14, word);
      raw.read(0x10);
    }
    raw.status(0x83);
    assert.equal(ids(raw.machine.finish()), expected);
  }
});

test("a violation is told of when it is whole", () => {
  const heard: string[] = [];
  const checker = new DriverChecker({
    memory: { read: () => false },
    deviceId: 4,
    onViolation: ({ id, also, event }) => heard.push(`${id} ${also.length} ${event}`),
  });
  const bus = checker.mmio({ read: () => 0, write: () => undefined });
  for (const offset of [0, 4, 8]) bus.read(offset, 4);
  heard.length = 0;
  for (const value of STEPS.slice(1)) bus.write(0x70, 4, value);
  assert.ok(
    heard.some((line) => line === "content.driver.device-initialization.1 1 status ← 0x1"),
    heard.join("\n"),
  );
});

test.run();
