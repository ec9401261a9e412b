// The driver's rings in memory that a device in another thread uses: which places are accessed atomically, in which order,
// and what lies in memory by then.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createDriverRing, type DriverRing, ElementList, GuestAllocator } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { AtomicsSpy } from "../../support/atomics-spy.ts";

const test = suite("driver rings in shared memory");

const SIZE = 4;
const AVAIL = 0x80;
const USED = 0x8000;
const WRITE = 2;

class Machine {
  readonly ring: DriverRing;
  readonly spy: AtomicsSpy;
  readonly elements = new ElementList();
  readonly #view: DataView;

  constructor(format: "split" | "packed", eventIdx = false) {
    const buffer = new SharedArrayBuffer(1 << 20);
    const allocator = new GuestAllocator(new GuestMemory([{ base: 0, memory: buffer }]));
    this.#view = new DataView(buffer);
    this.ring = createDriverRing({ format, size: SIZE, eventIdx }, { allocator });
    const { desc, driver, device } = this.ring.memory;
    const places: Record<string, number> =
      format === "split"
        ? {
            "avail.flags": driver.offset,
            "avail.idx": driver.offset + 2,
            used_event: driver.offset + 4 + 2 * SIZE,
            "used.flags": device.offset,
            "used.idx": device.offset + 2,
            avail_event: device.offset + 4 + 8 * SIZE,
          }
        : {
            "driver.off_wrap": driver.offset,
            "driver.flags": driver.offset + 2,
            "device.off_wrap": device.offset,
            "device.flags": device.offset + 2,
          };
    if (format === "packed") for (let i = 0; i < SIZE; i++) places[`flags[${i}]`] = desc.offset + 16 * i + 14;
    this.spy = new AtomicsSpy(buffer, places);
    this.elements.writableBuffer(allocator.allocate(64), 0, 64);
  }

  get16(part: "desc" | "driver" | "device", offset: number): number {
    return this.#view.getUint16(this.ring.memory[part].offset + offset, true);
  }

  set16(part: "desc" | "driver" | "device", offset: number, value: number): void {
    this.#view.setUint16(this.ring.memory[part].offset + offset, value, true);
  }

  get32(part: "desc" | "driver" | "device", offset: number): number {
    return this.#view.getUint32(this.ring.memory[part].offset + offset, true);
  }

  set32(part: "desc" | "driver" | "device", offset: number, value: number): void {
    this.#view.setUint32(this.ring.memory[part].offset + offset, value, true);
  }

  add(): number {
    return this.ring.add(this.elements);
  }
}

test("split: descriptors and heads lie there before the index that stands for them [split-ring.driver.updating-idx.1]", () => {
  const machine = new Machine("split");
  let shown: unknown = null;
  machine.spy.before("store avail.idx", () => {
    shown = [machine.get16("driver", 2), machine.get16("driver", 4), machine.get16("driver", 6)];
    assert.equal([machine.get32("desc", 8), machine.get16("desc", 12)], [64, WRITE]);
    assert.equal([machine.get32("desc", 24), machine.get16("desc", 28)], [64, WRITE]);
    machine.set16("device", 0, 0);
  });
  machine.set16("device", 0, 1);
  const calls = machine.spy.during(() => {
    assert.equal([machine.add(), machine.add()], [0, 1]);
    machine.ring.publish();
    // The device has just asked for it.
    assert.ok(machine.ring.shouldNotify());
  });
  assert.equal(shown, [0, 0, 1]);
  assert.equal(calls, ["store avail.idx 2", "load used.flags"]);
});

test("split: with EVENT_IDX the device's event index is read behind the available index [split-ring.driver.notifying-the-device.1]", () => {
  const machine = new Machine("split", true);
  machine.set16("device", 4 + 8 * SIZE, 9);
  machine.spy.before("load avail_event", () => machine.set16("device", 4 + 8 * SIZE, 0));
  const calls = machine.spy.during(() => {
    machine.add();
    machine.ring.publish();
    assert.ok(machine.ring.shouldNotify());
  });
  assert.equal(calls, ["store avail.idx 1", "load avail_event"]);
});

