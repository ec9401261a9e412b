// The device's note of which buffer ids it holds grows with the ids that drivers use, and begins anew after a restore.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DmaSpace, GuestMemory } from "../../../src/memory/index.ts";
import { RawPackedRing } from "../../../src/testing/index.ts";
import { activateQueue, type DeviceQueue, type QueueProgress } from "../../../src/virtqueue/index.ts";
import { faults, popped, queueOptions } from "../../support/queue-asserts.ts";

const test = suite("packed buffer ids");

const SIZE = 8;
const DATA = 0x4000;
/** At the edges of the ring, of what room is made for, and of 16 bits. */
const IDS = [SIZE - 1, SIZE, SIZE + 1, 2 * SIZE + 1, 2 * SIZE + 2, 0x7fff, 0x8000, 0xfffe, 0xffff];

function setUp() {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const ring = new RawPackedRing(memory, 0x1000, SIZE);
  const activate = (progress: QueueProgress | null): DeviceQueue => {
    const queue = activateQueue("packed", ring.config(), new DmaSpace(memory), queueOptions(), progress);
    assert.ok("pop" in queue, "activation");
    return queue as DeviceQueue;
  };
  return { ring, activate, queue: activate(null) };
}

type Ring = ReturnType<typeof setUp>["ring"];

const offer = (ring: Ring, id: number): void => ring.offer([{ addr: DATA, len: 1 }], id);

/** Uses one buffer, and the driver takes note. */
function use(ring: Ring, queue: DeviceQueue, id: number): void {
  offer(ring, id);
  queue.push(popped(queue), 0);
  queue.flush();
  assert.equal(ring.takeUsed(1), { id, len: 0, write: false });
}

/** Offers an id twice: the second time is refused, whichever it is. */
function refusedTwice(ring: Ring, queue: DeviceQueue, id: number): void {
  offer(ring, id);
  assert.is(popped(queue).head, id);
  offer(ring, id);
  faults(queue, "buffer-in-flight");
  assert.is(queue.fault?.value, id);
}

for (const id of IDS) {
  test(`id ${id} is refused while it is in flight, as the first one that room is made for`, () => {
    const { ring, queue } = setUp();
    refusedTwice(ring, queue, id);
  });

  test(`id ${id} is refused while it is in flight, once room was made for smaller and larger ones`, () => {
    const { ring, queue } = setUp();
    for (const earlier of [SIZE, 0xffff, 0, id]) use(ring, queue, earlier);
    refusedTwice(ring, queue, id);
  });

  test(`id ${id} stays refused when room is made for another`, () => {
    const { ring, queue } = setUp();
    offer(ring, id);
    popped(queue);
    const other = id === 0xffff ? 0xfffd : 0xffff;
    offer(ring, other);
    assert.is(popped(queue).head, other);
    offer(ring, id);
    faults(queue, "buffer-in-flight");
  });

  test(`id ${id} is taken and then refused in a queue that was restored`, () => {
    const { ring, activate, queue } = setUp();
    use(ring, queue, id);
    const restored = activate(queue.progress());
    use(ring, restored, id);
    refusedTwice(ring, restored, id);
  });
}

test.run();
