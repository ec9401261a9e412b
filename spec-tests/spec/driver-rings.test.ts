import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  createDriverRing,
  DriverError,
  type DriverRing,
  GuestAllocator,
  SHAPE_DIRECT,
  SHAPE_INDIRECT,
} from "../../src/driver/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { bytesOf, type RingKind, RingPair } from "../support/ring-pair.ts";

// What the driver writes is read here byte by byte as sections 2.7 and 2.8 draw it, not with the library's structs.
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const AVAIL = 1 << 7;
const USED = 1 << 15;

const SPLIT: RingKind = { format: "split", indirectDesc: false, eventIdx: false, inOrder: false };
const PACKED: RingKind = { ...SPLIT, format: "packed" };

interface Descriptor {
  readonly address: bigint;
  readonly length: number;
  /** Split: flags and next; packed: id and flags. */
  readonly third: number;
  readonly fourth: number;
}

function view(part: { region: { u8: Uint8Array }; offset: number; lengthBytes: number }): DataView {
  const { u8 } = part.region;
  return new DataView(u8.buffer, u8.byteOffset + part.offset, part.lengthBytes);
}

function descriptorAt(memory: DataView, index: number): Descriptor {
  return {
    address: memory.getBigUint64(index * 16, true),
    length: memory.getUint32(index * 16 + 8, true),
    third: memory.getUint16(index * 16 + 12, true),
    fourth: memory.getUint16(index * 16 + 14, true),
  };
}

const descriptor = (ring: DriverRing, index: number) => descriptorAt(view(ring.memory.desc), index);

/** A device that does nothing: what it would find in memory is what counts. */
function silent(kind: RingKind, size: number): RingPair {
  const pair = new RingPair(kind, size, { hold: true });
  pair.device.writeStatus(0);
  return pair;
}

function add(pair: RingPair, outs: number, ins: number, shape = SHAPE_DIRECT): number {
  pair.elements.clear();
  for (let i = 0; i < outs; i++) pair.elements.readable(0, 0x8000_1000 + 64 * i, 10 + i);
  for (let i = 0; i < ins; i++) pair.elements.writable(1, 0x2000 + 64 * i, 20 + i);
  return pair.ring.add(pair.elements, shape);
}

const split = suite("split ring, driver side");

split("[split-ring.driver.virtqueues.1] [packed-ring.driver.packed-virtqueues.1] parts are aligned", () => {
  for (const base of [0, 8, 0x1238, 0xffff_fff8]) {
    const memory = new GuestMemory([{ base, memory: new ArrayBuffer(1 << 20) }]);
    const allocator = new GuestAllocator(memory);
    allocator.allocate(3);
    for (const format of ["split", "packed"] as const) {
      const { desc, driver, device } = createDriverRing(
        { format, size: 4, eventIdx: true },
        { allocator },
      ).memory;
      assert.is(desc.lo % 16, 0);
      assert.is(driver.lo % (format === "split" ? 2 : 4), 0);
      assert.is(device.lo % 4, 0);
    }
  }
});

split("[split-ring.driver.message-framing.1] device-writable elements follow device-readable ones", () => {
  const pair = silent(SPLIT, 8);
  const head = add(pair, 2, 2);
  const flags: number[] = [];
  for (let index = head; ; ) {
    const { third, fourth } = descriptor(pair.ring, index);
    flags.push(third);
    if ((third & NEXT) === 0) break;
    index = fourth;
  }
  assert.equal(flags, [NEXT, NEXT, NEXT | WRITE, WRITE]);
  assert.is(descriptor(pair.ring, head).address, 0x8000_1000n);
  assert.is(descriptor(pair.ring, descriptor(pair.ring, head).fourth).length, 11);
  pair.elements.clear();
  pair.elements.writable(0, 0, 1);
  assert.throws(() => pair.elements.readable(0, 0, 1), /EINVAL/);
});

split("[split-ring.driver.message-framing.2] elements are what the caller gave, no more", () => {
  const pair = silent(SPLIT, 8);
  add(pair, 1, 1);
  assert.is(pair.ring.freeSlots, 6);
});

