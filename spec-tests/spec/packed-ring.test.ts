import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DmaSpace, GuestMemory } from "../../src/memory/index.ts";
import { INDIRECT, NEXT, RawPackedRing, WRITE, writeSplitDescriptor } from "../../src/testing/index.ts";
import {
  activateQueue,
  type DescriptorChain,
  type DeviceQueue,
  type QueueOptions,
} from "../../src/virtqueue/index.ts";
import { faults, popped, queueOptions, readAll } from "../support/queue-asserts.ts";

const test = suite("packed ring, device side");

const DATA = 0x4000;
const TABLE = 0x3000;

function setUp(size = 8, options: Partial<QueueOptions> = {}, bytes = 0x10000) {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(bytes) }]);
  const ring = new RawPackedRing(memory, 0x1000, size);
  const queue = activateQueue("packed", ring.config(), new DmaSpace(memory), queueOptions(options));
  assert.ok("pop" in queue, "activation");
  return { memory, ring, queue: queue as DeviceQueue };
}

test("descriptors are processed in ring order, over many laps and sizes that are no power of two [packed-ring.device.packed-virtqueues.1]", () => {
  for (const size of [1, 2, 3, 7, 8, 100]) {
    const { memory, ring, queue } = setUp(size);
    for (let i = 0; i < size * 5; i++) {
      memory.write(DATA, [i & 0xff]);
      ring.offer([{ addr: DATA, len: 1 }], i & 0xffff);
      const chain = popped(queue);
      assert.equal(readAll(chain), [i & 0xff]);
      assert.is(chain.head, i & 0xffff);
      queue.push(chain, 0);
      queue.flush();
      assert.equal(ring.takeUsed(1), { id: i & 0xffff, len: 0, write: false });
    }
  }
});

test("used descriptors are written in the order of completion, each skipping its list's slots [packed-ring.device.packed-virtqueues.2] [packed-ring.device.packed-virtqueues.3]", () => {
  const { ring, queue } = setUp(8);
  const list = (n: number) => Array.from({ length: n }, () => ({ addr: DATA, len: 4, flags: WRITE }));
  ring.offer(list(3), 10);
  ring.offer(list(1), 11);
  ring.offer(list(2), 12);
  const [a, b, c] = [popped(queue), popped(queue), popped(queue)];
  queue.push(b, 4);
  queue.push(c, 0);
  queue.push(a, 12);
  queue.flush();
  assert.equal(ring.takeUsed(1), { id: 11, len: 4, write: true });
  assert.equal(ring.takeUsed(2), { id: 12, len: 0, write: false });
  assert.equal(ring.takeUsed(3), { id: 10, len: 12, write: true });
  assert.is(ring.takeUsed(1), null);
});

test("a batch appears to the driver at once: its first used descriptor is written last", () => {
  const { ring, queue } = setUp(4);
  ring.offer([{ addr: DATA, len: 1 }], 0);
  ring.offer([{ addr: DATA, len: 1 }], 1);
  const before = ring.rawFlags(0);
  const [a, b] = [popped(queue), popped(queue)];
  queue.push(a, 0);
  queue.push(b, 0);
  assert.is(ring.rawFlags(0), before, "not shown before the flush");
  queue.flush();
  assert.equal([ring.takeUsed(1)?.id, ring.takeUsed(1)?.id], [0, 1]);
});

test("device-readable memory stays as it is [packed-ring.device.the-virtqueue-descriptor-table.1]", () => {
  const { memory, ring, queue } = setUp();
  memory.write(DATA, [1, 2, 3, 4]);
  ring.offer(
    [
      { addr: DATA, len: 4 },
      { addr: DATA + 4, len: 4, flags: WRITE },
    ],
    5,
  );
  const chain = popped(queue);
  assert.is(chain.write(0, new Uint8Array(64).fill(0xee), 0, 64), 4);
  queue.push(chain, 4);
  queue.flush();
  assert.equal([...memory.read(DATA, 12)], [1, 2, 3, 4, 0xee, 0xee, 0xee, 0xee, 0, 0, 0, 0]);
});

