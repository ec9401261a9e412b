import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DmaSpace, GuestMemory } from "../../src/memory/index.ts";
import { INDIRECT, NEXT, RawSplitRing, WRITE, writeSplitDescriptor } from "../../src/testing/index.ts";
import {
  activateQueue,
  type DescriptorChain,
  type DeviceQueue,
  type QueueFaultCode,
  type QueueOptions,
} from "../../src/virtqueue/index.ts";
import { faults, popped, queueOptions, readAll } from "../support/queue-asserts.ts";

const test = suite("split ring, device side");

const DATA = 0x4000;
const TABLE = 0x3000;

function setUp(size = 8, options: Partial<QueueOptions> = {}, bytes = 0x10000) {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(bytes) }]);
  const ring = new RawSplitRing(memory, 0x1000, size);
  const queue = activateQueue("split", ring.config(), new DmaSpace(memory), queueOptions(options));
  assert.ok("pop" in queue, "activation");
  return { memory, ring, queue: queue as DeviceQueue };
}

test("a chain of any arrangement reads and writes the same bytes [split-ring.device.message-framing.1]", () => {
  // Twelve request bytes and six reply bytes, cut at every place into one to three elements each way.
  for (let a = 0; a <= 12; a++) {
    for (let b = 0; b <= 6; b++) {
      const { memory, ring, queue } = setUp();
      memory.write(
        DATA,
        Array.from({ length: 12 }, (_, i) => i + 1),
      );
      const lengths = [
        { len: a, flags: 0, at: DATA },
        { len: 12 - a, flags: 0, at: DATA + a },
        { len: b, flags: WRITE, at: DATA + 0x100 },
        { len: 6 - b, flags: WRITE, at: DATA + 0x200 },
      ];
      for (const [i, { len, flags, at }] of lengths.entries()) {
        ring.descriptor(i, { addr: at, len, flags: flags | (i < 3 ? NEXT : 0), next: i + 1 });
      }
      ring.offer(0);
      const chain = popped(queue);
      assert.equal(readAll(chain), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      assert.is(chain.writableBytes, 6);
      assert.is(chain.write(0, new Uint8Array([9, 8, 7, 6, 5, 4]), 0, 6), 6);
      queue.push(chain, 6);
      queue.flush();
      assert.equal(
        [...memory.read(DATA + 0x100, b), ...memory.read(DATA + 0x200, 6 - b)],
        [9, 8, 7, 6, 5, 4],
      );
      assert.equal(ring.usedElement(0), { id: 0, len: 6 });
    }
  }
});

test("the number of elements is limited, by a limit of at least the queue size [split-ring.device.message-framing.2]", () => {
  for (const [elements, ok] of [
    [16, true],
    [17, false],
  ] as const) {
    const { memory, ring, queue } = setUp(8, { indirectDesc: true, maxChainElements: 16 });
    for (let i = 0; i < elements; i++) {
      writeSplitDescriptor(memory, TABLE + 16 * i, {
        addr: DATA + i,
        len: 1,
        flags: i < elements - 1 ? NEXT : 0,
        next: i + 1,
      });
    }
    ring.descriptor(0, { addr: TABLE, len: 16 * elements, flags: INDIRECT });
    ring.offer(0);
    if (ok) assert.is(popped(queue).readableBytes, 16);
    else faults(queue, "chain-too-long");
  }
});

test("device-readable memory and the descriptor table stay as they are [split-ring.device.the-virtqueue-descriptor-table.1] [split-ring.device.the-virtqueue-descriptor-table.2]", () => {
  const { memory, ring, queue } = setUp();
  memory.write(DATA, [1, 2, 3, 4]);
  ring.descriptor(3, { addr: DATA, len: 4, flags: NEXT, next: 5 });
  ring.descriptor(5, { addr: DATA + 4, len: 4, flags: WRITE });
  ring.offer(3);
  const table = memory.read(ring.desc, 16 * 8);
  const chain = popped(queue);
  // Asked for more than there is room for, the device stops at the end of the writable part.
  assert.is(chain.write(0, new Uint8Array(64).fill(0xee), 0, 64), 4);
  queue.push(chain, 4);
  queue.flush();
  assert.equal([...memory.read(DATA, 12)], [1, 2, 3, 4, 0xee, 0xee, 0xee, 0xee, 0, 0, 0, 0]);
  assert.equal(memory.read(ring.desc, 16 * 8), table);
});

test("the write flag of a descriptor that refers to a table means nothing [split-ring.device.indirect-descriptors.1]", () => {
  for (const flags of [INDIRECT, INDIRECT | WRITE]) {
    const { memory, ring, queue } = setUp(8, { indirectDesc: true });
    memory.write(DATA, [5, 6]);
    writeSplitDescriptor(memory, TABLE, { addr: DATA, len: 2, flags: NEXT, next: 1 });
    writeSplitDescriptor(memory, TABLE + 16, { addr: DATA + 16, len: 3, flags: WRITE });
    ring.descriptor(0, { addr: TABLE, len: 32, flags });
    ring.offer(0);
    const chain = popped(queue);
    assert.equal(readAll(chain), [5, 6]);
    assert.is(chain.writableBytes, 3);
    assert.is(chain.indirect, true);
  }
});

test("direct descriptors may come before the table [split-ring.device.indirect-descriptors.2]", () => {
  for (const direct of [0, 1, 2, 3]) {
    const { memory, ring, queue } = setUp(8, { indirectDesc: true });
    memory.write(DATA, [1, 2, 3, 4, 5]);
    for (let i = 0; i < direct; i++) ring.descriptor(i, { addr: DATA + i, len: 1, flags: NEXT, next: i + 1 });
    writeSplitDescriptor(memory, TABLE, { addr: DATA + direct, len: 5 - direct, flags: NEXT, next: 1 });
    writeSplitDescriptor(memory, TABLE + 16, { addr: DATA + 16, len: 3, flags: WRITE });
    ring.descriptor(direct, { addr: TABLE, len: 32, flags: INDIRECT });
    ring.offer(0);
    assert.equal(readAll(popped(queue)), [1, 2, 3, 4, 5]);
  }
});

test("an indirect table may lie at any address", () => {
  for (const shift of [0, 1, 2, 3, 4, 8]) {
    const { memory, ring, queue } = setUp(8, { indirectDesc: true });
    memory.write(DATA, [7, 8]);
    writeSplitDescriptor(memory, TABLE + shift, { addr: DATA, len: 1, flags: NEXT, next: 2 });
    writeSplitDescriptor(memory, TABLE + shift + 32, { addr: DATA + 1, len: 1 });
    ring.descriptor(0, { addr: TABLE + shift, len: 48, flags: INDIRECT });
    ring.offer(0);
    assert.equal(readAll(popped(queue)), [7, 8], `table at offset ${shift}`);
  }
});

test("behind a translator a table may be scattered over pages, and rings may not", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const pages: Record<number, number> = { 1: 1, 3: 9, 4: 7 };
  const dma = new DmaSpace(memory, {
    translate(_hi, lo, lengthBytes, _write, result) {
      const page = pages[lo >>> 12];
      if (page === undefined) return 0;
      result.hi = 0;
      result.lo = page * 0x1000 + (lo & 0xfff);
      return Math.min(lengthBytes, 0x1000 - (lo & 0xfff));
    },
  });
  const ring = new RawSplitRing(memory, 0x1000, 8);
  const queue = activateQueue(
    "split",
    ring.config(),
    dma,
    queueOptions({ indirectDesc: true }),
  ) as DeviceQueue;
  // Device addresses 0x3fe0 … 0x401f: two descriptors at the end of page 9, two at the start of page 7.
  memory.write(0x7100, [1, 2, 3, 4]);
  for (const [i, at] of [0x9fe0, 0x9ff0, 0x7000, 0x7010].entries()) {
    writeSplitDescriptor(memory, at, { addr: 0x4100 + i, len: 1, flags: i < 3 ? NEXT : 0, next: i + 1 });
  }
  ring.descriptor(0, { addr: 0x3fe0, len: 64, flags: INDIRECT });
  ring.offer(0);
  assert.equal(readAll(popped(queue)), [1, 2, 3, 4]);
  // The same for a buffer: it comes out in two pieces.
  ring.descriptor(1, { addr: 0x3ffe, len: 4, flags: WRITE });
  ring.offer(1);
  const chain = popped(queue);
  assert.is(chain.segments.count, 2);
  chain.write(0, new Uint8Array([5, 6, 7, 8]), 0, 4);
  assert.equal([...memory.read(0x9ffe, 2), ...memory.read(0x7000, 2)], [5, 6, 7, 8]);
  const crossing = activateQueue("split", { ...ring.config(), descLo: 0x3fc0 }, dma, queueOptions());
  assert.is("pop" in crossing ? null : crossing.code, "ring-out-of-range");
});

