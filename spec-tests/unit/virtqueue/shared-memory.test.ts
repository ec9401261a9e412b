// The device's rings in memory that a driver in another thread uses: which places are accessed atomically, in which order,
// and what lies in memory by then.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DmaSpace, GuestMemory } from "../../../src/memory/index.ts";
import { type RawDescriptor, RawPackedRing, RawSplitRing, WRITE } from "../../../src/testing/index.ts";
import { activateQueue, type DeviceQueue, type QueueOptions } from "../../../src/virtqueue/index.ts";
import { AtomicsSpy } from "../../support/atomics-spy.ts";
import { popped, queueOptions } from "../../support/queue-asserts.ts";

const test = suite("device rings in shared memory");

const SIZE = 4;
const RING = 0x100;
const DATA = 0x800;
const AVAIL = 0x80;
const USED = 0x8000;

interface Setup<R> {
  readonly ring: R;
  readonly queue: DeviceQueue;
  readonly spy: AtomicsSpy;
}

function activated(
  format: "split" | "packed",
  memory: GuestMemory,
  ring: RawSplitRing | RawPackedRing,
  options: Partial<QueueOptions>,
): DeviceQueue {
  const queue = activateQueue(format, ring.config(), new DmaSpace(memory, null), queueOptions(options), null);
  assert.ok("pop" in queue);
  return queue as DeviceQueue;
}

function split(options: Partial<QueueOptions> = {}): Setup<RawSplitRing> {
  const buffer = new SharedArrayBuffer(0x1000);
  const memory = new GuestMemory([{ base: 0, memory: buffer }]);
  const ring = new RawSplitRing(memory, RING, SIZE);
  const spy = new AtomicsSpy(buffer, {
    "avail.flags": ring.avail,
    "avail.idx": ring.avail + 2,
    used_event: ring.avail + 4 + 2 * SIZE,
    "used.flags": ring.used,
    "used.idx": ring.used + 2,
    avail_event: ring.used + 4 + 8 * SIZE,
  });
  return { ring, spy, queue: activated("split", memory, ring, options) };
}

function packed(options: Partial<QueueOptions> = {}): Setup<RawPackedRing> {
  const buffer = new SharedArrayBuffer(0x1000);
  const memory = new GuestMemory([{ base: 0, memory: buffer }]);
  const ring = new RawPackedRing(memory, RING, SIZE);
  const flags = Array.from({ length: SIZE }, (_, i) => [`flags[${i}]`, ring.desc + 16 * i + 14]);
  const spy = new AtomicsSpy(buffer, {
    ...(Object.fromEntries(flags) as Record<string, number>),
    "driver.off_wrap": ring.driver,
    "driver.flags": ring.driver + 2,
    "device.off_wrap": ring.device,
    "device.flags": ring.device + 2,
  });
  return { ring, spy, queue: activated("packed", memory, ring, options) };
}

const PIECE: RawDescriptor = { addr: DATA, len: 16, flags: WRITE };

/** A driver that makes one buffer available, all of it at once. */
function offerSplit(ring: RawSplitRing, head: number): void {
  ring.descriptor(head, PIECE);
  ring.offer(head);
}

test("split: the available index is acquired, and what it stands for read after it [split-ring.driver.updating-idx.1]", () => {
  const { ring, queue, spy } = split();
  spy.before("load avail.idx", () => offerSplit(ring, 2));
  const calls = spy.during(() => {
    const chain = popped(queue);
    assert.equal([chain.head, chain.writableBytes], [2, 16]);
  });
  assert.equal(calls, ["load avail.idx"]);
});

for (const inOrder of [false, true]) {
  test(`split: used entries lie there before the index that stands for them${inOrder ? ", in order" : ""} [split-ring.device.the-virtqueue-used-ring.1]`, () => {
    const { ring, queue, spy } = split({ inOrder, inOrderBatching: false });
    for (const head of [0, 1]) offerSplit(ring, head);
    const chains = [popped(queue), popped(queue)];
    let shown: unknown = null;
    spy.before("store used.idx", () => {
      shown = [ring.usedIdx, ring.usedElement(0), ring.usedElement(1)];
    });
    const calls = spy.during(() => {
      for (const chain of chains) queue.push(chain, 7);
      assert.ok(queue.flush());
    });
    assert.equal(shown, [0, { id: 0, len: 7 }, { id: 1, len: 7 }]);
    // Behind the index: the driver may just have asked for the notification.
    assert.equal(calls, ["store used.idx 2", "load avail.flags"]);
    assert.is(ring.usedIdx, 2);
  });
}

test("split: with EVENT_IDX the driver's event index is read behind the used index", () => {
  const { ring, queue, spy } = split({ eventIdx: true });
  ring.setUsedEvent(9);
  offerSplit(ring, 0);
  const chain = popped(queue);
  spy.before("load used_event", () => ring.setUsedEvent(0));
  const calls = spy.during(() => {
    queue.push(chain, 0);
    assert.ok(queue.flush(), "it asked for this one before it looked at the index");
  });
  assert.equal(calls, ["store used.idx 1", "load used_event"]);
});

test("split: NOTIFY_ON_EMPTY looks at the available index behind the used index", () => {
  const { ring, queue, spy } = split({ notifyOnEmpty: true });
  offerSplit(ring, 0);
  const chain = popped(queue);
  const calls = spy.during(() => {
    queue.push(chain, 0);
    assert.ok(queue.flush());
  });
  assert.equal(calls, ["store used.idx 1", "load avail.idx"]);
});

