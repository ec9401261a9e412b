import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/index.ts";
import {
  createDriverRing,
  DriverError,
  type DriverRing,
  ElementList,
  GuestAllocator,
  SHAPE_AUTO,
  SHAPE_DIRECT,
  SHAPE_INDIRECT,
} from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { bytesOf, kindName, RING_KINDS, type RingKind, RingPair } from "../../support/ring-pair.ts";

const PLAIN: RingKind = { format: "split", indirectDesc: false, eventIdx: false, inOrder: false };
const FORMATS = ["split", "packed"] as const;

/** Adds a request of `fill` bytes and room for its answer; the token, or -1. */
function addPair(pair: RingPair, fill: number, lengthBytes = 8, shape = SHAPE_AUTO) {
  const request = pair.bufferOf(new Uint8Array(lengthBytes).fill(fill));
  const answer = pair.allocator.allocate(lengthBytes);
  pair.elements.clear();
  pair.elements.readable(request.hi, request.lo, lengthBytes);
  pair.elements.writable(answer.hi, answer.lo, lengthBytes);
  const token = pair.ring.add(pair.elements, shape);
  return { token, request, answer };
}

const all = suite("driver rings, every combination");
for (const kind of RING_KINDS) {
  for (const size of kind.format === "packed" ? [1, 2, 7, 8, 256] : [1, 2, 8, 256]) {
    for (const shared of [false, true]) {
      all(`${kindName(kind)} of ${size}${shared ? ", shared memory" : ""}: three laps of full rings`, () => {
        const pair = new RingPair(kind, size, { shared });
        const { ring } = pair;
        const pairs = size === 1 || !kind.indirectDesc ? size >>> 1 : size;
        for (let lap = 0; lap < 7; lap++) {
          const expected = new Map<number, number>();
          const answers = new Map<number, ReturnType<typeof addPair>>();
          if (pairs === 0) {
            // A queue of one entry takes one element at a time.
            const request = pair.bufferOf(Uint8Array.of(lap));
            pair.elements.clear();
            pair.elements.readable(request.hi, request.lo, 1);
            assert.is.not(ring.add(pair.elements), -1);
            assert.is(ring.add(pair.elements), -1, "full");
            pair.kick();
            assert.is.not(ring.pollUsed(), -1);
            assert.is(ring.lastWritten, 0);
            assert.equal(pair.echo.seen.pop(), Uint8Array.of(lap));
            continue;
          }
          for (let i = 0; i < pairs; i++) {
            const added = addPair(pair, (lap * 31 + i) & 0x7f);
            assert.is.not(added.token, -1);
            assert.not(expected.has(added.token), "a token is unique while in flight");
            expected.set(added.token, (lap * 31 + i) & 0x7f);
            answers.set(added.token, added);
          }
          if (ring.freeSlots < 2 && !kind.indirectDesc) assert.is(addPair(pair, 1).token, -1, "full");
          assert.is(ring.inFlight, pairs);
          assert.is(ring.unpublished, pairs);
          assert.is(ring.pollUsed(), -1);
          assert.ok(pair.kick(), "the device asked for a notification");
          assert.is(ring.unpublished, 0);
          for (let i = 0; i < pairs; i++) {
            assert.ok(ring.hasUsed());
            const token = ring.pollUsed();
            assert.ok(expected.has(token));
            assert.is(ring.lastWritten, 8);
            const { request, answer } = answers.get(token) as ReturnType<typeof addPair>;
            assert.equal(bytesOf(answer), new Uint8Array(8).fill((expected.get(token) as number) + 1));
            expected.delete(token);
            pair.allocator.free(request);
            pair.allocator.free(answer);
          }
          assert.is(ring.pollUsed(), -1);
          assert.not.ok(ring.hasUsed());
          assert.is(ring.inFlight, 0);
          assert.is(ring.freeSlots, size);
        }
        assert.is(pair.device.status & 0x40, 0, "the device found nothing wrong");
      });
    }
  }
}