split("[split-ring.driver.the-virtqueue-descriptor-table.1] at most 2^32 bytes, and no loops", () => {
  const pair = silent(SPLIT, 4);
  pair.elements.clear();
  pair.elements.readable(0, 0, 0xffffffff);
  pair.elements.writable(0, 0, 1);
  assert.throws(() => pair.elements.writable(0, 0, 1), /EINVAL/);
  for (let lap = 0; lap < 9; lap++) {
    const live = new RingPair(SPLIT, 4);
    add(live, 1, 0);
    live.kick();
    live.ring.pollUsed();
    const head = add(live, 2, 2);
    const visited = new Set<number>();
    for (let index = head; ; ) {
      assert.not(visited.has(index));
      visited.add(index);
      const { third, fourth } = descriptor(live.ring, index);
      if ((third & NEXT) === 0) break;
      index = fourth;
    }
    assert.is(visited.size, 4);
  }
});

split(
  "[split-ring.driver.the-virtqueue-descriptor-table.2] in order: x is followed by x+1, the last by 0",
  () => {
    const pair = new RingPair({ ...SPLIT, inOrder: true }, 8);
    let expected = 0;
    for (let round = 0; round < 20; round++) {
      const count = 1 + (round % 3);
      const answer = pair.allocator.allocate(64);
      pair.elements.clear();
      for (let i = 0; i < count; i++) pair.elements.writableBuffer(answer, i, 1);
      let index = pair.ring.add(pair.elements, SHAPE_DIRECT);
      for (let i = 0; i < count; i++) {
        assert.is(index, expected);
        expected = (expected + 1) % 8;
        const { third, fourth } = descriptor(pair.ring, index);
        if (i + 1 < count) assert.is(fourth, expected);
        assert.is((third & NEXT) !== 0, i + 1 < count);
        index = fourth;
      }
      pair.kick();
      pair.ring.pollUsed();
    }
  },
);

split("[split-ring.driver.indirect-descriptors.1] no indirect table without the feature", () => {
  const pair = silent(SPLIT, 8);
  assert.throws(
    () => add(pair, 1, 1, SHAPE_INDIRECT),
    (error: unknown) => error instanceof DriverError && error.code === "EINVAL",
  );
  add(pair, 1, 1, -1);
  for (let i = 0; i < 8; i++) assert.is(descriptor(pair.ring, i).third & INDIRECT, 0);
});

split(
  "[split-ring.driver.indirect-descriptors.2] [split-ring.driver.indirect-descriptors.4] [split-ring.driver.indirect-descriptors.5] one table, sequential, at the end of the chain",
  () => {
    for (const inOrder of [false, true]) {
      for (const direct of [0, 1, 2, 3]) {
        const pair = silent({ ...SPLIT, indirectDesc: true, inOrder }, 8);
        let index = add(pair, 2, 3, direct);
        for (let i = 0; i < direct; i++) {
          const { third, fourth } = descriptor(pair.ring, index);
          assert.is(third & INDIRECT, 0);
          assert.is(third & NEXT, NEXT);
          index = fourth;
        }
        const { address, length, third } = descriptor(pair.ring, index);
        assert.is(third & (INDIRECT | NEXT), INDIRECT);
        assert.is(length, (5 - direct) * 16);
        const table = view({
          region: pair.memory.regions[0] as never,
          offset: Number(address - 0x8000_0000n),
          lengthBytes: length,
        });
        for (let i = 0; i < 5 - direct; i++) {
          const entry = descriptorAt(table, i);
          assert.is(entry.third & INDIRECT, 0);
          if (i + 1 < 5 - direct) assert.is(entry.fourth, i + 1);
          assert.is((entry.third & NEXT) !== 0, i + 1 < 5 - direct);
          assert.is((entry.third & WRITE) !== 0, i + direct >= 2);
        }
      }
    }
  },
);

split("[split-ring.driver.indirect-descriptors.3] no chain is longer than the queue", () => {
  const pair = silent({ ...SPLIT, indirectDesc: true }, 4);
  assert.is.not(add(pair, 2, 2, SHAPE_INDIRECT), -1);
  assert.throws(() => add(pair, 2, 3, SHAPE_INDIRECT), /EINVAL/);
  assert.throws(() => add(pair, 2, 3, SHAPE_DIRECT), /EINVAL/);
  assert.throws(() => add(pair, 2, 3, 2), /EINVAL/);
});