test("split: the used index is acquired, and the entries read after it", () => {
  const machine = new Machine("split");
  machine.add();
  machine.ring.publish();
  machine.spy.before("load used.idx", () => {
    machine.set32("device", 4, 0);
    machine.set32("device", 8, 33);
    machine.set16("device", 2, 1);
  });
  const calls = machine.spy.during(() => assert.is(machine.ring.pollUsed(), 0));
  assert.is(machine.ring.lastWritten, 33);
  assert.equal(calls, ["load used.idx"]);
  assert.equal(
    machine.spy.during(() => assert.not(machine.ring.hasUsed())),
    ["load used.idx"],
  );
});

test("packed: the rest of a batch lies there before the flags of its first descriptor [packed-ring.driver.updating-flags.1]", () => {
  const machine = new Machine("packed");
  let shown: unknown = null;
  machine.spy.before("store flags[0]", () => {
    shown = [machine.get32("desc", 8), machine.get16("desc", 12), machine.get16("desc", 14)];
    assert.equal(
      [machine.get32("desc", 24), machine.get16("desc", 28), machine.get16("desc", 30)],
      [64, 1, AVAIL | WRITE],
    );
    machine.set16("device", 2, 0);
  });
  machine.set16("device", 2, 1);
  const calls = machine.spy.during(() => {
    assert.equal([machine.add(), machine.add()], [0, 1]);
    machine.ring.publish();
    assert.ok(machine.ring.shouldNotify());
  });
  assert.equal(shown, [64, 0, 0]);
  assert.equal(calls, [`store flags[0] ${AVAIL | WRITE}`, "load device.flags"]);
});

test("packed: what the device asked about is read behind the flags", () => {
  const machine = new Machine("packed", true);
  machine.set16("device", 2, 1);
  machine.spy.before("load device.flags", () => machine.set16("device", 2, 2));
  machine.spy.before("load device.off_wrap", () => machine.set16("device", 0, 0x8000));
  const calls = machine.spy.during(() => {
    machine.add();
    machine.ring.publish();
    assert.ok(machine.ring.shouldNotify());
  });
  assert.equal(calls, [`store flags[0] ${AVAIL | WRITE}`, "load device.flags", "load device.off_wrap"]);
});

test("packed: the flags of a used descriptor are acquired, and the rest of it read after them", () => {
  const machine = new Machine("packed");
  machine.add();
  machine.add();
  machine.ring.publish();
  machine.spy.before("load flags[0]", () => {
    machine.set32("desc", 8, 33);
    machine.set16("desc", 12, 1);
    machine.set16("desc", 14, AVAIL | USED | WRITE);
  });
  const calls = machine.spy.during(() => assert.is(machine.ring.pollUsed(), 1));
  assert.is(machine.ring.lastWritten, 33);
  assert.equal(calls, ["load flags[0]"]);
  assert.equal(
    machine.spy.during(() => assert.not(machine.ring.hasUsed())),
    ["load flags[1]"],
  );
});

for (const [format, eventIdx, enable, disable, look] of [
  ["split", false, ["store avail.flags 0"], "store avail.flags 1", "load used.idx"],
  ["split", true, ["store used_event 0"], "store used_event 65535", "load used.idx"],
  ["packed", false, ["store driver.flags 0"], "store driver.flags 1", "load flags[0]"],
  [
    "packed",
    true,
    ["store driver.off_wrap 32768", "store driver.flags 2"],
    "store driver.flags 1",
    "load flags[0]",
  ],
] as const) {
  test(`${format}${eventIdx ? " with EVENT_IDX" : ""}: notifications are asked for, and then the ring is looked at`, () => {
    const machine = new Machine(format, eventIdx);
    assert.equal(
      machine.spy.during(() => machine.ring.disableNotifications()),
      [disable],
    );
    machine.add();
    machine.ring.publish();
    // The device saw that it need not notify, and uses a buffer meanwhile.
    machine.spy.before((enable.at(-1) as string).replace(/ \d+$/, ""), () => {
      if (format === "split") machine.set16("device", 2, 1);
      else machine.set16("desc", 14, AVAIL | USED);
    });
    const calls = machine.spy.during(() => assert.ok(machine.ring.enableNotifications(), "it is not lost"));
    assert.equal(calls, [...enable, look]);
  });
}

test.run();