for (const kind of RING_KINDS) {
  all(`${kindName(kind)} of 32768: round the ring and the 16-bit indexes`, () => {
    const pair = new RingPair(kind, 32768, { memoryBytes: 8 << 20 });
    const { ring } = pair;
    const request = pair.bufferOf(Uint8Array.of(1, 2, 3, 4));
    const answer = pair.allocator.allocate(4);
    let returned = 0;
    for (let lap = 0; lap < 3; lap++) {
      let added = 0;
      for (;;) {
        pair.elements.clear();
        pair.elements.writable(answer.hi, answer.lo, 4);
        if (ring.add(pair.elements) < 0) break;
        added++;
        if (added === 30000) break;
      }
      pair.elements.clear();
      pair.elements.readable(request.hi, request.lo, 4);
      pair.elements.writable(answer.hi, answer.lo, 4);
      assert.is.not(ring.add(pair.elements), -1);
      added++;
      pair.kick();
      while (pair.scheduled.length > 0) (pair.scheduled.shift() as () => void)();
      for (let token = ring.pollUsed(); token >= 0; token = ring.pollUsed()) returned++;
      assert.is(returned, (lap + 1) * added);
    }
    assert.equal(bytesOf(answer), Uint8Array.of(2, 3, 4, 5));
    assert.is(ring.freeSlots, 32768);
  });
}
all.run();

const order = suite("driver rings, order of completion");
for (const kind of RING_KINDS.filter(({ inOrder }) => !inOrder)) {
  order(`${kindName(kind)}: buffers come back in the device's order`, () => {
    const pair = new RingPair(kind, 16, { hold: true });
    const added = [10, 20, 30, 40].map((fill) => addPair(pair, fill, 8, SHAPE_DIRECT));
    pair.kick();
    pair.echo.complete(0, [2, 0]);
    assert.is(pair.ring.pollUsed(), added[2]?.token);
    assert.is(pair.ring.pollUsed(), added[0]?.token);
    assert.is(pair.ring.pollUsed(), -1);
    // The freed descriptors are used again while others are still with the device.
    const more = [50, 60].map((fill) => addPair(pair, fill, 8, SHAPE_DIRECT));
    assert.ok(
      more.every(({ token }) => token >= 0 && token !== added[1]?.token && token !== added[3]?.token),
    );
    pair.kick();
    pair.echo.complete(0, [3, 1, 2, 0]);
    const back = [0, 1, 2, 3].map(() => pair.ring.pollUsed());
    assert.equal(back, [more[1]?.token, added[3]?.token, more[0]?.token, added[1]?.token]);
    assert.equal(bytesOf((more[1] as ReturnType<typeof addPair>).answer), new Uint8Array(8).fill(61));
    assert.is(pair.ring.freeSlots, 16);
  });
}
for (const format of FORMATS) {
  for (const inOrderBatching of [true, false]) {
    order(`${format}, in order, batching ${inOrderBatching}: one entry returns many buffers`, () => {
      const kind: RingKind = { format, indirectDesc: false, eventIdx: true, inOrder: true };
      const pair = new RingPair(kind, 8, { hold: true, inOrderBatching });
      for (let lap = 0; lap < 9; lap++) {
        const added = [1, 2, 3].map((fill) => addPair(pair, fill + lap));
        pair.kick();
        pair.echo.complete(0, [1]);
        assert.is(pair.ring.pollUsed(), -1, "held back behind an older one");
        pair.echo.complete(0, [0, 1]);
        for (const { token, request, answer } of added) {
          assert.is(pair.ring.pollUsed(), token);
          assert.is(pair.ring.lastWritten, 8);
          pair.allocator.free(request);
          pair.allocator.free(answer);
        }
        assert.is(pair.ring.pollUsed(), -1);
        assert.is(pair.ring.freeSlots, 8);
      }
    });
  }
}
order.run();