test("without EVENT_IDX flags alone decide, whatever used_event says [split-ring.device.used-buffer-notification-suppression.1] [split-ring.device.used-buffer-notification-suppression.2] [split-ring.device.used-buffer-notification-suppression.3]", () => {
  for (const usedEvent of [0, 1, 5, 0xffff]) {
    for (const flags of [0, 1]) {
      const { ring, queue } = setUp();
      ring.descriptor(0, { addr: DATA, len: 1 });
      ring.setUsedEvent(usedEvent);
      ring.setAvailFlags(flags);
      ring.offer(0);
      queue.push(popped(queue), 0);
      assert.is(queue.flush(), flags === 0, `used_event ${usedEvent}, flags ${flags}`);
      assert.is(queue.flush(), false, "nothing new, no notification");
    }
  }
});

test("with EVENT_IDX used_event alone decides, whatever flags say [split-ring.device.used-buffer-notification-suppression.4] [split-ring.device.used-buffer-notification-suppression.5] [split-ring.device.used-buffer-notification-suppression.6]", () => {
  for (const flags of [0, 1]) {
    const { ring, queue } = setUp(8, { eventIdx: true });
    for (let i = 0; i < 8; i++) ring.descriptor(i, { addr: DATA, len: 1 });
    ring.setAvailFlags(flags);
    ring.setUsedEvent(2);
    const notified: boolean[] = [];
    for (let i = 0; i < 6; i++) {
      ring.offer(i);
      queue.push(popped(queue), 0);
      notified.push(queue.flush());
    }
    assert.equal(notified, [false, false, true, false, false, false]);
    // A batch that passes the index in its middle notifies as well.
    ring.setUsedEvent(8);
    for (const head of [6, 7, 0, 1, 2]) {
      ring.offer(head);
      queue.push(popped(queue), 0);
    }
    assert.is(queue.flush(), true);
  }
});

