// Queues take usual chains on a shorter way than all others, once they know in which region requests lie. Whatever the
// driver writes, both ways must come to the same end: here a queue that knows its region and one that does not are
// given the same ring.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DmaSpace, GuestMemory } from "../../../src/memory/index.ts";
import {
  INDIRECT,
  NEXT,
  type RawDescriptor,
  RawPackedRing,
  RawSplitRing,
  WRITE,
  writeSplitDescriptor,
} from "../../../src/testing/index.ts";
import { activateQueue, type DeviceQueue, type QueueProgress } from "../../../src/virtqueue/index.ts";
import { queueOptions } from "../../support/queue-asserts.ts";

const test = suite("usual and unusual chains");

const RAM_BYTES = 0x1000;
const RING = 0x100;
const TABLE = 0x400;
const DATA = 0x800;
const TABLE_ENTRIES = 4;
const OTHER_RAM = 0x2000;
const ROM = 0x4000;
const NOWHERE = 0x6000;
const SIZE = 8;
/** For the request from which a queue learns the region. */
const FIRST = SIZE - 1;

const INITIAL = Uint8Array.from({ length: RAM_BYTES }, (_, i) => (i < DATA ? 0 : i * 7));

function memoryOf(ram: Uint8Array = INITIAL): GuestMemory {
  return new GuestMemory([
    { base: 0, memory: new Uint8Array(ram).buffer },
    { base: OTHER_RAM, memory: new ArrayBuffer(0x1000) },
    { base: ROM, memory: new ArrayBuffer(0x1000), kind: "read-only" },
  ]);
}

/** What a pop gives, and what the device then can do with it. */
function outcome(queue: DeviceQueue) {
  const chain = queue.pop();
  if (chain === null) return { fault: queue.fault };
  const { head, readableBytes, writableBytes, descriptorCount, indirect, readableCount, segments } = chain;
  const bytes = new Uint8Array(Math.min(readableBytes, 256));
  const read = chain.read(0, bytes, 0, bytes.length);
  const reply = new Uint8Array(Math.min(writableBytes, 256)).fill(0xa5);
  const written = chain.write(0, reply, 0, reply.length);
  const pieces = Array.from({ length: segments.count }, (_, i) => ({
    base: segments.regions[i]?.base,
    offset: segments.offsets[i],
    length: segments.lengths[i],
  }));
  const inFlight = queue.inFlight;
  queue.push(chain, written);
  const notify = queue.flush();
  return {
    fault: queue.fault,
    chain: { head, readableBytes, writableBytes, descriptorCount, indirect, readableCount, pieces },
    read,
    bytes,
    written,
    inFlight,
    notify,
    progress: queue.progress(),
  };
}

function activate(
  format: "split" | "packed",
  memory: GuestMemory,
  ring: RawSplitRing | RawPackedRing,
  indirectDesc: boolean,
  progress: QueueProgress | null,
): DeviceQueue {
  const options = queueOptions({ indirectDesc });
  const queue = activateQueue(format, ring.config(), new DmaSpace(memory), options, progress);
  if ("code" in queue) throw new Error(queue.code);
  return queue;
}

/** Pops and pushes the request with which every ring here begins. */
function learn(queue: DeviceQueue): void {
  const chain = queue.pop();
  assert.ok(chain !== null);
  if (chain !== null) queue.push(chain, 0);
  queue.flush();
}

/** The same ring before a queue that has learned, and before one that takes over behind the first request. */
function compare(
  format: "split" | "packed",
  indirectDesc: boolean,
  offer: (memory: GuestMemory) => RawSplitRing | RawPackedRing,
) {
  const memory = memoryOf();
  const ring = offer(memory);
  const learned = activate(format, memory, ring, indirectDesc, null);
  learn(learned);
  const copy = memoryOf(memory.read(0, RAM_BYTES));
  const fresh = activate(format, copy, ring, indirectDesc, learned.progress());
  const result = outcome(learned);
  assert.equal(result, outcome(fresh));
  assert.is(Buffer.compare(memory.read(0, RAM_BYTES), copy.read(0, RAM_BYTES)), 0, "the same memory");
  return result;
}

const address = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: DATA, max: DATA + 0x200 }) },
  fc.constantFrom(
    TABLE,
    TABLE + 2,
    RAM_BYTES - 16,
    OTHER_RAM,
    OTHER_RAM + 0xff0,
    ROM,
    NOWHERE,
    0x1_0000_0800,
  ),
);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 64 }) },
  fc.constantFrom(0, 16, 32, 64, 0x8000_0000, 0xffff_ffff),
);
const direct = fc.record({
  addr: address,
  len: length,
  flags: fc.constantFrom(0, 0, WRITE),
});

/** Where the first request lies, and with it the region that is known. */
const home = fc.constantFrom(DATA, DATA, DATA, OTHER_RAM, ROM);