const shapes = suite("driver rings, shapes of chains");
shapes("[split-ring.device.indirect-descriptors.2] direct descriptors before an indirect table", () => {
  const pair = new RingPair({ ...PLAIN, indirectDesc: true }, 8);
  for (let direct = 0; direct <= 4; direct++) {
    const parts = [1, 2, 3].map((fill) => pair.bufferOf(new Uint8Array(5).fill(fill)));
    const answer = pair.allocator.allocate(15);
    pair.elements.clear();
    for (const part of parts) pair.elements.readableBuffer(part, 0, 5);
    pair.elements.writableBuffer(answer, 0, 15);
    const free = pair.ring.freeSlots;
    const token = pair.ring.add(pair.elements, direct);
    assert.is(pair.ring.freeSlots, free - (direct < 4 ? direct + 1 : 4));
    pair.kick();
    assert.is(pair.ring.pollUsed(), token);
    assert.equal(bytesOf(answer), Uint8Array.of(2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4));
  }
});
for (const format of FORMATS) {
  const kind: RingKind = { ...PLAIN, format };
  shapes(`${format}: what a driver must not do is refused and changes nothing`, () => {
    const pair = new RingPair(kind, 4);
    const { ring, elements } = pair;
    const einval = (error: unknown) => error instanceof DriverError && error.code === "EINVAL";
    elements.clear();
    assert.throws(() => ring.add(elements), einval);
    elements.writable(0, 0x8000_0000, 1);
    assert.throws(() => elements.readable(0, 0x8000_0000, 1), einval);
    assert.throws(() => ring.add(elements, SHAPE_INDIRECT), einval);
    for (let i = 0; i < 4; i++) elements.writable(0, 0x8000_0000, 1);
    assert.throws(() => ring.add(elements), einval);
    elements.clear();
    elements.readable(0, 0x8000_0000, 0xffff_ffff);
    elements.readable(0, 0x8000_0000, 1);
    assert.throws(() => elements.writable(0, 0x8000_0000, 1), einval);
    assert.is(ring.freeSlots, 4);
    assert.is(ring.inFlight, 0);
    const indirect = new RingPair({ ...kind, indirectDesc: true }, 4);
    for (let i = 0; i < 5; i++) indirect.elements.writable(0, 0x8000_0000, 1);
    assert.throws(() => indirect.ring.add(indirect.elements), einval);
    const linux = new RingPair({ ...kind, indirectDesc: true }, 4, { maxIndirectElements: 5 });
    for (let i = 0; i < 5; i++) linux.elements.writable(0, 0x8000_0000, 1);
    assert.is.not(linux.ring.add(linux.elements), -1);
    linux.kick();
    assert.is.not(linux.ring.pollUsed(), -1);
  });
  shapes(`${format}: sizes the format cannot have`, () => {
    const allocator = new GuestAllocator(new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]));
    for (const size of [0, -1, 1.5, 65536, ...(format === "split" ? [7] : [])]) {
      assert.throws(
        () => createDriverRing({ format, size }, { allocator }),
        (error: unknown) => error instanceof VirtioUsageError,
      );
    }
    assert.is(allocator.liveAllocations, 0);
  });
  shapes(`${format}: released rings leave nothing behind`, () => {
    const pair = new RingPair({ ...kind, indirectDesc: true }, 8);
    addPair(pair, 1);
    pair.kick();
    addPair(pair, 2);
    pair.device.writeStatus(0);
    pair.ring.release();
    pair.ring.release();
    assert.is(pair.allocator.liveAllocations, 4, "only the requests and their answers");
    const before = pair.memory.read(0x8000_0000, 4 << 20);
    pair.ring.publish();
    pair.ring.disableNotifications();
    assert.not(pair.ring.enableNotifications());
    assert.not(pair.ring.shouldNotify());
    assert.equal(pair.memory.read(0x8000_0000, 4 << 20), before, "nothing is written any more");
    assert.is(pair.ring.add(pair.elements), -1);
    assert.is(pair.ring.pollUsed(), -1);
    assert.not(pair.ring.hasUsed());
  });
  shapes(`${format}: reset forgets what was in flight and starts over`, () => {
    const pair = new RingPair({ ...kind, indirectDesc: true }, 8, { hold: true });
    const tokens = [1, 2, 3].map((fill) => addPair(pair, fill).token);
    pair.kick();
    const lost: number[] = [];
    pair.device.resetQueue(0);
    pair.ring.forEachInFlight((token) => lost.push(token));
    assert.equal(lost.sort(), tokens.sort());
    pair.ring.reset();
    assert.is(pair.ring.freeSlots, 8);
    pair.configureQueue();
    pair.echo.hold = false;
    const { token, answer } = addPair(pair, 7);
    pair.kick();
    assert.is(pair.ring.pollUsed(), token);
    assert.equal(bytesOf(answer), new Uint8Array(8).fill(8));
  });
  shapes(`${format}: an indirect table without memory for it`, () => {
    const pair = new RingPair({ ...kind, indirectDesc: true }, 8, { memoryBytes: 64 << 10 });
    const request = pair.allocator.allocate(16);
    for (;;) {
      try {
        pair.allocator.allocate(4096);
      } catch {
        break;
      }
    }
    try {
      for (;;) pair.allocator.allocate(64);
    } catch {}
    pair.elements.clear();
    pair.elements.readable(request.hi, request.lo, 8);
    pair.elements.writable(request.hi, request.lo + 8, 8);
    assert.throws(
      () => pair.ring.add(pair.elements),
      (error: unknown) => error instanceof DriverError && error.code === "ENOMEM",
    );
    assert.is(pair.ring.freeSlots, 8);
    const token = pair.ring.add(pair.elements, SHAPE_DIRECT);
    pair.kick();
    assert.is(pair.ring.pollUsed(), token);
  });
}
shapes.run();