test("with EVENT_IDX the comparison holds across the wrap of the 16-bit index [split-ring.device.used-buffer-notification-suppression.5]", () => {
  const { ring, queue } = setUp(8, { eventIdx: true });
  for (let i = 0; i < 8; i++) ring.descriptor(i, { addr: DATA, len: 1 });
  const notifiedAt: number[] = [];
  for (let i = 0; i < 65536 + 20; i++) {
    // From the second lap on ask for entries 0xffff, 0 and 9.
    if (i === 65530) ring.setUsedEvent(0xffff);
    if (i === 65536) ring.setUsedEvent(0);
    if (i === 65540) ring.setUsedEvent(9);
    ring.offer(i & 7);
    queue.push(popped(queue), 0);
    if (queue.flush()) notifiedAt.push(i);
  }
  assert.equal(notifiedAt, [0, 65535, 65536, 65545]);
});

test("a used entry carries the head and the bytes written, and comes before its index [split-ring.device.the-virtqueue-used-ring.1] [split-ring.device.the-virtqueue-used-ring.2] [split-ring.device.the-virtqueue-used-ring.3]", () => {
  const { memory, ring, queue } = setUp();
  ring.descriptor(6, { addr: DATA, len: 4, flags: WRITE });
  ring.offer(6);
  const chain = popped(queue);
  chain.write(0, new Uint8Array([1, 2, 3, 4]), 0, 4);
  // The device may report fewer bytes than it wrote, never more.
  queue.push(chain, 2);
  assert.equal(ring.usedElement(0), { id: 6, len: 2 });
  assert.is(ring.usedIdx, 0, "the index is not shown before the flush");
  assert.equal([...memory.read(DATA, 4)], [1, 2, 3, 4], "the bytes are there before the index");
  queue.flush();
  assert.is(ring.usedIdx, 1);
});