split("[split-ring.driver.the-virtqueue-available-ring.1] the available index never goes back", () => {
  const pair = new RingPair(SPLIT, 4);
  let last = 0;
  for (let i = 0; i < 70000; i++) {
    pair.elements.clear();
    pair.elements.readable(0, 0x8000_0000, 1);
    pair.ring.add(pair.elements);
    if (i % 2 === 0) pair.ring.add(pair.elements);
    pair.kick();
    while (pair.ring.pollUsed() >= 0);
    const idx = view(pair.ring.memory.driver).getUint16(2, true);
    assert.is((idx - last) & 0xffff, i % 2 === 0 ? 2 : 1);
    last = idx;
  }
});

split(
  "[split-ring.driver.used-buffer-notification-suppression.1] [split-ring.driver.used-buffer-notification-suppression.2] [split-ring.driver.used-buffer-notification-suppression.3] [split-ring.driver.used-buffer-notification-suppression.4] flags or used_event",
  () => {
    for (const eventIdx of [false, true]) {
      const pair = silent({ ...SPLIT, eventIdx }, 8);
      const driver = view(pair.ring.memory.driver);
      assert.is(driver.getUint16(0, true), 0);
      for (let i = 0; i < 5; i++) add(pair, 1, 0);
      pair.ring.disableNotifications();
      assert.is(driver.getUint16(0, true), eventIdx ? 0 : 1);
      pair.ring.enableNotifications();
      assert.is(driver.getUint16(0, true), 0);
      if (eventIdx) {
        assert.is(driver.getUint16(4 + 2 * 8, true), 0);
        pair.ring.enableNotifications(3);
        assert.is(driver.getUint16(4 + 2 * 8, true), 2);
      }
    }
  },
);

split(
  "[split-ring.driver.used-buffer-notification-suppression.5] spurious notifications change nothing",
  () => {
    const pair = silent(SPLIT, 8);
    for (let i = 0; i < 3; i++) {
      assert.not(pair.ring.hasUsed());
      assert.is(pair.ring.pollUsed(), -1);
    }
    assert.is(pair.ring.violation, null);
  },
);

split("[split-ring.driver.the-virtqueue-used-ring.1] only the first len bytes count", () => {
  const pair = new RingPair(SPLIT, 8, {
    answer: (_request, room) => new Uint8Array(Math.min(room, 3)).fill(9),
  });
  const answer = pair.bufferOf(new Uint8Array(8).fill(0x55));
  pair.elements.clear();
  pair.elements.writableBuffer(answer, 0, 8);
  pair.ring.add(pair.elements);
  pair.kick();
  pair.ring.pollUsed();
  assert.is(pair.ring.lastWritten, 3);
  assert.equal(bytesOf(answer, 3), Uint8Array.of(9, 9, 9));
});

split(
  "[split-ring.driver.available-buffer-notification-suppression.1] the used ring's flags are 0 at first, whatever lay there",
  () => {
    const memory = new GuestMemory([{ base: 0, memory: new Uint8Array(1 << 18).fill(0xff).buffer }]);
    const allocator = new GuestAllocator(memory);
    const ring = createDriverRing({ format: "split", size: 8, eventIdx: true }, { allocator });
    for (const part of [ring.memory.desc, ring.memory.driver, ring.memory.device]) {
      assert.ok(bytesOf(part).every((byte) => byte === 0));
    }
  },
);

split(
  "[split-ring.driver.available-buffer-notification-suppression.2] [split-ring.driver.available-buffer-notification-suppression.3] [split-ring.driver.available-buffer-notification-suppression.4] without EVENT_IDX flags decide",
  () => {
    for (const event of [0, 1, 2, 0xffff]) {
      const pair = silent(SPLIT, 8);
      const device = view(pair.ring.memory.device);
      device.setUint16(4 + 8 * 8 - 2, event, true);
      for (const flags of [0, 1, 0]) {
        device.setUint16(0, flags, true);
        add(pair, 1, 0);
        pair.ring.publish();
        assert.is(pair.ring.shouldNotify(), flags === 0);
      }
    }
  },
);