const notifications = suite("driver rings, notifications");
for (const kind of RING_KINDS) {
  notifications(
    `${kindName(kind)}: the device is not notified twice, the driver only when it wants to be`,
    () => {
      const pair = new RingPair(kind, 16, { hold: true });
      const { ring } = pair;
      assert.not(ring.shouldNotify(), "nothing published");
      addPair(pair, 1);
      assert.not(ring.shouldNotify(), "added is not published");
      ring.publish();
      assert.ok(ring.shouldNotify());
      assert.not(ring.shouldNotify());
      pair.device.notify(0);
      ring.disableNotifications();
      addPair(pair, 2);
      pair.kick();
      pair.echo.complete(0, [0, 1]);
      assert.is(pair.interrupts, 0);
      assert.ok(ring.enableNotifications(), "used buffers are waiting");
      ring.pollUsed();
      ring.pollUsed();
      assert.not(ring.enableNotifications());
      addPair(pair, 3);
      pair.kick();
      pair.echo.complete(0, [0]);
      assert.is(pair.interrupts, 1);
      ring.pollUsed();
      if (kind.eventIdx) {
        for (let i = 0; i < 3; i++) addPair(pair, i, 1, kind.format === "packed" ? SHAPE_AUTO : SHAPE_DIRECT);
        pair.kick();
        ring.enableNotifications(3);
        pair.echo.complete(0, [0]);
        if (kind.format === "split" || kind.indirectDesc) assert.is(pair.interrupts, 1);
        pair.echo.complete(0, [0, 1]);
        assert.is(pair.interrupts, 2);
      }
    },
  );
}
notifications("split: the device's index decides with EVENT_IDX, its flags without", () => {
  for (const eventIdx of [false, true]) {
    const pair = new RingPair({ ...PLAIN, eventIdx }, 8);
    const { device } = pair.ring.memory;
    const half = device.offset >>> 1;
    pair.device.writeStatus(0);
    pair.ring.reset();
    device.region.u16[half] = 1;
    addPair(pair, 1);
    pair.ring.publish();
    assert.is(pair.ring.shouldNotify(), eventIdx, "flags are ignored with EVENT_IDX");
    device.region.u16[half] = 0;
    device.region.u16[half + 2 + 4 * 8] = 2;
    addPair(pair, 1);
    pair.ring.publish();
    assert.is(pair.ring.shouldNotify(), !eventIdx, "avail_event is ignored without EVENT_IDX");
    addPair(pair, 1);
    pair.ring.publish();
    assert.ok(pair.ring.shouldNotify(), "index 2 was written");
  }
});
notifications("packed: the slot the device asked about decides, over two laps", () => {
  const size = 6;
  for (let event = 0; event < 2 * size; event++) {
    for (const batch of [1, 2, 3]) {
      const pair = new RingPair({ ...PLAIN, format: "packed", eventIdx: true }, size, { hold: true });
      const { region, offset } = pair.ring.memory.device;
      const wanted: boolean[] = [];
      const said: boolean[] = [];
      for (let slot = 0; slot + 2 * batch <= 2 * size; slot += 2 * batch) {
        for (let i = 0; i < batch; i++) addPair(pair, 1, 1);
        pair.ring.publish();
        region.u16[offset >>> 1] = (event % size) | (event < size ? 0x8000 : 0);
        region.u16[(offset >>> 1) + 1] = 2;
        said.push(pair.ring.shouldNotify());
        wanted.push(event >= slot && event < slot + 2 * batch);
        pair.device.notify(0);
        pair.echo.complete(0, [0, 1, 2].slice(0, batch));
        while (pair.ring.pollUsed() >= 0);
      }
      assert.equal(said, wanted, `event ${event}, batches of ${batch}`);
    }
  }
});
notifications("split: notification data is the available index", () => {
  const pair = new RingPair(PLAIN, 2);
  for (let i = 0; i < 0x8003; i++) {
    assert.is(pair.ring.notificationData(), i & 0xffff);
    pair.elements.clear();
    pair.elements.readable(0, 0x8000_0000, 1);
    pair.ring.add(pair.elements);
    assert.is(pair.ring.notificationData(), i & 0xffff, "not yet made available");
    pair.kick();
    pair.ring.pollUsed();
  }
});
notifications("packed: notification data is position and wrap counter", () => {
  const pair = new RingPair({ ...PLAIN, format: "packed" }, 3);
  for (const expected of [0x8000, 0x8001, 0x8002, 0x0000, 0x0001, 0x0002, 0x8000]) {
    assert.is(pair.ring.notificationData(), expected);
    pair.elements.clear();
    pair.elements.readable(0, 0x8000_0000, 1);
    pair.ring.add(pair.elements);
    assert.is(pair.ring.notificationData(), expected, "not yet made available");
    pair.kick();
    pair.ring.pollUsed();
  }
});
notifications.run();