test("a descriptor is used only once its AVAIL bit changed, in either lap [packed-ring.device.the-virtqueue-descriptor-table.2]", () => {
  const AVAIL = 0x80;
  const USED = 0x8000;
  const { memory, ring, queue } = setUp(2);
  const setFlags = (flags: number) => memory.write(ring.desc + 14, [flags & 0xff, flags >> 8]);
  memory.write(ring.desc, [0, 0x40, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
  for (const flags of [0, USED, AVAIL | USED]) {
    setFlags(flags);
    assert.is(queue.pop(), null, `flags ${flags}`);
  }
  setFlags(AVAIL);
  queue.push(popped(queue), 0);
  queue.flush();
  ring.next = 1;
  ring.offer([{ addr: DATA, len: 1 }], 0);
  queue.push(popped(queue), 0);
  queue.flush();
  // Second lap: now USED alone means available.
  for (const flags of [AVAIL, AVAIL | USED, 0]) {
    setFlags(flags);
    assert.is(queue.pop(), null, `second lap, flags ${flags}`);
  }
  setFlags(USED);
  assert.ok(queue.pop() !== null);
  assert.is(queue.fault, null);
});

test("a used descriptor is left alone afterwards [packed-ring.device.the-virtqueue-descriptor-table.3]", () => {
  const { memory, ring, queue } = setUp(4);
  ring.offer([{ addr: DATA, len: 1 }], 0);
  queue.push(popped(queue), 0);
  queue.flush();
  memory.write(ring.desc, [0xaa, 0xaa]);
  const kept = memory.read(ring.desc, 16);
  ring.offer([{ addr: DATA, len: 1 }], 1);
  queue.push(popped(queue), 0);
  queue.flush();
  queue.beginDrain();
  queue.pop();
  queue.endDrain();
  assert.equal(memory.read(ring.desc, 16), kept);
});

test("a chained list keeps its order, across the end of the ring too [packed-ring.device.scatter-gather-support.1]", () => {
  const { memory, ring, queue } = setUp(5);
  memory.write(DATA, [1, 2, 3, 4, 5]);
  for (let lap = 0; lap < 7; lap++) {
    ring.offer(
      [
        { addr: DATA + 2, len: 1 },
        { addr: DATA, len: 2 },
        { addr: DATA + 100, len: 3, flags: WRITE },
      ],
      lap,
    );
    const chain = popped(queue);
    assert.equal(readAll(chain), [3, 1, 2]);
    assert.is(chain.writableBytes, 3);
    queue.push(chain, 3);
    queue.flush();
    assert.equal(ring.takeUsed(3), { id: lap, len: 3, write: true });
  }
});

test("a list is limited to the queue size and to the ring's free slots [packed-ring.device.scatter-gather-support.2]", () => {
  const whole = setUp(4);
  whole.ring.offer(
    Array.from({ length: 4 }, (_, i) => ({ addr: DATA + i, len: 1 })),
    0,
  );
  assert.is(popped(whole.queue).readableBytes, 4);
  // All four descriptors say NEXT: a loop.
  const loop = setUp(4);
  for (let i = 0; i < 4; i++) {
    writeSplitDescriptor(loop.memory, loop.ring.desc + 16 * i, { addr: DATA, len: 1, next: NEXT | 0x80 });
  }
  faults(loop.queue, "chain-too-long");
  // A list may not reach into slots that the device holds.
  const held = setUp(4);
  held.ring.offer([{ addr: DATA, len: 1 }], 0);
  popped(held.queue);
  for (let i = 1; i < 4; i++) {
    writeSplitDescriptor(held.memory, held.ring.desc + 16 * i, { addr: DATA, len: 1, next: NEXT | 0x80 });
  }
  faults(held.queue, "chain-too-long");
});

test("the rest of a list must be available when its first descriptor is", () => {
  const { memory, ring, queue } = setUp(4);
  ring.offer(
    [
      { addr: DATA, len: 1 },
      { addr: DATA, len: 1 },
    ],
    0,
  );
  memory.write(ring.desc + 16 + 14, [0, 0]);
  faults(queue, "list-incomplete");
});

test("an indirect table is taken entry by entry; of the flags only WRITE counts", () => {
  for (const shift of [0, 1, 4]) {
    const { memory, ring, queue } = setUp(4, { indirectDesc: true });
    memory.write(DATA, [1, 2, 3]);
    // The packed layout has id at 12 and flags at 14: with the split writer these are `flags` and `next`.
    const entry = (i: number, addr: number, len: number, flags: number) =>
      writeSplitDescriptor(memory, TABLE + shift + 16 * i, { addr, len, flags: 0x1234, next: flags });
    entry(0, DATA, 1, NEXT | 0x80);
    entry(1, DATA + 1, 2, INDIRECT);
    entry(2, DATA + 16, 5, WRITE);
    ring.offer([{ addr: TABLE + shift, len: 48, flags: INDIRECT | WRITE }], 9);
    const chain = popped(queue);
    assert.equal(readAll(chain), [1, 2, 3]);
    assert.is(chain.writableBytes, 5);
    assert.is(chain.head, 9);
    queue.push(chain, 5);
    queue.flush();
    assert.equal(ring.takeUsed(1), { id: 9, len: 5, write: true });
  }
});

test("an indirect descriptor stands alone", () => {
  const chained = setUp(4, { indirectDesc: true });
  writeSplitDescriptor(chained.memory, TABLE, { addr: DATA, len: 1 });
  chained.ring.offer(
    [
      { addr: DATA, len: 1 },
      { addr: TABLE, len: 16, flags: INDIRECT },
    ],
    0,
  );
  faults(chained.queue, "indirect-with-next");
  const followed = setUp(4, { indirectDesc: true });
  followed.ring.offer(
    [
      { addr: TABLE, len: 16, flags: INDIRECT },
      { addr: DATA, len: 1 },
    ],
    0,
  );
  faults(followed.queue, "indirect-with-next");
  for (const [len, options, code] of [
    [0, { indirectDesc: true }, "indirect-length"],
    [17, { indirectDesc: true }, "indirect-length"],
    [16, {}, "indirect-not-negotiated"],
  ] as const) {
    const { ring, queue } = setUp(4, options);
    ring.offer([{ addr: TABLE, len, flags: INDIRECT }], 0);
    faults(queue, code);
  }
});

test("a table longer than the limit is refused, one entry less is taken", () => {
  for (const [entries, ok] of [
    [20, true],
    [21, false],
  ] as const) {
    const { memory, ring, queue } = setUp(4, { indirectDesc: true, maxChainElements: 20 });
    for (let i = 0; i < entries; i++) writeSplitDescriptor(memory, TABLE + 16 * i, { addr: DATA, len: 1 });
    ring.offer([{ addr: TABLE, len: 16 * entries, flags: INDIRECT }], 0);
    if (ok) assert.is(popped(queue).readableBytes, 20);
    else faults(queue, "chain-too-long");
  }
});

test("a buffer id may be any 16-bit number, but not one in flight", () => {
  const { ring, queue } = setUp(4);
  ring.offer([{ addr: DATA, len: 1 }], 0xffff);
  ring.offer([{ addr: DATA, len: 1 }], 0);
  assert.is(popped(queue).head, 0xffff);
  assert.is(popped(queue).head, 0);
  ring.offer([{ addr: DATA, len: 1 }], 0xffff);
  faults(queue, "buffer-in-flight");
});

test("readable elements come before writable ones", () => {
  const { ring, queue } = setUp();
  ring.offer(
    [
      { addr: DATA, len: 1, flags: WRITE },
      { addr: DATA, len: 1 },
    ],
    0,
  );
  faults(queue, "readable-after-writable");
});

test("driver event suppression: enable, disable, and a single descriptor in the right lap", () => {
  const notified = (flags: number, offWrap: number, eventIdx: boolean, batches: number[]): boolean[] => {
    const { ring, queue } = setUp(4, { eventIdx });
    ring.setDriverEvent(offWrap, flags);
    let id = 0;
    return batches.map((n) => {
      const chains: DescriptorChain[] = [];
      for (let i = 0; i < n; i++) {
        ring.offer([{ addr: DATA, len: 1 }], id++);
        chains.push(popped(queue));
      }
      for (const chain of chains) queue.push(chain, 0);
      return queue.flush();
    });
  };
  const ones = [1, 1, 1, 1, 1, 1, 1, 1];
  assert.equal(notified(0, 0, true, ones), Array(8).fill(true));
  assert.equal(notified(1, 0, true, ones), Array(8).fill(false));
  // Descriptor 2 of the first lap (wrap counter 1), then of the second (wrap counter 0).
  assert.equal(notified(2, 2 | 0x8000, true, ones), [false, false, true, false, false, false, false, false]);
  assert.equal(notified(2, 2, true, ones), [false, false, false, false, false, false, true, false]);
  // A batch notifies when it passes the descriptor.
  assert.equal(notified(2, 2 | 0x8000, true, [2, 2, 2, 2]), [false, true, false, false]);
  assert.equal(notified(2, 0, true, [3, 3, 2]), [false, true, false]);
  // Without EVENT_IDX the value 2 is not valid; the device then notifies rather than leave the driver waiting.
  assert.equal(notified(2, 2 | 0x8000, false, [1, 1]), [true, true]);
  assert.equal(notified(3, 0, true, [1]), [true]);
});

test("device event suppression: what the driver sees around a drain [packed-ring.prose.sending-available-buffer-notifications.1]", () => {
  const off = setUp(4, { suppressWhileDraining: true });
  off.queue.beginDrain();
  assert.is(off.ring.deviceEvent.flags, 1);
  off.queue.pop();
  off.queue.endDrain();
  assert.is(off.ring.deviceEvent.flags, 0);
  const on = setUp(4, { eventIdx: true, suppressWhileDraining: true });
  for (let i = 0; i < 6; i++) {
    on.ring.offer([{ addr: DATA, len: 1 }], i);
    on.queue.beginDrain();
    assert.is(on.ring.deviceEvent.flags, 1);
    on.queue.push(popped(on.queue), 0);
    assert.is(on.queue.pop(), null);
    on.queue.endDrain();
    on.queue.flush();
    assert.equal(on.ring.deviceEvent, { offWrap: on.ring.next | (on.ring.wrap << 15), flags: 2 });
  }
});

test("a buffer that arrives while the device asks for notifications is not lost", () => {
  for (const options of [{ suppressWhileDraining: true }, { eventIdx: true }]) {
    const { ring, queue } = setUp(4, options);
    queue.beginDrain();
    assert.is(queue.pop(), null);
    ring.offer([{ addr: DATA, len: 1 }], 0);
    assert.is(queue.endDrain(), true);
  }
});

test("with IN_ORDER a batch is one used descriptor with the last id, skipping all slots [content.device.reserved-feature-bits.5]", () => {
  const { ring, queue } = setUp(8, { inOrder: true });
  const writable = (n: number) => Array.from({ length: n }, () => ({ addr: DATA, len: 4, flags: WRITE }));
  ring.offer(writable(2), 0);
  ring.offer(writable(1), 1);
  ring.offer(writable(3), 2);
  const [a, b, c] = [popped(queue), popped(queue), popped(queue)];
  queue.push(b, 4);
  assert.is(queue.flush(), false);
  queue.push(a, 8);
  queue.flush();
  assert.equal(ring.takeUsed(3), { id: 1, len: 4, write: true });
  queue.push(c, 1);
  queue.flush();
  assert.equal(ring.takeUsed(3), { id: 2, len: 1, write: true });
});

test("the device never waits for more than the ring holds: an all-available ring ends", () => {
  // A hostile driver leaves every descriptor looking available, whatever the device writes.
  const { memory, ring, queue } = setUp(4);
  const rewrite = () => {
    for (let i = 0; i < 4; i++) {
      writeSplitDescriptor(memory, ring.desc + 16 * i, { addr: DATA, len: 1, flags: i, next: 0x80 });
    }
  };
  rewrite();
  queue.beginDrain();
  let chains = 0;
  for (let chain = queue.pop(); chain !== null && chains < 10000; chain = queue.pop()) {
    chains++;
    queue.push(chain, 0);
    queue.flush();
    rewrite();
    // The next lap looks for the opposite bits.
    if (chains % 8 >= 4) continue;
    for (let i = 0; i < 4; i++) memory.write(ring.desc + 16 * i + 14, [0, 0x80]);
  }
  queue.endDrain();
  assert.ok(chains < 100, `${chains} chains in one drain`);
});

test("queue set-ups that can't work are refused", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const good = new RawPackedRing(memory, 0x1000, 8).config();
  for (const [change, code] of [
    [{}, null],
    [{ size: 7 }, null],
    [{ size: 0 }, "queue-size"],
    [{ size: 32769 }, "queue-size"],
    [{ descLo: 0x1004 }, "ring-misaligned"],
    [{ driverLo: 0x2002 }, "ring-misaligned"],
    [{ deviceLo: 0x2002 }, "ring-misaligned"],
    [{ deviceLo: 0xfffc }, null],
    [{ deviceLo: 0x10000 }, "ring-out-of-range"],
  ] as const) {
    const result = activateQueue("packed", { ...good, ...change }, new DmaSpace(memory), queueOptions());
    assert.is("pop" in result ? null : result.code, code, JSON.stringify(change));
  }
});

test("the WRITE flag of a used descriptor says whether anything was written", () => {
  for (const written of [0, 1, 4]) {
    const { ring, queue } = setUp();
    ring.offer([{ addr: DATA, len: 4, flags: WRITE }], 3);
    queue.push(popped(queue), written);
    queue.flush();
    assert.equal(ring.takeUsed(1), { id: 3, len: written, write: written > 0 });
  }
});

test("the driver's area may be read-only for the device, the others not", () => {
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(0x10000) },
    { base: 0x100000, memory: new ArrayBuffer(0x1000), kind: "read-only" },
  ]);
  const good = new RawPackedRing(memory, 0x1000, 8).config();
  for (const [change, code] of [
    [{ driverLo: 0x100000 }, null],
    [{ deviceLo: 0x100000 }, "ring-out-of-range"],
    [{ descLo: 0x100000 }, "ring-out-of-range"],
  ] as const) {
    const result = activateQueue("packed", { ...good, ...change }, new DmaSpace(memory), queueOptions());
    assert.is("pop" in result ? null : result.code, code, JSON.stringify(change));
  }
});