for (const [name, options, begin, end] of [
  ["flags", { suppressWhileDraining: true }, ["store used.flags 1"], "store used.flags 0"],
  ["the event index", { eventIdx: true }, [], "store avail_event 1"],
] as const) {
  test(`split: a drain asks for notifications with ${name}, and then looks once more`, () => {
    const { ring, queue, spy } = split(options);
    offerSplit(ring, 0);
    assert.equal(
      spy.during(() => queue.beginDrain()),
      begin,
    );
    queue.push(popped(queue), 0);
    assert.is(queue.pop(), null);
    // The driver saw that it need not notify, and makes one more available meanwhile.
    spy.before(end.replace(/ \d$/, ""), () => offerSplit(ring, 1));
    const calls = spy.during(() => assert.ok(queue.endDrain(), "that one is not lost"));
    assert.equal(calls, [end, "load avail.idx"]);
  });
}

test("a drain that ended before the ring was empty does not look again", () => {
  // The device has enough in flight: asked again it would take nothing, and so for ever.
  const heads = split({ eventIdx: true });
  for (const head of [0, 1]) offerSplit(heads.ring, head);
  const lists = packed({ eventIdx: true });
  for (const id of [0, 1]) lists.ring.offer([PIECE], id);
  for (const [{ queue, spy }, expected] of [
    [heads, ["store avail_event 1"]],
    [lists, ["store device.off_wrap 32769", "store device.flags 2"]],
  ] as const) {
    queue.beginDrain();
    queue.push(popped(queue), 0);
    assert.equal(
      spy.during(() => assert.not(queue.endDrain())),
      expected,
    );
  }
});

test("packed: flags are acquired, and the rest of a descriptor read after them [packed-ring.driver.updating-flags.1]", () => {
  for (const count of [1, 2, 3]) {
    const { ring, queue, spy } = packed();
    const list = Array.from({ length: count }, () => PIECE);
    spy.before("load flags[0]", () => ring.offer(list, 3));
    const calls = spy.during(() => {
      const chain = popped(queue);
      assert.equal([chain.head, chain.writableBytes], [3, 16 * count]);
    });
    // A list is read by the short way as far as that reaches, and anew by the other.
    assert.equal(
      [...new Set(calls)],
      list.map((_, i) => `load flags[${i}]`),
    );
  }
});

for (const inOrder of [false, true]) {
  test(`packed: used descriptors lie there before the flags of the first${inOrder ? ", in order" : ""} [packed-ring.device.the-virtqueue-descriptor-table.3]`, () => {
    const { ring, queue, spy } = packed({ inOrder, inOrderBatching: false });
    for (const id of [2, 3]) ring.offer([PIECE], id);
    const chains = [popped(queue), popped(queue)];
    // Where buffers may come back in any order another id stands there than that of the driver.
    if (!inOrder) chains.reverse();
    const [first, second] = inOrder ? [2, 3] : [3, 2];
    const shown: unknown[] = [];
    spy.before("store flags[0]", () => {
      shown.push(ring.rawFlags(0) & USED, ring.rawFlags(1));
      // As if the flags were there already.
      const flags = ring.memory.view(ring.desc + 14, 2);
      flags[1] = USED >>> 8;
      shown.push(ring.takeUsed(1));
    });
    const calls = spy.during(() => {
      for (const chain of chains) queue.push(chain, 7);
      assert.ok(queue.flush());
    });
    assert.equal(shown, [0, USED | AVAIL | WRITE, { id: first, len: 7, write: true }]);
    assert.equal(calls, [`store flags[0] ${USED | AVAIL | WRITE}`, "load driver.flags"]);
    assert.equal(ring.takeUsed(1), { id: second, len: 7, write: true });
  });
}

test("packed: what the driver asked about is read behind the flags", () => {
  const { ring, queue, spy } = packed({ eventIdx: true });
  ring.setDriverEvent(0, 1);
  ring.offer([PIECE], 0);
  const chain = popped(queue);
  spy.before("load driver.flags", () => ring.setDriverEvent(3 | 0x8000, 2));
  spy.before("load driver.off_wrap", () => ring.setDriverEvent(0 | 0x8000, 2));
  const calls = spy.during(() => {
    queue.push(chain, 0);
    assert.ok(queue.flush());
  });
  assert.equal(calls, [`store flags[0] ${USED | AVAIL}`, "load driver.flags", "load driver.off_wrap"]);
});

for (const [name, options, begin, end] of [
  ["flags", { suppressWhileDraining: true }, ["store device.flags 1"], ["store device.flags 0"]],
  ["an offset", { eventIdx: true }, [], ["store device.off_wrap 32769", "store device.flags 2"]],
] as const) {
  test(`packed: a drain asks for notifications with ${name}, and then looks once more`, () => {
    const { ring, queue, spy } = packed(options);
    ring.offer([PIECE], 0);
    assert.equal(
      spy.during(() => queue.beginDrain()),
      begin,
    );
    queue.push(popped(queue), 0);
    assert.is(queue.pop(), null);
    spy.before("store device.flags", () => ring.offer([PIECE], 1));
    const calls = spy.during(() =>
      assert.ok(queue.endDrain(), "the one made available meanwhile is not lost"),
    );
    assert.equal(calls, [...end, "load flags[1]"]);
  });
}

test("memory of one thread is accessed without atomics", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x1000) }]);
  const ring = new RawSplitRing(memory, RING, SIZE);
  const queue = activated("split", memory, ring, {});
  offerSplit(ring, 0);
  const spy = new AtomicsSpy(memory.regions[0]?.u8.buffer as unknown as SharedArrayBuffer, {});
  const calls = spy.during(() => {
    queue.push(popped(queue), 1);
    queue.flush();
  });
  assert.equal(calls, []);
});

test.run();