const splitDescriptor = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      addr: address,
      len: length,
      flags: fc.constantFrom(0, NEXT, NEXT, WRITE, WRITE, NEXT | WRITE),
      next: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: SIZE })),
    }),
  },
  fc.record({
    addr: fc.constantFrom(TABLE, TABLE, TABLE + 2, NOWHERE),
    len: fc.constantFrom(16, 32, 48, 64, 8, 0),
    flags: fc.constantFrom(INDIRECT, INDIRECT | WRITE, INDIRECT | NEXT),
    next: fc.integer({ min: 0, max: SIZE }),
  }),
);

const runs = { numRuns: 2000, seed: 20240607 };

test("split: a queue that knows its region and one that doesn't make the same of any descriptors", () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(splitDescriptor, { minLength: FIRST, maxLength: FIRST }),
      fc.array(splitDescriptor, { minLength: TABLE_ENTRIES, maxLength: TABLE_ENTRIES }),
      fc.integer({ min: 0, max: SIZE - 2 }),
      fc.boolean(),
      home,
      (descriptors, table, head, indirectDesc, at) => {
        const result = compare("split", indirectDesc, (memory) => {
          const ring = new RawSplitRing(memory, RING, SIZE);
          descriptors.forEach((d, i) => {
            ring.descriptor(i, d);
          });
          table.forEach((d, i) => {
            writeSplitDescriptor(memory, TABLE + 16 * i, d);
          });
          ring.descriptor(FIRST, { addr: at, len: 4 });
          ring.offer(FIRST);
          ring.offer(head);
          return ring;
        });
        kinds.add(result.fault?.code ?? (result.chain?.indirect === true ? "indirect" : "direct"));
      },
    ),
    runs,
  );
  for (const kind of [
    "direct",
    "indirect",
    "chain-too-long",
    "readable-after-writable",
    "next-out-of-range",
  ]) {
    assert.ok(kinds.has(kind), `${kind} occurred`);
  }
});

test("split: a table that refers to itself is no endless loop", () => {
  const table = { addr: TABLE, len: 16, flags: INDIRECT };
  const result = compare("split", true, (memory) => {
    const ring = new RawSplitRing(memory, RING, SIZE);
    ring.descriptor(FIRST, { addr: DATA, len: 4 });
    ring.descriptor(0, table);
    writeSplitDescriptor(memory, TABLE, table);
    ring.offer(FIRST);
    ring.offer(0);
    return ring;
  });
  assert.is(result.fault?.code, "indirect-nested");
});

test("packed: a queue that knows its region and one that doesn't make the same of any descriptors", () => {
  const kinds = new Set<string>();
  const list = fc.array(direct, { minLength: 1, maxLength: SIZE - 1 });
  const tables = fc.record({
    addr: fc.constantFrom(TABLE, TABLE, TABLE + 2, NOWHERE),
    len: fc.constantFrom(16, 32, 48, 64, 8, 0),
    flags: fc.constantFrom(INDIRECT, INDIRECT | WRITE),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        { weight: 3, arbitrary: list },
        tables.map((d): RawDescriptor[] => [d]),
      ),
      fc.array(direct, { minLength: TABLE_ENTRIES, maxLength: TABLE_ENTRIES }),
      fc.boolean(),
      fc.boolean(),
      home,
      (descriptors, table, indirectDesc, cut, at) => {
        const result = compare("packed", indirectDesc, (memory) => {
          const ring = new RawPackedRing(memory, RING, SIZE);
          table.forEach((d, i) => {
            writeSplitDescriptor(memory, TABLE + 16 * i, d);
          });
          ring.offer([{ addr: at, len: 4 }], 0xbeef);
          ring.offer(descriptors, 3);
          // The last descriptor is not available yet.
          const flags = memory.view(RING + 16 * ((ring.next + SIZE - 1) % SIZE) + 14, 2);
          if (cut && descriptors.length > 1) flags.set([(flags[0] ?? 0) & 0x7f, (flags[1] ?? 0) & 0x7f]);
          return ring;
        });
        kinds.add(result.fault?.code ?? (result.chain?.indirect === true ? "indirect" : "direct"));
      },
    ),
    runs,
  );
  for (const kind of ["direct", "indirect", "list-incomplete", "readable-after-writable", "zero-length"]) {
    assert.is(
      kinds.has(kind),
      kind !== "zero-length",
      `${kind} ${kind === "zero-length" ? "is allowed" : "occurred"}`,
    );
  }
});

test("a chain with more than two pieces has all of them in its list, in order", () => {
  for (const [readable, writable] of [
    [1, 1],
    [2, 0],
    [0, 2],
    [2, 1],
    [1, 3],
    [3, 3],
  ] as const) {
    const memory = memoryOf();
    const ring = new RawSplitRing(memory, RING, SIZE);
    const count = readable + writable;
    for (let i = 0; i < count; i++) {
      const flags = (i < readable ? 0 : WRITE) | (i === count - 1 ? 0 : NEXT);
      ring.descriptor(i, { addr: DATA + 0x100 * i, len: 16 + i, flags, next: i + 1 });
    }
    ring.offer(0);
    const queue = activate("split", memory, ring, false, null);
    const chain = queue.pop();
    assert.ok(chain !== null);
    assert.is(chain?.readableCount, readable);
    assert.is(chain?.segments.count, count);
    for (let i = 0; i < count; i++) {
      assert.is(chain?.segments.offsets[i], DATA + 0x100 * i);
      assert.is(chain?.segments.lengths[i], 16 + i);
    }
  }
});