const hostile = suite("driver rings, devices that lie");
/** Makes the ring see one used entry. */
function forge({ ring }: { ring: DriverRing }, id: number, lengthBytes: number, idx = 1): void {
  const { desc, device } = ring.memory;
  if (ring.format === "split") {
    const { region, offset } = device;
    region.u32[(offset >>> 2) + 1] = id;
    region.u32[(offset >>> 2) + 2] = lengthBytes;
    region.u16[(offset >>> 1) + 1] = idx;
  } else {
    const { region, offset } = desc;
    region.u32[(offset >>> 2) + 2] = lengthBytes;
    region.u32[(offset >>> 2) + 3] = ((0x8080 | (lengthBytes > 0 ? 2 : 0)) * 65536 + id) >>> 0;
  }
}
for (const format of FORMATS) {
  for (const inOrder of [false, true]) {
    const kind: RingKind = { ...PLAIN, format, inOrder };
    const name = kindName(kind);
    for (const [what, id, lengthBytes, code] of [
      ["an id beyond the queue", 8, 0, "used-id-out-of-range"],
      ["an id beyond 16 bits", 0xffff, 0, "used-id-out-of-range"],
      ["an id that is free", 5, 0, "used-id-not-in-flight"],
      ["more bytes than there is room", 0, 9, "used-length"],
      ["four billion bytes", 0, 0xffffffff, "used-length"],
    ] as const) {
      hostile(`${name}: ${what}`, () => {
        const pair = new RingPair(kind, 8, { hold: true });
        assert.is(addPair(pair, 1).token, 0);
        pair.kick();
        forge(pair, id, lengthBytes);
        const eio = (error: unknown) => error instanceof DriverError && error.code === "EIO";
        assert.throws(() => pair.ring.pollUsed(), eio);
        assert.is(pair.ring.violation?.code, code);
        assert.throws(() => pair.ring.pollUsed(), eio);
        assert.throws(() => addPair(pair, 1), eio);
        assert.is(pair.ring.inFlight, 1);
        pair.ring.reset();
        assert.is(pair.ring.violation, null);
        assert.is(pair.ring.freeSlots, 8);
      });
    }
    hostile(`${name}: a buffer it was never shown`, () => {
      const pair = new RingPair(kind, 8, { hold: true });
      addPair(pair, 1);
      pair.kick();
      const { token } = addPair(pair, 2);
      forge(pair, token, 0);
      assert.throws(() => pair.ring.pollUsed(), /used-id-not-in-flight/);
    });
    hostile(`${name}: a buffer returned twice`, () => {
      const pair = new RingPair(kind, 8, { hold: true });
      addPair(pair, 1);
      addPair(pair, 2);
      pair.kick();
      forge(pair, 0, 0);
      assert.is(pair.ring.pollUsed(), 0);
      const { desc, device } = pair.ring.memory;
      if (format === "split") device.region.u16[(device.offset >>> 1) + 1] = 2;
      else desc.region.u32[(desc.offset >>> 2) + 2 * 4 + 3] = 0x8080_0000;
      assert.throws(() => pair.ring.pollUsed(), /used-id-not-in-flight/);
    });
    hostile(`${name}: a longer length is cut where the caller allows it`, () => {
      const pair = new RingPair(kind, 8, { hold: true });
      const ring = createDriverRing(
        { ...kind, size: 8, excessLength: "clamp" },
        { allocator: pair.allocator },
      );
      addPair(pair, 1);
      assert.is(ring.add(pair.elements), 0);
      ring.publish();
      forge({ ring }, 0, 100);
      assert.is(ring.pollUsed(), 0);
      assert.is(ring.lastWritten, 8);
    });
  }
  hostile(`${format}, in order: an id further on than the used index`, () => {
    const pair = new RingPair({ ...PLAIN, format, inOrder: true }, 8, { hold: true });
    const first = addPair(pair, 1).token;
    const second = addPair(pair, 2).token;
    pair.kick();
    forge(pair, second, 0, 1);
    if (format === "split") {
      assert.throws(() => pair.ring.pollUsed(), /used-id-not-in-flight/);
    } else {
      // There is no index to contradict it: both came back.
      assert.is(pair.ring.pollUsed(), first);
      assert.is(pair.ring.pollUsed(), second);
    }
  });
}
hostile("split: a used index that jumps or goes back", () => {
  for (const idx of [2, 0xffff, 0x8000]) {
    const pair = new RingPair(PLAIN, 8, { hold: true });
    addPair(pair, 1);
    pair.kick();
    addPair(pair, 2);
    forge(pair, 0, 0, idx);
    assert.throws(() => pair.ring.pollUsed(), /used-idx-jump/);
    assert.is(pair.ring.violation?.value, idx);
  }
});
hostile("what the device rewrites in the descriptors changes nothing", () => {
  for (const format of FORMATS) {
    const pair = new RingPair({ ...PLAIN, format }, 8, { hold: true });
    const first = addPair(pair, 1).token;
    pair.kick();
    const { desc } = pair.ring.memory;
    const from = desc.offset >>> 2;
    if (format === "split") desc.region.u32.fill(0xffffffff, from, from + 32);
    else desc.region.u32.fill(0x7fff7fff, from + 4, from + 32);
    if (format === "split") forge(pair, first, 0);
    else pair.echo.complete(0, [0]);
    assert.is(pair.ring.pollUsed(), first);
    assert.is(pair.ring.freeSlots, 8);
    const tokens = [1, 2, 3, 4].map((fill) => addPair(pair, fill).token);
    assert.is(new Set(tokens).size, 4);
    assert.is(addPair(pair, 1).token, -1);
  }
});
hostile.run();