split(
  "[split-ring.driver.available-buffer-notification-suppression.5] [split-ring.driver.available-buffer-notification-suppression.6] [split-ring.driver.available-buffer-notification-suppression.7] with EVENT_IDX avail_event decides",
  () => {
    for (let start = 65530; start < 65530 + 12; start += 3) {
      for (let event = 65525; event < 65550; event++) {
        for (const batch of [1, 2, 3]) {
          const pair = new RingPair({ ...SPLIT, eventIdx: true }, 4);
          for (let i = 0; i < 8; i++) {
            pair.elements.clear();
            pair.elements.readable(0, 0x8000_0000, 1);
          }
          // Bring the index to `start`, four at a time.
          let idx = 0;
          const device = view(pair.ring.memory.device);
          const wanted = start & 3;
          for (; idx < wanted; idx++) {
            pair.ring.add(pair.elements);
            pair.kick();
            pair.ring.pollUsed();
          }
          const at = (event - start + wanted) & 0xffff;
          device.setUint16(0, 1, true);
          device.setUint16(4 + 8 * 4, at, true);
          for (let i = 0; i < batch; i++) pair.ring.add(pair.elements);
          pair.ring.publish();
          const distance = (at - wanted) & 0xffff;
          assert.is(pair.ring.shouldNotify(), distance < batch);
        }
      }
    }
  },
);

split(
  "[split-ring.driver.updating-idx.1] [split-ring.driver.notifying-the-device.1] [content.driver.reserved-feature-bits.7] index and flags go through sequentially consistent accesses in shared memory",
  () => {
    const pair = new RingPair(SPLIT, 8, { shared: true, hold: true });
    const { driver, device } = pair.ring.memory;
    const calls: string[] = [];
    const { store, load } = Atomics;
    const name = (array: unknown, index: number) => {
      if (array === driver.region.u16 && index === (driver.offset >>> 1) + 1) return "avail.idx";
      if (array === device.region.u16 && index === device.offset >>> 1) return "used.flags";
      return "other";
    };
    add(pair, 1, 1);
    Atomics.store = ((array: Int32Array, index: number, value: number) => {
      // Everything the index stands for is written before it.
      assert.is(view(driver).getUint16(4, true), 0);
      assert.is(descriptor(pair.ring, 0).length, 10);
      calls.push(`store ${name(array, index)}`);
      return store(array, index, value);
    }) as typeof Atomics.store;
    Atomics.load = ((array: Int32Array, index: number) => {
      calls.push(`load ${name(array, index)}`);
      return load(array, index);
    }) as typeof Atomics.load;
    try {
      pair.ring.publish();
      pair.ring.shouldNotify();
    } finally {
      Atomics.store = store;
      Atomics.load = load;
    }
    assert.equal(calls, ["store avail.idx", "load used.flags"]);
  },
);

split("[content.driver.device-cleanup.1] what the device holds is not altered", () => {
  const pair = new RingPair(SPLIT, 8, { hold: true });
  add(pair, 1, 1);
  pair.kick();
  const before = bytesOf(pair.ring.memory.desc, 32);
  for (let i = 0; i < 3; i++) add(pair, 1, 1);
  assert.equal(bytesOf(pair.ring.memory.desc, 32), before);
  assert.is(add(pair, 1, 1), -1);
  assert.equal(bytesOf(pair.ring.memory.desc, 32), before);
});
split.run();

const packed = suite("packed ring, driver side");

packed(
  "[packed-ring.driver.the-virtqueue-descriptor-table.1] [packed-ring.driver.the-virtqueue-descriptor-table.2] descriptors are the driver's only between used and available",
  () => {
    const pair = new RingPair(PACKED, 4, { hold: true });
    add(pair, 1, 0);
    add(pair, 1, 0);
    pair.kick();
    const before = bytesOf(pair.ring.memory.desc, 32);
    add(pair, 1, 1);
    assert.equal(bytesOf(pair.ring.memory.desc, 32), before);
    assert.is(add(pair, 1, 0), -1, "no slot was used");
    pair.kick();
    pair.echo.complete(0, [1]);
    assert.is(add(pair, 1, 0), -1, "used, but not yet seen to be");
    assert.is.not(pair.ring.pollUsed(), -1);
    assert.is.not(add(pair, 1, 0), -1);
    assert.equal(bytesOf(pair.ring.memory.desc, 32).slice(16), before.slice(16));
  },
);

packed(
  "[packed-ring.driver.the-virtqueue-descriptor-table.3] [packed-ring.driver.the-virtqueue-descriptor-table.4] next_off and next_wrap",
  () => {
    const pair = new RingPair(PACKED, 3);
    const seen: number[] = [];
    for (let i = 0; i < 7; i++) {
      pair.elements.clear();
      pair.elements.readable(0, 0x8000_0000, 1);
      pair.ring.add(pair.elements);
      pair.kick();
      pair.ring.pollUsed();
      seen.push(pair.ring.notificationData());
      assert.is(pair.ring.notificationData(), seen.at(-1), "again, with nothing new");
      pair.device.notify(0);
    }
    assert.equal(seen, [0x8001, 0x8002, 0, 1, 2, 0x8000, 0x8001]);
  },
);