test("reporting more bytes than were writable is the device's own mistake [split-ring.device.the-virtqueue-used-ring.2]", () => {
  const { ring, queue } = setUp();
  ring.descriptor(0, { addr: DATA, len: 4, flags: WRITE });
  ring.offer(0);
  const chain = popped(queue);
  assert.throws(() => queue.push(chain, 5), /5 bytes written into 4/);
});

test("without EVENT_IDX the used ring's flags are 1 during a drain and 0 after, if the device cares [split-ring.device.available-buffer-notification-suppression.1] [split-ring.device.available-buffer-notification-suppression.2]", () => {
  for (const suppressWhileDraining of [false, true]) {
    const { ring, queue } = setUp(8, { suppressWhileDraining });
    assert.is(ring.usedFlags, 0);
    queue.beginDrain();
    assert.is(ring.usedFlags, suppressWhileDraining ? 1 : 0);
    queue.pop();
    queue.endDrain();
    assert.is(ring.usedFlags, 0);
  }
});

test("with EVENT_IDX the used ring's flags stay 0 and avail_event asks for the next buffer [split-ring.device.available-buffer-notification-suppression.3] [split-ring.device.available-buffer-notification-suppression.4]", () => {
  const { ring, queue } = setUp(8, { eventIdx: true, suppressWhileDraining: true });
  for (let i = 0; i < 8; i++) ring.descriptor(i, { addr: DATA, len: 1 });
  for (let round = 0; round < 3; round++) {
    ring.offer(2 * round);
    ring.offer(2 * round + 1);
    queue.beginDrain();
    assert.is(ring.usedFlags, 0);
    while (queue.pop() !== null);
    assert.is(queue.endDrain(), false);
    assert.is(ring.usedFlags, 0);
    assert.is(ring.availEvent, 2 * (round + 1));
  }
});

test("a buffer that arrives while the device asks for notifications is not lost", () => {
  for (const options of [{ suppressWhileDraining: true }, { eventIdx: true }]) {
    const { ring, queue } = setUp(8, options);
    ring.descriptor(0, { addr: DATA, len: 1 });
    queue.beginDrain();
    assert.is(queue.pop(), null);
    ring.offer(0);
    assert.is(queue.endDrain(), true);
    assert.ok(queue.pop() !== null);
    queue.endDrain();
  }
});

test("an empty ring gives nothing, however often the driver notifies [split-ring.device.available-buffer-notification-suppression.5]", () => {
  const { queue } = setUp();
  for (let i = 0; i < 5; i++) {
    queue.beginDrain();
    assert.is(queue.pop(), null);
    assert.is(queue.endDrain(), false);
    assert.is(queue.flush(), false);
  }
  assert.is(queue.fault, null);
});

test("buffers come back in any order, each once", () => {
  const { ring, queue } = setUp();
  for (let i = 0; i < 4; i++) {
    ring.descriptor(i, { addr: DATA + i, len: 1, flags: WRITE });
    ring.offer(i);
  }
  const chains = [popped(queue), popped(queue), popped(queue), popped(queue)];
  for (const i of [2, 0, 3, 1]) queue.push(chains[i] as DescriptorChain, i === 2 ? 1 : 0);
  queue.flush();
  assert.equal(
    [0, 1, 2, 3].map((i) => ring.usedElement(i).id),
    [2, 0, 3, 1],
  );
  assert.is(ring.usedElement(0).len, 1);
  assert.throws(() => queue.push(chains[0] as DescriptorChain, 0), /pushed twice/);
});