const growing = suite("driver rings, growing memory");
for (const format of FORMATS) {
  growing(`${format}: a WebAssembly memory that grows under the ring`, () => {
    const source = { buffer: new ArrayBuffer(1 << 16) };
    const grow = () => {
      const larger = new ArrayBuffer(source.buffer.byteLength + 65536);
      new Uint8Array(larger).set(new Uint8Array(source.buffer));
      source.buffer = larger;
    };
    const memory = new GuestMemory([{ base: 0, memory: source }]);
    const allocator = new GuestAllocator(memory);
    const ring = createDriverRing({ format, size: 4, indirectDesc: true }, { allocator });
    const buffer = allocator.allocate(16);
    const elements = new ElementList();
    elements.readable(buffer.hi, buffer.lo, 8);
    elements.writable(buffer.hi, buffer.lo + 8, 8);
    grow();
    const token = ring.add(elements);
    grow();
    ring.publish();
    grow();
    memory.sync();
    const { desc, device } = ring.memory;
    if (format === "split") {
      device.region.u32[(device.offset >>> 2) + 1] = token;
      device.region.u16[(device.offset >>> 1) + 1] = 1;
    } else {
      assert.is((desc.region.u16[(desc.offset >>> 1) + 7] as number) & 0x8080, 0x80);
      desc.region.u16[(desc.offset >>> 1) + 7] = 0x8080;
    }
    grow();
    assert.ok(ring.hasUsed());
    assert.is(ring.pollUsed(), token);
  });
}
growing.run();