packed(
  "[packed-ring.driver.scatter-gather-support.1] [packed-ring.driver.scatter-gather-support.2] [packed-ring.driver.scatter-gather-support.5] no list longer than the queue or than there is room",
  () => {
    const pair = silent(PACKED, 5);
    assert.throws(() => add(pair, 3, 3), /EINVAL/);
    assert.is.not(add(pair, 2, 2), -1);
    const before = bytesOf(pair.ring.memory.desc);
    assert.is(add(pair, 1, 1), -1);
    assert.equal(bytesOf(pair.ring.memory.desc), before);
    assert.is.not(add(pair, 1, 0), -1);
  },
);

packed(
  "[packed-ring.driver.scatter-gather-support.3] [packed-ring.driver.scatter-gather-support.4] [packed-ring.driver.scatter-gather-support.6] lists: order, id, and the first descriptor last",
  () => {
    const pair = new RingPair(PACKED, 5, { hold: true });
    // Begin in the middle of the ring, so that the list wraps.
    for (let i = 0; i < 3; i++) add(pair, 1, 0);
    pair.kick();
    pair.echo.complete(0, [0, 1, 2]);
    while (pair.ring.pollUsed() >= 0);
    const first = view(pair.ring.memory.desc).getUint16(3 * 16 + 14, true);
    const id = add(pair, 2, 2);
    const second = add(pair, 1, 0);
    assert.is(descriptor(pair.ring, 3).fourth, first, "nothing is available yet");
    assert.is(descriptor(pair.ring, 4).fourth, AVAIL | NEXT);
    assert.is(descriptor(pair.ring, 0).fourth, USED | NEXT | WRITE, "the next lap");
    assert.is(descriptor(pair.ring, 1).fourth, USED | WRITE);
    assert.is(descriptor(pair.ring, 1).third, id);
    assert.is(descriptor(pair.ring, 2).third, second);
    pair.ring.publish();
    assert.is(descriptor(pair.ring, 3).fourth, AVAIL | NEXT);
  },
);

packed(
  "[packed-ring.driver.indirect-descriptors.1] [packed-ring.driver.indirect-descriptors.2] [packed-ring.driver.indirect-descriptors.3] [packed-ring.driver.indirect-descriptors.4] indirect tables",
  () => {
    assert.throws(() => add(silent(PACKED, 8), 1, 1, SHAPE_INDIRECT), /EINVAL/);
    const pair = silent({ ...PACKED, indirectDesc: true }, 4);
    assert.throws(() => add(pair, 2, 2, 2), /EINVAL/);
    assert.throws(() => add(pair, 2, 3, SHAPE_INDIRECT), /EINVAL/);
    const id = add(pair, 2, 2, SHAPE_INDIRECT);
    pair.ring.publish();
    const { address, length, third, fourth } = descriptor(pair.ring, 0);
    assert.is(third, id);
    assert.is(fourth, INDIRECT | AVAIL);
    assert.is(length, 64);
    const table = view({
      region: pair.memory.regions[0] as never,
      offset: Number(address - 0x8000_0000n),
      lengthBytes: length,
    });
    assert.equal(
      [0, 1, 2, 3].map((i) => descriptorAt(table, i).fourth),
      [0, 0, WRITE, WRITE],
    );
    assert.is(descriptorAt(table, 2).address, 0x1_0000_2000n);
  },
);

packed(
  "[packed-ring.driver.updating-flags.1] the first descriptor's flags go through one sequentially consistent store",
  () => {
    const pair = new RingPair(PACKED, 8, { shared: true, hold: true });
    const { desc } = pair.ring.memory;
    add(pair, 1, 1);
    const { store } = Atomics;
    const stores: number[] = [];
    Atomics.store = ((array: Int32Array, index: number, value: number) => {
      stores.push(index - (desc.offset >>> 1));
      assert.is(descriptor(pair.ring, 0).length, 10);
      assert.is(descriptor(pair.ring, 1).fourth, AVAIL | WRITE);
      return store(array, index, value);
    }) as typeof Atomics.store;
    try {
      pair.ring.publish();
    } finally {
      Atomics.store = store;
    }
    assert.equal(stores, [7]);
  },
);
packed.run();