test("with IN_ORDER an early buffer waits for its turn; a batch is one entry only where it may be [content.device.reserved-feature-bits.5]", () => {
  const { ring, queue } = setUp(8, { inOrder: true });
  for (let i = 0; i < 4; i++) {
    ring.descriptor(i, { addr: DATA + i * 8, len: 8, flags: WRITE });
    ring.offer(i);
  }
  const chains = [popped(queue), popped(queue), popped(queue), popped(queue)] as const;
  queue.push(chains[2], 8);
  queue.push(chains[1], 8);
  assert.is(queue.flush(), false);
  assert.is(ring.usedIdx, 0, "nothing may overtake buffer 0");
  queue.push(chains[0], 8);
  assert.is(queue.flush(), true);
  assert.is(ring.usedIdx, 3);
  assert.equal(ring.usedElement(0), { id: 2, len: 8 }, "one entry for the batch, at the place of its first");
  queue.push(chains[3], 3);
  queue.flush();
  assert.equal(ring.usedElement(3), { id: 3, len: 3 });

  // A partly written buffer must not be skipped: the driver would take it as written completely.
  const second = setUp(8, { inOrder: true });
  for (let i = 0; i < 2; i++) {
    second.ring.descriptor(i, { addr: DATA + i * 8, len: 8, flags: WRITE });
    second.ring.offer(i);
  }
  const early = popped(second.queue);
  second.queue.push(popped(second.queue), 8);
  second.queue.push(early, 4);
  second.queue.flush();
  assert.equal(
    [second.ring.usedElement(0), second.ring.usedElement(1)],
    [
      { id: 0, len: 4 },
      { id: 1, len: 8 },
    ],
  );
});

test("queues of 1 to 32768 entries wrap their indexes [split-ring.prose.updating-field-idx.1]", () => {
  for (const size of [1, 2, 4, 1024, 32768]) {
    const { ring, queue } = setUp(size, {}, 0x200000);
    const data = 0x180000;
    const rounds = size > 1000 ? 70000 : 70;
    for (let i = 0; i < rounds; i++) {
      const head = (i * 7) % size;
      ring.descriptor(head, { addr: data, len: 1 });
      ring.offer(head);
      const chain = popped(queue);
      assert.is(chain.head, head);
      queue.push(chain, 0);
      queue.flush();
    }
    assert.is(ring.usedIdx, rounds & 0xffff);
  }
});

// What no reply can repair ends the queue, each rule with the neighbour that is still allowed.

test("an available index may not run ahead of the descriptors, nor go back", () => {
  for (const [idx, ok] of [
    [8, true],
    [9, false],
    [0xffff, false],
  ] as const) {
    const { ring, queue } = setUp();
    for (let i = 0; i < 8; i++) {
      ring.descriptor(i, { addr: DATA, len: 1 });
      ring.offer(i, false);
    }
    ring.publish(idx);
    if (ok) assert.ok(queue.pop() !== null);
    else faults(queue, "avail-idx-jump");
  }
  // Going back by one after progress is a jump of 65535.
  const { ring, queue } = setUp();
  ring.descriptor(0, { addr: DATA, len: 1 });
  ring.offer(0);
  queue.push(popped(queue), 0);
  ring.publish(0);
  faults(queue, "avail-idx-jump");
});

test("buffers in flight count against the available index", () => {
  const { ring, queue } = setUp(4);
  for (let i = 0; i < 4; i++) {
    ring.descriptor(i, { addr: DATA, len: 1 });
    ring.offer(i);
  }
  for (let i = 0; i < 4; i++) popped(queue);
  ring.offer(0);
  faults(queue, "avail-idx-jump");
});

test("a head must be below the queue size and not in flight", () => {
  const first = setUp();
  first.ring.offer(8);
  faults(first.queue, "head-out-of-range");
  const second = setUp();
  second.ring.descriptor(7, { addr: DATA, len: 1 });
  second.ring.offer(7);
  popped(second.queue);
  second.ring.offer(7);
  faults(second.queue, "buffer-in-flight");
});