test("regions that come and go between two requests are noticed", () => {
  const memory = memoryOf();
  const ring = new RawSplitRing(memory, RING, SIZE);
  ring.descriptor(0, { addr: OTHER_RAM, len: 4 });
  for (let i = 0; i < 3; i++) ring.offer(0);
  const queue = activate("split", memory, ring, false, null);
  learn(queue);
  const other = memory.regions.find((region) => region.base === BigInt(OTHER_RAM));
  assert.ok(other !== undefined);
  if (other !== undefined) memory.removeRegion(other);
  assert.ok(queue.refresh());
  assert.is(queue.pop(), null);
  assert.is(queue.fault?.code, "address-out-of-range");
});

test("packed: a list may not reach round to what the device holds, whatever the driver says", () => {
  const memory = memoryOf();
  const ring = new RawPackedRing(memory, RING, SIZE);
  const queue = activate("packed", memory, ring, false, null);
  for (let i = 0; i < SIZE - 1; i++) {
    ring.offer([{ addr: DATA, len: 4 }], i);
    assert.ok(queue.pop() !== null);
  }
  ring.offer([{ addr: DATA, len: 4, flags: NEXT }], SIZE);
  ring.offer([{ addr: DATA, len: 4, flags: WRITE }], SIZE);
  assert.is(queue.pop(), null);
  assert.is(queue.fault?.code, "chain-too-long");
});

test("packed: a driver that makes more available than the ring holds harms nothing but its ring", () => {
  const memory = memoryOf();
  const ring = new RawPackedRing(memory, RING, 4);
  const queue = activate("packed", memory, ring, false, null);
  const before = memory.read(0, RAM_BYTES);
  queue.beginDrain();
  // Each is taken and used before the next is there, but the driver is shown none of them.
  for (let i = 0; i < 11; i++) {
    ring.offer([{ addr: DATA, len: 4 }], i);
    const chain = queue.pop();
    assert.ok(chain !== null);
    if (chain !== null) queue.push(chain, 0);
  }
  queue.endDrain();
  assert.is(queue.fault, null);
  assert.ok(queue.flush());
  const after = memory.read(0, RAM_BYTES);
  const ringEnd = RING + 16 * 4 + 8;
  assert.equal(after.subarray(0, RING), before.subarray(0, RING));
  assert.equal(after.subarray(ringEnd), before.subarray(ringEnd));
  assert.equal(queue.progress(), {
    format: "packed",
    nextAvail: 3,
    nextUsed: 3,
    availWrap: 1,
    usedWrap: 1,
  });
});

/** A queue, and how its driver offers a request of one descriptor. */
function ringOf(format: "split" | "packed"): { queue: DeviceQueue; offer: (id: number) => void } {
  const memory = memoryOf();
  if (format === "packed") {
    const ring = new RawPackedRing(memory, RING, SIZE);
    const queue = activate(format, memory, ring, false, null);
    return { queue, offer: (id) => ring.offer([{ addr: DATA, len: 4 }], id) };
  }
  const ring = new RawSplitRing(memory, RING, SIZE);
  for (let i = 0; i < SIZE; i++) ring.descriptor(i, { addr: DATA, len: 4 });
  return { queue: activate(format, memory, ring, false, null), offer: (id) => ring.offer(id) };
}

for (const format of ["split", "packed"] as const) {
  test(`${format}: a drain ends after some laps, and goes on in the next`, () => {
    const { queue, offer } = ringOf(format);
    const drain = () => {
      queue.beginDrain();
      let popped = 0;
      for (; popped < 1000; popped++) {
        offer(0);
        const chain = queue.pop();
        if (chain === null) break;
        queue.push(chain, 0);
        queue.flush();
      }
      queue.endDrain();
      return popped;
    };
    const first = drain();
    assert.ok(first >= SIZE && first < 1000, `${first} in one drain`);
    assert.is(queue.limited, true);
    // One was left behind.
    queue.beginDrain();
    assert.ok(queue.pop() !== null);
    queue.endDrain();
    assert.is(queue.limited, false);
  });

  test(`${format}: a closed queue gives nothing, even what it has seen`, () => {
    const { queue, offer } = ringOf(format);
    for (let i = 0; i < 2; i++) offer(i);
    assert.ok(queue.pop() !== null);
    queue.close();
    assert.is(queue.pop(), null);
    queue.beginDrain();
    assert.is(queue.pop(), null);
    assert.is(queue.endDrain(), false);
    assert.is(queue.limited, false);
  });
}

test.run();