test("a closed queue touches guest memory no more [content.device.device-reset.2]", () => {
  const { memory, ring, queue } = setUp(8, { eventIdx: true, suppressWhileDraining: true });
  ring.offer([{ addr: DATA, len: 4, flags: WRITE }], 0);
  ring.offer([{ addr: DATA, len: 4, flags: WRITE }], 1);
  const [late, done] = [popped(queue), popped(queue)];
  queue.push(done, 4);
  queue.close();
  const before = memory.read(0, 0x10000);
  assert.is(late.write(0, new Uint8Array(4).fill(1), 0, 4), 0);
  queue.push(late, 4);
  assert.is(queue.flush(), false);
  assert.is(queue.pop(), null);
  queue.endDrain();
  assert.equal(memory.read(0, 0x10000), before);
});

test("a queue goes on from saved progress, in the middle of a lap and across its end", () => {
  for (const done of [0, 1, 4, 5, 6, 9]) {
    const { memory, ring, queue } = setUp(5);
    for (let i = 0; i < done; i++) {
      ring.offer([{ addr: DATA, len: 1 }], i);
      queue.push(popped(queue), 0);
      queue.flush();
      ring.takeUsed(1);
    }
    const progress = queue.progress();
    queue.close();
    const copy = activateQueue("packed", ring.config(), new DmaSpace(memory), queueOptions(), progress);
    assert.ok("pop" in copy);
    for (let i = 0; i < 7; i++) {
      ring.offer([{ addr: DATA, len: 1 }], 100 + i);
      (copy as DeviceQueue).push(popped(copy as DeviceQueue), 0);
      (copy as DeviceQueue).flush();
      assert.is(ring.takeUsed(1)?.id, 100 + i);
    }
  }
});

test.run();