test("next must be below the size of its table", () => {
  const direct = setUp();
  direct.ring.descriptor(0, { addr: DATA, len: 1, flags: NEXT, next: 8 });
  direct.ring.offer(0);
  faults(direct.queue, "next-out-of-range");
  const indirect = setUp(8, { indirectDesc: true });
  writeSplitDescriptor(indirect.memory, TABLE, { addr: DATA, len: 1, flags: NEXT, next: 2 });
  indirect.ring.descriptor(0, { addr: TABLE, len: 32, flags: INDIRECT });
  indirect.ring.offer(0);
  faults(indirect.queue, "next-out-of-range");
});

test("loops end, with and without bytes in them [split-ring.driver.the-virtqueue-descriptor-table.1]", () => {
  for (const len of [0, 1]) {
    const { ring, queue } = setUp(8, { maxChainElements: 8 });
    ring.descriptor(0, { addr: DATA, len, flags: NEXT, next: 1 });
    ring.descriptor(1, { addr: DATA, len, flags: NEXT, next: 0 });
    ring.offer(0);
    faults(queue, "chain-too-long");
  }
});

test("a chain holds at most 2^32 bytes [split-ring.driver.the-virtqueue-descriptor-table.1]", () => {
  // The sum is checked before the second address is looked up, which could not be resolved here.
  const { ring, queue } = setUp(8);
  ring.descriptor(0, { addr: 0, len: 0x10000, flags: NEXT, next: 1 });
  ring.descriptor(1, { addr: 0, len: 0xffffffff });
  ring.offer(0);
  faults(queue, "chain-bytes-overflow");
});

test("readable elements come before writable ones [split-ring.driver.message-framing.1]", () => {
  for (const firstLength of [0, 4]) {
    const { ring, queue } = setUp();
    ring.descriptor(0, { addr: DATA, len: 4, flags: WRITE | NEXT, next: 1 });
    ring.descriptor(1, { addr: DATA, len: firstLength });
    ring.offer(0);
    faults(queue, "readable-after-writable");
  }
});

test("memory outside of every region, across two regions or wrapping is refused", () => {
  for (const [addr, len, ok] of [
    [0xfffcn, 4, true],
    [0xfffdn, 4, false],
    [0x10000n, 1, false],
    [0xfffffffffffffff0n, 0x20, false],
    [0x1_0000_4000n, 1, false],
  ] as const) {
    const { ring, queue } = setUp();
    ring.descriptor(0, { addr, len });
    ring.offer(0);
    if (ok) assert.is(popped(queue).readableBytes, 4);
    else faults(queue, "address-out-of-range");
  }
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(0x8000) },
    { base: 0x8000, memory: new ArrayBuffer(0x8000) },
  ]);
  const ring = new RawSplitRing(memory, 0x1000, 8);
  const queue = activateQueue("split", ring.config(), new DmaSpace(memory), queueOptions()) as DeviceQueue;
  ring.descriptor(0, { addr: 0x7ffe, len: 4 });
  ring.offer(0);
  faults(queue, "address-out-of-range");
});

test("read-only memory can be read, not written", () => {
  for (const [flags, ok] of [
    [0, true],
    [WRITE, false],
  ] as const) {
    const { memory, ring, queue } = setUp();
    memory.addRegion({ base: 0x100000, memory: new ArrayBuffer(64), kind: "read-only" });
    ring.descriptor(0, { addr: 0x100000, len: 8, flags });
    ring.offer(0);
    if (ok) assert.is(popped(queue).readableBytes, 8);
    else faults(queue, "write-to-read-only");
  }
});

test("an indirect table needs the feature, a proper length, memory, and stands alone and unnested", () => {
  const cases: [string, Partial<QueueOptions>, number, number, QueueFaultCode | null][] = [
    ["plain", { indirectDesc: true }, 16, INDIRECT, null],
    ["not negotiated", {}, 16, INDIRECT, "indirect-not-negotiated"],
    ["empty", { indirectDesc: true }, 0, INDIRECT, "indirect-length"],
    ["odd length", { indirectDesc: true }, 24, INDIRECT, "indirect-length"],
    ["with NEXT", { indirectDesc: true }, 16, INDIRECT | NEXT, "indirect-with-next"],
    ["with NEXT, lenient", { indirectDesc: true, indirectWithNext: "accept" }, 16, INDIRECT | NEXT, null],
  ];
  for (const [name, options, len, flags, fault] of cases) {
    const { memory, ring, queue } = setUp(8, options);
    writeSplitDescriptor(memory, TABLE, { addr: DATA, len: 1 });
    ring.descriptor(0, { addr: TABLE, len, flags, next: 1 });
    ring.offer(0);
    if (fault === null) assert.ok(queue.pop() !== null, name);
    else faults(queue, fault);
  }
  const nested = setUp(8, { indirectDesc: true });
  writeSplitDescriptor(nested.memory, TABLE, { addr: TABLE, len: 16, flags: INDIRECT });
  nested.ring.descriptor(0, { addr: TABLE, len: 16, flags: INDIRECT });
  nested.ring.offer(0);
  faults(nested.queue, "indirect-nested");
  const outside = setUp(8, { indirectDesc: true });
  outside.ring.descriptor(0, { addr: 0xfff8, len: 16, flags: INDIRECT });
  outside.ring.offer(0);
  faults(outside.queue, "indirect-out-of-range");
});

test("an element of length zero is skipped, or the end under the qemu policy", () => {
  const lenient = setUp();
  lenient.ring.descriptor(0, { addr: 0xdead_beef_0000n, len: 0, flags: NEXT, next: 1 });
  lenient.ring.descriptor(1, { addr: DATA, len: 2 });
  lenient.ring.offer(0);
  assert.is(popped(lenient.queue).readableBytes, 2);
  const strict = setUp(8, { zeroLengthElement: "fault" });
  strict.ring.descriptor(0, { addr: DATA, len: 0 });
  strict.ring.offer(0);
  faults(strict.queue, "zero-length");
});

test("queue set-ups that can't work are refused before anything is touched", () => {
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(0x10000) },
    { base: 0x100000, memory: new ArrayBuffer(0x10000), kind: "read-only" },
  ]);
  const good = new RawSplitRing(memory, 0x1000, 8).config();
  const cases: [Partial<typeof good>, QueueFaultCode | null][] = [
    [{}, null],
    [{ size: 0 }, "queue-size"],
    [{ size: 6 }, "queue-size"],
    [{ size: 16 }, null],
    [{ size: 32 }, "queue-size"],
    [{ size: 65536 }, "queue-size"],
    [{ descLo: 0x1008 }, "ring-misaligned"],
    [{ driverLo: 0x2001 }, "ring-misaligned"],
    [{ driverLo: 0x2002 }, null],
    [{ deviceLo: 0x2002 }, "ring-misaligned"],
    [{ deviceLo: 0x2004 }, null],
    [{ descLo: 0xff90 }, "ring-out-of-range"],
    [{ descLo: 0xff80 }, null],
    [{ descHi: 1 }, "ring-out-of-range"],
    [{ descLo: 0x100000 }, null],
    [{ driverLo: 0x100000 }, null],
    [{ deviceLo: 0x100000 }, "ring-out-of-range"],
  ];
  for (const [change, code] of cases) {
    const options = queueOptions({ maxSize: 16 });
    const result = activateQueue("split", { ...good, ...change }, new DmaSpace(memory), options);
    const got = "pop" in result ? null : result.code;
    assert.is(got, code, JSON.stringify(change));
  }
});

test("a closed queue touches guest memory no more [content.device.device-reset.2]", () => {
  const { memory, ring, queue } = setUp();
  ring.descriptor(0, { addr: DATA, len: 4, flags: WRITE });
  ring.offer(0);
  const chain = popped(queue);
  queue.close();
  const before = memory.read(0, 0x10000);
  assert.is(chain.abandoned, true);
  assert.is(chain.write(0, new Uint8Array(4).fill(1), 0, 4), 0);
  queue.push(chain, 4);
  assert.is(queue.flush(), false);
  queue.beginDrain();
  assert.is(queue.pop(), null);
  queue.endDrain();
  assert.equal(memory.read(0, 0x10000), before);
});

test.run();
